//! How a NameNode and its DataNodes speak in one process: DatanodeProtocol and
//! InterDatanodeProtocol as traits.
//!
//! A DataNode calls its [`NameNodeLink`] while it holds no lock of its own, so the NameNode may
//! call a [`DatanodeLink`] while it holds its own lock: those calls are short, never wait, and
//! never call back.

use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Weak};

use kerbox_krb5::Timestamp;

use crate::HdfsError;

/// A block as DataNodes know it (`BlockProto`): the pool is one per NameNode.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Block {
    /// Its id: the number in `blk_<id>`.
    pub id: u64,
    /// Raised by every append and recovery: a replica with a lower one is stale.
    pub generation_stamp: u64,
    /// In bytes.
    pub length: u64,
}

impl std::fmt::Display for Block {
    /// `blk_<id>_<generation stamp>`, as Hadoop prints it.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "blk_{}_{}", self.id, self.generation_stamp)
    }
}

/// In what state a DataNode has a replica (`ReplicaStateProto`; the numbers are the wire's).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ReplicaState {
    /// Complete, with its final length.
    Finalized = 0,
    /// Replica being written, by a live pipeline.
    Rbw = 1,
    /// Replica waiting to be recovered: it was being written when its DataNode was restarted.
    Rwr = 2,
    /// Replica under recovery.
    Rur = 3,
    /// The target of a replication between DataNodes: readers do not see it.
    Temporary = 4,
}

/// One replica of a block report, or what a DataNode answers when a recovery begins.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ReportedReplica {
    /// Id, generation stamp, and the length on disk.
    pub block: Block,
    /// Its state; for an answer to [`DatanodeLink::init_replica_recovery`], the state before the
    /// recovery.
    pub state: ReplicaState,
}

/// What a DataNode tells of itself when it registers (`DatanodeRegistrationProto`).
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct DatanodeRegistration {
    /// Which DataNode of the fixture: counted from 1, as its folder `dn1` is.
    pub number: usize,
    /// Its identity, kept over restarts.
    pub uuid: Arc<str>,
    /// The id of its one storage (`DS-…`), of type DISK.
    pub storage_id: Arc<str>,
    /// Where clients reach it.
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
    /// The address of the DataTransferProtocol.
    #[must_use]
    pub fn transfer_address(&self) -> SocketAddr {
        SocketAddr::new(self.ip, self.transfer_port)
    }
}

/// What a heartbeat tells (`StorageReportProto` and the load); sizes in bytes.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct StorageReport {
    /// How much the storage could hold.
    pub capacity: u64,
    /// How much its replicas take.
    pub dfs_used: u64,
    /// How much is left.
    pub remaining: u64,
    /// How many data connections are being served.
    pub xceivers: u32,
}

/// What happened to a replica (`ReceivedDeletedBlockInfoProto`).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum BlockStatus {
    /// Its writing began.
    Receiving,
    /// It is finalized.
    Received,
    /// It is gone.
    Deleted,
}

/// What a NameNode wants done, answered to a heartbeat (`DatanodeCommandProto`).
#[derive(Clone, Debug)]
pub enum DatanodeCommand {
    /// Register again, and report every replica: the NameNode does not know this DataNode.
    Register,
    /// Copy the replica to these DataNodes, in one pipeline.
    Transfer {
        /// What to copy.
        block: Block,
        /// Where to.
        targets: Vec<DatanodeRegistration>,
    },
    /// Delete these replicas, whatever their generation stamps up to the given ones.
    Invalidate(Vec<Block>),
    /// Recover a block whose writer is gone, or truncate it: the receiver is the primary DataNode
    /// of the recovery.
    Recover(BlockRecovery),
}

/// A block recovery (`RecoveringBlockProto`).
#[derive(Clone, Debug)]
pub struct BlockRecovery {
    /// The block with its present generation stamp.
    pub block: Block,
    /// The generation stamp that it gets, and the id of this attempt: a later attempt has a higher
    /// one.
    pub recovery_id: u64,
    /// The length to cut it to, if this is a truncation.
    pub truncate_to: Option<u64>,
    /// Every DataNode that may have a replica, by uuid, the primary included.
    pub participants: Vec<(Arc<str>, Weak<dyn DatanodeLink>)>,
}

impl std::fmt::Debug for dyn DatanodeLink {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("DatanodeLink")
    }
}

/// How a recovery ended (`CommitBlockSynchronizationRequestProto`).
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct BlockSynchronization {
    /// The block as the recovery found it.
    pub block: Block,
    /// Its new generation stamp: the recovery's id.
    pub new_generation_stamp: u64,
    /// Its length now.
    pub new_length: u64,
    /// No DataNode had a byte of it: the block is to be dropped from its file.
    pub delete_block: bool,
    /// Who has it now, by uuid.
    pub new_targets: Vec<Arc<str>>,
}

/// A NameNode, as its DataNodes call it (DatanodeProtocol).
pub trait NameNodeLink: Send + Sync {
    /// The id of its block pool: `BP-<random>-<ip>-<ms>` (`versionRequest`).
    fn block_pool_id(&self) -> Arc<str>;

    /// A DataNode starts, or comes back; a [`block_report`](Self::block_report) follows at once
    /// (`registerDatanode`).
    fn register(
        &self,
        now: Timestamp,
        registration: &DatanodeRegistration,
        datanode: Weak<dyn DatanodeLink>,
    ) -> Result<(), HdfsError>;

    /// Every replica that the DataNode has.
    fn block_report(
        &self,
        now: Timestamp,
        datanode: &str,
        replicas: &[ReportedReplica],
    ) -> Result<(), HdfsError>;

    /// Every 3 s, and whenever the NameNode [rings](DatanodeLink::ring); answers with the commands
    /// that wait (`sendHeartbeat`).
    fn heartbeat(
        &self,
        now: Timestamp,
        datanode: &str,
        report: StorageReport,
    ) -> Result<Vec<DatanodeCommand>, HdfsError>;

    /// Something happened to a replica. `Received` comes before the writer's last packet is
    /// acknowledged, so that the `complete` or `addBlock` which follows finds it
    /// (`blockReceivedAndDeleted`).
    fn block_received_and_deleted(
        &self,
        now: Timestamp,
        datanode: &str,
        block: Block,
        status: BlockStatus,
    ) -> Result<(), HdfsError>;

    /// A replica does not match its checksums (`reportBadBlocks`).
    fn report_bad_block(
        &self,
        now: Timestamp,
        datanode: &str,
        block: Block,
    ) -> Result<(), HdfsError>;

    /// A recovery that the NameNode ordered has ended (`commitBlockSynchronization`).
    ///
    /// # Errors
    /// The block is not under recovery, or under a later one.
    fn commit_block_synchronization(
        &self,
        now: Timestamp,
        synchronization: BlockSynchronization,
    ) -> Result<(), HdfsError>;
}

/// A DataNode, as its NameNode and the other DataNodes call it in the process. Never waits.
/// A DataNode that was killed or stopped answers everything with an error.
pub trait DatanodeLink: Send + Sync {
    /// Commands wait: come and fetch them by a heartbeat, at once.
    fn ring(&self);

    /// How many bytes of the replica a reader may see now (`getReplicaVisibleLength`).
    ///
    /// # Errors
    /// There is no such replica.
    fn replica_visible_length(&self, block: Block) -> Result<u64, HdfsError>;

    /// Stops whoever writes the replica and tells what there is; `None` if there is no replica.
    ///
    /// # Errors
    /// `RecoveryInProgressException` if the replica's generation stamp or its present recovery is
    /// not below `recovery_id`.
    fn init_replica_recovery(
        &self,
        block: Block,
        recovery_id: u64,
    ) -> Result<Option<ReportedReplica>, HdfsError>;

    /// Cuts the replica to `new_length`, gives it `recovery_id` as its generation stamp, and
    /// finalizes it.
    ///
    /// # Errors
    /// The replica is not under this recovery, or is shorter than that.
    fn update_replica_under_recovery(
        &self,
        block: Block,
        recovery_id: u64,
        new_length: u64,
    ) -> Result<(), HdfsError>;
}
