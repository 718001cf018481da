//! The standing of a block's replicas, for those who look after the file system.

use super::admin_state::AdminState;
use super::datanodes::{DatanodeIndex, DatanodeManager};
use super::info::BlockInfo;
use super::manager::BlockManager;

/// The good replicas of a block by the state of their DataNodes, and the bad ones (Hadoop's
/// `NumberReplicas`).
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) struct ReplicaCounts {
    pub(crate) live: usize,
    /// The live ones on DataNodes whose block report is still to come.
    pub(crate) stale: usize,
    pub(crate) decommissioned: usize,
    pub(crate) decommissioning: usize,
    pub(crate) entering_maintenance: usize,
    pub(crate) in_maintenance: usize,
    pub(crate) corrupt: usize,
}

impl ReplicaCounts {
    /// Returns the number of replicas that can be read or will be back.
    pub(crate) fn total(&self) -> usize {
        self.live
            + self.decommissioned
            + self.decommissioning
            + self.entering_maintenance
            + self.in_maintenance
    }
}

impl BlockInfo {
    /// Counts the replicas.
    pub(crate) fn counts(&self, datanodes: &DatanodeManager) -> ReplicaCounts {
        let mut counts = ReplicaCounts {
            corrupt: self.corrupt_holders().count(),
            ..ReplicaCounts::default()
        };
        for index in self.live(datanodes) {
            let node = datanodes.get(index);
            match node.admin_state {
                AdminState::Normal => {
                    counts.live += 1;
                    counts.stale += usize::from(node.awaits_report());
                }
                AdminState::Decommissioned => counts.decommissioned += 1,
                AdminState::DecommissionInProgress => counts.decommissioning += 1,
                AdminState::EnteringMaintenance => counts.entering_maintenance += 1,
                AdminState::InMaintenance => counts.in_maintenance += 1,
            }
        }
        counts
    }

    /// Returns the DataNodes whose replicas are known to be corrupt.
    pub(crate) fn corrupt_holders(&self) -> impl Iterator<Item = DatanodeIndex> {
        let corrupt = self.replicas().filter(|replica| replica.corrupt);
        corrupt.map(|replica| replica.datanode)
    }

    /// Returns the DataNodes to show for a block: those with replicas that are alive, or the
    /// writer's pipeline.
    pub(crate) fn shown_holders(&self, datanodes: &DatanodeManager) -> Vec<DatanodeIndex> {
        let alive = |index: &DatanodeIndex| datanodes.is_alive(*index);
        if self.is_complete() || self.targets().is_empty() {
            return self.holders().filter(alive).collect();
        }
        self.targets().iter().copied().filter(alive).collect()
    }
}

impl BlockManager {
    /// Returns the number of racks that a block's replicas should have in addition, and the number
    /// of racks that there are, if its placement breaks Hadoop's rule.
    pub(crate) fn lacking_racks(&self, info: &BlockInfo) -> Option<(usize, usize)> {
        let live: Vec<DatanodeIndex> = info.live(&self.datanodes).collect();
        let lacks = info.replication > 1 && self.datanodes.lack_a_rack(&live);
        lacks.then(|| (1, self.datanodes.racks()))
    }

    /// Returns the number of racks with live DataNodes.
    pub(crate) fn racks(&self) -> usize {
        self.datanodes.racks()
    }
}
