//! Commands from a NameNode to a DataNode.

use std::sync::{Arc, Weak};

use super::{Block, DatanodeLink, DatanodeRegistration};

/// A command from a NameNode in the response to a heartbeat (`DatanodeCommandProto`).
#[derive(Clone, Debug)]
pub enum DatanodeCommand {
    /// Register again and report every replica, because the NameNode does not know this DataNode.
    Register,
    /// Copy the replica to these DataNodes, in one pipeline.
    Transfer {
        /// The replica to copy.
        block: Block,
        /// The DataNodes to copy it to.
        targets: Vec<DatanodeRegistration>,
    },
    /// Delete these replicas if their generation stamps are not above the given ones.
    Invalidate(Vec<Block>),
    /// Recover a block whose writer has disappeared, or truncate it. The receiver is the primary
    /// DataNode of the recovery.
    Recover(BlockRecovery),
}

/// A block recovery (`RecoveringBlockProto`).
#[derive(Clone, Debug)]
pub struct BlockRecovery {
    /// The block with its current generation stamp.
    pub block: Block,
    /// The block's new generation stamp, which is also the id of this attempt. A later attempt has
    /// a higher one.
    pub recovery_id: u64,
    /// The length to truncate the block to, if this is a truncation.
    pub truncate_to: Option<u64>,
    /// All DataNodes that may have a replica, by uuid, including the primary.
    pub participants: Vec<(Arc<str>, Weak<dyn DatanodeLink>)>,
}
