//! What DataNodes report about replicas.

use super::registered::{caller, verify_request};
use crate::HdfsError;
use crate::error::Class;
use crate::namenode::NameNode;
use crate::proto::hdfs::datanode::{
    BlockReceivedAndDeletedRequestProto, BlockReceivedAndDeletedResponseProto,
    BlockReportRequestProto, BlockReportResponseProto, CacheReportRequestProto,
    CacheReportResponseProto, CommitBlockSynchronizationRequestProto,
    CommitBlockSynchronizationResponseProto, ReportBadBlocksRequestProto,
    ReportBadBlocksResponseProto,
};
use crate::protocol::wire::registration::name;
use crate::protocol::wire::reports::{bad_blocks, synchronization};
use crate::protocol::wire::{block_list, commands};
use crate::protocol::{DatanodeProtocol, ReceivedDeletedBlock};
use crate::rpc::Call;

/// Takes the report of all replicas. A DataNode that is not registered gets the order to register.
pub(super) fn block_report(
    namenode: &NameNode,
    call: &Call<'_>,
    request: BlockReportRequestProto,
) -> Result<BlockReportResponseProto, HdfsError> {
    verify_request(namenode, &request.registration)?;
    let datanode = caller(call, &request.registration)?;
    if let Some(context) = request.context.filter(|context| context.total_rpcs > 1) {
        return Err(HdfsError::unsupported_operation(format!(
            "This NameNode takes a block report in one call, not in {}: set \
             dfs.blockreport.split.threshold of the DataNode above the number of its blocks",
            context.total_rpcs
        )));
    }
    let storages = request.reports.iter();
    let ids = storages.map(|report| &*report.storage.storage_uuid);
    let Some(storage_id) = ids.min() else {
        return Ok(BlockReportResponseProto { cmd: None });
    };
    let storage_id = name("storageUuid", storage_id)?;
    let mut replicas = Vec::new();
    for report in &request.reports {
        block_list::read(report, &mut replicas)?;
    }
    let reported = namenode.block_report(call.now, &datanode, storage_id, &replicas);
    let cmd = match reported {
        Ok(()) => None,
        Err(error) if *error.kind() == Class::UnregisteredNode => Some(commands::register()),
        Err(error) => return Err(error),
    };
    Ok(BlockReportResponseProto { cmd })
}

/// Takes the changes of replicas.
pub(super) fn block_received_and_deleted(
    namenode: &NameNode,
    call: &Call<'_>,
    request: BlockReceivedAndDeletedRequestProto,
) -> Result<BlockReceivedAndDeletedResponseProto, HdfsError> {
    verify_request(namenode, &request.registration)?;
    let datanode = caller(call, &request.registration)?;
    for storage in &request.blocks {
        let changes: Vec<_> = storage
            .blocks
            .iter()
            .map(ReceivedDeletedBlock::from)
            .collect();
        let id = &storage.storage_uuid;
        namenode
            .block_received_and_deleted(call.now, &datanode, id, &changes)
            .map_err(unregistered)?;
    }
    Ok(BlockReceivedAndDeletedResponseProto {})
}

/// Turns the refusal of a DataNode that is not registered into the one after which Hadoop's keeps
/// its changes, instead of ending.
fn unregistered(error: HdfsError) -> HdfsError {
    if *error.kind() == Class::UnregisteredNode {
        return HdfsError::io("Got incremental block report from unregistered or dead node");
    }
    error
}

/// Takes the report of cached replicas, which change nothing: no directive is ever fulfilled.
pub(super) fn cache_report(
    namenode: &NameNode,
    _call: &Call<'_>,
    request: CacheReportRequestProto,
) -> Result<CacheReportResponseProto, HdfsError> {
    verify_request(namenode, &request.registration)?;
    Ok(CacheReportResponseProto { cmd: None })
}

/// Takes the report of replicas that do not match their checksums.
pub(super) fn report_bad_blocks(
    namenode: &NameNode,
    call: &Call<'_>,
    request: ReportBadBlocksRequestProto,
) -> Result<ReportBadBlocksResponseProto, HdfsError> {
    let blocks = bad_blocks(&request.blocks);
    DatanodeProtocol::report_bad_blocks(namenode, call.now, &blocks)?;
    Ok(ReportBadBlocksResponseProto {})
}

/// Finishes a recovery that the NameNode ordered.
pub(super) fn commit_block_synchronization(
    namenode: &NameNode,
    call: &Call<'_>,
    request: CommitBlockSynchronizationRequestProto,
) -> Result<CommitBlockSynchronizationResponseProto, HdfsError> {
    let outcome = synchronization(&request)?;
    namenode.commit_block_synchronization(call.now, &outcome)?;
    Ok(CommitBlockSynchronizationResponseProto {})
}
