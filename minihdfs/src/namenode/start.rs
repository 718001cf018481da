//! The start of a NameNode: with a new namespace, or with what an earlier NameNode has left.

use std::sync::atomic::{AtomicBool, AtomicI64};
use std::sync::{Arc, Mutex, OnceLock, RwLock};

use kerbox_events::{Hook, StateChange};
use kerbox_krb5::Timestamp;
use rand::Rng;

use crate::config::reconfiguration::Reconfiguration;
use crate::config::{ConfigError, HdfsConfig};
use crate::namenode::edit::Edit;
use crate::namenode::edit_sink::{EditSink, NoEdits};
use crate::namenode::events::safe_mode_event;
use crate::namenode::namesystem::Namesystem;
use crate::namenode::retry_cache::RetryCache;
use crate::namenode::saved::Saved;
use crate::namenode::service::{NameNode, NameNodeIdentity};
use crate::namenode::state::State;
use crate::secret_manager::{
    BlockTokenSecretManager, BlockTokenSettings, DelegationTokenSecretManager,
    DelegationTokenSettings,
};
use crate::user::{AuthToLocal, Authorization};

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
        let pool_number = rng.next_u32() >> 1;
        let address = identity.address;
        let parts = Parts {
            identity,
            now,
            hook,
            sink,
            formatted: now,
            block_pool_id: format!("BP-{pool_number}-{address}-{}", now.as_millis()).into(),
            is_image: false,
            config,
        };
        parts.start(rng, None)
    }

    /// Starts a NameNode with what an earlier one has left. It is in safe mode until its DataNodes
    /// have registered and reported enough of their replicas. It has new block keys, which they
    /// get when they register.
    ///
    /// # Errors
    /// Fails if the configuration is inconsistent or its `auth_to_local` rules are invalid.
    pub fn restarted(
        config: HdfsConfig,
        identity: &NameNodeIdentity,
        now: Timestamp,
        hook: Arc<dyn Hook>,
        rng: &mut impl Rng,
        sink: Box<dyn EditSink>,
        saved: Saved,
    ) -> Result<Self, ConfigError> {
        let parts = Parts {
            config,
            identity,
            now,
            hook,
            sink,
            formatted: saved.formatted,
            block_pool_id: saved.block_pool_id,
            is_image: saved.is_image,
        };
        parts.start(rng, Some((saved.state, saved.retry_cache)))
    }
}

/// The parts of a NameNode that starts.
struct Parts<'a> {
    config: HdfsConfig,
    identity: &'a NameNodeIdentity,
    now: Timestamp,
    hook: Arc<dyn Hook>,
    sink: Box<dyn EditSink>,
    formatted: Timestamp,
    block_pool_id: Arc<str>,
    is_image: bool,
}

impl Parts<'_> {
    fn start(
        self,
        rng: &mut impl Rng,
        saved: Option<(State, RetryCache)>,
    ) -> Result<NameNode, ConfigError> {
        let (config, now) = (self.config, self.now);
        let of_tokens = DelegationTokenSettings::from(&config);
        config.check()?;
        let auth_to_local = AuthToLocal::from_config(&config, &self.identity.default_realm)?;
        let superuser = Arc::<str>::from(&*self.identity.superuser);
        let settings = BlockTokenSettings::new(&config, &*self.block_pool_id);
        let block_tokens = Arc::new(BlockTokenSecretManager::new(settings, now, rng));
        let tokens = Arc::new(match &saved {
            Some((state, _)) => state.tokens().reopened(now, rng),
            None => DelegationTokenSecretManager::new(of_tokens, now, rng),
        });
        let (state, retry_cache) =
            saved.unwrap_or_else(|| empty(&config, now, &superuser, &tokens));
        let state = state.with_tokens(Arc::clone(&tokens));
        let (durability, storage) = (self.sink.durability(), self.sink.storage());
        let mut namesystem = Namesystem::new(&config, state, self.sink, now, rng);
        if self.is_image {
            namesystem.safe_mode.enter_for_image();
        }
        // Every state accepts this.
        let _applied = namesystem.log(&Edit::StartLogSegment);
        let _shown_below = namesystem.check_resources(now, true);
        if namesystem.safe_mode.is_on() {
            let event = safe_mode_event(StateChange::SafeModeOn);
            self.hook.record(now, event);
        } else {
            let _applied = namesystem.log(&Edit::Token(tokens.new_master_key(now)));
        }
        let namenode = NameNode {
            auth_to_local,
            authorization: Authorization::new(&config),
            hook: self.hook,
            block_tokens,
            delegation_tokens: tokens,
            block_pool_id: self.block_pool_id,
            namesystem: RwLock::new(namesystem),
            durability,
            storage,
            retry_cache: Mutex::new(retry_cache),
            latest_call: AtomicI64::new(now.as_micros()),
            host_files: Mutex::default(),
            restore_failed_storage: AtomicBool::new(false),
            reconfiguration: Reconfiguration::default(),
            log_directory: OnceLock::new(),
            formatted: self.formatted,
            superuser,
            config,
        };
        let mut ns = namenode.lock();
        if !ns.safe_mode.is_on() {
            namenode.provision_trash(now, &mut ns);
        }
        drop(ns);
        Ok(namenode)
    }
}

/// Returns the state of a new namespace.
fn empty(
    config: &HdfsConfig,
    now: Timestamp,
    superuser: &Arc<str>,
    tokens: &Arc<DelegationTokenSecretManager>,
) -> (State, RetryCache) {
    let group = config.superuser_group.as_str().into();
    let state = State::new(now, Arc::clone(superuser), group, Arc::clone(tokens));
    let retry_cache = RetryCache::new(config.retry_cache_expiry);
    (state.capturing(&config.snapshots), retry_cache)
}
