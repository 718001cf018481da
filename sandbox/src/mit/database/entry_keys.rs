//! The keys of a principal: set, sealed with another master key, compared with passwords.

use kerbox_krb5::{EncryptionKey, Principal, Timestamp};
use rand::Rng;

use crate::mit::entry::{Entry, StoredKey};
use crate::mit::keysalt::KeySalt;
use crate::mit::master::MasterKeys;

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
}
