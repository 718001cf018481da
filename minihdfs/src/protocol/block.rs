//! Blocks and replicas.

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
#[non_exhaustive]
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
    /// Its state. In a response to `initReplicaRecovery`, the state before the recovery.
    pub state: ReplicaState,
}
