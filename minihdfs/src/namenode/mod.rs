//! The NameNode: the namespace, the blocks, and who may do what with them.
//!
//! [`NameNode`] is a handle over one lock. It has no clock, no sockets and no threads: calls come
//! in with the time, [`tick`](NameNode::tick) does what is due,
//! [`next_deadline`](NameNode::next_deadline) tells when something will be.
//!
//! - `namespace`, `inode`, `path`: the tree; `limits`: names and quotas; `permission`, `acl`,
//!   `xattr`: who may do what
//! - `block_manager`, `datanode_manager`: replicas and where they are; `link`: what DataNodes tell
//! - `lease_manager`, `recovery`: who writes, and what happens to files whose writer is gone
//! - `client_protocol`: one function for each method of ClientProtocol; `status`: the messages that
//!   they share
//! - `retry_cache`: answers for clients that ask again
//! - `side_protocols`: the small protocols of administrators' tools

mod acl;
mod block_manager;
mod client_protocol;
mod datanode_manager;
mod id_map;
mod inode;
mod lease_manager;
mod limits;
mod link;
mod namespace;
mod path;
mod permission;
mod recovery;
mod retry_cache;
mod side_protocols;
mod state;
mod status;
#[cfg(test)]
mod tests;
mod xattr;

use std::fmt;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use kerbox_events::{Event, Hook, Server};
use kerbox_krb5::Timestamp;
use rand::Rng;

use crate::HdfsError;
use crate::config::{ConfigError, HdfsConfig};
use crate::rpc::{Call, RpcService};
use crate::secret_manager::{
    BlockTokenSecretManager, BlockTokenSettings, DelegationTokenSecretManager,
    DelegationTokenSettings,
};
use crate::user::AuthToLocal;
use client_protocol::{CLIENT_PROTOCOL, is_at_most_once};
use inode::InodeKind;
use namespace::NewInode;
use permission::PermissionChecker;
use retry_cache::RetryCache;
use side_protocols::SIDE_PROTOCOLS;
use state::State;

/// A NameNode. Share it in an [`Arc`].
pub struct NameNode {
    config: HdfsConfig,
    superuser: Arc<str>,
    auth_to_local: AuthToLocal,
    hook: Arc<dyn Hook>,
    block_pool_id: Arc<str>,
    block_tokens: Arc<BlockTokenSecretManager>,
    delegation_tokens: Arc<DelegationTokenSecretManager>,
    state: Mutex<State>,
    /// Held for the whole of a call that must not be executed twice, so that a repeated call waits
    /// for the first.
    retry_cache: Mutex<RetryCache>,
}

/// What a NameNode is started with, besides its configuration.
#[derive(Clone, Debug)]
pub struct NameNodeIdentity {
    /// The short name that owns `/` and may do everything.
    pub superuser: String,
    /// The realm whose principals `DEFAULT` of `auth_to_local` shortens; empty without Kerberos.
    pub default_realm: String,
    /// Where it listens: a part of the block pool's id.
    pub address: IpAddr,
}

impl NameNode {
    /// A NameNode with an empty namespace. Everything random comes from `rng`, and from generators
    /// seeded by it.
    ///
    /// # Errors
    /// The configuration contradicts itself, or its `auth_to_local` rules cannot be read.
    pub fn new(
        config: HdfsConfig,
        identity: &NameNodeIdentity,
        now: Timestamp,
        hook: Arc<dyn Hook>,
        rng: &mut impl Rng,
    ) -> Result<Self, ConfigError> {
        config.check()?;
        let auth_to_local = AuthToLocal::from_config(&config, identity.default_realm.as_str())?;
        let pool_number = rng.next_u32() >> 1;
        let block_pool_id: Arc<str> =
            format!("BP-{pool_number}-{}-{}", identity.address, now.as_millis()).into();
        let superuser: Arc<str> = identity.superuser.as_str().into();
        Ok(Self {
            auth_to_local,
            hook,
            block_tokens: Arc::new(BlockTokenSecretManager::new(
                BlockTokenSettings::new(&config, &*block_pool_id),
                now,
                rng,
            )),
            delegation_tokens: Arc::new(DelegationTokenSecretManager::new(
                DelegationTokenSettings::from(&config),
                now,
                rng,
            )),
            block_pool_id,
            state: Mutex::new(State::new(&config, Arc::clone(&superuser), now, rng)),
            retry_cache: Mutex::new(RetryCache::new(config.retry_cache_expiry)),
            superuser,
            config,
        })
    }

    /// What it obeys.
    #[must_use]
    pub fn config(&self) -> &HdfsConfig {
        &self.config
    }

    /// The id of its block pool, which every block's name begins with.
    #[must_use]
    pub fn block_pool_id(&self) -> &str {
        &self.block_pool_id
    }

    /// The block keys, for the DataNodes to check tokens with.
    #[must_use]
    pub fn block_tokens(&self) -> &Arc<BlockTokenSecretManager> {
        &self.block_tokens
    }

    /// The delegation tokens, for connections that show one.
    #[must_use]
    pub fn delegation_tokens(&self) -> &Arc<DelegationTokenSecretManager> {
        &self.delegation_tokens
    }

    /// How many DataNodes live.
    #[must_use]
    pub fn live_datanodes(&self) -> usize {
        self.lock().datanodes.living()
    }

    /// Makes a directory, with those above it, as the superuser would; an existing one gets this
    /// owner, group and mode.
    ///
    /// # Errors
    /// The path is not valid, or there is a file on it.
    pub fn make_directory(
        &self,
        now: Timestamp,
        path: &str,
        owner: &str,
        group: &str,
        mode: u16,
    ) -> Result<(), HdfsError> {
        let mut guard = self.lock();
        let state = &mut *guard;
        let resolved = state.namespace.resolve(path)?;
        let (mut parent, mut last) = (
            resolved.existing()[resolved.existing().len() - 1],
            resolved.last(),
        );
        for name in resolved.missing() {
            if !state.namespace.inode(parent).is_directory() {
                return Err(HdfsError::parent_not_directory(format!(
                    "{} (is not a directory)",
                    state.namespace.full_path(parent)
                )));
            }
            let directory = NewInode {
                owner: Arc::clone(&self.superuser),
                mode: 0o755,
                unmasked: None,
                kind: InodeKind::Directory(inode::Directory::default()),
            };
            parent = state.namespace.add(now, parent, name, directory, false);
            last = Some(parent);
        }
        if let Some(id) = last {
            let inode = state.namespace.inode_mut(id);
            if !inode.is_directory() {
                return Err(HdfsError::file_already_exists(format!(
                    "Path is not a directory: {path}"
                )));
            }
            inode.owner = owner.into();
            inode.group = group.into();
            inode.mode = mode & inode::PERMISSION_BITS;
        }
        Ok(())
    }

    /// Whether there is anything at a path.
    ///
    /// # Errors
    /// The path is not valid.
    pub fn has(&self, path: &str) -> Result<bool, HdfsError> {
        Ok(self.lock().namespace.resolve(path)?.last().is_some())
    }

    /// Does what is due: dead DataNodes, leases beyond their hard limit, recoveries and
    /// replications that never came, keys and tokens.
    pub fn tick(&self, now: Timestamp) {
        let mut fired = Vec::new();
        self.lock().tick(now, &mut fired);
        if self.block_tokens.tick(now) {
            fired.push(timer("block key update", ""));
        }
        for identifier in self.delegation_tokens.tick(now) {
            fired.push(timer("delegation token expired", &identifier.to_string()));
        }
        for event in fired {
            self.hook.record(now, event);
        }
    }

    /// When [`tick`](Self::tick) will have something to do, if nothing happens until then.
    #[must_use]
    pub fn next_deadline(&self) -> Option<Timestamp> {
        let tokens = self
            .block_tokens
            .next_deadline()
            .min(self.delegation_tokens.next_deadline());
        Some(
            self.lock()
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

    fn lock(&self) -> MutexGuard<'_, State> {
        // A panic is a broken invariant of one operation; the others may go on with what there is.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The state, to be changed by `operation`, which safe mode forbids.
    fn lock_to_write(
        &self,
        operation: fmt::Arguments<'_>,
    ) -> Result<MutexGuard<'_, State>, HdfsError> {
        let mut state = self.lock();
        if state.safe_mode {
            return Err(HdfsError::safe_mode(format!(
                "Cannot {operation}. Name node is in safe mode.\n\
                 It was turned on manually. Use \"hdfs dfsadmin -safemode leave\" to turn safe mode off. NamenodeHostName:localhost"
            )));
        }
        state.transaction += 1;
        Ok(state)
    }

    /// The groups of a user, as the configuration maps them.
    fn groups_of(&self, user: &str) -> &[String] {
        self.config
            .groups
            .get(user)
            .map(Vec::as_slice)
            .unwrap_or_default()
    }

    /// The rights of who makes this call.
    fn checker<'a>(&'a self, call: &Call<'a>) -> PermissionChecker<'a> {
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

fn timer(timer: &'static str, subject: &str) -> Event {
    Event::Timer {
        server: Server::NameNode,
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
        self.config.state_context.then(|| self.lock().transaction)
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
