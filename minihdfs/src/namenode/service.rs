//! The NameNode's handle: its lock and its timers.

use std::fmt;
use std::net::IpAddr;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::sync::{
    Arc, Mutex, MutexGuard, OnceLock, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard,
};

use kerbox_events::{Event, Hook, StateChange, TimerKind};
use kerbox_krb5::Timestamp;

use crate::HdfsError;
use crate::config::HdfsConfig;
use crate::config::reconfiguration::Reconfiguration;
use crate::namenode::access::permission::PermissionChecker;
use crate::namenode::edit::Edit;
use crate::namenode::edit_sink::Durability;
use crate::namenode::events::{safe_mode_event, timer};
use crate::namenode::hosts::{HostFiles, HostLists};
use crate::namenode::name_storage::NameStorage;
use crate::namenode::namesystem::Namesystem;
use crate::namenode::retry_cache::RetryCache;
use crate::namenode::state::State;
use crate::namenode::state::inode::PERMISSION_BITS;
use crate::namenode::state::namespace::Creation;
use crate::rpc::Call;
use crate::secret_manager::{BlockTokenSecretManager, DelegationTokenSecretManager, TokenEdit};
use crate::user::{AuthToLocal, Authorization};

/// A NameNode. Share it in an [`Arc`].
///
/// ```
/// use std::sync::Arc;
/// use kerbox_events::NoHook;
/// use kerbox_krb5::Timestamp;
/// use minihdfs::config::HdfsConfig;
/// use minihdfs::namenode::{NameNode, NameNodeIdentity};
/// use rand::SeedableRng;
/// use rand::rngs::StdRng;
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let identity = NameNodeIdentity {
///     superuser: "hdfs".to_owned(),
///     default_realm: String::new(),
///     address: [127, 0, 0, 1].into(),
/// };
/// let (now, mut rng) = (Timestamp::from_secs(1_700_000_000), StdRng::seed_from_u64(1));
/// let config = HdfsConfig::default();
/// let namenode = NameNode::new(config, &identity, now, Arc::new(NoHook), &mut rng)?;
/// namenode.make_directory(now, "/user/alice", "alice", "alice", 0o755)?;
/// assert!(namenode.has("/user/alice")?);
/// // Its timers are data: the caller waits until the next one is due.
/// let due = namenode.next_deadline().expect("keys roll");
/// namenode.tick(due);
/// # Ok(())
/// # }
/// ```
pub struct NameNode {
    pub(super) config: HdfsConfig,
    pub(super) superuser: Arc<str>,
    /// The time at which the namespace was formatted.
    pub(super) formatted: Timestamp,
    pub(super) auth_to_local: AuthToLocal,
    pub(super) authorization: Authorization,
    pub(super) hook: Arc<dyn Hook>,
    pub(super) block_pool_id: Arc<str>,
    pub(super) block_tokens: Arc<BlockTokenSecretManager>,
    pub(super) delegation_tokens: Arc<DelegationTokenSecretManager>,
    /// `dfs.namenode.name.dir.restore`, which `dfsadmin -restoreFailedStorage` switches.
    pub(super) restore_failed_storage: AtomicBool,
    pub(super) reconfiguration: Reconfiguration,
    pub(super) log_directory: OnceLock<Box<dyn LogDirectory>>,
    pub(super) namesystem: RwLock<Namesystem>,
    /// `None` if edits need not be on disk.
    pub(super) durability: Option<Arc<dyn Durability>>,
    /// `None` if the NameNode keeps nothing on disk.
    pub(super) storage: Option<Arc<dyn NameStorage>>,
    /// Held throughout a call that must not be executed twice, so that a repeated call waits for
    /// the first.
    pub(super) retry_cache: Mutex<RetryCache>,
    /// The time of the latest call, in microseconds: a refusal in safe mode says how long it
    /// lasts.
    pub(super) latest_call: AtomicI64,
    /// The files that `refreshNodes` reads; `None` if there are none.
    pub(super) host_files: Mutex<Option<Arc<dyn HostFiles>>>,
}

/// Writes the files that administrators request (`hadoop.log.dir`).
///
/// ```
/// use std::path::PathBuf;
///
/// use minihdfs::namenode::LogDirectory;
///
/// struct Folder(PathBuf);
///
/// impl LogDirectory for Folder {
///     fn write(&self, name: &str, text: &str) -> Result<(), String> {
///         std::fs::write(self.0.join(name), text).map_err(|error| error.to_string())
///     }
/// }
/// ```
pub trait LogDirectory: Send + Sync {
    /// Writes a file in place of an earlier one of this name, which contains no slash.
    ///
    /// # Errors
    /// Says why the file cannot be written.
    fn write(&self, name: &str, text: &str) -> Result<(), String>;
}

/// The parameters of a NameNode besides its configuration.
#[derive(Clone, Debug)]
pub struct NameNodeIdentity {
    /// The short name of the superuser, which owns `/`.
    pub superuser: String,
    /// The realm for the `DEFAULT` rule of `auth_to_local`; empty without Kerberos.
    pub default_realm: String,
    /// The address it listens on, which is part of the block pool id.
    pub address: IpAddr,
}

impl NameNode {
    /// Returns the state of the formatted namespace, with these tokens.
    pub(super) fn formatted(&self, tokens: Arc<DelegationTokenSecretManager>) -> State {
        let group = self.config.superuser_group.as_str().into();
        let state = State::new(self.formatted, Arc::clone(&self.superuser), group, tokens);
        state.capturing(&self.config.snapshots)
    }

    /// Returns the configuration.
    #[must_use]
    pub fn config(&self) -> &HdfsConfig {
        &self.config
    }

    /// Returns the files of the namespace; `None` if it is kept in memory alone.
    #[must_use]
    pub fn storage(&self) -> Option<&Arc<dyn NameStorage>> {
        self.storage.as_ref()
    }

    /// Returns the rules about users, which its ports obey and the `refresh` verbs read again.
    #[must_use]
    pub fn authorization(&self) -> &Authorization {
        &self.authorization
    }

    /// Returns the block pool id, which is part of every block's name.
    #[must_use]
    pub fn block_pool_id(&self) -> &str {
        &self.block_pool_id
    }

    /// Returns the block keys, with which DataNodes check tokens.
    #[must_use]
    pub fn block_tokens(&self) -> &Arc<BlockTokenSecretManager> {
        &self.block_tokens
    }

    /// Returns the delegation tokens, for connections that present one.
    #[must_use]
    pub fn delegation_tokens(&self) -> &Arc<DelegationTokenSecretManager> {
        &self.delegation_tokens
    }

    /// Sets the number under which events show a DataNode. Without a number of its own, it is shown
    /// by its place in the order of registration.
    pub fn set_datanode_number(&self, uuid: &str, number: usize) {
        self.lock().blocks.datanodes.set_number(uuid, number);
    }

    /// Sets where `dfsadmin -metasave` writes its file. Does nothing if it was set before; without
    /// a directory the command fails.
    pub fn set_log_directory(&self, directory: Box<dyn LogDirectory>) {
        let _set_before = self.log_directory.set(directory);
    }

    /// Sets the place of a DataNode in the network, as `/rack1`. The default is `/default-rack`.
    pub fn set_datanode_location(&self, uuid: &str, location: &str) {
        self.lock().blocks.datanodes.set_location(uuid, location);
    }

    /// Sets the files that `refreshNodes` reads, and takes over what they say now.
    ///
    /// # Errors
    /// Fails if they cannot be read.
    pub fn set_host_files(
        &self,
        now: Timestamp,
        files: Arc<dyn HostFiles>,
    ) -> Result<(), HdfsError> {
        *self.host_files() = Some(files);
        self.refresh_hosts(now)
    }

    /// Reads the files again, as `refreshNodes` does; does nothing if there are none.
    ///
    /// # Errors
    /// Fails if they cannot be read.
    pub fn refresh_hosts(&self, now: Timestamp) -> Result<(), HdfsError> {
        let files = self.host_files().clone();
        if let Some(files) = files {
            self.set_hosts(now, files.read()?);
        }
        Ok(())
    }

    /// Takes over lists of DataNodes: starts and ends decommissioning and maintenance.
    pub fn set_hosts(&self, now: Timestamp, hosts: HostLists) {
        let mut events = Vec::new();
        {
            let mut ns = self.lock();
            let changed = ns.blocks.set_hosts(now, hosts);
            events.extend(changed.into_iter().map(|changed| ns.admin_event(changed)));
        }
        for event in events {
            self.hook.record(now, event);
        }
    }

    fn host_files(&self) -> MutexGuard<'_, Option<Arc<dyn HostFiles>>> {
        // Replaced whole.
        self.host_files
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns the number of live DataNodes.
    #[must_use]
    pub fn live_datanodes(&self) -> usize {
        self.read().blocks.datanodes.living()
    }

    /// Creates a directory and its missing ancestors as the superuser. An existing directory gets
    /// this owner, group and mode.
    ///
    /// # Errors
    /// Fails if the path is invalid or contains a file.
    pub fn make_directory(
        &self,
        now: Timestamp,
        path: &str,
        owner: &str,
        group: &str,
        mode: u16,
    ) -> Result<(), HdfsError> {
        let mut ns = self.lock();
        let resolved = ns.namespace().resolve(path)?;
        let mut id = resolved.existing()[resolved.existing().len() - 1];
        let creation = Creation {
            owner: Arc::clone(&self.superuser),
            mode: 0o755,
            unmasked: None,
        };
        if !ns.namespace().inode(id).is_directory() {
            let path = ns.namespace().full_path(id);
            return Err(if resolved.last().is_some() {
                HdfsError::file_already_exists(format!("Path is not a directory: {path}"))
            } else {
                HdfsError::parent_not_directory(format!("{path} (is not a directory)"))
            });
        }
        for name in resolved.missing() {
            id = self.add_directory(now, &mut ns, id, name, &creation)?;
        }
        let inode = ns.namespace().inode(id);
        let mode = mode & PERMISSION_BITS;
        let path = ns.namespace().full_path(id);
        let owned = (&*inode.owner, &*inode.group) == (owner, group);
        let has_mode = inode.mode == mode;
        if !owned {
            ns.log(&Edit::SetOwner {
                src: path.clone(),
                username: Some(owner.to_owned()),
                groupname: Some(group.to_owned()),
            })?;
        }
        if !has_mode {
            ns.log(&Edit::SetPermissions { src: path, mode })?;
        }
        Ok(())
    }

    /// Returns true if the path exists.
    ///
    /// # Errors
    /// Fails if the path is invalid.
    pub fn has(&self, path: &str) -> Result<bool, HdfsError> {
        Ok(self.read().namespace().resolve(path)?.last().is_some())
    }

    /// Waits until all changes so far are on disk, if they are kept there.
    ///
    /// # Errors
    /// Fails if they cannot be written.
    pub fn wait_until_durable(&self) -> std::io::Result<()> {
        let durability = self.durability.as_ref();
        durability.map_or(Ok(()), |it| it.wait())
    }

    /// Does the work that is due: dead DataNodes, leases beyond their hard limit, recoveries and
    /// replications that did not finish, keys and tokens.
    pub fn tick(&self, now: Timestamp) {
        let mut fired = Vec::new();
        let mut ns = self.lock();
        if ns.check_safe_mode(now) {
            fired.push(self.safe_mode_ended(now, &mut ns));
        }
        match ns.check_resources(now, false) {
            Some(StateChange::SafeModeOff) => fired.push(self.safe_mode_ended(now, &mut ns)),
            change => fired.extend(change.map(safe_mode_event)),
        }
        ns.tick(now, &mut fired);
        ns.tick_checkpoint(now);
        if self.block_tokens.tick(now) {
            fired.push(timer(TimerKind::BlockKeyUpdate, ""));
        }
        // Tokens that expire in safe mode are refused anyway, and removed afterwards.
        if !ns.safe_mode.is_on() {
            for edit in self.delegation_tokens.tick(now) {
                if let TokenEdit::CancelDelegationToken { token } = &edit {
                    fired.push(timer(TimerKind::DelegationTokenExpired, &token.to_string()));
                }
                let _misfit = ns.log(&Edit::Token(edit));
            }
            ns.lapse(now);
        }
        drop(ns);
        for event in fired {
            self.hook.record(now, event);
        }
    }

    /// Returns when [`tick`](Self::tick) will next have work, if nothing happens before.
    #[must_use]
    pub fn next_deadline(&self) -> Option<Timestamp> {
        let ns = self.read();
        let tokens = (!ns.safe_mode.is_on()).then(|| self.delegation_tokens.next_deadline());
        let deadlines = tokens.into_iter().chain(ns.next_deadline());
        let deadlines = deadlines.chain(ns.upkeep_deadline());
        deadlines.chain([self.block_tokens.next_deadline()]).min()
    }

    /// Does what follows from the end of safe mode: makes a new master key for delegation tokens,
    /// as Hadoop's secret manager does when it is started again. Returns the event to record.
    pub(super) fn safe_mode_ended(&self, now: Timestamp, ns: &mut Namesystem) -> Event {
        let key = self.delegation_tokens.new_master_key(now);
        let _misfit = ns.log(&Edit::Token(key));
        self.provision_trash(now, ns);
        safe_mode_event(StateChange::SafeModeOff)
    }

    /// Goes on with a start after a report, and records its end.
    pub(super) fn reported(&self, now: Timestamp, mut ns: RwLockWriteGuard<'_, Namesystem>) {
        if ns.check_safe_mode(now) {
            let event = self.safe_mode_ended(now, &mut ns);
            drop(ns);
            self.hook.record(now, event);
        }
    }

    /// Locks the state for a call that changes it.
    pub(super) fn lock(&self) -> RwLockWriteGuard<'_, Namesystem> {
        // A panic means that one operation broke an invariant. Other operations continue with the
        // state as it is.
        self.namesystem
            .write()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// Locks the state for a call that only reads it. Such calls run beside each other. A call must
    /// not lock it twice: a writer may wait in between.
    pub(super) fn read(&self) -> RwLockReadGuard<'_, Namesystem> {
        self.namesystem
            .read()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// Locks the state for `operation`, which changes it. Fails in safe mode.
    pub(super) fn lock_to_write(
        &self,
        operation: fmt::Arguments<'_>,
    ) -> Result<RwLockWriteGuard<'_, Namesystem>, HdfsError> {
        let mut ns = self.lock();
        if self.storage.as_ref().is_some_and(|files| files.is_full()) {
            // Before the next look at the disk, so that nothing is accepted that has no room.
            ns.safe_mode.set_low(true);
        }
        if ns.safe_mode.is_on() {
            return Err(self.in_safe_mode(&ns, format_args!("Cannot {operation}")));
        }
        Ok(ns)
    }

    /// Returns the refusal of something that safe mode forbids (`newSafemodeException`).
    pub(super) fn in_safe_mode(&self, ns: &Namesystem, what: fmt::Arguments<'_>) -> HdfsError {
        let now = Timestamp::from_micros(self.latest_call.load(Ordering::Relaxed));
        let tip = ns.safe_mode.tip(now, ns.reported());
        HdfsError::safe_mode(format!(
            "{what}. Name node is in safe mode.\n{tip} NamenodeHostName:localhost"
        ))
    }

    /// Returns the permission checker for the caller.
    pub(super) fn checker<'a>(&'a self, call: &Call<'a>) -> PermissionChecker<'a> {
        let user = &call.caller.user.short;
        let groups = self.authorization.groups_of(call.now, user);
        PermissionChecker {
            user,
            superuser: *user == self.superuser || groups.contains(&self.config.superuser_group),
            groups,
            enabled: self.config.permissions_enabled,
            method: call.method,
        }
    }
}

impl fmt::Debug for NameNode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NameNode")
            .field("superuser", &self.superuser)
            .field("block_pool_id", &self.block_pool_id)
            .finish_non_exhaustive()
    }
}
