//! The state of a NameNode and its DataNodes in figures, for the pages that show it.

use kerbox_krb5::Timestamp;

use crate::namenode::NameNode;
use crate::namenode::blocks::{AdminState, Datanode};
use crate::proto::hdfs::GetFsStatsRequestProto;
use crate::protocol::DatanodeRegistration;
use crate::rpc::Call;

/// The figures of a NameNode.
#[derive(Clone, Debug)]
pub(crate) struct Overview {
    pub(crate) capacity: u64,
    pub(crate) used: u64,
    pub(crate) remaining: u64,
    /// The number of files, directories and symbolic links.
    pub(crate) files: u64,
    pub(crate) blocks: u64,
    pub(crate) missing_blocks: u64,
    pub(crate) missing_with_one_replica: u64,
    pub(crate) corrupt_blocks: u64,
    pub(crate) under_replicated: u64,
    /// The transfers of all DataNodes.
    pub(crate) load: u64,
    pub(crate) transaction_id: i64,
    /// True if nothing is kept of the time before an upgrade.
    pub(crate) upgrade_finalized: bool,
    /// The text that clients get in safe mode; `None` if it is off.
    pub(crate) safe_mode: Option<String>,
    pub(crate) open_files: usize,
    pub(crate) datanodes: Vec<DatanodeFigures>,
}

/// The figures of a DataNode.
#[derive(Clone, Debug)]
pub(crate) struct DatanodeFigures {
    pub(crate) registration: DatanodeRegistration,
    pub(crate) capacity: u64,
    pub(crate) used: u64,
    pub(crate) remaining: u64,
    pub(crate) blocks: usize,
    pub(crate) transfers: u32,
    pub(crate) location: String,
    pub(crate) is_alive: bool,
    pub(crate) admin_state: AdminState,
    /// The seconds since its last heartbeat.
    pub(crate) silent: u64,
}

impl DatanodeFigures {
    fn of(now: Timestamp, node: &Datanode) -> Self {
        Self {
            registration: node.registration.clone(),
            capacity: node.capacity(),
            used: node.dfs_used(),
            remaining: node.remaining(),
            blocks: node.block_count(),
            transfers: node.xceivers,
            location: node.location.to_string(),
            is_alive: node.alive,
            admin_state: node.admin_state,
            silent: now.since(node.last_heartbeat).as_secs(),
        }
    }

    /// Returns the bytes that others than HDFS use.
    pub(crate) fn non_dfs_used(&self) -> u64 {
        self.capacity
            .saturating_sub(self.used)
            .saturating_sub(self.remaining)
    }

    /// Returns the words for its state of service.
    pub(crate) fn service(&self) -> &'static str {
        match self.admin_state {
            AdminState::Normal => "In Service",
            AdminState::DecommissionInProgress => "Decommission In Progress",
            AdminState::Decommissioned => "Decommissioned",
            AdminState::EnteringMaintenance => "Entering Maintenance",
            AdminState::InMaintenance => "In Maintenance",
        }
    }
}

impl NameNode {
    /// Returns true for the superuser and for those whom `dfs.cluster.administrators` names.
    pub(crate) fn is_administrator(&self, now: Timestamp, user: &str) -> bool {
        let groups = self.authorization.groups_of(now, user);
        *user == *self.superuser
            || groups.contains(&self.config.superuser_group)
            || self.config.web.is_administrator(user, &groups)
    }

    /// Returns the figures at the time of a call.
    pub(crate) fn overview(&self, call: &Call<'_>) -> Overview {
        // Any caller may have these totals, so that this cannot fail.
        let stats = self
            .get_fs_stats(call, GetFsStatsRequestProto {})
            .unwrap_or_default();
        let now = call.now;
        let ns = self.read();
        let nodes = ns.blocks.datanodes.iter();
        let nodes = nodes.map(|node| DatanodeFigures::of(now, node));
        let datanodes: Vec<_> = nodes.collect();
        Overview {
            capacity: stats.capacity,
            used: stats.used,
            remaining: stats.remaining,
            files: ns.namespace().len() as u64,
            blocks: ns.blocks.len() as u64,
            missing_blocks: stats.missing_blocks,
            missing_with_one_replica: stats.missing_repl_one_blocks(),
            corrupt_blocks: stats.corrupt_blocks,
            under_replicated: stats.under_replicated,
            load: datanodes.iter().map(|node| u64::from(node.transfers)).sum(),
            transaction_id: ns.state().transaction_id(),
            upgrade_finalized: self.is_upgrade_finalized(),
            safe_mode: ns
                .safe_mode
                .is_on()
                .then(|| ns.safe_mode.tip(now, ns.reported())),
            open_files: ns.leases().iter().map(|(_, files)| files.len()).sum(),
            datanodes,
        }
    }
}
