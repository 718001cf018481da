//! The database of the drop-in tools: a JSON file that `kadmin.local` changes and `krb5kdc` reads.

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use kerbox_krb5::{EncryptionKey, EncryptionType, Principal, Timestamp};
use rand::Rng;
use serde::{Deserialize, Serialize};

use super::configuration::Configuration;
use super::keysalt::{KeySalt, SaltType};
use super::policy::Policy;
use crate::randomness;
use crate::settings::Attribute;

/// The contents of a lock file that we created. Another one is locked, but never removed.
const LOCK: &str = "lock of a kerbox database\n";

/// Marks the files that we created. A file without it is not ours.
const FORMAT: &str = "kerbox database 1";

/// The principals by their full names.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Database {
    format: String,
    pub(crate) principals: BTreeMap<String, Entry>,
    /// Password policies by name.
    #[serde(default)]
    pub(crate) policies: BTreeMap<String, Policy>,
}

impl Default for Database {
    fn default() -> Self {
        Self {
            format: FORMAT.to_owned(),
            principals: BTreeMap::new(),
            policies: BTreeMap::new(),
        }
    }
}

/// A principal.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Entry {
    /// The keys, newest version first.
    pub(crate) keys: Vec<StoredKey>,
    /// kadmin's names with their signs. Attributes that are not listed have kadmin's defaults.
    pub(crate) attributes: Vec<String>,
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
    /// The keys of previous passwords, newest first, as many as the policy wants remembered.
    #[serde(default)]
    pub(crate) former_keys: Vec<Vec<StoredKey>>,
}

/// A key in hexadecimal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct StoredKey {
    pub(crate) kvno: u32,
    pub(crate) enctype: i32,
    pub(crate) key: String,
    /// `None`: the principal's default salt.
    pub(crate) salt: Option<String>,
    /// The salt's type, by the name that kadmin prints; `None` for the default type.
    #[serde(default)]
    pub(crate) salt_type: Option<String>,
}

/// The source of new keys.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Secret<'a> {
    Password(&'a str),
    Random,
}

impl Database {
    /// Creates the database of a new realm: its ticket-granting service and the other principals
    /// that MIT's `create` makes.
    pub(crate) fn create(
        configuration: &Configuration,
        now: Timestamp,
        rng: &mut impl Rng,
    ) -> Result<Self, kerbox_krb5::Error> {
        let mut database = Self::default();
        let realm = &configuration.realm;
        let hours = |hours: u64| Some(hours * 3600);
        for (name, attributes, max_life) in [
            (format!("krbtgt/{realm}"), &["+lockdown_keys"][..], None),
            (
                String::from("kadmin/admin"),
                &["-allow_tgs_req", "+lockdown_keys"],
                hours(3),
            ),
            (
                String::from("kadmin/changepw"),
                &[
                    "-allow_tgs_req",
                    "+password_changing_service",
                    "+lockdown_keys",
                ],
                Some(300),
            ),
        ] {
            let principal = Principal::parse(&name, realm)?;
            let mut entry = Entry::new(now);
            entry.set_keys(
                &principal,
                Secret::Random,
                &configuration.keysalts,
                1,
                false,
                now,
                rng,
            )?;
            entry.attributes = attributes
                .iter()
                .map(|&attribute| attribute.to_owned())
                .collect();
            entry.max_life = max_life;
            database.principals.insert(principal.to_string(), entry);
        }
        Ok(database)
    }

    /// Returns the policy of a principal, if it has one that exists.
    pub(crate) fn policy_of(&self, entry: &Entry) -> Option<&Policy> {
        self.policies.get(entry.policy.as_ref()?)
    }

    /// Reads the file if it is ours.
    pub(crate) fn read(path: &Path) -> io::Result<Self> {
        let read: Result<Self, _> = serde_json::from_slice(&fs::read(path)?);
        let not_ours = |why: String| io::Error::other(format!("Not a database of Kerbox: {why}"));
        let database = read.map_err(|error| not_ours(error.to_string()))?;
        match database.format == FORMAT {
            true => Ok(database),
            false => Err(not_ours(format!("its format is {:?}", database.format))),
        }
    }

    /// Writes the database to a path that does not exist yet.
    pub(crate) fn write_new(&self, path: &Path) -> io::Result<()> {
        let text = serde_json::to_string_pretty(self).map_err(io::Error::other)?;
        let mut options = OpenOptions::new();
        let mut file = options
            .create_new(true)
            .write(true)
            .mode(0o600)
            .open(path)?;
        file.write_all(text.as_bytes())
    }

    /// Replaces the file as a whole, by rename.
    pub(crate) fn write(&self, path: &Path) -> io::Result<()> {
        // An unused name, because other files next to the database are not ours.
        let unfinished = beside(path, &format!("new-{:016x}", randomness::seed()));
        let done = self
            .write_new(&unfinished)
            .and_then(|()| fs::rename(&unfinished, path));
        if done.is_err() {
            let _ = fs::remove_file(unfinished);
        }
        done
    }
}

/// Locks the database while it is read, changed and written. Creates nothing beside a file that is
/// not ours.
pub(crate) fn lock(path: &Path) -> io::Result<File> {
    Database::read(path)?;
    let name = beside(path, "lock");
    let mut options = OpenOptions::new();
    options.create_new(true).write(true).mode(0o600);
    let file = match options.open(&name) {
        Ok(mut file) => {
            file.write_all(LOCK.as_bytes())?;
            file
        }
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {
            // Reading a pipe would block.
            if !fs::metadata(&name)?.is_file() {
                let why = format!("{} is not a file", name.display());
                return Err(io::Error::other(why));
            }
            File::open(&name)?
        }
        Err(error) => return Err(error),
    };
    file.lock()?;
    Ok(file)
}

/// Removes the database and its lock file, if they are ours.
pub(crate) fn remove(path: &Path) -> io::Result<()> {
    let _held = lock(path)?;
    // Again: the file may be another one since the caller, or the lock, read it.
    Database::read(path)?;
    fs::remove_file(path)?;
    let name = beside(path, "lock");
    let is_file = name.symlink_metadata()?.is_file();
    if is_file && fs::read(&name)? == LOCK.as_bytes() {
        fs::remove_file(name)?;
    }
    Ok(())
}

fn beside(path: &Path, extension: &str) -> PathBuf {
    path.with_added_extension(extension)
}

impl Entry {
    /// Creates a principal without keys.
    pub(crate) fn new(now: Timestamp) -> Self {
        Self {
            modified: now.as_secs(),
            ..Self::default()
        }
    }

    /// Sets new keys of version `kvno`, in place of the old ones or in front of them.
    #[expect(
        clippy::too_many_arguments,
        reason = "each is an option of kadmin's cpw"
    )]
    pub(crate) fn set_keys(
        &mut self,
        principal: &Principal,
        secret: Secret<'_>,
        keysalts: &[KeySalt],
        kvno: u32,
        keep_old: bool,
        now: Timestamp,
        rng: &mut impl Rng,
    ) -> Result<(), kerbox_krb5::Error> {
        let mut keys: Vec<StoredKey> = Vec::new();
        for KeySalt { enctype, salt } in keysalts {
            match secret {
                Secret::Password(password) => {
                    let text = salt.of(principal, rng);
                    let of_name = principal.default_salt();
                    let bytes = text.as_deref().unwrap_or(&of_name).as_bytes();
                    let key =
                        EncryptionKey::from_password(*enctype, password.as_bytes(), bytes, None)?;
                    let mut stored = StoredKey::new(kvno, &key, text.as_deref());
                    stored.salt_type = text.map(|_| salt.name().to_owned());
                    keys.push(stored);
                }
                // A random key has no salt, so one per type is enough.
                Secret::Random if keys.iter().any(|key| key.enctype == enctype.0) => {}
                Secret::Random => {
                    let key = EncryptionKey::random(*enctype, rng)?;
                    keys.push(StoredKey::new(kvno, &key, None));
                }
            }
        }
        if keep_old {
            keys.append(&mut self.keys);
        }
        self.keys = keys;
        self.password_changed = now.as_secs();
        Ok(())
    }

    /// Returns true if this is the current password.
    pub(crate) fn has_password(&self, password: &str, default_salt: &str) -> bool {
        let newest = self.kvno();
        let Some(stored) = self.keys.iter().find(|key| key.kvno == newest) else {
            return false;
        };
        stored.is_of(password, default_salt)
    }

    /// Returns true if this is the current password or a remembered one.
    pub(crate) fn knows_password(&self, password: &str, default_salt: &str) -> bool {
        let former = self.former_keys.iter().filter_map(|keys| keys.first());
        self.has_password(password, default_salt)
            || former
                .into_iter()
                .any(|stored| stored.is_of(password, default_salt))
    }

    /// Remembers the current keys, so that there are `history` passwords including the next one.
    pub(crate) fn remember(&mut self, history: usize) {
        let newest = self.kvno();
        let present = self.keys.iter().filter(|key| key.kvno == newest);
        let present: Vec<StoredKey> = present.cloned().collect();
        if !present.is_empty() {
            self.former_keys.insert(0, present);
        }
        self.former_keys.truncate(history.saturating_sub(1));
    }

    /// Returns the newest version number; 0 without keys.
    pub(crate) fn kvno(&self) -> u32 {
        self.keys.iter().map(|key| key.kvno).max().unwrap_or(0)
    }

    /// Sets or clears an attribute.
    pub(crate) fn set_attribute(&mut self, attribute: Attribute) {
        self.attributes
            .retain(|text| text.get(1..) != Some(attribute.name));
        if attribute.on != attribute.is_default_on() {
            self.attributes.push(attribute.to_string());
        }
    }

    /// Returns the attributes that differ from kadmin's defaults.
    pub(crate) fn attributes(&self) -> impl Iterator<Item = Attribute> {
        self.attributes
            .iter()
            .filter_map(|text| Attribute::parse(text).ok())
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

impl StoredKey {
    /// Encodes a key; `salt` is `Some` if it is not the default one.
    pub(crate) fn new(kvno: u32, key: &EncryptionKey, salt: Option<&str>) -> Self {
        Self {
            kvno,
            enctype: key.enctype().0,
            key: key
                .as_bytes()
                .iter()
                .map(|byte| format!("{byte:02x}"))
                .collect(),
            salt: salt.map(str::to_owned),
            salt_type: salt.map(|_| SaltType::Special.name().to_owned()),
        }
    }

    /// Returns true if the key belongs to this password.
    fn is_of(&self, password: &str, default_salt: &str) -> bool {
        let salt = self.salt.as_deref().unwrap_or(default_salt);
        let derived = EncryptionKey::from_password(
            EncryptionType(self.enctype),
            password.as_bytes(),
            salt.as_bytes(),
            None,
        );
        derived.is_ok_and(|derived| Self::new(self.kvno, &derived, None).key == self.key)
    }

    /// Decodes the key; `None` if the file is damaged.
    pub(crate) fn key(&self) -> Option<EncryptionKey> {
        let digits = self.key.as_bytes().chunks(2);
        let bytes: Option<Vec<u8>> = digits
            .map(|pair| u8::from_str_radix(str::from_utf8(pair).ok()?, 16).ok())
            .collect();
        EncryptionKey::new(EncryptionType(self.enctype), &bytes?).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_our_own_database_and_lock_are_removed() -> io::Result<()> {
        let folder = tempfile::tempdir()?;
        let path = folder.path().join("principal");
        let name = folder.path().join("principal.lock");
        fs::write(&path, "mine")?;
        assert!(lock(&path).is_err() && remove(&path).is_err());
        assert!(path.exists() && !name.exists());

        fs::remove_file(&path)?;
        // Another program's lock may be empty.
        fs::write(&name, "")?;
        Database::default().write_new(&path)?;
        remove(&path)?;
        assert!(!path.exists() && name.exists());

        fs::remove_file(&name)?;
        Database::default().write_new(&path)?;
        drop(lock(&path)?);
        assert!(name.exists());
        drop(lock(&path)?);
        remove(&path)?;
        assert!(!path.exists() && !name.exists());
        Ok(())
    }
}
