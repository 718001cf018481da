//! The storages that hold replicas, or will, as the policies of their files say.

use super::blocks::{BlockInfo, DatanodeIndex};
use super::namesystem::Namesystem;
use super::state::inode::InodeId;
use super::state::storage_policy::wanted;
use crate::protocol::DatanodeStorage;
use crate::token::StorageType;

/// The most replicas whose types of storage a policy tells apart.
const MOST_KINDS: usize = 3;

impl Namesystem {
    /// Returns the storages of a block on these DataNodes: those with its replicas, and those that
    /// the policy of its file asks for.
    pub(crate) fn storages_of(
        &self,
        info: &BlockInfo,
        locations: &[DatanodeIndex],
    ) -> Vec<DatanodeStorage> {
        let each = locations.iter().enumerate().map(|(position, index)| {
            let storages = &self.blocks.datanodes.get(*index).storages;
            storages.of(info.block().id, || {
                wanted(self.policy_of(info.file), position, true)
            })
        });
        each.collect()
    }

    /// Returns the types of storage for the replicas of a new block of a file, after so many
    /// others.
    pub(crate) fn kinds_for(
        &self,
        file: InodeId,
        existing: usize,
        count: usize,
    ) -> Vec<Vec<StorageType>> {
        let policy = self.policy_of(file);
        // All further replicas are like the last one.
        let positions = existing..existing.saturating_add(count.clamp(1, MOST_KINDS));
        positions
            .map(|position| wanted(policy, position, true))
            .collect()
    }

    /// Returns the storage policy of a file; 0, for the default one, if only a snapshot shows it.
    pub(crate) fn policy_of(&self, file: InodeId) -> u8 {
        let known = self.namespace().get(file);
        known.map_or(0, |_| self.namespace().storage_policy(file))
    }
}
