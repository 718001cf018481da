//! The NameNode's service: its lock, its timers, and the calls that reach it.

use std::fmt;
use std::net::IpAddr;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, OnceLock, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use kerbox_events::{Event, Hook, Server, TimerKind};
use kerbox_krb5::Timestamp;
use rand::Rng;

use crate::HdfsError;
use crate::config::{ConfigError, HdfsConfig};
use crate::namenode::access::permission::PermissionChecker;
use crate::namenode::edit::{Edit, EditSink, NoEdits};
use crate::namenode::namesystem::Namesystem;
use crate::namenode::ops::{CLIENT_PROTOCOL, is_at_most_once};
use crate::namenode::retry_cache::RetryCache;
use crate::namenode::side_protocols::SIDE_PROTOCOLS;
use crate::namenode::state::State;
use crate::namenode::state::inode::PERMISSION_BITS;
use crate::namenode::state::namespace::Creation;
use crate::rpc::{Call, RpcService};
use crate::secret_manager::{
    BlockTokenSecretManager, BlockTokenSettings, DelegationTokenSecretManager,
    DelegationTokenSettings, TokenEdit,
};
use crate::user::AuthToLocal;

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
    superuser: Arc<str>,
    started: Timestamp,
    pub(super) auth_to_local: AuthToLocal,
    pub(super) hook: Arc<dyn Hook>,
    pub(super) block_pool_id: Arc<str>,
    pub(super) block_tokens: Arc<BlockTokenSecretManager>,
    pub(super) delegation_tokens: Arc<DelegationTokenSecretManager>,
    /// `dfs.namenode.name.dir.restore`, which `dfsadmin -restoreFailedStorage` switches.
    pub(super) restore_failed_storage: AtomicBool,
    pub(super) log_directory: OnceLock<Box<dyn LogDirectory>>,
    namesystem: RwLock<Namesystem>,
    /// Held throughout a call that must not be executed twice, so that a repeated call waits for
    /// the first.
    retry_cache: Mutex<RetryCache>,
}

/// Writes the files that administrators request (`hadoop.log.dir`).
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
    /// Creates a NameNode with an empty namespace. All randomness comes from `rng` and from
    /// generators seeded by it.
    ///
    /// # Errors
    /// Fails if the configuration is inconsistent or its `auth_to_local` rules are invalid.
    pub fn new(
        config: HdfsConfig,
        identity: &NameNodeIdentity,
        now: Timestamp,
        hook: Arc<dyn Hook>,
        rng: &mut impl Rng,
    ) -> Result<Self, ConfigError> {
        Self::with_edits(config, identity, now, hook, rng, Box::new(NoEdits))
    }

    /// Same as [`new`](Self::new), and hands every edit to `sink`.
    ///
    /// # Errors
    /// Fails if the configuration is inconsistent or its `auth_to_local` rules are invalid.
    pub fn with_edits(
        config: HdfsConfig,
        identity: &NameNodeIdentity,
        now: Timestamp,
        hook: Arc<dyn Hook>,
        rng: &mut impl Rng,
        sink: Box<dyn EditSink>,
    ) -> Result<Self, ConfigError> {
        config.check()?;
        let auth_to_local = AuthToLocal::from_config(&config, identity.default_realm.as_str())?;
        let pool_number = rng.next_u32() >> 1;
        let block_pool_id: Arc<str> =
            format!("BP-{pool_number}-{}-{}", identity.address, now.as_millis()).into();
        let superuser: Arc<str> = identity.superuser.as_str().into();
        let block_tokens = BlockTokenSecretManager::new(
            BlockTokenSettings::new(&config, &*block_pool_id),
            now,
            rng,
        );
        let settings = DelegationTokenSettings::from(&config);
        let tokens = Arc::new(DelegationTokenSecretManager::new(settings, now, rng));
        let group = config.superuser_group.as_str().into();
        let state = State::new(now, Arc::clone(&superuser), group, Arc::clone(&tokens));
        let mut namesystem = Namesystem::new(&config, state, sink, now, rng);
        // A formatted state accepts these.
        let _applied = namesystem
            .log(&Edit::StartLogSegment)
            .and_then(|()| namesystem.log(&Edit::Token(tokens.new_master_key(now))));
        Ok(Self {
            auth_to_local,
            hook,
            block_tokens: Arc::new(block_tokens),
            delegation_tokens: tokens,
            block_pool_id,
            restore_failed_storage: AtomicBool::new(false),
            log_directory: OnceLock::new(),
            namesystem: RwLock::new(namesystem),
            retry_cache: Mutex::new(RetryCache::new(config.retry_cache_expiry)),
            started: now,
            superuser,
            config,
        })
    }

    /// Returns the state with which this NameNode began, with these tokens.
    pub(super) fn formatted(&self, tokens: Arc<DelegationTokenSecretManager>) -> State {
        let group = self.config.superuser_group.as_str().into();
        State::new(self.started, Arc::clone(&self.superuser), group, tokens)
    }

    /// Returns the configuration.
    #[must_use]
    pub fn config(&self) -> &HdfsConfig {
        &self.config
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

    /// Sets where `dfsadmin -metasave` writes its file. Does nothing if it was set before; without a
    /// directory the command fails.
    pub fn set_log_directory(&self, directory: Box<dyn LogDirectory>) {
        let _set_before = self.log_directory.set(directory);
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

    /// Does the work that is due: dead DataNodes, leases beyond their hard limit, recoveries and
    /// replications that did not finish, keys and tokens.
    pub fn tick(&self, now: Timestamp) {
        let mut fired = Vec::new();
        let mut ns = self.lock();
        ns.tick(now, &mut fired);
        if self.block_tokens.tick(now) {
            fired.push(timer(TimerKind::BlockKeyUpdate, ""));
        }
        for edit in self.delegation_tokens.tick(now) {
            if let TokenEdit::CancelDelegationToken { token } = &edit {
                fired.push(timer(TimerKind::DelegationTokenExpired, &token.to_string()));
            }
            let _misfit = ns.log(&Edit::Token(edit));
        }
        ns.lapse(now);
        drop(ns);
        for event in fired {
            self.hook.record(now, event);
        }
    }

    /// Returns when [`tick`](Self::tick) will next have work, if nothing happens before.
    #[must_use]
    pub fn next_deadline(&self) -> Option<Timestamp> {
        let tokens = self
            .block_tokens
            .next_deadline()
            .min(self.delegation_tokens.next_deadline());
        Some(
            self.read()
                .next_deadline()
                .map_or(tokens, |deadline| deadline.min(tokens)),
        )
    }

    fn call_client_protocol(
        &self,
        call: &Call<'_>,
        response: &mut Vec<u8>,
    ) -> Result<(), HdfsError> {
        if !is_at_most_once(call.method) {
            return CLIENT_PROTOCOL.dispatch(self, call, response);
        }
        let mut cache = self
            .retry_cache
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if let Some(answer) = cache.get(call.now, call.caller) {
            response.extend_from_slice(answer);
            return Ok(());
        }
        let start = response.len();
        CLIENT_PROTOCOL.dispatch(self, call, response)?;
        cache.put(call.now, call.caller, &response[start..]);
        Ok(())
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
        let ns = self.lock();
        if ns.safe_mode {
            return Err(HdfsError::safe_mode(format!(
                "Cannot {operation}. Name node is in safe mode.\n\
                 It was turned on manually. Use \"hdfs dfsadmin -safemode leave\" to turn safe mode off. NamenodeHostName:localhost"
            )));
        }
        Ok(ns)
    }

    /// Returns the groups of a user according to the configuration.
    pub(super) fn groups_of(&self, user: &str) -> &[String] {
        self.config
            .groups
            .get(user)
            .map(Vec::as_slice)
            .unwrap_or_default()
    }

    /// Returns the permission checker for the caller.
    pub(super) fn checker<'a>(&'a self, call: &Call<'a>) -> PermissionChecker<'a> {
        let user = &call.caller.user.short;
        let groups = self.groups_of(user);
        PermissionChecker {
            user,
            groups,
            superuser: *user == self.superuser || groups.contains(&self.config.superuser_group),
            enabled: self.config.permissions_enabled,
            method: call.method,
        }
    }
}

pub(super) fn timer(timer: TimerKind, subject: &str) -> Event {
    Event::Timer {
        server: Server::NameNode(1),
        timer,
        subject: subject.into(),
    }
}

impl RpcService for NameNode {
    fn call(&self, call: &Call<'_>, response: &mut Vec<u8>) -> Result<(), HdfsError> {
        if call.protocol == CLIENT_PROTOCOL.name() {
            return self.call_client_protocol(call, response);
        }
        match SIDE_PROTOCOLS
            .iter()
            .find(|protocol| protocol.name() == call.protocol)
        {
            Some(protocol) => protocol.dispatch(self, call, response),
            None => Err(call.unknown_protocol()),
        }
    }

    fn state_id(&self) -> Option<i64> {
        self.config
            .state_context
            .then(|| self.read().state().transaction_id())
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
