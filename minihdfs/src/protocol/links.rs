//! DatanodeProtocol and InterDatanodeProtocol as traits.
//!
//! A DataNode calls its [`NameNodeLink`] without holding its own locks. The NameNode may therefore
//! call a [`DatanodeLink`] while it holds its lock: those calls are short, never wait, and never
//! call back.

use std::sync::{Arc, Weak};

use kerbox_krb5::Timestamp;

use super::{
    Block, BlockStatus, BlockSynchronization, DatanodeCommand, DatanodeRegistration,
    ReportedReplica, StorageReport,
};
use crate::HdfsError;

impl std::fmt::Debug for dyn DatanodeLink {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("DatanodeLink")
    }
}

/// The NameNode as its DataNodes call it (DatanodeProtocol).
pub trait NameNodeLink: Send + Sync {
    /// Returns the id of its block pool: `BP-<random>-<ip>-<ms>` (`versionRequest`).
    fn block_pool_id(&self) -> Arc<str>;

    /// Registers a DataNode that starts or returns. A [`block_report`](Self::block_report) must
    /// follow immediately (`registerDatanode`).
    fn register(
        &self,
        now: Timestamp,
        registration: &DatanodeRegistration,
        datanode: Weak<dyn DatanodeLink>,
    ) -> Result<(), HdfsError>;

    /// Reports all replicas of the DataNode.
    fn block_report(
        &self,
        now: Timestamp,
        datanode: &str,
        replicas: &[ReportedReplica],
    ) -> Result<(), HdfsError>;

    /// Sends a heartbeat, every 3 s and whenever the NameNode [rings](DatanodeLink::ring). Returns
    /// the pending commands (`sendHeartbeat`).
    fn heartbeat(
        &self,
        now: Timestamp,
        datanode: &str,
        report: StorageReport,
    ) -> Result<Vec<DatanodeCommand>, HdfsError>;

    /// Reports a change of a replica. `Received` is sent before the writer's last packet is
    /// acknowledged, so that the following `complete` or `addBlock` finds the replica
    /// (`blockReceivedAndDeleted`).
    fn block_received_and_deleted(
        &self,
        now: Timestamp,
        datanode: &str,
        block: Block,
        status: BlockStatus,
    ) -> Result<(), HdfsError>;

    /// Reports a replica that does not match its checksums (`reportBadBlocks`).
    fn report_bad_block(
        &self,
        now: Timestamp,
        datanode: &str,
        block: Block,
    ) -> Result<(), HdfsError>;

    /// Finishes a recovery that the NameNode ordered (`commitBlockSynchronization`).
    ///
    /// # Errors
    /// Fails if the block is not under recovery, or is under a later one.
    fn commit_block_synchronization(
        &self,
        now: Timestamp,
        synchronization: BlockSynchronization,
    ) -> Result<(), HdfsError>;
}

/// A DataNode as its NameNode and the other DataNodes in the process call it. Never waits. Every
/// call to a killed or stopped DataNode fails.
pub trait DatanodeLink: Send + Sync {
    /// Announces pending commands, which the DataNode must fetch at once with a heartbeat.
    fn ring(&self);

    /// Returns the number of bytes of the replica that readers may see now
    /// (`getReplicaVisibleLength`).
    ///
    /// # Errors
    /// Fails if there is no such replica.
    fn replica_visible_length(&self, block: Block) -> Result<u64, HdfsError>;

    /// Stops the writer of the replica and returns its state; `None` if there is no replica.
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
    /// finalizes it.
    ///
    /// # Errors
    /// Fails if the replica is not under this recovery, or is shorter.
    fn update_replica_under_recovery(
        &self,
        block: Block,
        recovery_id: u64,
        new_length: u64,
    ) -> Result<(), HdfsError>;
}
