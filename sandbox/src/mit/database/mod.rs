//! The database of the drop-in tools: a JSON file that `kadmin.local` changes and `krb5kdc` reads.

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use kerbox_krb5::{EncryptionKey, Principal, Timestamp};
use rand::Rng;
use serde::{Deserialize, Serialize};

use super::configuration::Configuration;
use super::entry::{Entry, Principals};
use super::flags::{self, DISALLOW_ALL_TIX};
use super::master::MasterKeys;
use super::policy::Policy;
use crate::randomness;

mod entry_keys;

pub(crate) use entry_keys::{NewKeys, Secret};

/// The contents of a lock file that we created. Another one is locked, but never removed.
const LOCK: &str = "lock of a kerbox database\n";

/// Marks the files that we created. A file without it is not ours.
const FORMAT: &str = "kerbox database 2";

/// The principal whose key seals former passwords.
const HISTORY: &str = "kadmin/history";

/// The principals and the policies.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Database {
    format: String,
    pub(crate) principals: Principals,
    /// Password policies by name.
    #[serde(default)]
    pub(crate) policies: BTreeMap<String, Policy>,
}

impl Default for Database {
    fn default() -> Self {
        Self {
            format: FORMAT.to_owned(),
            principals: Principals::new(),
            policies: BTreeMap::new(),
        }
    }
}

impl Database {
    /// Creates the database of a new realm: its master key, its ticket-granting service and the
    /// other principals that MIT's `create` makes.
    pub(crate) fn create(
        configuration: &Configuration,
        master: &MasterKeys,
        now: Timestamp,
        rng: &mut impl Rng,
    ) -> Result<Self, kerbox_krb5::Error> {
        let mut database = Self::default();
        let realm = &configuration.realm;
        let creator = format!("db_creation@{realm}");
        let mut entry = master.entry(rng);
        entry.modified = now.as_secs();
        entry.modified_by = Some(creator.clone());
        let name = master.principal().to_string();
        database.principals.insert(name, entry);
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
            let new = NewKeys {
                secret: Secret::Random,
                keysalts: &configuration.keysalts,
                kvno: 1,
                keep_old: false,
            };
            entry.set_keys(&principal, &new, master, now, rng)?;
            for change in attributes.iter().flat_map(|text| flags::parse(text)) {
                entry.change_flags(change);
            }
            entry.max_life = max_life;
            entry.modified_by = Some(creator.clone());
            database.principals.insert(principal.to_string(), entry);
        }
        Ok(database)
    }

    /// Returns the key that seals former passwords, and its version.
    pub(crate) fn history_key(
        &self,
        realm: &str,
        master: &MasterKeys,
    ) -> Option<(u32, EncryptionKey)> {
        let entry = self.principals.get(&format!("{HISTORY}@{realm}"))?;
        let stored = entry.keys.first()?;
        Some((stored.kvno, stored.open(master.of(entry)?)?))
    }

    /// Creates that key, unless it exists.
    pub(crate) fn create_history_key(
        &mut self,
        configuration: &Configuration,
        master: &MasterKeys,
        now: Timestamp,
        rng: &mut impl Rng,
    ) -> Result<(), kerbox_krb5::Error> {
        let principal = Principal::parse(HISTORY, &configuration.realm)?;
        let name = principal.to_string();
        if self.principals.contains_key(&name) {
            return Ok(());
        }
        let mut entry = Entry::new(now);
        entry.flags = DISALLOW_ALL_TIX;
        let new = NewKeys {
            secret: Secret::Random,
            keysalts: &configuration.keysalts,
            kvno: 1,
            keep_old: false,
        };
        entry.set_keys(&principal, &new, master, now, rng)?;
        self.principals.insert(name, entry);
        Ok(())
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
            false => Err(not_ours(format!(
                "its format is {:?}, and not {FORMAT:?}; create it anew",
                database.format
            ))),
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

/// Returns the path with a dot and `extension` after its name.
pub(in crate::mit) fn beside(path: &Path, extension: &str) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".");
    name.push(extension);
    path.with_file_name(name)
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
