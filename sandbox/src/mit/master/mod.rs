//! The master keys: they seal all other keys of a database. They are in the database themselves, as
//! keys of `K/M`, sealed with the newest of them, which a stash file or a password opens.

use std::path::Path;

use kerbox_krb5::{EncryptionKey, EncryptionType, Principal, Timestamp};
use rand::Rng;

use super::configuration::Configuration;
use super::entry::{Entry, Principals, StoredKey, open_key, seal_key};
use super::flags::DISALLOW_ALL_TIX;
use super::hex::{hex, unhex};
use super::tagged;

mod keys;
mod stash;

pub(crate) use keys::MasterKeys;
pub(crate) use stash::write as write_stash;

impl MasterKeys {
    /// Opens the master keys with the key in the stash file.
    pub(crate) fn stashed(
        principals: &Principals,
        configuration: &Configuration,
        now: Timestamp,
    ) -> Result<Self, String> {
        let principal = configuration.master()?;
        let (kvno, key) = stash::read(&configuration.stash, &principal)
            .map_err(|why| format!("Can not fetch master key (error: {why})."))?;
        Self::open(principals, principal, (kvno, key), now)
    }

    /// Opens them with their password.
    pub(crate) fn of_password(
        principals: &Principals,
        configuration: &Configuration,
        password: &str,
        now: Timestamp,
    ) -> Result<Self, String> {
        let principal = configuration.master()?;
        let newest = newest(principals, &principal)?;
        let enctype = EncryptionType(newest.enctype);
        let enctype = configuration.master_enctype.unwrap_or(enctype);
        let key = key_of(&principal, enctype, password)?;
        let kvno = newest.kvno;
        Self::open(principals, principal, (kvno, key), now)
    }

    fn open(
        principals: &Principals,
        principal: Principal,
        (given, key): (u32, EncryptionKey),
        now: Timestamp,
    ) -> Result<Self, String> {
        let stored = newest(principals, &principal)?;
        let entry = &principals[&principal.to_string()];
        // An older key opens the newest one as well, through a copy that is sealed with it.
        let newest = stored.open(&key).or_else(|| {
            let copies = tagged::newest_for_older(entry).into_iter();
            let mut opened =
                copies.filter_map(|copy| open_key(copy.enctype, &unhex(&copy.sealed)?, &key));
            opened.next()
        });
        let newest =
            newest.ok_or("Unable to decrypt latest master key with the provided master key\n")?;
        let mut keys = vec![(stored.kvno, newest.clone())];
        for older in &entry.keys[1..] {
            let unreadable = || format!("master key version {} cannot be decrypted", older.kvno);
            keys.push((older.kvno, older.open(&newest).ok_or_else(unreadable)?));
        }
        let mut activations = tagged::activations(entry);
        if activations.is_empty() {
            // A database from the time before there were several: the oldest is active.
            activations.extend(keys.last().map(|(kvno, _)| (*kvno, 0)));
        }
        let mut master = Self {
            principal,
            keys,
            activations,
            active: 0,
            given,
        };
        master.active = master.active_at(now)?;
        Ok(master)
    }

    /// Returns the version that seals a principal's keys.
    pub(crate) fn version_of(&self, entry: &Entry) -> u32 {
        let oldest = self.keys.last().map_or(1, |(kvno, _)| *kvno);
        entry.mkvno.unwrap_or(oldest)
    }

    /// Returns the key that seals a principal's keys.
    pub(crate) fn of(&self, entry: &Entry) -> Option<&EncryptionKey> {
        self.version(self.version_of(entry))
    }

    /// Returns the new entry of `K/M`.
    pub(crate) fn entry(&self, rng: &mut impl Rng) -> Entry {
        let mut entry = Entry {
            flags: DISALLOW_ALL_TIX,
            ..Entry::default()
        };
        self.store(&mut entry, rng);
        tagged::set_activations(&mut entry, &self.activations);
        entry
    }

    /// Adds a new version, the next one, to `K/M`. It is not active yet.
    pub(crate) fn add(&mut self, entry: &mut Entry, key: EncryptionKey, rng: &mut impl Rng) -> u32 {
        let kvno = self.keys[0].0.checked_add(1).unwrap_or(1);
        let copies = self
            .keys
            .iter()
            .map(|(older, with)| tagged::NewestForOlder {
                older: *older,
                kvno,
                enctype: key.enctype(),
                sealed: hex(&seal_key(&key, with, rng)),
            });
        tagged::set_newest_for_older(entry, &copies.collect::<Vec<_>>());
        self.keys.insert(0, (kvno, key));
        self.active = self.active.saturating_add(1);
        self.store(entry, rng);
        kvno
    }

    fn store(&self, entry: &mut Entry, rng: &mut impl Rng) {
        let (newest, with) = &self.keys[0];
        let seal =
            |(kvno, key): &(u32, EncryptionKey)| StoredKey::seal(*kvno, key, None, with, rng);
        entry.keys = self.keys.iter().map(seal).collect();
        entry.mkvno = Some(*newest);
    }
}

fn newest<'a>(principals: &'a Principals, principal: &Principal) -> Result<&'a StoredKey, String> {
    let entry = principals.get(&principal.to_string());
    let missing = "Cannot find master key record in database";
    Ok(entry.and_then(|entry| entry.keys.first()).ok_or(missing)?)
}

/// Derives a master key from its password.
pub(crate) fn key_of(
    principal: &Principal,
    enctype: EncryptionType,
    password: &str,
) -> Result<EncryptionKey, String> {
    let salt = principal.default_salt();
    EncryptionKey::from_password(enctype, password.as_bytes(), salt.as_bytes(), None)
        .map_err(|error| format!("{error} while transforming master key from password"))
}

/// Reads the key of a stash file.
pub(crate) fn read_stash(path: &Path, principal: &Principal) -> Result<EncryptionKey, String> {
    stash::read(path, principal).map(|(_, key)| key)
}
