//! What a NameNode that makes checkpoints for another asks of it: the SecondaryNameNode.

use std::sync::Arc;

use crate::HdfsError;
use crate::namenode::{NameNode, NameStorage};
use crate::proto::hdfs::namenode::{
    ErrorReportRequestProto, ErrorReportResponseProto, GetEditLogManifestRequestProto,
    GetEditLogManifestResponseProto, GetMostRecentCheckpointTxIdRequestProto,
    GetMostRecentCheckpointTxIdResponseProto, RollEditLogRequestProto, RollEditLogResponseProto,
};
use crate::proto::hdfs::{
    CheckpointSignatureProto, NamenodeRegistrationProto, RemoteEditLogManifestProto,
    RemoteEditLogProto,
};
use crate::protocol::StorageInfo;
use crate::rpc::Call;

/// Returns the last transaction of the newest image.
pub(super) fn get_most_recent_checkpoint_tx_id(
    namenode: &NameNode,
    call: &Call<'_>,
    _request: GetMostRecentCheckpointTxIdRequestProto,
) -> Result<GetMostRecentCheckpointTxIdResponseProto, HdfsError> {
    let checker = namenode.checker(call);
    checker.check_superuser("getMostRecentCheckpointTxId")?;
    Ok(GetMostRecentCheckpointTxIdResponseProto {
        tx_id: files(namenode)?.most_recent_checkpoint().cast_unsigned(),
    })
}

/// Ends a segment of the edit log, and returns what identifies the checkpoint that may follow.
pub(super) fn roll_edit_log(
    namenode: &NameNode,
    call: &Call<'_>,
    _request: RollEditLogRequestProto,
) -> Result<RollEditLogResponseProto, HdfsError> {
    namenode.checker(call).check_superuser("rollEditLog")?;
    let signature = roll(namenode, "Log not rolled")?;
    Ok(RollEditLogResponseProto { signature })
}

/// Ends a segment of the edit log. Returns what identifies the checkpoint that may follow
/// (`CheckpointSignature`). `not_done` says what does not happen in safe mode.
pub(super) fn roll(
    namenode: &NameNode,
    not_done: &str,
) -> Result<CheckpointSignatureProto, HdfsError> {
    let files = files(namenode)?;
    let mut ns = namenode.lock();
    if ns.safe_mode.is_on() {
        return Err(namenode.in_safe_mode(&ns, format_args!("{not_done}")));
    }
    ns.roll_edits()?;
    let segment = ns.state().transaction_id();
    drop(ns);
    Ok(CheckpointSignatureProto {
        block_pool_id: namenode.block_pool_id.to_string(),
        most_recent_checkpoint_tx_id: files.most_recent_checkpoint().cast_unsigned(),
        cur_segment_tx_id: segment.cast_unsigned(),
        storage_info: (&namenode.storage_info()).into(),
    })
}

/// Returns the finished segments of the edit log.
pub(super) fn get_edit_log_manifest(
    namenode: &NameNode,
    call: &Call<'_>,
    request: GetEditLogManifestRequestProto,
) -> Result<GetEditLogManifestResponseProto, HdfsError> {
    namenode
        .checker(call)
        .check_superuser("getEditLogManifest")?;
    let since = request.since_tx_id.cast_signed();
    let segments = files(namenode)?.edit_segments(since)?;
    let logs = segments.into_iter().map(|segment| RemoteEditLogProto {
        start_tx_id: segment.first.cast_unsigned(),
        end_tx_id: segment.last.cast_unsigned(),
        is_in_progress: None,
    });
    Ok(GetEditLogManifestResponseProto {
        manifest: RemoteEditLogManifestProto {
            logs: logs.collect(),
            committed_txn_id: None,
        },
    })
}

/// Takes note of another NameNode's problem.
pub(super) fn error_report(
    namenode: &NameNode,
    call: &Call<'_>,
    request: ErrorReportRequestProto,
) -> Result<ErrorReportResponseProto, HdfsError> {
    namenode.checker(call).check_superuser("errorReport")?;
    verify_request(namenode, &request.registration)?;
    let address = kerbox_events::cut(&request.registration.rpc_address);
    let message = kerbox_events::cut(&request.msg);
    tracing::warn!(%address, %message, "another NameNode reports a problem");
    Ok(ErrorReportResponseProto {})
}

/// Fails if a NameNode is of another namespace (`NameNodeRpcServer.verifyRequest`).
pub(super) fn verify_request(
    namenode: &NameNode,
    registered: &NamenodeRegistrationProto,
) -> Result<(), HdfsError> {
    let storage = StorageInfo::from(&registered.storage_info);
    if storage.registration_id() == namenode.storage_info().registration_id() {
        return Ok(());
    }
    let address = kerbox_events::cut(&registered.rpc_address);
    let role = registered.role().as_str_name();
    Err(HdfsError::unregistered_node(format!(
        "Unregistered server: NamenodeRegistration({address}, role={role})"
    )))
}

/// Returns the files of the namespace.
pub(super) fn files(namenode: &NameNode) -> Result<&Arc<dyn NameStorage>, HdfsError> {
    namenode.storage().ok_or_else(|| {
        HdfsError::unsupported_action(
            "This NameNode keeps its namespace in memory and makes no checkpoints: start it with a \
             folder for its data",
        )
    })
}
