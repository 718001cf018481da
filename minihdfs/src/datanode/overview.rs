//! The state of a DataNode, for the pages that show it.

use super::node::DataNode;

impl DataNode {
    /// Returns the block pool that it serves.
    pub(crate) fn block_pool(&self) -> &str {
        &self.block_pool_id
    }

    /// Returns the number of bytes that its replicas take.
    pub(crate) fn dfs_used(&self) -> u64 {
        self.store.used().iter().map(|(_, used)| used).sum()
    }
}
