//! The registered DataNodes, their liveness, and their pending commands.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use kerbox_krb5::Timestamp;
use rand::Rng;
use rand::seq::SliceRandom;

use crate::protocol::{Block, DatanodeCommand, DatanodeRegistration, StorageReport, WorkSignal};

/// The index of a DataNode, in the order of first registration.
pub(super) type DatanodeIndex = usize;

/// The NameNode's record of a DataNode.
#[derive(Debug)]
pub(super) struct Datanode {
    pub(super) registration: DatanodeRegistration,
    /// Raised for urgent commands; `None` if the DataNode is not in this process.
    signal: Option<Arc<WorkSignal>>,
    /// The id of the newest block key that it has; `None` without block tokens.
    block_key: Option<i32>,
    pub(super) report: StorageReport,
    pub(super) last_heartbeat: Timestamp,
    pub(super) alive: bool,
    commands: Vec<DatanodeCommand>,
    invalidations: Vec<Block>,
}

impl Datanode {
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
    dead_interval: Duration,
    stale_interval: Duration,
}

/// The constraints on choosing DataNodes for a block.
#[derive(Clone, Copy, Debug)]
pub(super) struct Placement<'a> {
    /// The number of DataNodes.
    pub(super) count: usize,
    /// The DataNodes to exclude.
    pub(super) excluded: &'a [DatanodeIndex],
    /// `host:port` of the preferred DataNodes.
    pub(super) favored: &'a [String],
    /// The writer's address, if a DataNode at that address is to come first.
    pub(super) writer: Option<IpAddr>,
    /// The free space required, in bytes.
    pub(super) block_size: u64,
}

impl DatanodeManager {
    pub(super) fn new(dead_interval: Duration, stale_interval: Duration) -> Self {
        Self {
            nodes: Vec::new(),
            by_uuid: BTreeMap::new(),
            numbers: BTreeMap::new(),
            dead_interval,
            stale_interval,
        }
    }

    /// Registers a DataNode that is new or has returned.
    pub(super) fn register(
        &mut self,
        now: Timestamp,
        registration: &DatanodeRegistration,
        block_key: Option<i32>,
    ) -> DatanodeIndex {
        let index = self.index(&registration.uuid).unwrap_or(self.nodes.len());
        let node = Datanode {
            registration: registration.clone(),
            signal: None,
            block_key,
            report: StorageReport::default(),
            last_heartbeat: now,
            alive: true,
            commands: Vec::new(),
            invalidations: Vec::new(),
        };
        if index == self.nodes.len() {
            self.by_uuid.insert(Arc::clone(&registration.uuid), index);
            self.nodes.push(node);
        } else {
            self.nodes[index] = node;
        }
        index
    }

    /// Processes a heartbeat and returns the response; `None` if the DataNode has to register
    /// first.
    pub(super) fn heartbeat(
        &mut self,
        now: Timestamp,
        uuid: &str,
        report: &StorageReport,
    ) -> Option<(DatanodeIndex, Vec<DatanodeCommand>)> {
        let index = self.index(uuid)?;
        let node = &mut self.nodes[index];
        if !node.alive {
            return None;
        }
        node.last_heartbeat = now;
        node.report = report.clone();
        Some((index, node.take_commands()))
    }

    /// Sets the signal that is raised for urgent commands to a DataNode in this process.
    pub(super) fn attach_signal(&mut self, uuid: &str, signal: &Arc<WorkSignal>) {
        if let Some(index) = self.index(uuid) {
            self.nodes[index].signal = Some(Arc::clone(signal));
        }
    }

    /// Returns true, and remembers this key, if the DataNode does not have the newest block key.
    pub(super) fn needs_block_key(&mut self, index: DatanodeIndex, newest: i32) -> bool {
        self.nodes[index].block_key.replace(newest) != Some(newest)
    }

    /// Sets the storage of a DataNode, as its block report names it.
    pub(super) fn set_storage(&mut self, index: DatanodeIndex, storage_id: &str) {
        let report = &mut self.nodes[index].report;
        if *report.storage_id != *storage_id {
            report.storage_id = storage_id.into();
        }
    }

    /// Sets the number under which events show a DataNode.
    pub(super) fn set_number(&mut self, uuid: &str, number: usize) {
        self.numbers.insert(uuid.into(), number);
    }

    /// Returns the number under which events show a DataNode: the one that was set, or its place in
    /// the order of registration.
    pub(super) fn number(&self, index: DatanodeIndex) -> usize {
        let uuid = &self.nodes[index].registration.uuid;
        self.numbers.get(uuid).copied().unwrap_or(index + 1)
    }

    /// Declares a DataNode dead.
    pub(super) fn bury(&mut self, index: DatanodeIndex) {
        let node = &mut self.nodes[index];
        node.alive = false;
        // It cannot fetch its commands any more. If it returns, it registers again.
        node.take_commands();
    }

    /// Marks DataNodes that have been silent for too long as dead, and returns them.
    pub(super) fn bury_dead(&mut self, now: Timestamp) -> Vec<DatanodeIndex> {
        let limit = self.dead_interval;
        let died: Vec<DatanodeIndex> = (0..self.nodes.len())
            .filter(|index| {
                let node = &self.nodes[*index];
                node.alive && node.last_heartbeat + limit < now
            })
            .collect();
        died.iter().for_each(|index| self.bury(*index));
        died
    }

    /// Returns when the next DataNode is declared dead if no heartbeat arrives before.
    pub(super) fn next_deadline(&self) -> Option<Timestamp> {
        let living = self.nodes.iter().filter(|node| node.alive);
        living
            .map(|node| node.last_heartbeat + self.dead_interval + Duration::from_micros(1))
            .min()
    }

    pub(super) fn index(&self, uuid: &str) -> Option<DatanodeIndex> {
        self.by_uuid.get(uuid).copied()
    }

    pub(super) fn get(&self, index: DatanodeIndex) -> &Datanode {
        &self.nodes[index]
    }

    pub(super) fn get_mut(&mut self, index: DatanodeIndex) -> &mut Datanode {
        &mut self.nodes[index]
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Datanode> {
        self.nodes.iter()
    }

    pub(super) fn is_alive(&self, index: DatanodeIndex) -> bool {
        self.nodes[index].alive
    }

    pub(super) fn is_stale(&self, now: Timestamp, index: DatanodeIndex) -> bool {
        now.since(self.nodes[index].last_heartbeat) > self.stale_interval
    }

    pub(super) fn living(&self) -> usize {
        self.nodes.iter().filter(|node| node.alive).count()
    }

    /// Chooses DataNodes for a block: favored ones, one at the writer's address, then any others.
    /// Uses stale ones only as a last resort. Returns fewer than requested if there are not enough.
    pub(super) fn choose(
        &self,
        now: Timestamp,
        placement: &Placement<'_>,
        rng: &mut impl Rng,
    ) -> Vec<DatanodeIndex> {
        let mut candidates: Vec<DatanodeIndex> = (0..self.nodes.len())
            .filter(|index| {
                let node = &self.nodes[*index];
                // The free space of a DataNode is unknown before its first heartbeat, and its storage
                // before its first block report.
                let has_storage = !node.report.storage_id.is_empty();
                let room =
                    node.report.capacity == 0 || node.report.remaining >= placement.block_size;
                node.alive && has_storage && room && !placement.excluded.contains(index)
            })
            .collect();
        candidates.shuffle(rng);
        let local = candidates
            .iter()
            .copied()
            .find(|index| Some(self.nodes[*index].registration.ip) == placement.writer);
        candidates.sort_by_key(|index| {
            let node = &self.nodes[*index].registration;
            let favored = placement
                .favored
                .iter()
                .any(|address| is_address_of(address, node));
            (self.is_stale(now, *index), !favored, Some(*index) != local)
        });
        candidates.truncate(placement.count);
        candidates
    }
}

fn is_address_of(address: &str, node: &DatanodeRegistration) -> bool {
    address.rsplit_once(':').is_some_and(|(host, port)| {
        port.parse() == Ok(node.transfer_port)
            && (host == &*node.host_name || host.parse() == Ok(node.ip))
    })
}
