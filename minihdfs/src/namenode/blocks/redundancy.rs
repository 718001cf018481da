//! Blocks with too few replicas, which are copied, and with too many, which are deleted.

use std::time::Duration;

use kerbox_krb5::Timestamp;

use super::datanodes::DatanodeIndex;
use super::info::Replica;
use super::manager::BlockManager;
use super::placement::Placement;
use crate::protocol::{Block, DatanodeCommand};

/// The time after which a scheduled copy counts as failed
/// (`dfs.namenode.reconstruction.pending.timeout-sec`).
const PENDING_LIMIT: Duration = Duration::from_mins(5);

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
        let Some(info) = self.blocks.get_mut(id).filter(|info| info.is_complete()) else {
            self.low.remove(&id);
            return;
        };
        let datanodes = &self.datanodes;
        info.retain_pending(|index, deadline| deadline > now && datanodes.is_alive(index));
        let live: Vec<DatanodeIndex> = info.live(&self.datanodes).collect();
        let wanted = usize::from(info.replication);
        if live.len() >= wanted {
            self.low.remove(&id);
            self.drop_surplus(id, &live[wanted..]);
            return;
        }
        self.low.insert(id);
        let pending = info.pending();
        let missing = wanted.saturating_sub(live.len() + pending.len());
        let Some(source) = live.first().copied().filter(|_| missing > 0) else {
            return;
        };
        let scheduled = pending.iter().map(|(index, _)| *index);
        let excluded: Vec<DatanodeIndex> = info.holders().chain(scheduled).collect();
        let block = info.block();
        let placement = Placement {
            count: missing,
            excluded: &excluded,
            favored: &[],
            writer: None,
            block_size: block.length,
        };
        let targets = self.choose(now, &placement);
        self.copy(now, block, source, &targets);
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
        let targets = targets
            .iter()
            .map(|index| self.datanodes.get(*index).registration.clone())
            .collect();
        let order = DatanodeCommand::Transfer { block, targets };
        self.datanodes.get_mut(source).command(order);
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

    /// Returns when [`tick`](Self::tick) or [`bury_silent`](Self::bury_silent) will next have work.
    pub(crate) fn next_deadline(&self) -> Option<Timestamp> {
        let pending = self.pending.first().map(|(deadline, _)| *deadline);
        let silent = self.datanodes.next_deadline();
        pending.into_iter().chain(silent).min()
    }
}
