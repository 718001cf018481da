//! The state that must survive: the tree, files' blocks, leases, quotas, cache pools and
//! directives, delegation tokens and master keys.
//!
//! [`State::apply`] is the only function that changes it, because the methods that change its parts
//! are private to this module. A state is a function of its edits.

mod apply;
pub(super) mod caching;
pub(super) mod children;
mod entries;
pub(super) mod inode;
mod inode_id;
mod kept;
pub(super) mod lease;
pub(super) mod lengths;
pub(super) mod limits;
pub(super) mod name;
pub(super) mod namespace;
mod owner_names;
pub(super) mod quota;
pub(super) mod resolve;
pub(super) mod resolved_path;
pub(super) mod restore;
pub(super) mod snapshot;
pub(super) mod storage_policy;
mod type_usage;
mod usage;

use std::sync::Arc;

use bytes::Bytes;
use kerbox_krb5::Timestamp;

use crate::config::SnapshotSettings;
use crate::namenode::edit::Edit;
use crate::namenode::state::caching::CacheManager;
use crate::namenode::state::inode::InodeId;
use crate::namenode::state::kept::Capture;
use crate::namenode::state::lease::LeaseManager;
use crate::namenode::state::namespace::Namespace;
use crate::protocol::Block;
use crate::secret_manager::DelegationTokenSecretManager;

/// The last reserved block id (Hadoop's `LAST_RESERVED_BLOCK_ID`). The first block is 1073741825.
const LAST_RESERVED_BLOCK: u64 = 1 << 30;
/// The last reserved generation stamp. The first one used is 1001.
const LAST_RESERVED_STAMP: u64 = 1000;

/// The state that must survive.
#[derive(PartialEq, Debug)]
pub(crate) struct State {
    namespace: Namespace,
    leases: LeaseManager,
    caching: CacheManager,
    tokens: Arc<DelegationTokenSecretManager>,
    /// The erasure coding policies of the image that was loaded, which are only written back.
    erasure_coding: Bytes,
    last_allocated_block_id: u64,
    generation_stamp: u64,
    transaction_id: i64,
    /// The inode that is probably at a path of the edit being applied; `None` between edits.
    found: Option<InodeId>,
}

/// The result of an edit for those who know where replicas are.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Effects {
    /// The blocks that belong to no file any more.
    pub(crate) removed: Vec<u64>,
    /// The blocks that are new or have changed, with their files and their replication.
    pub(crate) stored: Vec<(Block, InodeId, u16)>,
}

/// An edit that does not fit the state, with the reason.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("{edit} does not fit the namespace at transaction {transaction_id}: {reason}")]
pub(crate) struct Misfit {
    edit: String,
    transaction_id: i64,
    reason: String,
}

impl State {
    /// Creates a formatted state: a root with this owner and group, created at `now`.
    pub(crate) fn new(
        now: Timestamp,
        superuser: Arc<str>,
        supergroup: Arc<str>,
        tokens: Arc<DelegationTokenSecretManager>,
    ) -> Self {
        Self {
            namespace: Namespace::new(now, superuser, supergroup),
            leases: LeaseManager::default(),
            caching: CacheManager::default(),
            tokens,
            erasure_coding: Bytes::new(),
            last_allocated_block_id: LAST_RESERVED_BLOCK,
            generation_stamp: LAST_RESERVED_STAMP,
            transaction_id: 0,
            found: None,
        }
    }

    /// Returns the same state, whose snapshots keep what these settings say.
    pub(crate) fn capturing(mut self, settings: &SnapshotSettings) -> Self {
        self.namespace.set_capture(Capture {
            open_files: settings.capture_open_files,
            skip_access_times: settings.skip_access_times,
            deletion_ordered: settings.deletion_ordered,
        });
        self
    }

    /// Returns the tree.
    pub(crate) fn namespace(&self) -> &Namespace {
        &self.namespace
    }

    /// Returns the leases.
    pub(crate) fn leases(&self) -> &LeaseManager {
        &self.leases
    }

    /// Returns the cache pools and directives.
    pub(crate) fn caching(&self) -> &CacheManager {
        &self.caching
    }

    /// Returns the delegation tokens and their master keys.
    pub(crate) fn tokens(&self) -> &DelegationTokenSecretManager {
        &self.tokens
    }

    /// Returns the same state with this manager of the tokens, which has equal ones.
    pub(crate) fn with_tokens(self, tokens: Arc<DelegationTokenSecretManager>) -> Self {
        Self { tokens, ..self }
    }

    /// Returns the erasure coding policies of the image that was loaded: a section's message.
    pub(crate) fn erasure_coding(&self) -> &Bytes {
        &self.erasure_coding
    }

    /// Returns the highest block id so far.
    pub(crate) fn last_allocated_block_id(&self) -> u64 {
        self.last_allocated_block_id
    }

    /// Returns the highest generation stamp so far.
    pub(crate) fn generation_stamp(&self) -> u64 {
        self.generation_stamp
    }

    /// Returns the number of edits so far (`getLastWrittenTxId`).
    pub(crate) fn transaction_id(&self) -> i64 {
        self.transaction_id
    }

    /// Applies an edit, and returns its effects on blocks. Changes nothing if it does not fit.
    ///
    /// A caller that has found the inode at the path of the edit, or the directory of a new one,
    /// may say so: to compare the path with it takes less time than to look the path up. A wrong
    /// one makes no difference.
    pub(crate) fn apply(&mut self, edit: &Edit, found: Option<InodeId>) -> Result<Effects, Misfit> {
        self.found = found;
        let effects = self.carry_out(edit);
        self.found = None;
        let effects = effects.map_err(|reason| Misfit {
            edit: edit.name(),
            transaction_id: self.transaction_id,
            reason,
        })?;
        self.transaction_id += 1;
        Ok(effects)
    }

    /// Drops what has lapsed by time alone, which no edit says.
    pub(crate) fn lapse(&mut self, now: Timestamp) {
        self.tokens.lapse(now);
    }
}
