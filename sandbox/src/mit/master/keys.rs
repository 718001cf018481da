//! The opened master keys, without the database that they come from.

use kerbox_krb5::{EncryptionKey, Principal, Timestamp};

/// All master keys of a database, opened.
#[derive(Clone, Debug)]
pub(crate) struct MasterKeys {
    pub(super) principal: Principal,
    /// Versions and keys, newest first; never empty.
    pub(super) keys: Vec<(u32, EncryptionKey)>,
    /// Versions and the times from which they are active, in seconds, earliest first.
    pub(super) activations: Vec<(u32, i64)>,
    /// The index of the active key.
    pub(super) active: usize,
    /// The version of the key that opened the others.
    pub(super) given: u32,
}

impl MasterKeys {
    /// Creates the first master key of a new database.
    pub(crate) fn first(principal: Principal, kvno: u32, key: EncryptionKey) -> Self {
        Self {
            principal,
            keys: vec![(kvno, key)],
            activations: vec![(kvno, 0)],
            active: 0,
            given: kvno,
        }
    }

    /// Returns the index of the key that is active at `now`.
    pub(super) fn active_at(&self, now: Timestamp) -> Result<usize, String> {
        let begun = self.activations.iter().rev();
        let mut begun = begun.filter(|(_, from)| *from <= now.as_secs());
        let found = begun.find_map(|(kvno, _)| self.keys.iter().position(|(of, _)| of == kvno));
        found.ok_or_else(|| "there is no active master key".to_owned())
    }

    /// Returns the name of `K/M`.
    pub(crate) fn principal(&self) -> &Principal {
        &self.principal
    }

    /// Returns the versions and keys, newest first.
    pub(crate) fn keys(&self) -> &[(u32, EncryptionKey)] {
        &self.keys
    }

    /// Returns the key that seals new keys, and its version.
    pub(crate) fn active(&self) -> (u32, &EncryptionKey) {
        let (kvno, key) = &self.keys[self.active];
        (*kvno, key)
    }

    /// Returns the version of the key that opened the others.
    pub(crate) fn given(&self) -> u32 {
        self.given
    }

    /// Returns the key of a version.
    pub(crate) fn version(&self, kvno: u32) -> Option<&EncryptionKey> {
        let mut keys = self.keys.iter();
        keys.find(|(known, _)| *known == kvno).map(|(_, key)| key)
    }

    /// Returns the versions and the times from which they are active, earliest first.
    pub(crate) fn activations(&self) -> &[(u32, i64)] {
        &self.activations
    }
}
