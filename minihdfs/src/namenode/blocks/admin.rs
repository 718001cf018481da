//! DataNodes that leave service for good or for a while: decommissioning and maintenance (Hadoop's
//! `DatanodeAdminManager`).

use kerbox_events::StateChange;
use kerbox_krb5::Timestamp;

use super::admin_state::AdminState;
use super::datanodes::{Datanode, DatanodeIndex};
use super::info::BlockInfo;
use super::manager::BlockManager;
use crate::namenode::hosts::{HostLists, Listed};

/// A change of a DataNode's service, for the journal.
pub(crate) type Changed = (DatanodeIndex, StateChange);

impl Datanode {
    /// Returns the state that the lists ask for.
    fn wanted(&self, listed: Listed) -> AdminState {
        use AdminState::{
            DecommissionInProgress, Decommissioned, EnteringMaintenance, InMaintenance, Normal,
        };
        match (listed, self.admin_state) {
            (Listed::Excluded, state @ (DecommissionInProgress | Decommissioned)) => state,
            (Listed::Maintenance(_), state @ (EnteringMaintenance | InMaintenance)) => state,
            // A dead DataNode has nothing to copy.
            (Listed::Excluded, _) if !self.alive => Decommissioned,
            (Listed::Excluded, _) => DecommissionInProgress,
            (Listed::Maintenance(_), _) if !self.alive => InMaintenance,
            (Listed::Maintenance(_), _) => EnteringMaintenance,
            (Listed::InService | Listed::Disallowed, _) => Normal,
        }
    }
}

impl BlockManager {
    /// Takes over new lists. DataNodes that may not register any more are dead at once.
    pub(crate) fn set_hosts(&mut self, now: Timestamp, hosts: HostLists) -> Vec<Changed> {
        self.datanodes.hosts = hosts;
        let all: Vec<DatanodeIndex> = self.datanodes.all().map(|(index, _)| index).collect();
        let mut changed = Vec::new();
        for index in all {
            let node = self.datanodes.get(index);
            let listed = self.datanodes.hosts.of(now, &node.registration);
            if listed == Listed::Disallowed && node.alive {
                self.bury(now, &[index]);
                changed.push((index, StateChange::Dead));
            }
            changed.extend(self.follow_lists(now, index));
        }
        changed
    }

    /// Starts or ends what the lists say of a DataNode. Returns the change, if there is one.
    pub(crate) fn follow_lists(&mut self, now: Timestamp, index: DatanodeIndex) -> Option<Changed> {
        let node = self.datanodes.get(index);
        let listed = self.datanodes.hosts.of(now, &node.registration);
        let wanted = node.wanted(listed);
        let node = self.datanodes.get_mut(index);
        node.maintenance_until = match listed {
            Listed::Maintenance(until) => until,
            _ => None,
        };
        self.set_admin_state(now, index, wanted)
    }

    fn set_admin_state(
        &mut self,
        now: Timestamp,
        index: DatanodeIndex,
        state: AdminState,
    ) -> Option<Changed> {
        if state.is_leaving() {
            // Also for one that was dead at the last look, and has returned.
            self.next_admin_check
                .get_or_insert(now + self.admin_check_interval);
        }
        let node = self.datanodes.get_mut(index);
        if node.admin_state == state {
            return None;
        }
        node.admin_state = state;
        let replicas: Vec<u64> = self.datanodes.replicas(index).collect();
        for id in replicas {
            self.check_redundancy(now, id);
        }
        Some((index, state.change()))
    }

    /// Looks whether DataNodes that leave are needed no longer, and whether a maintenance is over.
    pub(crate) fn tick_admin(&mut self, now: Timestamp) -> Vec<Changed> {
        let mut changed = Vec::new();
        for index in self.datanodes.maintenance_over(now) {
            changed.extend(self.follow_lists(now, index));
        }
        if self.next_admin_check.is_none_or(|check| check > now) {
            return changed;
        }
        self.next_admin_check = None;
        let leaving: Vec<_> = self
            .datanodes
            .all()
            .filter(|(_, node)| node.alive && node.admin_state.is_leaving())
            .map(|(index, node)| (index, node.admin_state))
            .collect();
        for (index, state) in leaving {
            let is_decommission = state == AdminState::DecommissionInProgress;
            let is_free = self
                .datanodes
                .replicas(index)
                .filter_map(|id| self.get(id))
                .all(|info| self.is_sufficient(info, is_decommission));
            if is_free {
                let left = if is_decommission {
                    AdminState::Decommissioned
                } else {
                    AdminState::InMaintenance
                };
                changed.extend(self.set_admin_state(now, index, left));
            } else {
                self.next_admin_check = Some(now + self.admin_check_interval);
            }
        }
        changed
    }

    /// Returns when [`tick_admin`](Self::tick_admin) will next have work.
    pub(crate) fn next_admin_deadline(&self) -> Option<Timestamp> {
        let over = self.datanodes.next_maintenance_end();
        self.next_admin_check.into_iter().chain(over).min()
    }

    /// Returns true if a DataNode cannot leave yet because of this block.
    pub(crate) fn keeps_from_leaving(&self, info: &BlockInfo) -> bool {
        info.holders().any(|index| {
            let state = self.datanodes.get(index).admin_state;
            let is_decommission = state == AdminState::DecommissionInProgress;
            state.is_leaving() && !self.is_sufficient(info, is_decommission)
        })
    }

    /// Returns true if a block can do without the DataNodes that leave (`isSufficient`).
    fn is_sufficient(&self, info: &BlockInfo, is_decommission: bool) -> bool {
        let live = info.in_service(&self.datanodes).count();
        if live >= self.expected_live(info) {
            return true;
        }
        if !is_decommission {
            return live >= self.min_maintenance_replication;
        }
        if info.is_complete() {
            live >= self.default_replication
        } else {
            live >= self.min_replication
        }
    }
}
