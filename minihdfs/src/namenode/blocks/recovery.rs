//! Blocks whose writer has disappeared: orders to recover them, and the results.

use std::time::Duration;

use kerbox_krb5::Timestamp;

use super::datanodes::DatanodeIndex;
use super::info::{BlockState, Cut, Recovery, Replica};
use super::manager::BlockManager;
use crate::HdfsError;
use crate::protocol::{Block, BlockSynchronization, DatanodeCommand, RecoveringBlock};

/// The time after which a recovery counts as failed and is assigned to another DataNode.
pub(crate) const RECOVERY_LIMIT: Duration = Duration::from_secs(30);

impl BlockManager {
    /// Orders the recovery of a block under construction. Of the DataNodes not tried yet, the one
    /// with the latest heartbeat gets the order. The block gets `recovery_id` as its generation
    /// stamp, and what the cut leaves of it or of its source, if there is one.
    pub(crate) fn recover(&mut self, now: Timestamp, id: u64, recovery_id: u64, cut: Option<Cut>) {
        let info = self.block_mut(id);
        let (attempt, cut) = match info.state() {
            BlockState::UnderRecovery(earlier) => (earlier.attempt + 1, earlier.cut),
            _ => (0, cut),
        };
        info.set_recovery(Recovery {
            id: recovery_id,
            started: now,
            cut,
            attempt,
        });
        let source = cut.and_then(|cut| cut.source);
        let block = source.unwrap_or_else(|| info.block());
        if self.block(id).targets().is_empty() {
            let holders = self.block(block.id).holders().collect();
            self.block_mut(id).set_targets(holders);
        }
        self.low.remove(&id);
        let holders = self.participants(block.id);
        let Some(primary) = holders.get(attempt % holders.len().max(1)).copied() else {
            return;
        };
        let locations = holders
            .iter()
            .map(|index| self.datanodes.get(*index).registration.clone());
        let order = RecoveringBlock {
            block,
            recovery_id,
            truncate_to: cut.map(|cut| cut.length),
            copy_to: source.map(|_| id),
            locations: locations.collect(),
        };
        let order = DatanodeCommand::Recover(order);
        self.datanodes.get_mut(primary).command(order);
    }

    /// Returns the live DataNodes that may have a replica, those with the latest heartbeat first.
    fn participants(&self, id: u64) -> Vec<DatanodeIndex> {
        let info = self.block(id);
        let mut holders: Vec<_> = info.targets().to_vec();
        for holder in info.holders() {
            if !holders.contains(&holder) {
                holders.push(holder);
            }
        }
        holders.retain(|index| self.datanodes.is_alive(*index));
        holders.sort_by_key(|index| std::cmp::Reverse(self.datanodes.get(*index).last_heartbeat));
        holders
    }

    /// Checks that a result is the current recovery's. Returns false if the block is finished
    /// already, because the result is a repetition.
    ///
    /// # Errors
    /// Fails if the block does not exist, is not under recovery, or is under a later one.
    pub(crate) fn check_synchronization(
        &self,
        outcome: &BlockSynchronization,
    ) -> Result<bool, HdfsError> {
        let block = outcome.block;
        let Some(info) = self.get(block.id) else {
            return Err(HdfsError::io(format!("Block (={block}) not found")));
        };
        match info.state() {
            BlockState::Complete | BlockState::Committed => Ok(false),
            BlockState::UnderRecovery(recovery) if recovery.id == outcome.new_generation_stamp => {
                Ok(true)
            }
            BlockState::UnderRecovery(recovery) => Err(HdfsError::io(format!(
                "The recovery id {} does not match current recovery id {} for block {block}",
                outcome.new_generation_stamp, recovery.id
            ))),
            BlockState::UnderConstruction => Err(HdfsError::io(format!(
                "Unexpected block (={block}) since it is not under recovery"
            ))),
        }
    }

    /// Completes a block as the DataNodes have agreed.
    pub(crate) fn synchronize(&mut self, now: Timestamp, outcome: &BlockSynchronization) {
        let Block { id, .. } = outcome.block;
        let before: Vec<DatanodeIndex> = self.block(id).holders().collect();
        for index in before {
            self.datanodes.remove_replica(index, id);
        }
        let targets = outcome.new_targets.iter().filter_map(|target| {
            let index = self.datanodes.index(&target.datanode.uuid)?;
            Some((
                index,
                self.datanodes.get(index).storages.known(&target.storage_id),
            ))
        });
        let targets: Vec<_> = targets.collect();
        let info = self.block_mut(id);
        info.remove_replicas(|_| true);
        info.set_version(outcome.new_generation_stamp, outcome.new_length);
        for (datanode, _) in targets.iter().copied() {
            info.put_replica(Replica {
                datanode,
                generation_stamp: outcome.new_generation_stamp,
                length: outcome.new_length,
                corrupt: false,
            });
        }
        for (index, at) in targets {
            self.datanodes.add_replica(index, at, id);
        }
        self.settle(id);
        self.check_redundancy(now, id);
    }
}
