//! Commands from a NameNode to a DataNode, in the response to a heartbeat.

use super::{Block, DatanodeRegistration, DatanodeStorage, ExportedBlockKeys};

/// A command (`DatanodeCommandProto`).
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum DatanodeCommand {
    /// Register again and report every replica, because the NameNode does not know this DataNode
    /// (`DNA_REGISTER`).
    Register,
    /// Copy the replica to these DataNodes, in one pipeline (`DNA_TRANSFER`).
    Transfer {
        /// The replica to copy.
        block: Block,
        /// The DataNodes to copy it to.
        targets: Vec<DatanodeRegistration>,
        /// The storages of the targets, one for each.
        storages: Vec<DatanodeStorage>,
    },
    /// Delete these replicas if their generation stamps are not above the given ones
    /// (`DNA_INVALIDATE`).
    Invalidate(Vec<Block>),
    /// Recover a block whose writer has disappeared, or truncate it. The receiver is the primary
    /// DataNode of the recovery (`DNA_RECOVERBLOCK`).
    Recover(RecoveringBlock),
    /// Use at most this many bytes per second for moves of a balancer
    /// (`DNA_BALANCERBANDWIDTHUPDATE`).
    BalancerBandwidth(u64),
    /// Use these block keys, because the NameNode has changed its own (`DNA_ACCESSKEYUPDATE`).
    UpdateKeys(ExportedBlockKeys),
    /// Remove what was kept of the time before an upgrade (`DNA_FINALIZE`).
    Finalize,
}

/// A block to recover (`RecoveringBlockProto`).
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RecoveringBlock {
    /// The block with its current generation stamp.
    pub block: Block,
    /// The block's new generation stamp, which is also the id of this attempt. A later attempt has
    /// a higher one.
    pub recovery_id: u64,
    /// The length to truncate the block to, if this is a truncation.
    pub truncate_to: Option<u64>,
    /// The block that gets the truncated bytes, if a snapshot shows this one: it stays as it is,
    /// and its first bytes are copied.
    pub copy_to: Option<u64>,
    /// All DataNodes that may have a replica, including the primary.
    pub locations: Vec<DatanodeRegistration>,
}
