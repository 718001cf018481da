//! Safe mode and queries of administration tools.

use kerbox_events::StateChange;

use crate::HdfsError;
use crate::namenode::NameNode;
use crate::namenode::events::safe_mode_event;
use crate::proto::hdfs::{
    CreateEncryptionZoneRequestProto, CreateEncryptionZoneResponseProto,
    GetCurrentEditLogTxidRequestProto, GetCurrentEditLogTxidResponseProto,
    GetEzForPathRequestProto, GetEzForPathResponseProto, ListEncryptionZonesRequestProto,
    ListEncryptionZonesResponseProto, RefreshNodesRequestProto, RefreshNodesResponseProto,
    SafeModeActionProto, SetBalancerBandwidthRequestProto, SetBalancerBandwidthResponseProto,
    SetSafeModeRequestProto, SetSafeModeResponseProto,
};
use crate::rpc::Call;

use crate::namenode::access::permission::{FsAction, Need};

/// The maximum bandwidth for moves, in bytes per second (`MAX_BANDWIDTH_PER_DATANODE`).
const MAX_BALANCER_BANDWIDTH: i64 = 1 << 40;

impl NameNode {
    /// Returns whether safe mode is on. Any user may query it; only the superuser may change it.
    pub(crate) fn set_safe_mode(
        &self,
        call: &Call<'_>,
        request: SetSafeModeRequestProto,
    ) -> Result<SetSafeModeResponseProto, HdfsError> {
        let action = request.action();
        let operation = match action {
            SafeModeActionProto::SafemodeGet => None,
            SafeModeActionProto::SafemodeEnter => Some("safemode_enter"),
            SafeModeActionProto::SafemodeLeave => Some("safemode_leave"),
            SafeModeActionProto::SafemodeForceExit => Some("safemode_force_exit"),
        };
        let Some(operation) = operation else {
            let result = self.read().safe_mode.is_on();
            return Ok(SetSafeModeResponseProto { result });
        };
        self.checker(call).check_superuser(operation)?;
        let mut ns = self.lock();
        let event = match action {
            SafeModeActionProto::SafemodeGet => None,
            SafeModeActionProto::SafemodeEnter => {
                let was_on = ns.safe_mode.is_on();
                ns.safe_mode.enter();
                (!was_on).then(|| safe_mode_event(StateChange::SafeModeOn))
            }
            SafeModeActionProto::SafemodeLeave | SafeModeActionProto::SafemodeForceExit => {
                let force = action == SafeModeActionProto::SafemodeForceExit;
                let left = ns.leave_safe_mode(call.now, force);
                left.then(|| self.safe_mode_ended(call.now, &mut ns))
            }
        };
        let result = ns.safe_mode.is_on();
        drop(ns);
        if let Some(event) = event {
            self.hook.record(call.now, event);
        }
        Ok(SetSafeModeResponseProto { result })
    }

    /// Reads the lists of DataNodes again.
    pub(crate) fn refresh_nodes(
        &self,
        call: &Call<'_>,
        _request: RefreshNodesRequestProto,
    ) -> Result<RefreshNodesResponseProto, HdfsError> {
        self.checker(call).check_superuser("refreshNodes")?;
        self.refresh_hosts(call.now)?;
        Ok(RefreshNodesResponseProto {})
    }

    /// Tells the living DataNodes how fast they may move blocks for a balancer.
    pub(crate) fn set_balancer_bandwidth(
        &self,
        call: &Call<'_>,
        request: SetBalancerBandwidthRequestProto,
    ) -> Result<SetBalancerBandwidthResponseProto, HdfsError> {
        if request.bandwidth > MAX_BALANCER_BANDWIDTH {
            return Err(HdfsError::illegal_argument(format!(
                "Bandwidth should not exceed maximum limit {MAX_BALANCER_BANDWIDTH} bytes per second"
            )));
        }
        self.checker(call).check_superuser("setBalancerBandwidth")?;
        let bandwidth = request.bandwidth.max(0).unsigned_abs();
        self.lock().blocks.datanodes.set_bandwidth(bandwidth);
        Ok(SetBalancerBandwidthResponseProto {})
    }

    /// Returns the number of changes so far. Clients ask before they ask for the events of changes,
    /// so these are kept from now on.
    pub(crate) fn get_current_edit_log_txid(
        &self,
        call: &Call<'_>,
        _request: GetCurrentEditLogTxidRequestProto,
    ) -> Result<GetCurrentEditLogTxidResponseProto, HdfsError> {
        self.checker(call)
            .check_superuser("getCurrentEditLogTxid")?;
        let mut ns = self.lock();
        ns.keep_events();
        Ok(GetCurrentEditLogTxidResponseProto {
            txid: ns.state().transaction_id(),
        })
    }

    /// Returns nothing, since no path is in an encryption zone.
    pub(crate) fn get_ez_for_path(
        &self,
        call: &Call<'_>,
        request: GetEzForPathRequestProto,
    ) -> Result<GetEzForPathResponseProto, HdfsError> {
        let checker = self.checker(call);
        let ns = self.read();
        let path = ns.namespace().resolve(&request.src)?;
        checker.check(ns.namespace(), &path, Need::path(FsAction::READ))?;
        Ok(GetEzForPathResponseProto { zone: None })
    }

    /// Returns an empty list of encryption zones.
    pub(crate) fn list_encryption_zones(
        &self,
        call: &Call<'_>,
        _request: ListEncryptionZonesRequestProto,
    ) -> Result<ListEncryptionZonesResponseProto, HdfsError> {
        self.checker(call).check_superuser("listEncryptionZones")?;
        Ok(ListEncryptionZonesResponseProto {
            zones: Vec::new(),
            has_more: false,
        })
    }

    /// Fails, as on a NameNode without a key provider.
    pub(crate) fn create_encryption_zone(
        &self,
        call: &Call<'_>,
        request: CreateEncryptionZoneRequestProto,
    ) -> Result<CreateEncryptionZoneResponseProto, HdfsError> {
        self.checker(call).check_superuser("createEncryptionZone")?;
        Err(HdfsError::io(format!(
            "Can't create an encryption zone for {} since no key provider is available.",
            request.src
        )))
    }
}
