//! InterDatanodeProtocol: a DataNode as the primary DataNode of a block recovery calls it.

use std::sync::Arc;

use super::{Block, DatanodeRegistration, RecoveringBlock, ReportedReplica};
use crate::HdfsError;

/// A DataNode as other DataNodes call it. Every call to one that is not running fails.
pub trait InterDatanodeProtocol: Send + Sync {
    /// Stops the writer of the replica and returns the replica with the state that it had before;
    /// `None` if there is no replica.
    ///
    /// # Errors
    /// Fails with `RecoveryInProgressException` if the replica's generation stamp or current
    /// recovery id is not below `recovery_id`.
    fn init_replica_recovery(
        &self,
        block: Block,
        recovery_id: u64,
    ) -> Result<Option<ReportedReplica>, HdfsError>;

    /// Truncates the replica to `new_length`, sets its generation stamp to `recovery_id`, and
    /// finalizes it. If `new_block_id` is not the block's own, the replica is finalized as it is,
    /// and a replica of that block gets its first bytes and the new generation stamp. Returns the
    /// id of its storage.
    ///
    /// # Errors
    /// Fails if the replica is not under this recovery, or is shorter.
    fn update_replica_under_recovery(
        &self,
        block: Block,
        recovery_id: u64,
        new_block_id: u64,
        new_length: u64,
    ) -> Result<Arc<str>, HdfsError>;
}

/// A way to reach other DataNodes.
pub trait DatanodePeers: Send + Sync {
    /// Connects to a DataNode.
    ///
    /// # Errors
    /// Fails if the DataNode cannot be reached.
    fn connect(
        &self,
        datanode: &DatanodeRegistration,
    ) -> Result<Arc<dyn InterDatanodeProtocol>, HdfsError>;

    /// Returns the number under which events show the DataNode with this uuid, if it is known.
    fn number(&self, _uuid: &str) -> Option<usize> {
        None
    }

    /// Runs a recovery to its end. One that has to wait for other processes runs by another thread,
    /// so that heartbeats go on meanwhile (Hadoop's `BlockRecoveryWorker.recoverBlocks`).
    fn run(&self, _recovery: &RecoveringBlock, task: Box<dyn FnOnce() + Send>) {
        task();
    }
}
