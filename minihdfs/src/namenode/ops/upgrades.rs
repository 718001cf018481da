//! Rolling upgrades, and the restoration of failed storage directories.

use std::sync::atomic::Ordering;

use crate::HdfsError;
use crate::namenode::NameNode;
use crate::proto::hdfs::{
    RestoreFailedStorageRequestProto, RestoreFailedStorageResponseProto, RollingUpgradeActionProto,
    RollingUpgradeRequestProto, RollingUpgradeResponseProto,
};
use crate::rpc::Call;

impl NameNode {
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
