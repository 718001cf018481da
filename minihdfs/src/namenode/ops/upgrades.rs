//! Upgrades, and the restoration of failed storage directories.

use std::sync::atomic::Ordering;

use crate::HdfsError;
use crate::namenode::NameNode;
use crate::proto::hdfs::{
    FinalizeUpgradeRequestProto, FinalizeUpgradeResponseProto, RestoreFailedStorageRequestProto,
    RestoreFailedStorageResponseProto, RollingUpgradeActionProto, RollingUpgradeRequestProto,
    RollingUpgradeResponseProto, UpgradeStatusRequestProto, UpgradeStatusResponseProto,
};
use crate::rpc::Call;

impl NameNode {
    /// Removes what the NameNode and its DataNodes keep of the time before an upgrade. The
    /// DataNodes learn of it by their next heartbeats.
    pub(crate) fn finalize_upgrade(
        &self,
        call: &Call<'_>,
        _request: FinalizeUpgradeRequestProto,
    ) -> Result<FinalizeUpgradeResponseProto, HdfsError> {
        self.checker(call).check_superuser("finalizeUpgrade")?;
        if !self.is_upgrade_finalized()
            && let Some(files) = self.storage()
        {
            files.finalize_upgrade()?;
            self.lock().blocks.datanodes.finalize_upgrade();
        }
        Ok(FinalizeUpgradeResponseProto {})
    }

    /// Returns whether nothing is kept of the time before an upgrade.
    pub(crate) fn upgrade_status(
        &self,
        _call: &Call<'_>,
        _request: UpgradeStatusRequestProto,
    ) -> Result<UpgradeStatusResponseProto, HdfsError> {
        Ok(UpgradeStatusResponseProto {
            upgrade_finalized: self.is_upgrade_finalized(),
        })
    }

    /// Returns whether nothing is kept of the time before an upgrade.
    pub(crate) fn is_upgrade_finalized(&self) -> bool {
        let files = self.storage();
        files.is_none_or(|files| files.is_upgrade_finalized())
    }

    /// Returns the rolling upgrade in progress, of which there is none; finalizing none succeeds,
    /// also in safe mode. Starting one fails: there is no image to roll back to.
    pub(crate) fn rolling_upgrade(
        &self,
        call: &Call<'_>,
        request: RollingUpgradeRequestProto,
    ) -> Result<RollingUpgradeResponseProto, HdfsError> {
        let action = request.action();
        self.checker(call).check_superuser(match action {
            RollingUpgradeActionProto::Query => "queryRollingUpgrade",
            RollingUpgradeActionProto::Start => "startRollingUpgrade",
            RollingUpgradeActionProto::Finalize => "finalizeRollingUpgrade",
        })?;
        match action {
            RollingUpgradeActionProto::Query | RollingUpgradeActionProto::Finalize => {}
            RollingUpgradeActionProto::Start if !self.read().safe_mode.is_on() => {
                return Err(HdfsError::io(
                    "Safe mode should be turned ON in order to create namespace image.",
                ));
            }
            RollingUpgradeActionProto::Start => {
                return Err(HdfsError::unsupported_operation(
                    "Rolling upgrades are not supported: this NameNode has no image to roll back to",
                ));
            }
        }
        Ok(RollingUpgradeResponseProto {
            rolling_upgrade_info: None,
        })
    }

    /// Switches the restoration of failed storage directories on (`true`) or off (anything else),
    /// or returns its state (`check`). No directory ever fails.
    pub(crate) fn restore_failed_storage(
        &self,
        call: &Call<'_>,
        request: RestoreFailedStorageRequestProto,
    ) -> Result<RestoreFailedStorageResponseProto, HdfsError> {
        let restore = &self.restore_failed_storage;
        self.checker(call).check_superuser(match &*request.arg {
            "check" => "checkRestoreFailedStorage",
            "true" => "enableRestoreFailedStorage",
            _ => "disableRestoreFailedStorage",
        })?;
        if request.arg != "check" {
            restore.store(request.arg == "true", Ordering::Relaxed);
        }
        Ok(RestoreFailedStorageResponseProto {
            result: restore.load(Ordering::Relaxed),
        })
    }
}
