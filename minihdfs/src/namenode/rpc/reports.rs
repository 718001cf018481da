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
use crate::protocol::wire::reports::{bad_blocks, changed_in, named, synchronization};
use crate::protocol::wire::{block_list, commands};
use crate::protocol::{DatanodeProtocol, ReceivedDeletedBlock};
use crate::rpc::Call;

/// Takes the report of all replicas, or of some storages: a DataNode with very many replicas makes
/// a call for each storage (`dfs.blockreport.split.threshold`). One that is not registered gets the
/// order to register.
pub(super) fn block_report(
    namenode: &NameNode,
    call: &Call<'_>,
    request: BlockReportRequestProto,
) -> Result<BlockReportResponseProto, HdfsError> {
    verify_request(namenode, &request.registration)?;
    let datanode = caller(call, &request.registration)?;
    let mut answer = None;
    for report in &request.reports {
        let storage = named(&report.storage)?;
        let mut replicas = Vec::new();
        block_list::read(report, &mut replicas)?;
        match namenode.block_report(call.now, &datanode, &storage, &replicas) {
            Ok(ordered) => answer = ordered,
            Err(error) if *error.kind() == Class::UnregisteredNode => {
                let cmd = Some(commands::register());
                return Ok(BlockReportResponseProto { cmd });
            }
            Err(error) => return Err(error),
        }
    }
    let cmd = answer.map(|answer| commands::command(&answer, &namenode.block_pool_id));
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
        let named = changed_in(storage)?;
        namenode
            .block_received_and_deleted(call.now, &datanode, &named, &changes)
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
