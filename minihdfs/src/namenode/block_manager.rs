//! Blocks: their states, and which DataNodes have replicas of them.

use std::time::Duration;

use kerbox_krb5::Timestamp;

use super::datanode_manager::{DatanodeIndex, DatanodeManager, Placement};
use super::id_map::IdMap;
use super::inode::InodeId;
use crate::HdfsError;
use crate::datanode::link::{Block, DatanodeCommand};
use rand::Rng;

/// The first block is 1073741825 (Hadoop's `LAST_RESERVED_BLOCK_ID` + 1).
const LAST_RESERVED_BLOCK: u64 = 1 << 30;
/// The first generation stamp is 1001.
const LAST_RESERVED_STAMP: u64 = 1000;
/// When a replication that was ordered counts as failed
/// (`dfs.namenode.reconstruction.pending.timeout-sec`).
const PENDING_LIMIT: Duration = Duration::from_mins(5);

/// How far the writing of a block is (Hadoop's `BlockUCState`).
#[derive(Clone, Debug)]
pub(super) enum BlockState {
    /// The writer is done with it, and enough replicas are finalized.
    Complete,
    /// The writer is done with it; replicas are missing.
    Committed,
    /// A client is writing it.
    UnderConstruction,
    /// Its writer is gone, or it is being truncated.
    UnderRecovery(Recovery),
}

/// A recovery that was ordered.
#[derive(Clone, Copy, Debug)]
pub(super) struct Recovery {
    /// The generation stamp that the block will get; a later attempt has a higher one.
    pub(super) id: u64,
    /// When it was ordered.
    pub(super) started: Timestamp,
    /// The length to cut the block to.
    pub(super) truncate_to: Option<u64>,
    /// How many attempts there were before.
    pub(super) attempt: usize,
}

/// A replica that a DataNode reported as finalized.
#[derive(Clone, Copy, Debug)]
pub(super) struct Replica {
    pub(super) datanode: DatanodeIndex,
    pub(super) generation_stamp: u64,
    pub(super) length: u64,
    pub(super) corrupt: bool,
}

/// A block of a file.
#[derive(Clone, Debug)]
pub(super) struct BlockInfo {
    /// The length is the writer's last word while the block is under construction.
    pub(super) block: Block,
    pub(super) file: InodeId,
    pub(super) replication: u16,
    pub(super) state: BlockState,
    /// Where the writer's pipeline goes; empty once the block is complete.
    pub(super) targets: Vec<DatanodeIndex>,
    /// DataNodes that have told of a replica being written, in the pipeline or not: each once.
    writing: Vec<DatanodeIndex>,
    pub(super) replicas: Vec<Replica>,
    /// Replications that were ordered, and when they count as failed.
    pending: Vec<(DatanodeIndex, Timestamp)>,
}

impl BlockInfo {
    pub(super) fn is_complete(&self) -> bool {
        matches!(self.state, BlockState::Complete)
    }

    /// Makes it complete: no pipeline writes it any more. DataNodes that told of a replica being
    /// written, and finalized none, delete what they have of an earlier stamp: a pipeline left them
    /// behind, and nothing else would tell them.
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

    /// Where good replicas are, on DataNodes that live.
    pub(super) fn live<'a>(
        &'a self,
        datanodes: &'a DatanodeManager,
    ) -> impl Iterator<Item = DatanodeIndex> + 'a {
        let good = self.replicas.iter().filter(|replica| self.is_good(replica));
        good.map(|replica| replica.datanode)
            .filter(|index| datanodes.is_alive(*index))
    }

    /// Whether readers would only find replicas that do not match their checksums.
    pub(super) fn is_corrupt(&self) -> bool {
        self.is_complete()
            && !self.replicas.is_empty()
            && self.replicas.iter().all(|replica| replica.corrupt)
    }

    /// Where readers find it: good replicas, all if none is good; while it is written, the
    /// pipeline.
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
pub(super) struct BlockManager {
    blocks: IdMap<BlockInfo>,
    last_block: u64,
    last_stamp: u64,
    min_replication: usize,
    /// When the next replication that was ordered counts as failed.
    pending_deadline: Option<Timestamp>,
}

impl BlockManager {
    pub(super) fn new(min_replication: u16) -> Self {
        Self {
            blocks: IdMap::default(),
            last_block: LAST_RESERVED_BLOCK,
            last_stamp: LAST_RESERVED_STAMP,
            min_replication: min_replication.into(),
            pending_deadline: None,
        }
    }

    /// A block whose id came from a file under the same lock.
    ///
    /// # Panics
    /// If there is none: the tables are broken then.
    pub(super) fn block(&self, id: u64) -> &BlockInfo {
        self.blocks
            .get(&id)
            .expect("files only name blocks that exist")
    }

    /// As [`block`](Self::block).
    pub(super) fn block_mut(&mut self, id: u64) -> &mut BlockInfo {
        self.blocks
            .get_mut(&id)
            .expect("files only name blocks that exist")
    }

    /// The block of an id that a client or a DataNode told.
    pub(super) fn get(&self, id: u64) -> Option<&BlockInfo> {
        self.blocks.get(&id)
    }

    /// All of them, in no order.
    pub(super) fn iter(&self) -> impl Iterator<Item = &BlockInfo> {
        self.blocks.values()
    }

    /// The highest generation stamp that was given out.
    pub(super) fn last_generation_stamp(&self) -> u64 {
        self.last_stamp
    }

    pub(super) fn next_generation_stamp(&mut self) -> u64 {
        self.last_stamp += 1;
        self.last_stamp
    }

    /// A new, empty block under construction.
    pub(super) fn allocate(
        &mut self,
        file: InodeId,
        replication: u16,
        targets: Vec<DatanodeIndex>,
    ) -> &BlockInfo {
        self.last_block += 1;
        let id = self.last_block;
        let block = Block {
            id,
            generation_stamp: self.next_generation_stamp(),
            length: 0,
        };
        self.blocks.entry(id).or_insert(BlockInfo {
            block,
            file,
            replication,
            state: BlockState::UnderConstruction,
            targets,
            writing: Vec::new(),
            replicas: Vec::new(),
            pending: Vec::new(),
        })
    }

    /// The block's writer is done with it at this length. Does nothing to a block that is committed
    /// or complete.
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

    /// Makes a committed block complete if enough replicas of it are finalized. Tells whether it is
    /// complete now.
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

    /// A DataNode has a replica that is not finalized: being written, or left by a writer that is
    /// gone. One of a block that no file has, or of a stamp that its block has left behind, is
    /// ordered to be deleted, as a finalized one would be.
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
                // One of the present stamp may be a report that a pipeline overtook.
                if block.generation_stamp != info.block.generation_stamp {
                    datanodes.get_mut(from).invalidate(block);
                }
            }
        }
    }

    /// A DataNode has finalized a replica. Replicas that nobody needs are ordered to be deleted.
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
            // An earlier stage of an append that another DataNode is ahead of, or what a recovery
            // left behind.
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

    /// A DataNode does not have its replica any more.
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

    /// A replica does not match its checksums.
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

    /// Returns whether just this replica was reported to be damaged.
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

    /// What a DataNode reports as the whole of its replicas: those that it does not name any more
    /// are gone.
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

    /// Takes a block out and orders its replicas to be deleted.
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
            // A block's id is never used again, so no replica of it is to stay, whatever stamp a
            // client gave it.
            datanodes.get_mut(index).invalidate(Block {
                generation_stamp: u64::MAX,
                ..info.block
            });
        }
    }

    /// Looks at every block again: DataNodes came or died.
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

    /// Orders missing replicas to be made and surplus ones to be deleted.
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

    /// Orders again what was ordered and never came.
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

    /// The ids of some blocks, sorted: the order in which DataNodes get their commands can be seen.
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
