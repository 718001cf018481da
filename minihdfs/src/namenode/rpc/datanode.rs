//! Registration, heartbeats and problems of DataNodes.

use super::registered::{caller, verify_request, verify_software_version};
use crate::HdfsError;
use crate::namenode::NameNode;
use crate::proto::hdfs::datanode::{
    ErrorReportRequestProto, ErrorReportResponseProto, HeartbeatRequestProto,
    HeartbeatResponseProto, LifelineResponseProto, RegisterDatanodeRequestProto,
    RegisterDatanodeResponseProto,
};
use crate::proto::hdfs::nnha_status_heartbeat_proto::State;
use crate::proto::hdfs::{NnhaStatusHeartbeatProto, VersionRequestProto, VersionResponseProto};
use crate::protocol::wire::commands::command;
use crate::protocol::wire::keys::exported;
use crate::protocol::wire::reports::{datanode_error, heartbeat_report};
use crate::protocol::{DatanodeCommand, DatanodeError, DatanodeProtocol};
use crate::rpc::Call;

/// The lease for a full block report that every DataNode gets. Hadoop limits the number of reports
/// at the same time by leases.
const LEASE: u64 = 1;

/// Describes the namespace.
pub(super) fn version_request(
    namenode: &NameNode,
    _call: &Call<'_>,
    _request: VersionRequestProto,
) -> Result<VersionResponseProto, HdfsError> {
    Ok(VersionResponseProto {
        info: (&namenode.version_request()).into(),
    })
}

/// Registers a DataNode, and hands it the block keys.
pub(super) fn register_datanode(
    namenode: &NameNode,
    call: &Call<'_>,
    request: RegisterDatanodeRequestProto,
) -> Result<RegisterDatanodeResponseProto, HdfsError> {
    let mut registration = request.registration;
    verify_software_version(&registration)?;
    let datanode = caller(call, &registration)?;
    let keys = namenode.register_datanode(call.now, &datanode)?;
    registration.datanode_id.ip_addr = datanode.ip.to_string();
    registration.keys = exported(keys.as_ref());
    Ok(RegisterDatanodeResponseProto { registration })
}

/// Takes a heartbeat, and returns the pending commands.
pub(super) fn send_heartbeat(
    namenode: &NameNode,
    call: &Call<'_>,
    request: HeartbeatRequestProto,
) -> Result<HeartbeatResponseProto, HdfsError> {
    let commands = heartbeat(namenode, call, &request)?;
    let ns = namenode.read();
    let commands = commands
        .iter()
        .map(|order| command(order, &namenode.block_pool_id));
    Ok(HeartbeatResponseProto {
        cmds: commands.collect(),
        ha_status: NnhaStatusHeartbeatProto {
            state: State::Active.into(),
            txid: ns.state().transaction_id().cast_unsigned(),
        },
        full_block_report_lease_id: request.request_full_block_report_lease().then_some(LEASE),
        ..HeartbeatResponseProto::default()
    })
}

/// Takes a sign of life from a DataNode whose heartbeats are late. Its commands wait for those.
pub(super) fn send_lifeline(
    namenode: &NameNode,
    call: &Call<'_>,
    request: HeartbeatRequestProto,
) -> Result<LifelineResponseProto, HdfsError> {
    verify_request(namenode, &request.registration)?;
    let datanode = caller(call, &request.registration)?;
    let report = heartbeat_report(&request)?;
    let mut ns = namenode.lock();
    ns.blocks.datanodes.check_allowed(call.now, &datanode)?;
    let _known = ns.blocks.heartbeat(call.now, &datanode.uuid, &report)?;
    Ok(LifelineResponseProto {})
}

fn heartbeat(
    namenode: &NameNode,
    call: &Call<'_>,
    request: &HeartbeatRequestProto,
) -> Result<Vec<DatanodeCommand>, HdfsError> {
    verify_request(namenode, &request.registration)?;
    let datanode = caller(call, &request.registration)?;
    let report = heartbeat_report(request)?;
    DatanodeProtocol::send_heartbeat(namenode, call.now, &datanode, &report)
}

/// Takes note of a DataNode's problem.
pub(super) fn error_report(
    namenode: &NameNode,
    call: &Call<'_>,
    request: ErrorReportRequestProto,
) -> Result<ErrorReportResponseProto, HdfsError> {
    let error = datanode_error(request.error_code)?;
    let message = &*kerbox_events::cut(&request.msg);
    if error == DatanodeError::Notify {
        tracing::info!(message, "a DataNode says");
        return Ok(ErrorReportResponseProto {});
    }
    verify_request(namenode, &request.registartion)?;
    let datanode = caller(call, &request.registartion)?;
    namenode.error_report(call.now, &datanode, error, message)?;
    Ok(ErrorReportResponseProto {})
}
