//! The DataNode: its replicas and its lifecycle.

use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use kerbox_events::{Event, Hook, Server, StateChange};
use kerbox_krb5::{Clock, Timestamp};
use rand::SeedableRng;
use rand::rngs::StdRng;

use crate::HdfsError;
use crate::config::HdfsConfig;
use crate::config::reconfiguration::Reconfiguration;
use crate::datanode::block_store::{BlockStore, Damage, StorageFolder};
use crate::datanode::life::{Life, Work};
use crate::datanode::sasl::DataProtection;
use crate::datanode::superusers::Superusers;
use crate::protocol::{
    Block, BlockStatus, DatanodeError, DatanodePeers, DatanodeProtocol, DatanodeRegistration,
    DatanodeStorage, HeartbeatReport, InterDatanodeProtocol, ReceivedDeletedBlock, ReportedReplica,
    StorageReport, WorkSignal,
};
use crate::secret_manager::{BlockTokenSecretManager, BlockTokenSettings};

/// `dfs.datanode.balance.bandwidthPerSec`, in bytes per second, until the NameNode sets another.
/// Reported only: moves are not slowed down.
const BALANCER_BANDWIDTH: u64 = 100 << 20;

/// A DataNode.
///
/// It is alive from [`start`](Self::start) to [`stop`](Self::stop). Meanwhile
/// [`serve`](super::serve) serves clients, and [`tick`](Self::tick) sends heartbeats when they are
/// due.
///
/// ```no_run
/// use std::sync::Arc;
/// use kerbox_krb5::Timestamp;
/// use minihdfs::HdfsError;
/// use minihdfs::config::HdfsConfig;
/// use minihdfs::datanode::{DataNode, DataNodeContext};
/// use minihdfs::protocol::DatanodeRegistration;
///
/// /// Starts a DataNode whose ports are bound already. The caller runs
/// /// `minihdfs::datanode::serve` and calls `tick` at each `next_deadline`.
/// fn start(
///     registration: DatanodeRegistration,
///     context: DataNodeContext,
///     now: Timestamp,
/// ) -> Result<Arc<DataNode>, HdfsError> {
///     let config = HdfsConfig::default();
///     let node = DataNode::open(registration, &config, context, 1)?;
///     node.start(now)?; // registers, and reports its blocks
///     Ok(node)
/// }
/// ```
pub struct DataNode {
    /// Itself, for work that goes on by another thread.
    pub(super) me: Weak<Self>,
    number: usize,
    pub(super) registration: DatanodeRegistration,
    /// The number of storages of which it can do without.
    failures_tolerated: usize,
    pub(super) heartbeat_interval: Duration,
    directory_scan_interval: Duration,
    /// The capacity that it reports for each storage, in bytes, so that tests do not depend on the
    /// disk.
    capacity: u64,
    pub(super) balancer_bandwidth: AtomicU64,
    pub(super) reconfiguration: Reconfiguration,
    /// The time for which a connection may wait for another operation.
    pub(super) keepalive: Duration,
    pub(super) block_pool_id: Arc<str>,
    pub(super) store: Arc<BlockStore>,
    pub(super) namenode: Arc<dyn DatanodeProtocol>,
    pub(super) peers: Arc<dyn DatanodePeers>,
    /// Raised by a NameNode in the same process for a heartbeat at once.
    pub(super) signal: Arc<WorkSignal>,
    /// The keys that the NameNode has handed out.
    pub(super) block_tokens: Arc<BlockTokenSecretManager>,
    /// The same keys; `None` if block tokens are not required.
    pub(super) secrets: Option<Arc<BlockTokenSecretManager>>,
    /// `None` if data connections are unprotected from the start.
    pub(super) protection: Option<DataProtection>,
    pub(super) clock: Clock,
    pub(super) hook: Arc<dyn Hook>,
    pub(super) superusers: Superusers,
    rng: Mutex<StdRng>,
    life: Mutex<Life>,
}

/// The environment of a DataNode.
#[derive(Clone)]
pub struct DataNodeContext {
    /// The number under which events show it, counted from 1 like its folder `dn1`.
    pub number: usize,
    /// Its NameNode.
    pub namenode: Arc<dyn DatanodeProtocol>,
    /// The other DataNodes.
    pub peers: Arc<dyn DatanodePeers>,
    /// Its storages, of which there is at least one.
    pub storages: Vec<StorageFolder>,
    /// The fixture's clock.
    pub clock: Clock,
    /// The receiver of events, for the journal and faults.
    pub hook: Arc<dyn Hook>,
    /// The short name of the user that the NameNode and the DataNodes run as.
    pub superuser: String,
}

impl DataNode {
    /// Opens a DataNode, and creates the folders of its storages if necessary. It is not alive
    /// before [`start`](Self::start).
    ///
    /// # Errors
    /// Fails if a folder cannot be created or read.
    pub fn open(
        registration: DatanodeRegistration,
        config: &HdfsConfig,
        context: DataNodeContext,
        seed: u64,
    ) -> Result<Arc<Self>, HdfsError> {
        let block_pool_id = context.namenode.version_request().block_pool_id;
        let folders = &context.storages;
        let store = BlockStore::open(folders, block_pool_id.clone()).map_err(|error| {
            HdfsError::io(format!(
                "Cannot open the blocks in {}: {error}",
                named(folders)
            ))
        })?;
        let mut rng = StdRng::seed_from_u64(seed);
        let block_tokens = Arc::new(BlockTokenSecretManager::for_datanode(
            BlockTokenSettings::new(config, &*block_pool_id),
            context.clock.now(),
            &mut rng,
        ));
        Ok(Arc::new_cyclic(|me| Self {
            me: me.clone(),
            number: context.number,
            registration,
            failures_tolerated: config.datanode.failures_tolerated(context.storages.len()),
            heartbeat_interval: config.heartbeat_interval,
            directory_scan_interval: config.datanode.directory_scan_interval,
            capacity: config.datanode.capacity,
            balancer_bandwidth: AtomicU64::new(BALANCER_BANDWIDTH),
            reconfiguration: Reconfiguration::default(),
            keepalive: config.idle.datanode_keepalive,
            block_pool_id,
            store: Arc::new(store),
            namenode: context.namenode,
            peers: context.peers,
            signal: Arc::default(),
            secrets: config
                .uses_block_tokens()
                .then(|| Arc::clone(&block_tokens)),
            block_tokens,
            protection: DataProtection::new(config),
            clock: context.clock,
            hook: context.hook,
            superusers: Superusers::new(context.superuser, config),
            rng: Mutex::new(rng),
            life: Mutex::default(),
        }))
    }

    /// Registers with the NameNode and reports every replica. If the NameNode cannot be reached
    /// yet, it is tried again with every heartbeat.
    ///
    /// # Errors
    /// Fails if the NameNode refuses the registration.
    pub fn start(&self, now: Timestamp) -> Result<(), HdfsError> {
        {
            let mut life = self.life();
            life.alive = true;
            life.started_at = now;
            life.next_scan = now + self.directory_scan_interval;
        }
        self.introduce(now)?;
        self.count_used();
        self.heartbeat(now);
        self.record_state(now, StateChange::Started);
        Ok(())
    }

    /// Stops it like a killed process: without notice, with all connections cut. Replicas stay on
    /// disk.
    pub fn stop(&self) {
        // The lock is released before others are woken.
        let ended = self.life().end();
        if let Some(waiting) = ended {
            self.record_state(self.clock.now(), StateChange::Stopped);
            waiting.for_each(Waker::wake);
        }
    }

    /// Has the server stop it, once that has sent what is pending.
    pub(super) fn end_soon(&self) {
        let server = {
            let mut life = self.life();
            life.ends = true;
            life.server.take()
        };
        if let Some(server) = server {
            server.wake();
        }
    }

    /// Returns true if it is alive.
    #[must_use]
    pub fn is_alive(&self) -> bool {
        self.life().alive
    }

    /// Returns its registration with the NameNode.
    #[must_use]
    pub fn registration(&self) -> &DatanodeRegistration {
        &self.registration
    }

    /// Returns the block keys, for connections that present a token.
    #[must_use]
    pub fn block_tokens(&self) -> &Arc<BlockTokenSecretManager> {
        &self.block_tokens
    }

    /// Returns when the next heartbeat is due; [`Timestamp::MAX`] if it is not alive.
    #[must_use]
    pub fn next_deadline(&self) -> Timestamp {
        let life = self.life();
        if life.alive {
            life.next_heartbeat
        } else {
            Timestamp::MAX
        }
    }

    /// Sends a heartbeat at once if it is alive, as when its NameNode can be reached again.
    pub fn hurry(&self, now: Timestamp) {
        if self.is_alive() {
            self.heartbeat(now);
        }
    }

    /// Sends a heartbeat if it is due and executes the commands in the response, except that
    /// [`serve`](super::serve) copies replicas. Every `dfs.datanode.directoryscan.interval` it
    /// first compares all replicas with their files. Returns true if a heartbeat was due.
    pub fn tick(&self, now: Timestamp) -> bool {
        let (due, scan) = {
            let mut life = self.life();
            let due = life.alive && life.next_heartbeat <= now;
            let scan = due && !self.directory_scan_interval.is_zero() && life.next_scan <= now;
            if scan {
                life.next_scan = now + self.directory_scan_interval;
            }
            (due, scan)
        };
        if scan {
            let replicas = self.store.ids();
            replicas
                .into_iter()
                .for_each(|id| self.check_replica(now, id));
        }
        if due && self.is_without_folders(now) {
            self.stop();
        } else if due {
            self.count_used();
            self.heartbeat(now);
        }
        due
    }

    /// Looks for storages whose folders have disappeared, and tells the NameNode what they had.
    /// Returns true if there are so many that the DataNode has to end
    /// (`DataNode.handleVolumeFailures`).
    fn is_without_folders(&self, now: Timestamp) -> bool {
        let folders = self.store.folders();
        let lost = self.store.lose_volumes();
        if lost.is_empty() {
            return false;
        }
        let is_lost = |folder: &&StorageFolder| lost.iter().any(|(it, _)| *it == folder.storage);
        let gone: Vec<StorageFolder> = folders.iter().filter(is_lost).cloned().collect();
        let gone = named(&gone);
        let none_is_left = self.store.folders().is_empty();
        if none_is_left || self.store.failed_volumes() > self.failures_tolerated {
            let many = if none_is_left { "All" } else { "Too many" };
            let message = format!("{many} volumes have failed: {gone} is not a folder any more");
            self.report_error(now, DatanodeError::FatalDiskError, &message);
            return true;
        }
        let message = format!("A volume has failed: {gone} is not a folder any more");
        self.report_error(now, DatanodeError::DiskError, &message);
        // The heartbeat that follows reports them.
        let mut life = self.life();
        for (storage, blocks) in lost {
            for block in blocks {
                let change = ReceivedDeletedBlock {
                    block,
                    status: BlockStatus::Deleted,
                    delete_hint: None,
                };
                life.unreported.add(&storage, change);
            }
        }
        false
    }

    /// Computes the space used by replicas. This is too slow to do whenever the NameNode
    /// raises the signal.
    pub(super) fn count_used(&self) {
        let used = self.store.used();
        self.life().used = used;
    }

    /// Returns the usage at the last count, and the current load.
    pub(super) fn heartbeat_report(&self) -> HeartbeatReport {
        let failed = self.store.failed_volumes();
        let life = self.life();
        let storages = life.used.iter().map(|(storage, used)| StorageReport {
            storage: storage.clone(),
            failed: false,
            capacity: self.capacity,
            dfs_used: *used,
            remaining: self.capacity.saturating_sub(*used),
        });
        HeartbeatReport {
            storages: storages.collect(),
            xceivers: life.xceivers,
            failed_volumes: u32::try_from(failed).unwrap_or(u32::MAX),
        }
    }

    /// Returns the storage of a replica, or the first one.
    pub(super) fn storage_of(&self, id: u64) -> DatanodeStorage {
        let known = self.store.storage_of(id);
        let first = || self.life().used.first().map(|(storage, _)| storage.clone());
        let none = || DatanodeStorage::disk("".into());
        known.or_else(first).unwrap_or_else(none)
    }

    pub(super) fn started_at(&self) -> Timestamp {
        self.life().started_at
    }

    /// Compares a replica with its files. If one is missing or too short, reports it to the
    /// NameNode, which then has the block copied from another DataNode.
    pub(crate) fn check_replica(&self, now: Timestamp, id: u64) {
        match self.store.check_files(id) {
            Ok(None) => {}
            Ok(Some(Damage::Lost(block, storage))) => {
                tracing::warn!(datanode = self.number(), %block, "a replica is gone: a file of it is missing");
                self.tell_in(now, &storage, block, BlockStatus::Deleted);
            }
            Ok(Some(Damage::Corrupt(block))) => {
                tracing::warn!(datanode = self.number(), %block, "a replica is damaged: a file of it does not have its length");
                self.report_bad_block(now, block);
            }
            Err(error) => {
                tracing::warn!(datanode = self.number(), id, %error, "the files of a replica cannot be examined");
            }
        }
    }

    /// Returns all pending work for the server. Wakes `cx` when there is some.
    pub(crate) fn poll_work(&self, cx: &mut Context<'_>) -> Poll<Vec<Work>> {
        self.life().poll_work(&self.signal, cx)
    }

    /// Returns ready if it is stopped. Wakes `cx` when it stops.
    pub(crate) fn poll_stopped(&self, cx: &mut Context<'_>) -> Poll<()> {
        self.life().poll_stopped(cx)
    }

    /// Counts a data connection for the lifetime of the guard.
    pub(crate) fn xceiver(self: &Arc<Self>) -> Xceiver {
        self.life().xceivers += 1;
        Xceiver(self.clone())
    }

    pub(crate) fn number(&self) -> usize {
        self.number
    }

    #[cfg(feature = "web")]
    pub(crate) fn clock(&self) -> &Clock {
        &self.clock
    }

    #[cfg(feature = "web")]
    pub(crate) fn hook(&self) -> &Arc<dyn Hook> {
        &self.hook
    }

    pub(crate) fn with_rng<R>(&self, draw: impl FnOnce(&mut StdRng) -> R) -> R {
        // A generator is still usable after a panic.
        draw(&mut self.rng.lock().unwrap_or_else(PoisonError::into_inner))
    }

    pub(crate) fn record(&self, event: Event) {
        self.hook.record(self.clock.now(), event);
    }

    fn record_state(&self, now: Timestamp, change: StateChange) {
        self.hook.record(
            now,
            Event::State {
                server: Server::DataNode(self.number()),
                change,
                subject: "".into(),
            },
        );
    }

    /// Returns the number of bytes of the replica that readers may see now.
    pub(super) fn replica_visible_length(&self, block: Block) -> Result<u64, HdfsError> {
        self.check_alive()?;
        self.store.visible_length(block)
    }

    fn check_alive(&self) -> Result<(), HdfsError> {
        if self.is_alive() {
            return Ok(());
        }
        Err(HdfsError::connect(format!(
            "DataNode {} does not run",
            self.number()
        )))
    }

    pub(super) fn life(&self) -> MutexGuard<'_, Life> {
        // The fields are independent, so a panic elsewhere cannot have left them inconsistent.
        self.life.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl InterDatanodeProtocol for DataNode {
    fn init_replica_recovery(
        &self,
        block: Block,
        recovery_id: u64,
    ) -> Result<Option<ReportedReplica>, HdfsError> {
        self.check_alive()?;
        self.store.init_recovery(block, recovery_id)
    }

    fn update_replica_under_recovery(
        &self,
        block: Block,
        recovery_id: u64,
        new_block_id: u64,
        new_length: u64,
    ) -> Result<Arc<str>, HdfsError> {
        self.check_alive()?;
        self.store
            .update_under_recovery(block, recovery_id, new_block_id, new_length)?;
        Ok(self.storage_of(new_block_id).id)
    }
}

/// Returns the paths of folders, for messages.
fn named(folders: &[StorageFolder]) -> String {
    let paths = folders
        .iter()
        .map(|folder| folder.path.display().to_string());
    paths.collect::<Vec<_>>().join(", ")
}

/// A data connection being served.
pub(crate) struct Xceiver(Arc<DataNode>);

impl Drop for Xceiver {
    fn drop(&mut self) {
        self.0.life().xceivers -= 1;
    }
}
