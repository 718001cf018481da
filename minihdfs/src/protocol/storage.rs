//! The storages of a DataNode and their usage.

use std::sync::Arc;

use crate::token::StorageType;

/// A storage of a DataNode: a folder on a medium (`DatanodeStorageProto`).
///
/// ```
/// use minihdfs::protocol::DatanodeStorage;
/// use minihdfs::token::StorageType;
///
/// let storage = DatanodeStorage::disk("DS-1".into());
/// assert_eq!(storage.kind, StorageType::Disk);
/// ```
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct DatanodeStorage {
    /// The id of the storage (`DS-…`).
    pub id: Arc<str>,
    /// The type of the medium.
    pub kind: StorageType,
}

impl DatanodeStorage {
    /// Returns a storage of type DISK.
    #[must_use]
    pub fn disk(id: Arc<str>) -> Self {
        Self {
            id,
            kind: StorageType::Disk,
        }
    }
}

/// The usage of a storage (`StorageReportProto`); sizes in bytes.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct StorageReport {
    /// The storage.
    pub storage: DatanodeStorage,
    /// True if it cannot be used any more.
    pub failed: bool,
    /// The capacity of the storage.
    pub capacity: u64,
    /// The space used by its replicas.
    pub dfs_used: u64,
    /// The remaining space.
    pub remaining: u64,
}

impl StorageReport {
    /// Returns the report of a storage of which nothing is known yet.
    #[must_use]
    pub fn unknown(storage: DatanodeStorage) -> Self {
        Self {
            storage,
            failed: false,
            capacity: 0,
            dfs_used: 0,
            remaining: 0,
        }
    }
}

/// What a heartbeat says about a DataNode (`HeartbeatRequestProto`).
///
/// ```
/// use minihdfs::protocol::{DatanodeStorage, HeartbeatReport, StorageReport};
///
/// let report = HeartbeatReport {
///     storages: vec![StorageReport {
///         capacity: 1 << 30,
///         remaining: 1 << 30,
///         ..StorageReport::unknown(DatanodeStorage::disk("DS-1".into()))
///     }],
///     ..HeartbeatReport::default()
/// };
/// assert_eq!(report.storages[0].dfs_used, 0);
/// ```
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct HeartbeatReport {
    /// Its storages that can be used.
    pub storages: Vec<StorageReport>,
    /// The number of data connections being served.
    pub xceivers: u32,
    /// The number of storages that have failed since its start.
    pub failed_volumes: u32,
}
