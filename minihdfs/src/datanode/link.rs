//! The interface between a NameNode and its DataNodes in one process: DatanodeProtocol and
//! InterDatanodeProtocol as traits.
//!
//! A DataNode calls its [`NameNodeLink`] without holding its own locks. The NameNode may therefore
//! call a [`DatanodeLink`] while it holds its lock: those calls are short, never wait, and never
//! call back.

use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Weak};

use kerbox_krb5::Timestamp;

use crate::HdfsError;

/// A block as DataNodes see it (`BlockProto`). The pool is the same for all blocks of a NameNode.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Block {
    /// Its id: the number in `blk_<id>`.
    pub id: u64,
    /// The generation stamp. Every append and recovery increases it, and a replica with a lower one
    /// is stale.
    pub generation_stamp: u64,
    /// The length in bytes.
    pub length: u64,
}

impl std::fmt::Display for Block {
    /// Formats `blk_<id>_<generation stamp>`, as Hadoop does.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "blk_{}_{}", self.id, self.generation_stamp)
    }
}

/// The state of a replica on a DataNode (`ReplicaStateProto`, with the wire's numbers).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ReplicaState {
    /// Complete, with its final length.
    Finalized = 0,
    /// Being written by a live pipeline.
    Rbw = 1,
    /// Waiting for recovery, because its DataNode was restarted while it was being written.
    Rwr = 2,
    /// Under recovery.
    Rur = 3,
    /// The target of a replication between DataNodes, invisible to readers.
    Temporary = 4,
}

/// A replica in a block report, or in the response to the start of a recovery.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ReportedReplica {
    /// Id, generation stamp, and the length on disk.
    pub block: Block,
    /// Its state. In a response to [`DatanodeLink::init_replica_recovery`], the state before the
    /// recovery.
    pub state: ReplicaState,
}

/// The registration of a DataNode (`DatanodeRegistrationProto`).
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct DatanodeRegistration {
    /// The number of the DataNode in the fixture, counted from 1 like its folder `dn1`.
    pub number: usize,
    /// Its identity, which survives restarts.
    pub uuid: Arc<str>,
    /// The id of its one storage (`DS-…`), of type DISK.
    pub storage_id: Arc<str>,
    /// The address for clients.
    pub ip: IpAddr,
    /// Its host name, for clients with `dfs.client.use.datanode.hostname`.
    pub host_name: Arc<str>,
    /// The port of the DataTransferProtocol.
    pub transfer_port: u16,
    /// The port of ClientDatanodeProtocol.
    pub ipc_port: u16,
    /// The HTTP port; 0 if there is none.
    pub info_port: u16,
}

impl DatanodeRegistration {
    /// Returns the address of the DataTransferProtocol.
    #[must_use]
    pub fn transfer_address(&self) -> SocketAddr {
        SocketAddr::new(self.ip, self.transfer_port)
    }
}

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

impl std::fmt::Debug for dyn DatanodeLink {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("DatanodeLink")
    }
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
