//! The blocks that were reported since the NameNode started, which decide when it leaves safe mode.

/// Counts of a NameNode that starts.
#[derive(Debug)]
pub(super) struct SafeBlocks {
    /// The complete blocks at the start.
    pub(super) total: u64,
    /// Those that have enough replicas.
    pub(super) safe: u64,
    /// The number of replicas that is enough.
    pub(super) replication: usize,
    /// The highest generation stamp that this namespace has given out.
    pub(super) newest_stamp: u64,
    pub(super) bytes_in_future: u64,
}
