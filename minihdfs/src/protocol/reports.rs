//! Reports from a DataNode to its NameNode.

use std::sync::Arc;

use super::Block;

/// A change of a replica (`ReceivedDeletedBlockInfoProto`).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum BlockStatus {
    /// A writer has started to write it.
    Receiving,
    /// It is finalized.
    Received,
    /// It was deleted.
    Deleted,
}

/// The result of a recovery (`CommitBlockSynchronizationRequestProto`).
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct BlockSynchronization {
    /// The block as the recovery found it.
    pub block: Block,
    /// The new generation stamp, which is the recovery's id.
    pub new_generation_stamp: u64,
    /// The new length.
    pub new_length: u64,
    /// True if no DataNode had any byte of the block, which is then removed from its file.
    pub delete_block: bool,
    /// The DataNodes that have the block now, by uuid.
    pub new_targets: Vec<Arc<str>>,
}
