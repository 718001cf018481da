//! The database's file as a KDC serves it: what `kadmin.local` changes is seen at the next request,
//! what a user changes is kept.

use std::fs::{self, Metadata};
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use kerbox_events::{Event, Hook, Outcome, Verdict};
use kerbox_kdc::{
    Kdc, NewKeys, NewPrincipal, Pac, PrincipalDatabase, PrincipalEntry, PrincipalKey, RealmConfig,
};
use kerbox_krb5::{Principal, Timestamp};

use super::configuration::Configuration;
use super::database::{Database, Entry, StoredKey, lock};
use crate::randomness;
use crate::settings::Attribute;

/// A KDC that serves the file's database; `program` is who complains of it.
pub(super) fn kdc(program: &'static str, configuration: Configuration) -> Result<Arc<Kdc>, String> {
    let file = DatabaseFile {
        configuration,
        read: Mutex::default(),
    };
    let database = file
        .read()
        .map_err(|error| format!("{error} while opening database {}", file.path().display()))?;
    let kdc = Kdc::new(database, randomness::seed());
    Ok(Arc::new_cyclic(|this| {
        kdc.with_hook(Arc::new(Follow {
            program,
            file,
            kdc: Weak::clone(this),
        }))
    }))
}

/// The file and when it was last read.
struct DatabaseFile {
    configuration: Configuration,
    read: Mutex<Option<Stamp>>,
}

/// What is different after a change: the file is always replaced by another one.
type Stamp = (u64, i64, i64);

impl DatabaseFile {
    fn path(&self) -> &PathBuf {
        &self.configuration.database
    }

    /// The database as it stands.
    fn read(&self) -> Result<PrincipalDatabase, String> {
        let stamp = fs::metadata(self.path()).map_err(|error| error.to_string())?;
        let file = Database::read(self.path()).map_err(|error| error.to_string())?;
        let database = self.database(&file).map_err(|error| error.to_string())?;
        *self.read.lock().unwrap_or_else(PoisonError::into_inner) = Some(stamp_of(&stamp));
        Ok(database)
    }

    /// Whether it is another one than was read.
    fn has_changed(&self) -> bool {
        let now = fs::metadata(self.path())
            .ok()
            .map(|metadata| stamp_of(&metadata));
        now.is_some() && now != *self.read.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn database(&self, file: &Database) -> Result<PrincipalDatabase, kerbox_kdc::DatabaseError> {
        let name = &self.configuration.realm;
        let mut realm = RealmConfig::new(name);
        realm.max_life = self.configuration.max_life;
        realm.max_renewable_life = self.configuration.max_renewable_life;
        realm.enctypes.clone_from(&self.configuration.enctypes);
        realm.attributes = kerbox_kdc::Attributes::NONE;
        if self.configuration.pac {
            realm.pac = Pac::Minimal;
        }
        let parsed: Vec<(Principal, &Entry)> = file
            .principals
            .iter()
            .map(|(full_name, entry)| Ok((Principal::parse(full_name, name)?, entry)))
            .collect::<Result<_, kerbox_krb5::Error>>()?;
        let administers = |(full_name, _): &(&String, &Entry)| {
            self.configuration.acl.may_change_passwords(full_name)
        };
        let administrators = file
            .principals
            .iter()
            .zip(&parsed)
            .filter(|(named, _)| administers(named));
        realm.password_administrators = administrators
            .map(|(_, (principal, _))| principal.clone())
            .collect();
        let mut rng = randomness::generator(None);
        let mut database = PrincipalDatabase::new();
        database.add_realm(realm, &mut rng)?;
        for (principal, entry) in parsed {
            // The realm's own principals are in the file as well, with the keys that count.
            let _ = database.remove(&principal);
            database.add(new_principal(principal, entry, file), &mut rng)?;
        }
        Ok(database)
    }

    /// Puts what a user made of her password into the file.
    fn keep(&self, entry: &PrincipalEntry, now: Timestamp) -> Result<(), String> {
        let _lock = lock(self.path()).map_err(|error| error.to_string())?;
        let mut file = Database::read(self.path()).map_err(|error| error.to_string())?;
        let stored = file.principals.get_mut(&entry.principal.to_string());
        let stored = stored.ok_or("it was removed meanwhile")?;
        let default_salt = entry.principal.default_salt();
        let keys = entry.keys().iter();
        stored.keys = keys
            .map(|key| {
                StoredKey::new(
                    key.kvno,
                    key.key(),
                    Some(key.salt()).filter(|salt| *salt != default_salt),
                )
            })
            .collect();
        stored.password_changed = now.as_secs();
        stored.password_expires = entry.password_expires.map(Timestamp::as_secs);
        stored.set_attribute(Attribute::taken("needchange"));
        file.write(self.path()).map_err(|error| error.to_string())
    }
}

fn stamp_of(metadata: &Metadata) -> Stamp {
    (metadata.ino(), metadata.mtime(), metadata.mtime_nsec())
}

fn new_principal(principal: Principal, entry: &Entry, file: &Database) -> NewPrincipal {
    let default_salt = principal.default_salt();
    let keys = entry.keys.iter().filter_map(|stored| {
        let salt = stored.salt.as_deref().unwrap_or(&default_salt).into();
        Some(PrincipalKey::given(stored.kvno, stored.key()?, salt))
    });
    let keys = keys.collect();
    let mut new = NewPrincipal::new(principal, NewKeys::Given(Vec::new()));
    new.entry.set_keys(keys);
    new.entry.max_life = entry.max_life();
    new.entry.max_renewable_life = entry.max_renewable_life();
    new.entry.expires = entry.expires.map(Timestamp::from_secs);
    new.entry.password_expires = entry.password_expires.map(Timestamp::from_secs);
    new.entry.password_policy = file.policy_of(entry).map(|policy| policy.rules());
    new.attributes = entry
        .attributes()
        .map(|attribute| attribute.to_string())
        .collect();
    new
}

/// Looks, before each request, whether the file is another one: the KDC asks its hook before it
/// looks at its database. After a change of a password it writes the file.
struct Follow {
    program: &'static str,
    file: DatabaseFile,
    kdc: Weak<Kdc>,
}

impl Hook for Follow {
    fn watching(&self) -> bool {
        if self.file.has_changed()
            && let Some(kdc) = self.kdc.upgrade()
        {
            match self.file.read() {
                Ok(database) => *kdc.database_mut() = database,
                Err(why) => eprintln!("{}: the database stays as it was: {why}", self.program),
            }
        }
        false
    }

    fn ask(&self, _now: Timestamp, _event: &Event) -> Verdict {
        Verdict::Pass
    }

    fn record(&self, now: Timestamp, event: Event) {
        let Event::PasswordChange {
            target,
            outcome: Outcome::Ok,
            ..
        } = event
        else {
            return;
        };
        let Some(kdc) = self.kdc.upgrade() else {
            return;
        };
        let principal = Principal::parse(&target, &self.file.configuration.realm).ok();
        let entry = principal.and_then(|principal| kdc.database().resolve(&principal).cloned());
        if let Some(entry) = entry
            && let Err(why) = self.file.keep(&entry, now)
        {
            eprintln!(
                "{}: the new password of {target} is not kept: {why}",
                self.program
            );
        }
    }
}
