//! A principal as the database holds it: its attributes, and its keys, sealed.

use std::collections::BTreeMap;
use std::time::Duration;

use kerbox_krb5::Timestamp;
use serde::{Deserialize, Serialize};

use super::flags::{Change, names};

mod key;

pub(crate) use key::{StoredKey, open as open_key, seal as seal_key};

/// The principals of a database by their full names.
pub(crate) type Principals = BTreeMap<String, Entry>;

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

impl Entry {
    /// Creates a principal without keys.
    pub(crate) fn new(now: Timestamp) -> Self {
        Self {
            modified: now.as_secs(),
            ..Self::default()
        }
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
