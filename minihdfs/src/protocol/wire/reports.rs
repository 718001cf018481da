//! Reports of usage, of changed replicas and of recoveries.

use std::sync::Arc;

use super::registration::{located, name};
use crate::HdfsError;
use crate::proto::hdfs::datanode::received_deleted_block_info_proto::BlockStatus as Status;
use crate::proto::hdfs::datanode::{
    CommitBlockSynchronizationRequestProto, HeartbeatRequestProto, ReceivedDeletedBlockInfoProto,
    StorageReceivedDeletedBlocksProto,
};
use crate::proto::hdfs::{
    DatanodeStorageProto, LocatedBlockProto, StorageReportProto, StorageTypeProto,
};
use crate::protocol::{
    BadBlock, BlockStatus, BlockSynchronization, DatanodeError, DatanodeStorage, HeartbeatReport,
    ReceivedDeletedBlock, RecoveredReplica, StorageReport,
};

/// The maximum number of replicas that one recovery reports.
const MAX_TARGETS: usize = 512;

/// Reads what a heartbeat says.
///
/// # Errors
/// Fails if an id is too long.
pub(crate) fn heartbeat_report(
    request: &HeartbeatRequestProto,
) -> Result<HeartbeatReport, HdfsError> {
    let storages = request.reports.iter().map(storage_report);
    Ok(HeartbeatReport {
        storages: storages.collect::<Result<_, _>>()?,
        xceivers: request.xceiver_count(),
        failed_volumes: request.failed_volumes(),
    })
}

fn storage_report(report: &StorageReportProto) -> Result<StorageReport, HdfsError> {
    let storage = match &report.storage {
        Some(storage) => named(storage)?,
        None => DatanodeStorage::disk(name("storageUuid", &report.storage_uuid)?.into()),
    };
    Ok(StorageReport {
        storage,
        failed: report.failed(),
        capacity: report.capacity(),
        dfs_used: report.dfs_used(),
        remaining: report.remaining(),
    })
}

impl From<&StorageReport> for StorageReportProto {
    fn from(report: &StorageReport) -> Self {
        Self {
            storage_uuid: report.storage.id.to_string(),
            failed: Some(report.failed),
            capacity: Some(report.capacity),
            dfs_used: Some(report.dfs_used),
            remaining: Some(report.remaining),
            block_pool_used: Some(report.dfs_used),
            storage: Some((&report.storage).into()),
            ..Self::default()
        }
    }
}

impl From<&DatanodeStorage> for DatanodeStorageProto {
    fn from(storage: &DatanodeStorage) -> Self {
        Self {
            storage_uuid: storage.id.to_string(),
            storage_type: Some(storage.kind.into()),
            ..Self::default()
        }
    }
}

/// Reads the id and the type of a storage.
///
/// # Errors
/// Fails if the id is too long.
pub(crate) fn named(storage: &DatanodeStorageProto) -> Result<DatanodeStorage, HdfsError> {
    Ok(DatanodeStorage {
        id: name("storageUuid", &storage.storage_uuid)?.into(),
        kind: storage.storage_type(),
    })
}

/// Reads which storage has changed.
///
/// # Errors
/// Fails if its id is too long.
pub(crate) fn changed_in(
    changes: &StorageReceivedDeletedBlocksProto,
) -> Result<DatanodeStorage, HdfsError> {
    match &changes.storage {
        Some(storage) => named(storage),
        None => Ok(DatanodeStorage {
            id: name("storageUuid", &changes.storage_uuid)?.into(),
            kind: StorageTypeProto::Disk,
        }),
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
    storage: &DatanodeStorage,
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
        storage_uuid: storage.id.to_string(),
        blocks: changed.collect(),
        storage: Some(storage.into()),
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
        let storages = &located.storage_i_ds;
        let locations = located.locs.iter().enumerate();
        locations.map(|(at, location)| BadBlock {
            block: (&located.b).into(),
            datanode: location.id.datanode_uuid.as_str().into(),
            storage_id: storages
                .get(at)
                .map(String::as_str)
                .unwrap_or_default()
                .into(),
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
