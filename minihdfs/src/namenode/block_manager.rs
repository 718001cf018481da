//! Blocks: their states and the locations of their replicas.

use std::time::Duration;

use kerbox_krb5::Timestamp;

use crate::HdfsError;
use crate::namenode::datanode_manager::{DatanodeIndex, DatanodeManager, Placement};
use crate::namenode::id_map::IdMap;
use crate::namenode::state::inode::InodeId;
use crate::protocol::{Block, DatanodeCommand};
use rand::Rng;

/// The time after which a scheduled replication counts as failed
/// (`dfs.namenode.reconstruction.pending.timeout-sec`).
const PENDING_LIMIT: Duration = Duration::from_mins(5);

/// The progress of writing a block (Hadoop's `BlockUCState`).
#[derive(Clone, Debug)]
pub(super) enum BlockState {
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
#[derive(Clone, Copy, Debug)]
pub(super) struct Recovery {
    /// The generation stamp of the block after the recovery. A later attempt has a higher one.
    pub(super) id: u64,
    /// The time at which it was scheduled.
    pub(super) started: Timestamp,
    /// The length to truncate the block to.
    pub(super) truncate_to: Option<u64>,
    /// The number of earlier attempts.
    pub(super) attempt: usize,
}

/// A replica that a DataNode has reported as finalized.
#[derive(Clone, Copy, Debug)]
pub(super) struct Replica {
    pub(super) datanode: DatanodeIndex,
    pub(super) generation_stamp: u64,
    pub(super) length: u64,
    pub(super) corrupt: bool,
}

/// A block of a file.
#[derive(Clone, Debug)]
pub(crate) struct BlockInfo {
    /// While the block is under construction, its length is the last one that the writer reported.
    pub(super) block: Block,
    pub(super) file: InodeId,
    pub(super) replication: u16,
    pub(super) state: BlockState,
    /// The DataNodes of the writer's pipeline; empty once the block is complete.
    pub(super) targets: Vec<DatanodeIndex>,
    /// The DataNodes that have reported a replica being written, in the pipeline or not, without
    /// duplicates.
    writing: Vec<DatanodeIndex>,
    pub(super) replicas: Vec<Replica>,
    /// Scheduled replications, with the times at which they count as failed.
    pending: Vec<(DatanodeIndex, Timestamp)>,
}

impl BlockInfo {
    pub(super) fn is_complete(&self) -> bool {
        matches!(self.state, BlockState::Complete)
    }

    /// Marks the block as complete, so that no pipeline writes it any more. DataNodes that reported
    /// a replica being written, but finalized none, are ordered to delete replicas with an earlier
    /// stamp: a pipeline left them behind, and nothing else would clean them up.
    pub(super) fn settle(&mut self, datanodes: &mut DatanodeManager) {
        self.state = BlockState::Complete;
        self.targets.clear();
        let earlier = Block {
            generation_stamp: self.block.generation_stamp.saturating_sub(1),
            ..self.block
        };
        for index in std::mem::take(&mut self.writing) {
            let mut finalized = self.replicas.iter().map(|replica| replica.datanode);
            if !finalized.any(|datanode| datanode == index) {
                datanodes.get_mut(index).invalidate(earlier);
            }
        }
    }

    pub(super) fn is_under_recovery(&self) -> bool {
        matches!(self.state, BlockState::UnderRecovery(_))
    }

    fn is_good(&self, replica: &Replica) -> bool {
        !replica.corrupt
            && replica.generation_stamp == self.block.generation_stamp
            && replica.length == self.block.length
    }

    /// Returns the live DataNodes that have good replicas.
    pub(super) fn live<'a>(
        &'a self,
        datanodes: &'a DatanodeManager,
    ) -> impl Iterator<Item = DatanodeIndex> + 'a {
        let good = self.replicas.iter().filter(|replica| self.is_good(replica));
        good.map(|replica| replica.datanode)
            .filter(|index| datanodes.is_alive(*index))
    }

    /// Returns true if the block is complete, but every replica is known to be corrupt.
    pub(super) fn is_corrupt(&self) -> bool {
        self.is_complete()
            && !self.replicas.is_empty()
            && self.replicas.iter().all(|replica| replica.corrupt)
    }

    /// Returns the DataNodes for readers: the pipeline while the block is written, otherwise those
    /// with good replicas. If every replica is corrupt, returns them anyway.
    pub(super) fn locations(&self, datanodes: &DatanodeManager) -> Vec<DatanodeIndex> {
        if !self.targets.is_empty() {
            return self
                .targets
                .iter()
                .copied()
                .filter(|index| datanodes.is_alive(*index))
                .collect();
        }
        let live: Vec<_> = self.live(datanodes).collect();
        if !live.is_empty() || !self.is_corrupt() {
            return live;
        }
        self.replicas
            .iter()
            .map(|replica| replica.datanode)
            .filter(|index| datanodes.is_alive(*index))
            .collect()
    }

    fn put_replica(&mut self, replica: Replica) {
        self.pending.retain(|(index, _)| *index != replica.datanode);
        match self
            .replicas
            .iter_mut()
            .find(|known| known.datanode == replica.datanode)
        {
            Some(known) => *known = replica,
            None => self.replicas.push(replica),
        }
    }
}

/// All blocks.
#[derive(Debug)]
pub(crate) struct BlockManager {
    blocks: IdMap<BlockInfo>,
    min_replication: usize,
    /// The time at which the next scheduled replication counts as failed.
    pending_deadline: Option<Timestamp>,
}

impl BlockManager {
    pub(super) fn new(min_replication: u16) -> Self {
        Self {
            blocks: IdMap::default(),
            min_replication: min_replication.into(),
            pending_deadline: None,
        }
    }

    /// Returns a block whose id came from a file under the same lock.
    ///
    /// # Panics
    /// Panics if there is no such block, since the tables are then inconsistent.
    pub(super) fn block(&self, id: u64) -> &BlockInfo {
        self.blocks
            .get(&id)
            .expect("files only name blocks that exist")
    }

    /// Same as [`block`](Self::block), but mutable.
    pub(super) fn block_mut(&mut self, id: u64) -> &mut BlockInfo {
        self.blocks
            .get_mut(&id)
            .expect("files only name blocks that exist")
    }

    /// Returns the block with an id sent by a client or a DataNode.
    pub(super) fn get(&self, id: u64) -> Option<&BlockInfo> {
        self.blocks.get(&id)
    }

    /// Returns all blocks, in no particular order.
    pub(super) fn iter(&self) -> impl Iterator<Item = &BlockInfo> {
        self.blocks.values()
    }

    /// Takes over a file's block as the namespace has it. A new one is under construction.
    pub(super) fn store(&mut self, block: Block, file: InodeId, replication: u16) {
        let info = self.blocks.entry(block.id).or_insert_with(|| BlockInfo {
            block,
            file,
            replication,
            state: BlockState::UnderConstruction,
            targets: Vec::new(),
            writing: Vec::new(),
            replicas: Vec::new(),
            pending: Vec::new(),
        });
        info.block = block;
        info.file = file;
        info.replication = replication;
    }

    /// Commits a block, which its writer has finished at this length. Does nothing if it is already
    /// committed or complete.
    pub(super) fn commit(
        &mut self,
        id: u64,
        generation_stamp: u64,
        length: u64,
    ) -> Result<(), HdfsError> {
        let info = self.block_mut(id);
        match info.state {
            BlockState::Complete | BlockState::Committed => return Ok(()),
            BlockState::UnderRecovery(_) => {
                return Err(HdfsError::io(format!(
                    "Commit or complete block {}, whereas it is under recovery.",
                    info.block
                )));
            }
            BlockState::UnderConstruction => {}
        }
        let submitted = Block {
            id,
            generation_stamp,
            length,
        };
        if generation_stamp != info.block.generation_stamp {
            return Err(HdfsError::io(format!(
                "Commit block with mismatching GS. NN has {}, client submits {submitted}",
                info.block
            )));
        }
        info.block.length = length;
        info.state = BlockState::Committed;
        Ok(())
    }

    /// Completes a committed block if enough replicas are finalized. Returns true if it is
    /// complete.
    pub(super) fn try_complete(&mut self, id: u64, datanodes: &mut DatanodeManager) -> bool {
        let min_replication = self.min_replication;
        let info = self.block_mut(id);
        if matches!(info.state, BlockState::Committed)
            && info.live(datanodes).count() >= min_replication
        {
            info.settle(datanodes);
        }
        info.is_complete()
    }

    /// Records that a DataNode has an unfinalized replica, which is being written or was left by a
    /// writer that has disappeared. Orders its deletion if the block belongs to no file, or if the
    /// block is finished and has another stamp.
    pub(super) fn writing(
        &mut self,
        from: DatanodeIndex,
        block: Block,
        datanodes: &mut DatanodeManager,
    ) {
        let Some(info) = self.blocks.get_mut(&block.id) else {
            datanodes.get_mut(from).invalidate(block);
            return;
        };
        match info.state {
            BlockState::UnderConstruction | BlockState::UnderRecovery(_) => {
                if !info.writing.contains(&from) {
                    info.writing.push(from);
                }
            }
            BlockState::Complete | BlockState::Committed => {
                // A replica with the current stamp may be in a report that the pipeline has
                // overtaken.
                if block.generation_stamp != info.block.generation_stamp {
                    datanodes.get_mut(from).invalidate(block);
                }
            }
        }
    }

    /// Records that a DataNode has finalized a replica. Orders the deletion of replicas that are
    /// not needed.
    pub(super) fn received(
        &mut self,
        now: Timestamp,
        from: DatanodeIndex,
        block: Block,
        datanodes: &mut DatanodeManager,
        rng: &mut impl Rng,
    ) {
        let Some(info) = self.blocks.get_mut(&block.id) else {
            datanodes.get_mut(from).invalidate(block);
            return;
        };
        let settled = matches!(info.state, BlockState::Complete | BlockState::Committed);
        if block.generation_stamp < info.block.generation_stamp {
            // An earlier stage of an append in which another DataNode is ahead, or a remainder of a
            // recovery.
            if settled {
                info.replicas.retain(|replica| replica.datanode != from);
                datanodes.get_mut(from).invalidate(block);
            }
            return;
        }
        let mut replica = Replica {
            datanode: from,
            generation_stamp: block.generation_stamp,
            length: block.length,
            corrupt: false,
        };
        replica.corrupt = settled && !info.is_good(&replica);
        info.put_replica(replica);
        if settled {
            self.try_complete(block.id, datanodes);
            self.check_redundancy(now, block.id, datanodes, rng);
        }
    }

    /// Records that a DataNode no longer has its replica.
    pub(super) fn deleted(
        &mut self,
        now: Timestamp,
        from: DatanodeIndex,
        block: Block,
        datanodes: &mut DatanodeManager,
        rng: &mut impl Rng,
    ) {
        if let Some(info) = self.blocks.get_mut(&block.id) {
            info.replicas.retain(|replica| {
                replica.datanode != from || replica.generation_stamp > block.generation_stamp
            });
            self.check_redundancy(now, block.id, datanodes, rng);
        }
    }

    /// Records that a replica does not match its checksums.
    pub(super) fn mark_corrupt(
        &mut self,
        now: Timestamp,
        at: DatanodeIndex,
        id: u64,
        datanodes: &mut DatanodeManager,
        rng: &mut impl Rng,
    ) {
        let Some(info) = self.blocks.get_mut(&id) else {
            return;
        };
        if let Some(replica) = info
            .replicas
            .iter_mut()
            .find(|replica| replica.datanode == at)
        {
            replica.corrupt = true;
            self.check_redundancy(now, id, datanodes, rng);
        }
    }

    /// Returns true if exactly this replica was reported as corrupt.
    pub(super) fn is_known_corrupt(&self, at: DatanodeIndex, block: Block) -> bool {
        let is_it = |replica: &Replica| {
            replica.corrupt
                && replica.datanode == at
                && replica.generation_stamp == block.generation_stamp
                && replica.length == block.length
        };
        self.blocks
            .get(&block.id)
            .is_some_and(|info| info.replicas.iter().any(is_it))
    }

    /// Applies a DataNode's full report: removes the replicas that it no longer lists.
    pub(super) fn forget_unreported(
        &mut self,
        now: Timestamp,
        from: DatanodeIndex,
        is_reported: impl Fn(u64) -> bool,
        datanodes: &mut DatanodeManager,
        rng: &mut impl Rng,
    ) {
        for id in self.ids(|info| info.replicas.iter().any(|replica| replica.datanode == from)) {
            if !is_reported(id) {
                self.block_mut(id)
                    .replicas
                    .retain(|replica| replica.datanode != from);
                self.check_redundancy(now, id, datanodes, rng);
            }
        }
    }

    /// Removes a block and orders the deletion of its replicas.
    pub(super) fn remove(&mut self, id: u64, datanodes: &mut DatanodeManager) {
        let Some(info) = self.blocks.remove(&id) else {
            return;
        };
        let holders = info.replicas.iter().map(|replica| replica.datanode);
        let others = info.targets.iter().chain(&info.writing).copied();
        let mut holders: Vec<DatanodeIndex> = holders.chain(others).collect();
        holders.sort_unstable();
        holders.dedup();
        for index in holders {
            // Block ids are never reused, so every replica must go, whatever generation stamp a
            // client gave it.
            datanodes.get_mut(index).invalidate(Block {
                generation_stamp: u64::MAX,
                ..info.block
            });
        }
    }

    /// Checks every block again after DataNodes were added or died.
    pub(super) fn check_all(
        &mut self,
        now: Timestamp,
        datanodes: &mut DatanodeManager,
        rng: &mut impl Rng,
    ) {
        for id in self.ids(BlockInfo::is_complete) {
            self.check_redundancy(now, id, datanodes, rng);
        }
    }

    /// Schedules the replication of missing replicas and the deletion of surplus ones.
    pub(super) fn check_redundancy(
        &mut self,
        now: Timestamp,
        id: u64,
        datanodes: &mut DatanodeManager,
        rng: &mut impl Rng,
    ) {
        let Some(info) = self.blocks.get_mut(&id).filter(|info| info.is_complete()) else {
            return;
        };
        info.pending
            .retain(|(index, deadline)| *deadline > now && datanodes.is_alive(*index));
        let live: Vec<DatanodeIndex> = info.live(datanodes).collect();
        let wanted = usize::from(info.replication);
        if live.len() >= wanted {
            info.pending.clear();
            let surplus = &live[wanted..];
            let dropped =
                |replica: &Replica| replica.corrupt || surplus.contains(&replica.datanode);
            for replica in info.replicas.iter().filter(|replica| dropped(replica)) {
                datanodes.get_mut(replica.datanode).invalidate(Block {
                    generation_stamp: replica.generation_stamp,
                    ..info.block
                });
            }
            info.replicas.retain(|replica| !dropped(replica));
            return;
        }
        let missing = wanted.saturating_sub(live.len() + info.pending.len());
        let Some(source) = live.first().copied().filter(|_| missing > 0) else {
            return;
        };
        let mut excluded: Vec<DatanodeIndex> = info
            .replicas
            .iter()
            .map(|replica| replica.datanode)
            .collect();
        excluded.extend(info.pending.iter().map(|(index, _)| *index));
        let placement = Placement {
            count: missing,
            excluded: &excluded,
            favored: &[],
            writer: None,
            block_size: info.block.length,
        };
        let targets = datanodes.choose(now, &placement, rng);
        if targets.is_empty() {
            return;
        }
        let deadline = now + PENDING_LIMIT;
        info.pending
            .extend(targets.iter().map(|index| (*index, deadline)));
        self.pending_deadline = Some(
            self.pending_deadline
                .map_or(deadline, |earlier| earlier.min(deadline)),
        );
        let (block, targets) = (
            info.block,
            targets
                .iter()
                .map(|index| datanodes.get(*index).registration.clone())
                .collect(),
        );
        datanodes
            .get_mut(source)
            .command(DatanodeCommand::Transfer { block, targets });
    }

    /// Reschedules replications that did not finish in time.
    pub(super) fn tick(
        &mut self,
        now: Timestamp,
        datanodes: &mut DatanodeManager,
        rng: &mut impl Rng,
    ) {
        if self.pending_deadline.is_none_or(|deadline| deadline > now) {
            return;
        }
        self.pending_deadline = None;
        for id in self.ids(|info| !info.pending.is_empty()) {
            self.check_redundancy(now, id, datanodes, rng);
        }
        self.pending_deadline = self
            .blocks
            .values()
            .flat_map(|info| info.pending.iter().map(|(_, at)| *at))
            .min();
    }

    pub(super) fn next_deadline(&self) -> Option<Timestamp> {
        self.pending_deadline
    }

    /// Returns the ids of matching blocks, sorted because the order of DataNodes' commands is
    /// observable.
    fn ids(&self, of: impl Fn(&BlockInfo) -> bool) -> Vec<u64> {
        let mut ids: Vec<u64> = self
            .blocks
            .iter()
            .filter(|(_, info)| of(info))
            .map(|(id, _)| *id)
            .collect();
        ids.sort_unstable();
        ids
    }
}
