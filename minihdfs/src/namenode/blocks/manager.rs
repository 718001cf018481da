//! All blocks, and what calls and reports change of them.

use std::collections::BTreeSet;
use std::time::Duration;

use kerbox_krb5::Timestamp;
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

use super::datanodes::{DatanodeIndex, DatanodeManager};
use super::info::{BlockInfo, BlockState, Replica};
use super::placement::Placement;
use super::safe_blocks::SafeBlocks;
use super::storages::StorageIndex;
use crate::HdfsError;
use crate::config::HdfsConfig;
use crate::namenode::id_table::IdTable;
use crate::namenode::state::inode::InodeId;
use crate::protocol::{Block, HeartbeatReport, ReplicaState, ReportedReplica};

/// All blocks and the DataNodes that have their replicas.
#[derive(Debug)]
pub(crate) struct BlockManager {
    pub(super) blocks: IdTable<BlockInfo>,
    pub(crate) datanodes: DatanodeManager,
    pub(super) rng: StdRng,
    pub(super) min_replication: usize,
    pub(super) default_replication: usize,
    pub(super) min_maintenance_replication: usize,
    pub(super) admin_check_interval: Duration,
    /// When DataNodes that leave service are looked at next.
    pub(super) next_admin_check: Option<Timestamp>,
    /// The complete blocks that have fewer live replicas than they should.
    pub(super) low: BTreeSet<u64>,
    /// The times at which scheduled copies count as failed, with their blocks. A copy that was made
    /// in time leaves its entry, which then has no effect.
    pub(super) pending: BTreeSet<(Timestamp, u64)>,
    /// The counts of a start in safe mode; `None` once it is over.
    pub(super) safe_blocks: Option<SafeBlocks>,
}

impl BlockManager {
    /// Creates an empty table; `rng` seeds the generator for the choice of DataNodes.
    pub(crate) fn new(config: &HdfsConfig, rng: &mut impl Rng) -> Self {
        let mut seed = [0; 32];
        rng.fill_bytes(&mut seed);
        let admin = &config.datanode_admin;
        Self {
            blocks: IdTable::default(),
            datanodes: DatanodeManager::new(
                config.dead_datanode_interval(),
                config.stale_datanode_interval,
            ),
            rng: StdRng::from_seed(seed),
            min_replication: config.min_replication.into(),
            default_replication: config.replication.into(),
            min_maintenance_replication: admin.min_maintenance_replication.into(),
            admin_check_interval: admin.interval,
            next_admin_check: None,
            low: BTreeSet::new(),
            pending: BTreeSet::new(),
            safe_blocks: None,
        }
    }

    /// Returns a block whose id came from a file under the same lock.
    ///
    /// # Panics
    /// Panics if there is no such block, since the tables are then inconsistent.
    pub(crate) fn block(&self, id: u64) -> &BlockInfo {
        self.blocks
            .get(id)
            .expect("files only name blocks that exist")
    }

    /// Same as [`block`](Self::block), but mutable.
    pub(crate) fn block_mut(&mut self, id: u64) -> &mut BlockInfo {
        self.blocks
            .get_mut(id)
            .expect("files only name blocks that exist")
    }

    /// Returns the block with an id sent by a client or a DataNode.
    pub(crate) fn get(&self, id: u64) -> Option<&BlockInfo> {
        self.blocks.get(id)
    }

    /// Returns the blocks of which a DataNode has finalized replicas, by storage and in the order
    /// of their ids.
    pub(crate) fn of_datanode(&self, index: DatanodeIndex) -> impl Iterator<Item = &BlockInfo> {
        let ids = self.datanodes.replicas(index);
        ids.filter_map(|id| self.blocks.get(id))
    }

    /// Returns the number of blocks.
    pub(crate) fn len(&self) -> usize {
        self.blocks.len()
    }

    /// Returns the complete blocks that have fewer live replicas than they should.
    pub(crate) fn low_redundancy(&self) -> impl Iterator<Item = &BlockInfo> {
        self.low.iter().map(|id| self.block(*id))
    }

    /// Chooses DataNodes for a block.
    pub(crate) fn choose(
        &mut self,
        now: Timestamp,
        placement: &Placement<'_>,
    ) -> Vec<DatanodeIndex> {
        self.datanodes.choose(now, placement, &mut self.rng)
    }

    /// Takes over a file's block as the namespace has it. A new one is under construction.
    pub(crate) fn store(&mut self, block: Block, file: InodeId, replication: u16) {
        let Some(info) = self.blocks.get_mut(block.id) else {
            let info = BlockInfo::new(block, file, replication);
            self.blocks.insert(block.id, info);
            return;
        };
        info.set_version(block.generation_stamp, block.length);
        info.file = file;
        info.replication = replication;
    }

    /// Commits a block, which its writer has finished at this length. Does nothing if it is already
    /// committed or complete.
    pub(crate) fn commit(
        &mut self,
        id: u64,
        generation_stamp: u64,
        length: u64,
    ) -> Result<(), HdfsError> {
        let info = self.block_mut(id);
        match info.state() {
            BlockState::Complete | BlockState::Committed => return Ok(()),
            BlockState::UnderRecovery(_) => {
                return Err(HdfsError::io(format!(
                    "Commit or complete block {}, whereas it is under recovery.",
                    info.block()
                )));
            }
            BlockState::UnderConstruction => {}
        }
        let submitted = Block {
            id,
            generation_stamp,
            length,
        };
        if generation_stamp != info.block().generation_stamp {
            return Err(HdfsError::io(format!(
                "Commit block with mismatching GS. NN has {}, client submits {submitted}",
                info.block()
            )));
        }
        info.set_version(generation_stamp, length);
        info.set_committed();
        Ok(())
    }

    /// Completes a committed block if enough replicas are finalized. Returns true if it is
    /// complete.
    pub(crate) fn try_complete(&mut self, id: u64) -> bool {
        let min_replication = self.min_replication;
        let info = self.block(id);
        if matches!(info.state(), BlockState::Committed)
            && info.live(&self.datanodes).count() >= min_replication
        {
            self.settle(id);
        }
        self.block(id).is_complete()
    }

    /// Marks a block as complete. DataNodes that reported a replica being written, but finalized
    /// none, are ordered to delete replicas with an earlier stamp, since nothing else would clean
    /// them up.
    pub(super) fn settle(&mut self, id: u64) {
        let info = self.block_mut(id);
        let left_behind = info.set_complete();
        let block = info.block();
        let earlier = Block {
            generation_stamp: block.generation_stamp.saturating_sub(1),
            ..block
        };
        for index in left_behind {
            self.datanodes.get_mut(index).invalidate(earlier);
        }
    }

    /// Opens the last block of a file for a writer with this pipeline.
    pub(crate) fn reopen(&mut self, id: u64, targets: Vec<DatanodeIndex>) {
        self.block_mut(id).reopen(targets);
        self.low.remove(&id);
    }

    /// Records that a DataNode has an unfinalized replica, which is being written or was left by a
    /// writer that has disappeared. Orders its deletion if the block belongs to no file, or if the
    /// block is finished and has another stamp.
    pub(crate) fn writing(&mut self, from: DatanodeIndex, block: Block) {
        let Some(info) = self.blocks.get_mut(block.id) else {
            self.note_future(block);
            self.datanodes.get_mut(from).invalidate_unknown(block);
            return;
        };
        if !info.is_settled() {
            info.add_writing(from);
            if block.generation_stamp >= info.block().generation_stamp {
                info.add_reported_target(from);
            }
        } else if block.generation_stamp != info.block().generation_stamp {
            // A replica with the current stamp may be in a report that the pipeline has overtaken.
            self.datanodes.get_mut(from).invalidate(block);
        }
    }

    /// Processes a heartbeat and returns its sender; `None` if the DataNode has to register first.
    /// What storages had that have failed is copied.
    ///
    /// # Errors
    /// Fails if the DataNode has too many storages.
    pub(crate) fn heartbeat(
        &mut self,
        now: Timestamp,
        uuid: &str,
        report: &HeartbeatReport,
    ) -> Result<Option<DatanodeIndex>, HdfsError> {
        let Some((from, lost)) = self.datanodes.heartbeat(now, uuid, report)? else {
            return Ok(None);
        };
        if !lost.is_empty() {
            tracing::warn!(
                datanode = self.datanodes.number(from),
                blocks = lost.len(),
                "a storage has failed"
            );
        }
        lost.into_iter().for_each(|id| self.lost(now, from, id));
        Ok(Some(from))
    }

    /// Records that a DataNode does not have a finalized replica any more.
    fn lost(&mut self, now: Timestamp, from: DatanodeIndex, id: u64) {
        self.counted(id, |blocks| {
            blocks.datanodes.remove_replica(from, id);
            if let Some(info) = blocks.blocks.get_mut(id) {
                info.remove_replicas(|replica| replica.datanode == from);
            }
            blocks.check_redundancy(now, id);
        });
    }

    /// Records that a DataNode has finalized a replica in a storage. Orders the deletion of
    /// replicas that are not needed.
    pub(crate) fn received(
        &mut self,
        now: Timestamp,
        from: (DatanodeIndex, StorageIndex),
        block: Block,
    ) {
        self.received_instead(now, from, block, None);
    }

    /// Same as [`received`](Self::received). If there are too many replicas then, that of
    /// `replaced` is the first to go.
    pub(crate) fn received_instead(
        &mut self,
        now: Timestamp,
        from: (DatanodeIndex, StorageIndex),
        block: Block,
        replaced: Option<DatanodeIndex>,
    ) {
        self.counted(block.id, |blocks| {
            blocks.add_received(now, from, block, replaced);
        });
    }

    fn add_received(
        &mut self,
        now: Timestamp,
        (from, at): (DatanodeIndex, StorageIndex),
        block: Block,
        replaced: Option<DatanodeIndex>,
    ) {
        let Some(info) = self.blocks.get_mut(block.id) else {
            self.note_future(block);
            self.datanodes.get_mut(from).invalidate_unknown(block);
            return;
        };
        let settled = info.is_settled();
        if block.generation_stamp < info.block().generation_stamp {
            // An earlier stage of an append in which another DataNode is ahead, or a remainder of a
            // recovery.
            if settled {
                info.remove_replicas(|replica| replica.datanode == from);
                self.datanodes.remove_replica(from, block.id);
                self.datanodes.get_mut(from).invalidate(block);
                self.check_redundancy(now, block.id);
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
        if let Some(replaced) = replaced.filter(|replaced| *replaced != from) {
            info.put_last(replaced);
        }
        self.datanodes.add_replica(from, at, block.id);
        if settled {
            self.try_complete(block.id);
            self.check_redundancy(now, block.id);
        } else {
            info.add_reported_target(from);
        }
    }

    /// Records that a DataNode no longer has its replica in a storage. If it has moved the replica
    /// to another one, nothing changes.
    pub(crate) fn deleted(
        &mut self,
        now: Timestamp,
        (from, at): (DatanodeIndex, StorageIndex),
        block: Block,
    ) {
        if self
            .datanodes
            .get(from)
            .storages
            .has_elsewhere(at, block.id)
        {
            return;
        }
        self.counted(block.id, |blocks| blocks.remove_deleted(now, from, block));
    }

    fn remove_deleted(&mut self, now: Timestamp, from: DatanodeIndex, block: Block) {
        if let Some(info) = self.blocks.get_mut(block.id) {
            info.remove_replicas(|replica| {
                replica.datanode == from && replica.generation_stamp <= block.generation_stamp
            });
            if !info.has_replica(from) {
                self.datanodes.remove_replica(from, block.id);
            }
            self.check_redundancy(now, block.id);
        }
    }

    /// Records that a replica does not match its checksums.
    pub(crate) fn mark_corrupt(&mut self, now: Timestamp, at: DatanodeIndex, id: u64) {
        self.counted(id, |blocks| blocks.set_corrupt(now, at, id));
    }

    fn set_corrupt(&mut self, now: Timestamp, at: DatanodeIndex, id: u64) {
        let Some(info) = self.blocks.get_mut(id) else {
            return;
        };
        let known = info.replicas().find(|replica| replica.datanode == at);
        if let Some(replica) = known {
            info.put_replica(Replica {
                corrupt: true,
                ..replica
            });
            self.check_redundancy(now, id);
        }
    }

    /// Returns true if exactly this replica was reported as corrupt.
    fn is_known_corrupt(&self, at: DatanodeIndex, block: Block) -> bool {
        let is_it = |replica: Replica| {
            replica.corrupt
                && replica.datanode == at
                && replica.generation_stamp == block.generation_stamp
                && replica.length == block.length
        };
        self.blocks
            .get(block.id)
            .is_some_and(|info| info.replicas().any(is_it))
    }

    /// Applies the full report of a storage: adds the replicas that it lists, and removes those
    /// that it no longer lists. This costs what the report names, not what exists.
    pub(crate) fn report(
        &mut self,
        now: Timestamp,
        (from, at): (DatanodeIndex, StorageIndex),
        replicas: &[ReportedReplica],
    ) {
        let returned = self.datanodes.begin_report(from);
        let before = self.datanodes.get(from).storages.blocks_in(at);
        for ReportedReplica { block, state } in replicas.iter().copied() {
            if self.is_known_corrupt(from, block) {
                // A replica known to be corrupt stays corrupt when it is reported again.
            } else if state == ReplicaState::Finalized {
                self.received(now, (from, at), block);
            } else {
                self.writing(from, block);
            }
        }
        let reported: BTreeSet<u64> = replicas.iter().map(|replica| replica.block.id).collect();
        for id in before.into_iter().filter(|id| !reported.contains(id)) {
            // A report of another storage may have come first.
            if !self.datanodes.get(from).storages.has_elsewhere(at, id) {
                self.lost(now, from, id);
            }
        }
        if returned {
            // An additional DataNode may have room for blocks that lack replicas.
            self.check_low(now);
        }
    }

    /// Removes a block and orders the deletion of its replicas.
    pub(crate) fn remove(&mut self, id: u64) {
        let Some(info) = self.blocks.remove(id) else {
            return;
        };
        self.low.remove(&id);
        for holder in info.holders() {
            self.datanodes.remove_replica(holder, id);
        }
        let others = info.targets().iter().chain(info.writing()).copied();
        let mut holders: Vec<DatanodeIndex> = info.holders().chain(others).collect();
        holders.sort_unstable();
        holders.dedup();
        for index in holders {
            let node = self.datanodes.get_mut(index);
            // Block ids are never reused, so every replica must go, whatever generation stamp a
            // client gave it. Hadoop's DataNodes delete exactly what they are told.
            let generation_stamp = if node.is_in_process() {
                u64::MAX
            } else {
                let mut replicas = info.replicas();
                let known = replicas.find(|replica| replica.datanode == index);
                known.map_or_else(|| info.block().generation_stamp, |it| it.generation_stamp)
            };
            node.invalidate(Block {
                generation_stamp,
                ..info.block()
            });
        }
    }
}
