//! The registered DataNodes, their liveness, their replicas, and their pending commands.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use kerbox_krb5::Timestamp;

use super::admin_state::AdminState;
use super::storages::{StorageIndex, Storages};
use crate::HdfsError;
use crate::namenode::hosts::{HostLists, Listed};
use crate::protocol::{
    Block, DatanodeCommand, DatanodeRegistration, DatanodeStorage, HeartbeatReport, WorkSignal,
};

/// The index of a DataNode, in the order of first registration. It is short because every replica
/// has one.
pub(crate) type DatanodeIndex = u16;

/// The network location of DataNodes without one of their own (`NetworkTopology.DEFAULT_RACK`).
const DEFAULT_RACK: &str = "/default-rack";

/// The most deletions that may be queued when another one of a replica of no block is.
const MAX_UNKNOWN: usize = 100_000;

/// The NameNode's record of a DataNode.
#[derive(Debug)]
pub(crate) struct Datanode {
    pub(crate) registration: DatanodeRegistration,
    /// Raised for urgent commands; `None` if the DataNode is not in this process.
    signal: Option<Arc<WorkSignal>>,
    /// The id of the newest block key that it has; `None` without block tokens.
    block_key: Option<i32>,
    pub(crate) storages: Storages,
    /// The number of data connections that it serves.
    pub(crate) xceivers: u32,
    /// The number of its storages that have failed; `None` before its first heartbeat.
    failed_volumes: Option<u32>,
    pub(crate) last_heartbeat: Timestamp,
    pub(crate) alive: bool,
    pub(crate) admin_state: AdminState,
    /// The end of its maintenance, if it has one.
    pub(crate) maintenance_until: Option<Timestamp>,
    /// Its place in the network, as `/rack1`.
    pub(crate) location: Arc<str>,
    /// True from a registration to the block report that follows.
    returned: bool,
    commands: Vec<DatanodeCommand>,
    invalidations: Vec<Block>,
}

impl Datanode {
    fn new(now: Timestamp, registration: DatanodeRegistration) -> Self {
        Self {
            registration,
            signal: None,
            block_key: None,
            storages: Storages::default(),
            xceivers: 0,
            failed_volumes: None,
            last_heartbeat: now,
            alive: true,
            admin_state: AdminState::Normal,
            maintenance_until: None,
            location: DEFAULT_RACK.into(),
            returned: true,
            commands: Vec::new(),
            invalidations: Vec::new(),
        }
    }

    /// Returns the number of blocks of which it has finalized replicas.
    pub(crate) fn block_count(&self) -> usize {
        self.storages.len()
    }

    /// Returns the bytes that its storages can hold.
    pub(crate) fn capacity(&self) -> u64 {
        self.storages.total(|report| report.capacity)
    }

    /// Returns the bytes of its replicas.
    pub(crate) fn dfs_used(&self) -> u64 {
        self.storages.total(|report| report.dfs_used)
    }

    /// Returns the bytes that its storages can still hold.
    pub(crate) fn remaining(&self) -> u64 {
        self.storages.total(|report| report.remaining)
    }

    /// Returns true if it shares the process with the NameNode.
    pub(super) fn is_in_process(&self) -> bool {
        self.signal.is_some()
    }

    /// Returns true from a registration to the block report that follows.
    #[cfg(feature = "web")]
    pub(super) fn awaits_report(&self) -> bool {
        self.returned
    }

    /// Queues a command and asks the DataNode to send a heartbeat at once.
    pub(super) fn command(&mut self, command: DatanodeCommand) {
        self.commands.push(command);
        if let Some(signal) = &self.signal {
            signal.raise();
        }
    }

    /// Queues the deletion of a replica for the next heartbeat. It is not urgent: the writer of a
    /// deleted file is to learn of the deletion from the NameNode before its pipeline breaks. A
    /// dead DataNode gets no command, because it reports its replicas if it returns.
    pub(super) fn invalidate(&mut self, block: Block) {
        if self.alive {
            self.invalidations.push(block);
        }
    }

    /// Queues the deletion of a replica of no block that there is. A DataNode may report any number
    /// of them: those beyond a limit wait for its next full report.
    pub(super) fn invalidate_unknown(&mut self, block: Block) {
        if self.invalidations.len() < MAX_UNKNOWN {
            self.invalidate(block);
        }
    }

    fn take_commands(&mut self) -> Vec<DatanodeCommand> {
        let mut commands = std::mem::take(&mut self.commands);
        if !self.invalidations.is_empty() {
            commands.push(DatanodeCommand::Invalidate(std::mem::take(
                &mut self.invalidations,
            )));
        }
        commands
    }
}

/// All DataNodes, live and dead.
#[derive(Debug)]
pub(crate) struct DatanodeManager {
    nodes: Vec<Datanode>,
    by_uuid: BTreeMap<Arc<str>, DatanodeIndex>,
    /// The numbers of DataNodes in events, by uuid.
    numbers: BTreeMap<Arc<str>, usize>,
    /// The locations of DataNodes, by uuid.
    locations: BTreeMap<Arc<str>, Arc<str>>,
    /// True if DataNodes have locations of their own.
    pub(super) has_racks: bool,
    pub(super) hosts: HostLists,
    dead_interval: Duration,
    stale_interval: Duration,
}

impl DatanodeManager {
    pub(super) fn new(dead_interval: Duration, stale_interval: Duration) -> Self {
        Self {
            nodes: Vec::new(),
            by_uuid: BTreeMap::new(),
            numbers: BTreeMap::new(),
            locations: BTreeMap::new(),
            has_racks: false,
            hosts: HostLists::default(),
            dead_interval,
            stale_interval,
        }
    }

    /// Registers a DataNode that is new or has returned. `block_key` is the newest block key that
    /// it gets with the response.
    ///
    /// # Errors
    /// Fails if the lists of hosts do not allow it, and if there are as many DataNodes as an index
    /// can tell apart.
    pub(crate) fn register(
        &mut self,
        now: Timestamp,
        registration: &DatanodeRegistration,
        block_key: Option<i32>,
    ) -> Result<DatanodeIndex, HdfsError> {
        if self.hosts.of(now, registration) == Listed::Disallowed {
            return Err(disallowed(registration));
        }
        let mut node = Datanode::new(now, registration.clone());
        node.block_key = block_key;
        if let Some(location) = self.locations.get(&registration.uuid) {
            node.location = Arc::clone(location);
        }
        if let Some(index) = self.index(&registration.uuid) {
            let known = self.get_mut(index);
            // Its replicas stay known until the block report that follows.
            node.storages = std::mem::take(&mut known.storages);
            node.admin_state = known.admin_state;
            *known = node;
            return Ok(index);
        }
        let index = DatanodeIndex::try_from(self.nodes.len()).map_err(|_| {
            HdfsError::io(format!(
                "DataNode {} cannot be registered: there are {} others, and no more are possible",
                registration.uuid,
                self.nodes.len()
            ))
        })?;
        self.by_uuid.insert(Arc::clone(&registration.uuid), index);
        self.nodes.push(node);
        Ok(index)
    }

    /// Processes a heartbeat. Returns its sender, and the blocks in storages that have failed;
    /// `None` if the DataNode has to register first.
    ///
    /// # Errors
    /// Fails if it has too many storages.
    pub(super) fn heartbeat(
        &mut self,
        now: Timestamp,
        uuid: &str,
        report: &HeartbeatReport,
    ) -> Result<Option<(DatanodeIndex, Vec<u64>)>, HdfsError> {
        let Some(index) = self.index(uuid).filter(|index| self.is_alive(*index)) else {
            return Ok(None);
        };
        let node = self.get_mut(index);
        // As `DatanodeDescriptor.updateStorageStats`: the first heartbeat names all that work.
        let known = node.failed_volumes;
        let some_have_failed = known.is_none_or(|known| known < report.failed_volumes);
        let lost = node.storages.update(report, some_have_failed)?;
        node.failed_volumes = Some(report.failed_volumes);
        node.last_heartbeat = now;
        node.xceivers = report.xceivers;
        Ok(Some((index, lost)))
    }

    /// Returns the place of a DataNode's storage, which may be new.
    ///
    /// # Errors
    /// Fails if it has too many storages.
    pub(crate) fn storage(
        &mut self,
        index: DatanodeIndex,
        named: &DatanodeStorage,
    ) -> Result<StorageIndex, HdfsError> {
        self.get_mut(index).storages.place(named)
    }

    /// Takes the pending commands of a DataNode.
    pub(crate) fn take_commands(&mut self, index: DatanodeIndex) -> Vec<DatanodeCommand> {
        self.get_mut(index).take_commands()
    }

    /// Orders all living DataNodes to use this bandwidth for moves.
    pub(crate) fn set_bandwidth(&mut self, bandwidth: u64) {
        for node in self.nodes.iter_mut().filter(|node| node.alive) {
            node.command(DatanodeCommand::BalancerBandwidth(bandwidth));
        }
    }

    /// Orders the living DataNodes to remove what they keep of the time before an upgrade.
    pub(crate) fn finalize_upgrade(&mut self) {
        for node in self.nodes.iter_mut().filter(|node| node.alive) {
            node.command(DatanodeCommand::Finalize);
        }
    }

    /// Asks the DataNodes for which commands wait for a heartbeat.
    pub(super) fn call_in(&self) {
        for node in &self.nodes {
            if let (false, Some(signal)) = (node.commands.is_empty(), &node.signal) {
                signal.raise();
            }
        }
    }

    /// Sets the signal that is raised for urgent commands to a DataNode in this process.
    pub(crate) fn attach_signal(&mut self, uuid: &str, signal: &Arc<WorkSignal>) {
        if let Some(index) = self.index(uuid) {
            self.get_mut(index).signal = Some(Arc::clone(signal));
        }
    }

    /// Returns true, and remembers this key, if the DataNode does not have the newest block key.
    pub(crate) fn needs_block_key(&mut self, index: DatanodeIndex, newest: i32) -> bool {
        self.get_mut(index).block_key.replace(newest) != Some(newest)
    }

    /// Returns true if a block report is the first one since the DataNode registered.
    pub(super) fn begin_report(&mut self, index: DatanodeIndex) -> bool {
        std::mem::take(&mut self.get_mut(index).returned)
    }

    /// Returns the blocks of which a DataNode has finalized replicas, by storage and in ascending
    /// order.
    pub(super) fn replicas(&self, index: DatanodeIndex) -> impl Iterator<Item = u64> {
        self.get(index).storages.blocks()
    }

    pub(super) fn add_replica(&mut self, index: DatanodeIndex, at: StorageIndex, block: u64) {
        self.get_mut(index).storages.insert(at, block);
    }

    pub(super) fn remove_replica(&mut self, index: DatanodeIndex, block: u64) {
        self.get_mut(index).storages.remove(block);
    }

    /// Sets the place of a DataNode in the network.
    pub(crate) fn set_location(&mut self, uuid: &str, location: &str) {
        self.has_racks = true;
        self.locations.insert(uuid.into(), location.into());
        if let Some(index) = self.index(uuid) {
            self.get_mut(index).location = location.into();
        }
    }

    /// Fails if the lists of hosts do not allow a DataNode.
    pub(crate) fn check_allowed(
        &self,
        now: Timestamp,
        registration: &DatanodeRegistration,
    ) -> Result<(), HdfsError> {
        match self.hosts.of(now, registration) {
            Listed::Disallowed => Err(disallowed(registration)),
            _ => Ok(()),
        }
    }

    /// Returns the DataNodes whose maintenance is over.
    pub(super) fn maintenance_over(&self, now: Timestamp) -> Vec<DatanodeIndex> {
        let is_over = |node: &Datanode| node.maintenance_until.is_some_and(|until| until <= now);
        self.all()
            .filter(|(_, node)| is_over(node))
            .map(|(index, _)| index)
            .collect()
    }

    pub(super) fn next_maintenance_end(&self) -> Option<Timestamp> {
        let ends = self.nodes.iter().map(|node| node.maintenance_until);
        ends.flatten().min()
    }

    /// Sets the number under which events show a DataNode.
    pub(crate) fn set_number(&mut self, uuid: &str, number: usize) {
        self.numbers.insert(uuid.into(), number);
    }

    /// Returns the number under which events show a DataNode: the one that was set, or its place in
    /// the order of registration.
    pub(crate) fn number(&self, index: DatanodeIndex) -> usize {
        let uuid = &self.get(index).registration.uuid;
        match self.numbers.get(uuid) {
            Some(number) => *number,
            None => usize::from(index) + 1,
        }
    }

    /// Declares a DataNode dead.
    pub(super) fn bury(&mut self, index: DatanodeIndex) {
        let node = self.get_mut(index);
        node.alive = false;
        // It cannot fetch its commands any more. If it returns, it registers again.
        node.take_commands();
    }

    /// Returns the DataNodes that have been silent for too long, but do not count as dead yet.
    pub(super) fn silent(&self, now: Timestamp) -> Vec<DatanodeIndex> {
        let limit = self.dead_interval;
        self.all()
            .filter(|(_, node)| node.alive && node.last_heartbeat + limit < now)
            .map(|(index, _)| index)
            .collect()
    }

    /// Returns when the next DataNode is declared dead if no heartbeat arrives before.
    pub(super) fn next_deadline(&self) -> Option<Timestamp> {
        let living = self.nodes.iter().filter(|node| node.alive);
        living
            .map(|node| node.last_heartbeat + self.dead_interval + Duration::from_micros(1))
            .min()
    }

    pub(crate) fn index(&self, uuid: &str) -> Option<DatanodeIndex> {
        self.by_uuid.get(uuid).copied()
    }

    pub(crate) fn get(&self, index: DatanodeIndex) -> &Datanode {
        &self.nodes[usize::from(index)]
    }

    pub(super) fn get_mut(&mut self, index: DatanodeIndex) -> &mut Datanode {
        &mut self.nodes[usize::from(index)]
    }

    /// Returns all DataNodes with their indices.
    pub(super) fn all(&self) -> impl Iterator<Item = (DatanodeIndex, &Datanode)> {
        (0..).zip(&self.nodes)
    }

    /// Returns all DataNodes.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Datanode> {
        self.nodes.iter()
    }

    pub(crate) fn is_alive(&self, index: DatanodeIndex) -> bool {
        self.get(index).alive
    }

    /// Returns true if it is alive and does not leave service.
    pub(crate) fn is_in_service(&self, index: DatanodeIndex) -> bool {
        let node = self.get(index);
        node.alive && node.admin_state.is_in_service()
    }

    /// Returns true if readers may be sent to it.
    pub(crate) fn is_readable(&self, index: DatanodeIndex) -> bool {
        let node = self.get(index);
        node.alive && node.admin_state != AdminState::InMaintenance
    }

    /// Returns true if its replicas count although it leaves service for a while: whether or not it
    /// is alive, once it is in maintenance.
    pub(super) fn is_in_maintenance(&self, index: DatanodeIndex) -> bool {
        let node = self.get(index);
        let counts = node.alive || node.admin_state == AdminState::InMaintenance;
        counts && node.admin_state.is_maintenance()
    }

    pub(crate) fn is_stale(&self, now: Timestamp, index: DatanodeIndex) -> bool {
        now.since(self.get(index).last_heartbeat) > self.stale_interval
    }

    pub(crate) fn living(&self) -> usize {
        self.nodes.iter().filter(|node| node.alive).count()
    }
}

fn disallowed(registration: &DatanodeRegistration) -> HdfsError {
    HdfsError::disallowed_datanode(format!(
        "Datanode denied communication with namenode because the host is not in the include-list: \
         DatanodeRegistration({}, datanodeUuid={}, infoPort={}, ipcPort={})",
        registration.transfer_address(),
        registration.uuid,
        registration.info_port,
        registration.ipc_port
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn registration(number: usize) -> DatanodeRegistration {
        DatanodeRegistration {
            uuid: format!("dn{number}").into(),
            ip: [127, 0, 0, 1].into(),
            host_name: "localhost".into(),
            transfer_port: 0,
            ipc_port: 0,
            info_port: 0,
            info_secure_port: 0,
        }
    }

    #[test]
    fn there_is_a_limit_to_the_number_of_datanodes() {
        let hour = Duration::from_secs(3600);
        let mut datanodes = DatanodeManager::new(hour, hour);
        let mut register = |number| {
            let registered = datanodes.register(Timestamp::EPOCH, &registration(number), None);
            registered.map(usize::from)
        };
        for number in 0..=usize::from(DatanodeIndex::MAX) {
            assert_eq!(register(number), Ok(number));
        }
        let refused = register(70_000).expect_err("one too many");
        assert!(
            refused
                .message()
                .starts_with("DataNode dn70000 cannot be registered"),
            "{refused}"
        );
        assert_eq!(register(5), Ok(5), "it is known already");
    }
}
