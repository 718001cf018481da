//! One block: its state, and the locations of its replicas.

use kerbox_krb5::Timestamp;
use smallvec::SmallVec;

use super::datanodes::{DatanodeIndex, DatanodeManager};
use crate::namenode::state::inode::InodeId;
use crate::protocol::Block;

/// The progress of writing a block (Hadoop's `BlockUCState`).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum BlockState {
    /// The writer has finished it, and enough replicas are finalized.
    Complete,
    /// The writer has finished it, but replicas are missing.
    Committed,
    /// A client is writing it.
    UnderConstruction,
    /// Its writer has disappeared, or it is being truncated.
    UnderRecovery(Recovery),
}

/// A scheduled block recovery.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Recovery {
    /// The generation stamp of the block after the recovery. A later attempt has a higher one.
    pub(crate) id: u64,
    /// The time at which it was scheduled.
    pub(crate) started: Timestamp,
    /// What is left of the block, if it is truncated.
    pub(crate) cut: Option<Cut>,
    /// The number of earlier attempts.
    pub(crate) attempt: usize,
}

/// The aim of a recovery that truncates.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Cut {
    /// The length of the block afterwards.
    pub(crate) length: u64,
    /// The block whose first bytes it gets; `None` if it is its own.
    pub(crate) source: Option<Block>,
}

/// A replica that a DataNode has reported as finalized.
#[derive(Clone, Copy, Debug)]
pub(super) struct Replica {
    pub(super) datanode: DatanodeIndex,
    pub(super) generation_stamp: u64,
    pub(super) length: u64,
    pub(super) corrupt: bool,
}

/// A block of a file. Almost all blocks are complete and have nothing but good replicas: the rest
/// stands apart, so that such a block takes few bytes.
#[derive(Debug)]
pub(crate) struct BlockInfo {
    block: Block,
    pub(crate) file: InodeId,
    /// The DataNodes with good replicas, in the order of their reports.
    good: SmallVec<[DatanodeIndex; 8]>,
    unsettled: Option<Box<Unsettled>>,
    pub(crate) replication: u16,
    stage: Stage,
}

/// [`BlockState`] without the recovery.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Stage {
    Complete,
    Committed,
    UnderConstruction,
}

/// The fields of a block that is being written, recovered or copied, or has a bad replica.
#[derive(Debug, Default)]
struct Unsettled {
    recovery: Option<Recovery>,
    /// The DataNodes of the writer's pipeline.
    targets: Vec<DatanodeIndex>,
    /// The DataNodes that have reported a replica being written, in the pipeline or not, without
    /// duplicates.
    writing: Vec<DatanodeIndex>,
    /// Finalized replicas that are corrupt, or differ from the block in stamp or length.
    bad: Vec<Replica>,
    /// Scheduled copies, with the times at which they count as failed.
    pending: Vec<(DatanodeIndex, Timestamp)>,
    /// True if the pipeline is known only by reports, because the NameNode was restarted while the
    /// block was written.
    by_reports: bool,
}

impl Unsettled {
    fn is_empty(&self) -> bool {
        self.recovery.is_none()
            && self.targets.is_empty()
            && self.writing.is_empty()
            && self.bad.is_empty()
            && self.pending.is_empty()
            && !self.by_reports
    }
}

impl BlockInfo {
    /// Creates a block under construction.
    pub(super) fn new(block: Block, file: InodeId, replication: u16) -> Self {
        Self {
            block,
            file,
            good: SmallVec::new(),
            unsettled: None,
            replication,
            stage: Stage::UnderConstruction,
        }
    }

    /// Returns the id, the generation stamp and the length. While the block is under construction,
    /// the length is the last one that the writer reported.
    pub(crate) fn block(&self) -> Block {
        self.block
    }

    pub(crate) fn state(&self) -> BlockState {
        let recovery = self.unsettled.as_ref().and_then(|rest| rest.recovery);
        match (self.stage, recovery) {
            (Stage::Complete, _) => BlockState::Complete,
            (Stage::Committed, _) => BlockState::Committed,
            (Stage::UnderConstruction, None) => BlockState::UnderConstruction,
            (Stage::UnderConstruction, Some(recovery)) => BlockState::UnderRecovery(recovery),
        }
    }

    pub(crate) fn is_complete(&self) -> bool {
        self.stage == Stage::Complete
    }

    /// Returns true if its writer has finished it.
    pub(super) fn is_settled(&self) -> bool {
        self.stage != Stage::UnderConstruction
    }

    pub(crate) fn is_under_recovery(&self) -> bool {
        matches!(self.state(), BlockState::UnderRecovery(_))
    }

    /// Returns the DataNodes of the writer's pipeline; empty once the block is complete.
    pub(crate) fn targets(&self) -> &[DatanodeIndex] {
        self.unsettled
            .as_ref()
            .map_or(&[], |rest| rest.targets.as_slice())
    }

    pub(super) fn writing(&self) -> &[DatanodeIndex] {
        self.unsettled
            .as_ref()
            .map_or(&[], |rest| rest.writing.as_slice())
    }

    pub(super) fn pending(&self) -> &[(DatanodeIndex, Timestamp)] {
        self.unsettled
            .as_ref()
            .map_or(&[], |rest| rest.pending.as_slice())
    }

    fn bad(&self) -> &[Replica] {
        self.unsettled
            .as_ref()
            .map_or(&[], |rest| rest.bad.as_slice())
    }

    /// Changes what most blocks do not have. Nothing is kept of it when it is empty.
    fn change<R>(&mut self, change: impl FnOnce(&mut Unsettled) -> R) -> R {
        let mut unsettled = self.unsettled.take().unwrap_or_default();
        let result = change(&mut unsettled);
        self.unsettled = (!unsettled.is_empty()).then_some(unsettled);
        result
    }

    /// Sets the DataNodes of the writer's pipeline.
    pub(crate) fn set_targets(&mut self, targets: Vec<DatanodeIndex>) {
        self.change(|rest| {
            rest.targets = targets;
            rest.by_reports = false;
        });
    }

    /// Makes the pipeline of a block that is being written consist of the DataNodes that report
    /// it, until a client says which they are.
    pub(super) fn expect_reports(&mut self) {
        self.change(|rest| rest.by_reports = true);
    }

    /// Adds a DataNode that has reported a replica to a pipeline that is known only by reports.
    pub(super) fn add_reported_target(&mut self, datanode: DatanodeIndex) {
        if self.unsettled.as_ref().is_some_and(|rest| rest.by_reports) {
            self.change(|rest| {
                if !rest.targets.contains(&datanode) {
                    rest.targets.push(datanode);
                }
            });
        }
    }

    /// Opens the block for a writer with this pipeline.
    pub(crate) fn reopen(&mut self, targets: Vec<DatanodeIndex>) {
        self.stage = Stage::UnderConstruction;
        self.set_targets(targets);
    }

    pub(super) fn set_recovery(&mut self, recovery: Recovery) {
        self.stage = Stage::UnderConstruction;
        self.change(|rest| rest.recovery = Some(recovery));
    }

    pub(super) fn set_committed(&mut self) {
        self.stage = Stage::Committed;
    }

    /// Marks the block as complete, so that no pipeline writes it any more. Returns the DataNodes
    /// that reported a replica being written, but finalized none: a pipeline left them behind.
    pub(super) fn set_complete(&mut self) -> Vec<DatanodeIndex> {
        self.stage = Stage::Complete;
        let writing = self.change(|rest| {
            rest.recovery = None;
            rest.targets.clear();
            rest.by_reports = false;
            std::mem::take(&mut rest.writing)
        });
        let mut left_behind = writing;
        left_behind.retain(|index| !self.has_replica(*index));
        left_behind
    }

    /// Sets the generation stamp and the length. Replicas that do not match are not good any more,
    /// and others become so.
    pub(super) fn set_version(&mut self, generation_stamp: u64, length: u64) {
        if (self.block.generation_stamp, self.block.length) == (generation_stamp, length) {
            return;
        }
        let replicas: Vec<Replica> = self.replicas().collect();
        self.block.generation_stamp = generation_stamp;
        self.block.length = length;
        self.set_replicas(&replicas);
    }

    /// Returns true if a replica is good.
    pub(super) fn is_good(&self, replica: &Replica) -> bool {
        !replica.corrupt
            && replica.generation_stamp == self.block.generation_stamp
            && replica.length == self.block.length
    }

    /// Returns all finalized replicas.
    pub(super) fn replicas(&self) -> impl Iterator<Item = Replica> {
        let good = self.good.iter().map(|datanode| Replica {
            datanode: *datanode,
            generation_stamp: self.block.generation_stamp,
            length: self.block.length,
            corrupt: false,
        });
        good.chain(self.bad().iter().copied())
    }

    /// Returns the DataNodes with finalized replicas.
    pub(super) fn holders(&self) -> impl Iterator<Item = DatanodeIndex> {
        let bad = self.bad().iter().map(|replica| replica.datanode);
        self.good.iter().copied().chain(bad)
    }

    pub(super) fn has_replica(&self, datanode: DatanodeIndex) -> bool {
        self.holders().any(|holder| holder == datanode)
    }

    /// Returns true if no DataNode has a replica, finalized or being written by a pipeline.
    pub(crate) fn is_nowhere(&self) -> bool {
        self.targets().is_empty() && self.holders().next().is_none()
    }

    fn set_replicas(&mut self, replicas: &[Replica]) {
        self.good.clear();
        self.change(|rest| rest.bad.clear());
        replicas.iter().for_each(|replica| self.add(*replica));
    }

    fn add(&mut self, replica: Replica) {
        if self.is_good(&replica) {
            self.good.push(replica.datanode);
        } else {
            self.change(|rest| rest.bad.push(replica));
        }
    }

    /// Adds a replica, in place of an earlier one of the same DataNode. A copy that was scheduled
    /// for this DataNode is done.
    pub(super) fn put_replica(&mut self, replica: Replica) {
        self.remove_replicas(|known| known.datanode == replica.datanode);
        self.add(replica);
        if !self.pending().is_empty() {
            self.retain_pending(|index, _| index != replica.datanode);
        }
    }

    /// Moves the good replica of a DataNode behind the others. Of replicas that are too many, the
    /// last go first.
    pub(super) fn put_last(&mut self, datanode: DatanodeIndex) {
        if let Some(at) = self.good.iter().position(|known| *known == datanode) {
            self.good.remove(at);
            self.good.push(datanode);
        }
    }

    /// Removes the replicas that match.
    pub(super) fn remove_replicas(&mut self, remove: impl Fn(&Replica) -> bool) {
        let Block {
            generation_stamp,
            length,
            ..
        } = self.block;
        self.good.retain(|datanode| {
            !remove(&Replica {
                datanode: *datanode,
                generation_stamp,
                length,
                corrupt: false,
            })
        });
        if !self.bad().is_empty() {
            self.change(|rest| rest.bad.retain(|replica| !remove(replica)));
        }
    }

    /// Records that a DataNode has a replica that is being written.
    pub(super) fn add_writing(&mut self, datanode: DatanodeIndex) {
        self.change(|rest| {
            if !rest.writing.contains(&datanode) {
                rest.writing.push(datanode);
            }
        });
    }

    pub(super) fn add_pending(&mut self, targets: &[DatanodeIndex], deadline: Timestamp) {
        self.change(|rest| {
            rest.pending
                .extend(targets.iter().map(|index| (*index, deadline)));
        });
    }

    pub(super) fn retain_pending(&mut self, keep: impl Fn(DatanodeIndex, Timestamp) -> bool) {
        if !self.pending().is_empty() {
            self.change(|rest| rest.pending.retain(|(index, at)| keep(*index, *at)));
        }
    }

    /// Returns the live DataNodes that have good replicas.
    pub(crate) fn live<'a>(
        &'a self,
        datanodes: &'a DatanodeManager,
    ) -> impl Iterator<Item = DatanodeIndex> + 'a {
        let good = self.good.iter().copied();
        good.filter(|index| datanodes.is_alive(*index))
    }

    /// Returns the DataNodes in service that have good replicas.
    pub(crate) fn in_service<'a>(
        &'a self,
        datanodes: &'a DatanodeManager,
    ) -> impl Iterator<Item = DatanodeIndex> + 'a {
        let good = self.good.iter().copied();
        good.filter(|index| datanodes.is_in_service(*index))
    }

    /// Returns the DataNodes in maintenance that have good replicas.
    pub(super) fn in_maintenance<'a>(
        &'a self,
        datanodes: &'a DatanodeManager,
    ) -> impl Iterator<Item = DatanodeIndex> + 'a {
        let good = self.good.iter().copied();
        good.filter(|index| datanodes.is_in_maintenance(*index))
    }

    /// Returns true if the block is complete, but every replica is known to be corrupt.
    pub(crate) fn is_corrupt(&self) -> bool {
        let bad = self.bad();
        self.is_complete()
            && self.good.is_empty()
            && !bad.is_empty()
            && bad.iter().all(|replica| replica.corrupt)
    }

    /// Returns the DataNodes for readers: the pipeline while the block is written, otherwise those
    /// with good replicas. If every replica is corrupt, returns them anyway.
    pub(crate) fn locations(&self, datanodes: &DatanodeManager) -> Vec<DatanodeIndex> {
        let alive = |index: &DatanodeIndex| datanodes.is_readable(*index);
        if !self.targets().is_empty() {
            return self.targets().iter().copied().filter(alive).collect();
        }
        let live: Vec<_> = self.live(datanodes).filter(alive).collect();
        if !live.is_empty() || !self.is_corrupt() {
            return live;
        }
        self.holders().filter(alive).collect()
    }
}
