//! Reports from a DataNode to its NameNode.

use std::sync::Arc;

use super::{Block, DatanodeRegistration};

/// The change of a replica.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum BlockStatus {
    /// A writer has started to write it.
    Receiving,
    /// It is finalized.
    Received,
    /// It was deleted.
    Deleted,
}

/// A replica that has changed (`ReceivedDeletedBlockInfoProto`).
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ReceivedDeletedBlock {
    /// The replica.
    pub block: Block,
    /// Its change.
    pub status: BlockStatus,
    /// The uuid of the DataNode whose replica this one replaces, if a balancer has moved it.
    pub delete_hint: Option<Arc<str>>,
}

/// A replica that does not match its checksums (`LocatedBlockProto` in `reportBadBlocks`).
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct BadBlock {
    /// The replica.
    pub block: Block,
    /// The uuid of the DataNode that has it.
    pub datanode: Arc<str>,
    /// The id of the storage that holds it; empty if that is not known.
    pub storage_id: Arc<str>,
}

/// The kind of a problem that a DataNode reports (`ErrorReportRequestProto.ErrorCode`, with the
/// wire's numbers).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum DatanodeError {
    /// Something that the NameNode should only log.
    Notify = 0,
    /// A disk has failed, and others work.
    DiskError = 1,
    /// The NameNode has ordered something for a block that the DataNode does not have.
    InvalidBlock = 2,
    /// All disks have failed.
    FatalDiskError = 3,
}

/// A replica that a recovery has finalized.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RecoveredReplica {
    /// The DataNode that has it.
    pub datanode: DatanodeRegistration,
    /// The id of its storage.
    pub storage_id: Arc<str>,
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
    /// The replicas that the block has now.
    pub new_targets: Vec<RecoveredReplica>,
}
