//! Reports of usage, of changed replicas and of recoveries.

use std::sync::Arc;

use super::registration::{located, name};
use crate::HdfsError;
use crate::proto::hdfs::datanode::received_deleted_block_info_proto::BlockStatus as Status;
use crate::proto::hdfs::datanode::{
    CommitBlockSynchronizationRequestProto, ReceivedDeletedBlockInfoProto,
    StorageReceivedDeletedBlocksProto,
};
use crate::proto::hdfs::{DatanodeStorageProto, LocatedBlockProto, StorageReportProto};
use crate::protocol::{
    BadBlock, BlockStatus, BlockSynchronization, DatanodeError, ReceivedDeletedBlock,
    RecoveredReplica, StorageReport,
};

/// The maximum number of replicas that one recovery reports.
const MAX_TARGETS: usize = 512;

/// Adds up the storages of a DataNode, of which all count as one. It has the id that sorts first,
/// so that it stays the same.
///
/// # Errors
/// Fails if an id is too long.
pub(crate) fn storage_report(
    reports: &[StorageReportProto],
    xceivers: u32,
) -> Result<StorageReport, HdfsError> {
    let ids = reports.iter().map(|report| &*report.storage_uuid).min();
    let mut sum = StorageReport {
        storage_id: name("storageUuid", ids.unwrap_or_default())?.into(),
        xceivers,
        ..StorageReport::default()
    };
    for report in reports.iter().filter(|report| !report.failed()) {
        sum.capacity = sum.capacity.saturating_add(report.capacity());
        sum.dfs_used = sum.dfs_used.saturating_add(report.dfs_used());
        sum.remaining = sum.remaining.saturating_add(report.remaining());
    }
    Ok(sum)
}

impl From<&StorageReport> for StorageReportProto {
    fn from(report: &StorageReport) -> Self {
        Self {
            storage_uuid: report.storage_id.to_string(),
            failed: Some(false),
            capacity: Some(report.capacity),
            dfs_used: Some(report.dfs_used),
            remaining: Some(report.remaining),
            block_pool_used: Some(report.dfs_used),
            storage: Some(storage(&report.storage_id)),
            ..Self::default()
        }
    }
}

/// Returns a storage of type DISK.
pub(crate) fn storage(id: &str) -> DatanodeStorageProto {
    DatanodeStorageProto {
        storage_uuid: id.to_owned(),
        ..DatanodeStorageProto::default()
    }
}

impl From<&ReceivedDeletedBlockInfoProto> for ReceivedDeletedBlock {
    fn from(info: &ReceivedDeletedBlockInfoProto) -> Self {
        Self {
            block: (&info.block).into(),
            status: match info.status() {
                Status::Receiving => BlockStatus::Receiving,
                Status::Received => BlockStatus::Received,
                Status::Deleted => BlockStatus::Deleted,
            },
            delete_hint: info
                .delete_hint
                .as_deref()
                .filter(|uuid| !uuid.is_empty())
                .map(Arc::from),
        }
    }
}

/// Returns the message for changes of replicas in one storage.
pub(crate) fn changes(
    storage_id: &str,
    blocks: &[ReceivedDeletedBlock],
) -> StorageReceivedDeletedBlocksProto {
    let changed = blocks.iter().map(|changed| ReceivedDeletedBlockInfoProto {
        block: changed.block.into(),
        delete_hint: changed.delete_hint.as_deref().map(str::to_owned),
        status: match changed.status {
            BlockStatus::Receiving => Status::Receiving.into(),
            BlockStatus::Received => Status::Received.into(),
            BlockStatus::Deleted => Status::Deleted.into(),
        },
    });
    StorageReceivedDeletedBlocksProto {
        storage_uuid: storage_id.to_owned(),
        blocks: changed.collect(),
        storage: Some(storage(storage_id)),
    }
}

/// Reads the kind of a problem.
///
/// # Errors
/// Fails if there is no such kind.
pub(crate) fn datanode_error(code: u32) -> Result<DatanodeError, HdfsError> {
    Ok(match code {
        0 => DatanodeError::Notify,
        1 => DatanodeError::DiskError,
        2 => DatanodeError::InvalidBlock,
        3 => DatanodeError::FatalDiskError,
        _ => {
            return Err(HdfsError::illegal_argument(format!(
                "There is no errorCode {code}: they are 0 to 3"
            )));
        }
    })
}

/// Returns the replicas that do not match their checksums, one for each location.
pub(crate) fn bad_blocks(blocks: &[LocatedBlockProto]) -> Vec<BadBlock> {
    let each = blocks.iter().flat_map(|located| {
        located.locs.iter().map(|location| BadBlock {
            block: (&located.b).into(),
            datanode: location.id.datanode_uuid.as_str().into(),
        })
    });
    each.collect()
}

/// Reads the result of a recovery.
///
/// # Errors
/// Fails if it names too many replicas, or a DataNode that is none.
pub(crate) fn synchronization(
    request: &CommitBlockSynchronizationRequestProto,
) -> Result<BlockSynchronization, HdfsError> {
    let count = request.new_taragets.len();
    if count > MAX_TARGETS {
        return Err(HdfsError::illegal_argument(format!(
            "The recovery has {count} replicas, more than {MAX_TARGETS}"
        )));
    }
    let storages = &request.new_target_storages;
    let storage = |index: usize| storages.get(index).map(String::as_str).unwrap_or_default();
    let targets = request.new_taragets.iter().enumerate();
    let targets = targets.map(|(index, id)| {
        Ok(RecoveredReplica {
            datanode: located(id)?,
            storage_id: Arc::from(storage(index)),
        })
    });
    Ok(BlockSynchronization {
        block: (&request.block).into(),
        new_generation_stamp: request.new_gen_stamp,
        new_length: request.new_length,
        delete_block: request.delete_block,
        new_targets: targets.collect::<Result<_, HdfsError>>()?,
    })
}
