//! Storages of a DataNode and their usage.

/// The contents of a heartbeat (`StorageReportProto` and the load); sizes in bytes.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct StorageReport {
    /// The capacity of the storage.
    pub capacity: u64,
    /// The space used by its replicas.
    pub dfs_used: u64,
    /// The remaining space.
    pub remaining: u64,
    /// The number of data connections being served.
    pub xceivers: u32,
}
