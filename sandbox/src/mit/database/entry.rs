//! A principal of the database.

use std::collections::BTreeMap;
use std::time::Duration;

use kerbox_krb5::{EncryptionKey, Principal, Timestamp};
use rand::Rng;
use serde::{Deserialize, Serialize};

use super::StoredKey;
use crate::mit::flags::{Change, names};
use crate::mit::keysalt::KeySalt;
use crate::mit::master::MasterKeys;

/// A principal.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Entry {
    /// The keys, newest version first.
    pub(crate) keys: Vec<StoredKey>,
    /// The version of the master key that seals the keys. `None` in databases from the time before
    /// there were several: the oldest.
    #[serde(default)]
    pub(crate) mkvno: Option<u32>,
    /// Flags, with MIT's bits.
    #[serde(default)]
    pub(crate) flags: u32,
    /// In seconds; `None`: the realm's.
    pub(crate) max_life: Option<u64>,
    pub(crate) max_renewable_life: Option<u64>,
    /// In seconds since the epoch.
    pub(crate) expires: Option<i64>,
    pub(crate) password_expires: Option<i64>,
    pub(crate) password_changed: i64,
    pub(crate) modified: i64,
    /// The string attributes set with `setstr`.
    pub(crate) strings: BTreeMap<String, String>,
    /// The name of its password policy, which need not exist.
    #[serde(default)]
    pub(crate) policy: Option<String>,
    /// The administrator who made the last change.
    #[serde(default)]
    pub(crate) modified_by: Option<String>,
    /// The keys of previous passwords, newest first, as many as the policy wants remembered. They
    /// are sealed with the key of `kadmin/history`.
    #[serde(default)]
    pub(crate) former_keys: Vec<Vec<StoredKey>>,
    /// The version of that key.
    #[serde(default)]
    pub(crate) history_kvno: Option<u32>,
    /// Parts of a loaded dump that are kept only to be dumped again.
    #[serde(default)]
    pub(crate) loaded: Loaded,
}

/// The parts of a dump without a meaning here, and the order of all tagged data.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Loaded {
    pub(crate) last_success: u32,
    pub(crate) last_failed: u32,
    pub(crate) failures: u32,
    /// The tagged data: the type, and the contents in hexadecimal.
    pub(crate) tagged: Vec<(i16, String)>,
    /// The database module's data, in hexadecimal.
    pub(crate) extra: String,
}

/// The source of new keys.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Secret<'a> {
    Password(&'a str),
    Random,
}

/// New keys for a principal.
pub(crate) struct NewKeys<'a> {
    pub(crate) secret: Secret<'a>,
    pub(crate) keysalts: &'a [KeySalt],
    pub(crate) kvno: u32,
    /// True if they come in front of the old ones, false if in place of them.
    pub(crate) keep_old: bool,
}

impl Entry {
    /// Creates a principal without keys.
    pub(crate) fn new(now: Timestamp) -> Self {
        Self {
            modified: now.as_secs(),
            ..Self::default()
        }
    }

    /// Sets new keys, sealed with the active master key.
    pub(crate) fn set_keys(
        &mut self,
        principal: &Principal,
        new: &NewKeys<'_>,
        master: &MasterKeys,
        now: Timestamp,
        rng: &mut impl Rng,
    ) -> Result<(), kerbox_krb5::Error> {
        let (mkvno, with) = master.active();
        let mut keys: Vec<StoredKey> = Vec::new();
        for KeySalt { enctype, salt } in new.keysalts {
            match new.secret {
                Secret::Password(password) => {
                    let text = salt.of(principal, rng);
                    let of_name = principal.default_salt();
                    let bytes = text.as_deref().unwrap_or(&of_name).as_bytes();
                    let key =
                        EncryptionKey::from_password(*enctype, password.as_bytes(), bytes, None)?;
                    let mut stored = StoredKey::seal(new.kvno, &key, text.as_deref(), with, rng);
                    stored.salt_type = text.map(|_| salt.name().to_owned());
                    keys.push(stored);
                }
                // A random key has no salt, so one per type is enough.
                Secret::Random if keys.iter().any(|key| key.enctype == enctype.0) => {}
                Secret::Random => {
                    let key = EncryptionKey::random(*enctype, rng)?;
                    keys.push(StoredKey::seal(new.kvno, &key, None, with, rng));
                }
            }
        }
        if new.keep_old {
            self.reseal(master, mkvno, with, rng);
            keys.append(&mut self.keys);
        }
        self.keys = keys;
        self.mkvno = Some(mkvno);
        self.password_changed = now.as_secs();
        Ok(())
    }

    /// Seals the keys with another master key. Keys that cannot be opened are left out.
    pub(crate) fn reseal(
        &mut self,
        master: &MasterKeys,
        mkvno: u32,
        with: &EncryptionKey,
        rng: &mut impl Rng,
    ) {
        if let Some(from) = master.of(self) {
            let keys = std::mem::take(&mut self.keys).into_iter();
            self.keys = keys.filter_map(|key| key.reseal(from, with, rng)).collect();
            self.mkvno = Some(mkvno);
        }
    }

    /// Returns true if this is the current password.
    pub(crate) fn has_password(
        &self,
        password: &str,
        default_salt: &str,
        master: &MasterKeys,
    ) -> bool {
        let newest = self.kvno();
        let stored = self.keys.iter().find(|key| key.kvno == newest);
        let found = stored.zip(master.of(self));
        found.is_some_and(|(stored, with)| stored.is_of(password, default_salt, with))
    }

    /// Returns true if this is a remembered password. `history` is the key of `kadmin/history`.
    pub(crate) fn had_password(
        &self,
        password: &str,
        default_salt: &str,
        history: &EncryptionKey,
    ) -> bool {
        let mut former = self.former_keys.iter().filter_map(|keys| keys.first());
        former.any(|stored| stored.is_of(password, default_salt, history))
    }

    /// Remembers the current keys, so that there are `count` passwords including the next one.
    pub(crate) fn remember(
        &mut self,
        count: usize,
        master: &MasterKeys,
        (history_kvno, history): (u32, &EncryptionKey),
        rng: &mut impl Rng,
    ) {
        if self.history_kvno != Some(history_kvno) {
            // They are sealed with a key that is no longer there.
            self.former_keys.clear();
        }
        self.history_kvno = Some(history_kvno);
        let newest = self.kvno();
        if let Some(from) = master.of(self) {
            let present = self.keys.iter().filter(|key| key.kvno == newest);
            let present = present.filter_map(|key| key.reseal(from, history, rng));
            let present: Vec<StoredKey> = present.collect();
            if !present.is_empty() {
                self.former_keys.insert(0, present);
            }
        }
        self.former_keys.truncate(count.saturating_sub(1));
    }

    /// Returns the newest version number; 0 without keys.
    pub(crate) fn kvno(&self) -> u32 {
        self.keys.iter().map(|key| key.kvno).max().unwrap_or(0)
    }

    /// Returns the version of new keys. MIT's database has 16 bits for it, and starts again at 1.
    pub(crate) fn next_kvno(&self) -> u32 {
        match self.kvno() {
            kvno @ ..0xFFFF => kvno + 1,
            _ => 1,
        }
    }

    /// Sets or clears flags.
    pub(crate) fn change_flags(&mut self, change: Change) {
        self.flags = change.of(self.flags);
    }

    /// Returns the names of its flags.
    pub(crate) fn flag_names(&self) -> impl Iterator<Item = String> {
        names(self.flags)
    }

    /// Returns `max_life` as a duration.
    pub(crate) fn max_life(&self) -> Option<Duration> {
        self.max_life.map(Duration::from_secs)
    }

    /// Returns `max_renewable_life` as a duration.
    pub(crate) fn max_renewable_life(&self) -> Option<Duration> {
        self.max_renewable_life.map(Duration::from_secs)
    }
}
