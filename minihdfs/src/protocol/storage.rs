//! The storage of a DataNode and its usage.

use std::sync::Arc;

/// The usage of a DataNode's one storage, and the DataNode's load (`StorageReportProto` and
/// `HeartbeatRequestProto`); sizes in bytes.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct StorageReport {
    /// The id of the storage (`DS-…`), of type DISK.
    pub storage_id: Arc<str>,
    /// The capacity of the storage.
    pub capacity: u64,
    /// The space used by its replicas.
    pub dfs_used: u64,
    /// The remaining space.
    pub remaining: u64,
    /// The number of data connections being served.
    pub xceivers: u32,
}
