//! Blocks with too few replicas, which are copied, and with too many, which are deleted.

use std::time::Duration;

use kerbox_krb5::Timestamp;

use super::datanodes::DatanodeIndex;
use super::info::{BlockInfo, Replica};
use super::manager::BlockManager;
use super::placement::Placement;
use crate::protocol::{Block, DatanodeCommand};
use crate::token::StorageType;

/// The time after which a scheduled copy counts as failed
/// (`dfs.namenode.reconstruction.pending.timeout-sec`).
const PENDING_LIMIT: Duration = Duration::from_secs(5 * 60);

impl BlockManager {
    /// Declares DataNodes that have been silent for too long dead, and returns them.
    pub(crate) fn bury_silent(&mut self, now: Timestamp) -> Vec<DatanodeIndex> {
        let silent = self.datanodes.silent(now);
        self.bury(now, &silent);
        silent
    }

    /// Declares DataNodes dead, and has copied what they had.
    pub(crate) fn bury(&mut self, now: Timestamp, dead: &[DatanodeIndex]) {
        let mut lost = Vec::new();
        for index in dead {
            self.datanodes.bury(*index);
            lost.extend(self.datanodes.replicas(*index));
        }
        lost.sort_unstable();
        lost.dedup();
        for id in lost {
            self.check_redundancy(now, id);
        }
        if !dead.is_empty() {
            // Copies may have been scheduled to the dead ones.
            self.check_low(now);
        }
    }

    /// Checks all blocks again that lack replicas.
    pub(super) fn check_low(&mut self, now: Timestamp) {
        let low: Vec<u64> = self.low.iter().copied().collect();
        for id in low {
            self.check_redundancy(now, id);
        }
    }

    /// Schedules the copying of missing replicas and the deletion of surplus ones.
    pub(crate) fn check_redundancy(&mut self, now: Timestamp, id: u64) {
        if self.is_counting() {
            return;
        }
        let Some(info) = self.blocks.get_mut(id).filter(|info| info.is_complete()) else {
            self.low.remove(&id);
            return;
        };
        let datanodes = &self.datanodes;
        info.retain_pending(|index, deadline| deadline > now && datanodes.is_alive(index));
        let info = self.block(id);
        let live: Vec<DatanodeIndex> = info.in_service(&self.datanodes).collect();
        let wanted = self.expected_live(info);
        let lacks_rack = info.replication > 1 && self.datanodes.lack_a_rack(&live);
        if live.len() >= wanted && !lacks_rack {
            let surplus = self.datanodes.surplus(&live, info.replication.into());
            self.low.remove(&id);
            self.drop_surplus(id, &surplus);
            return;
        }
        self.low.insert(id);
        let info = self.block(id);
        let pending = info.pending();
        let wanted = wanted.max(live.len() + usize::from(lacks_rack));
        let missing = wanted.saturating_sub(live.len() + pending.len());
        // One that leaves service still has its replicas.
        let source = live.first().copied();
        let source = source.or_else(|| info.live(&self.datanodes).next());
        let Some(source) = source.filter(|_| missing > 0) else {
            return;
        };
        let scheduled = pending.iter().map(|(index, _)| *index);
        let excluded: Vec<DatanodeIndex> = info.holders().chain(scheduled).collect();
        let block = info.block();
        let placement = Placement {
            count: missing,
            existing: &live,
            excluded: &excluded,
            favored: &[],
            writer: None,
            block_size: block.length,
            kinds: &[],
        };
        let targets = self.choose(now, &placement);
        self.copy(now, block, source, &targets);
    }

    /// Returns the number of replicas that must be in service: fewer while some are in maintenance
    /// (`getExpectedLiveRedundancyNum`).
    pub(super) fn expected_live(&self, info: &BlockInfo) -> usize {
        let replication = usize::from(info.replication);
        let away = info.in_maintenance(&self.datanodes).count();
        if away == 0 {
            return replication;
        }
        let least = self.min_maintenance_replication.min(replication);
        replication.saturating_sub(away).max(least)
    }

    /// Orders the deletion of corrupt replicas, and of those on `surplus`.
    fn drop_surplus(&mut self, id: u64, surplus: &[DatanodeIndex]) {
        let info = self.block_mut(id);
        info.retain_pending(|_, _| false);
        let dropped = |replica: &Replica| replica.corrupt || surplus.contains(&replica.datanode);
        let replicas: Vec<Replica> = info.replicas().filter(dropped).collect();
        if replicas.is_empty() {
            return;
        }
        info.remove_replicas(dropped);
        let block = info.block();
        for replica in replicas {
            self.datanodes.remove_replica(replica.datanode, id);
            self.datanodes.get_mut(replica.datanode).invalidate(Block {
                generation_stamp: replica.generation_stamp,
                ..block
            });
        }
    }

    fn copy(
        &mut self,
        now: Timestamp,
        block: Block,
        source: DatanodeIndex,
        targets: &[DatanodeIndex],
    ) {
        if targets.is_empty() {
            return;
        }
        let deadline = now + PENDING_LIMIT;
        self.block_mut(block.id).add_pending(targets, deadline);
        self.pending.insert((deadline, block.id));
        // The copies go where the other replicas are, if they can.
        let kinds = self.kinds_of(block.id);
        let nodes = targets.iter().map(|index| self.datanodes.get(*index));
        let order = DatanodeCommand::Transfer {
            block,
            targets: nodes
                .clone()
                .map(|node| node.registration.clone())
                .collect(),
            storages: nodes
                .map(|node| node.storages.of(block.id, || kinds.clone()))
                .collect(),
        };
        self.datanodes.get_mut(source).command(order);
    }

    /// Returns the types of the storages that hold a block.
    fn kinds_of(&self, id: u64) -> Vec<StorageType> {
        let live = self.block(id).live(&self.datanodes);
        let storages = live.filter_map(|index| {
            let storages = &self.datanodes.get(index).storages;
            storages.with_replica(id).map(|storage| storage.kind())
        });
        let mut kinds: Vec<StorageType> = storages.collect();
        kinds.dedup();
        kinds
    }

    /// Reschedules copies that were not made in time.
    pub(crate) fn tick(&mut self, now: Timestamp) {
        while let Some((deadline, id)) = self.pending.first().copied() {
            if deadline > now {
                break;
            }
            self.pending.pop_first();
            self.check_redundancy(now, id);
        }
    }

    /// Returns when [`tick`](Self::tick) will next have work.
    pub(crate) fn next_deadline(&self) -> Option<Timestamp> {
        self.pending.first().map(|(deadline, _)| *deadline)
    }

    /// Returns when [`bury_silent`](Self::bury_silent) will next have work.
    pub(crate) fn next_silence(&self) -> Option<Timestamp> {
        self.datanodes.next_deadline()
    }
}
