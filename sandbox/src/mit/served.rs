//! Database files as served by a KDC: changes by `kadmin.local` are seen at the next request, and
//! users' password changes are saved.

use std::fs::{self, Metadata};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, Weak};

use kerbox_events::{Event, Hook, Outcome, Verdict};
use kerbox_kdc::{Kdc, Pac, PrincipalDatabase, PrincipalEntry, RealmConfig};
use kerbox_krb5::{Clock, Principal, Timestamp};

use super::configuration::{Common, Configuration};
use super::database::{Database, lock};
use super::entry::StoredKey;
use super::flags::REQUIRES_PWCHANGE;
use super::log::Log;
use super::master::MasterKeys;
use super::relations::Program;
use super::stored::new_principal;
use crate::randomness;

/// The parts of a server.
pub(super) struct Served {
    pub(super) program: Program,
    /// The name in its error messages.
    pub(super) name: &'static str,
    pub(super) realms: Vec<Configuration>,
    pub(super) common: Common,
}

impl Served {
    /// Creates a KDC for these realms.
    pub(super) fn kdc(self) -> Result<Arc<Kdc>, String> {
        let name = self.name;
        let log = Log::open(name, &self.common.log)?;
        let files = Files {
            served: self,
            read: Mutex::default(),
        };
        let database = files.read()?;
        let mut kdc = Kdc::new(database, randomness::seed());
        if let Some(bytes) = files.served.common.udp_limit {
            kdc = kdc.with_udp_limit(bytes);
        }
        Ok(Arc::new_cyclic(|this| {
            kdc.with_hook(Arc::new(Follow {
                name,
                log,
                files,
                kdc: Weak::clone(this),
            }))
        }))
    }
}

/// The realms' files, and their stamps when they were last read.
struct Files {
    served: Served,
    read: Mutex<Vec<Option<Stamp>>>,
}

/// Differs after each change, because the file is always replaced by a new one.
type Stamp = (u64, i64, i64);

impl Files {
    /// Returns each file once, because realms may share one.
    fn paths(&self) -> Vec<&PathBuf> {
        let mut paths: Vec<&PathBuf> = Vec::new();
        for configuration in &self.served.realms {
            if !paths.contains(&&configuration.database) {
                paths.push(&configuration.database);
            }
        }
        paths
    }

    fn stamps(&self) -> Vec<Option<Stamp>> {
        let stamp = |path: &PathBuf| fs::metadata(path).ok().map(|file| stamp_of(&file));
        self.paths().into_iter().map(stamp).collect()
    }

    /// Reads the current database.
    fn read(&self) -> Result<PrincipalDatabase, String> {
        let stamps = self.stamps();
        let mut files = Vec::new();
        for path in self.paths() {
            let opening = |error| format!("{error} while opening database {}", path.display());
            files.push((path, Database::read(path).map_err(opening)?));
        }
        let database = self.database(&files)?;
        *self.read.lock().unwrap_or_else(PoisonError::into_inner) = stamps;
        Ok(database)
    }

    /// Returns true if a file differs from the one that was read. A missing file is not a change.
    fn have_changed(&self) -> bool {
        let read = self.read.lock().unwrap_or_else(PoisonError::into_inner);
        let now = self.stamps();
        now.iter()
            .zip(read.iter())
            .any(|(now, read)| now.is_some() && now != read)
    }

    fn database(&self, files: &[(&PathBuf, Database)]) -> Result<PrincipalDatabase, String> {
        let text = |error: kerbox_kdc::DatabaseError| error.to_string();
        let mut rng = randomness::generator(None);
        let mut database = PrincipalDatabase::new();
        for configuration in &self.served.realms {
            let realm = self.realm(configuration, files).map_err(text)?;
            database.add_realm(realm, &mut rng).map_err(text)?;
        }
        for (path, file) in files {
            let mut realms = self.served.realms.iter();
            // Names without a realm belong to the first realm that uses the file.
            let Some(first) = realms.find(|realm| &realm.database == *path) else {
                continue;
            };
            let master = MasterKeys::stashed(&file.principals, first, Clock::system().now());
            let master =
                master.map_err(|why| format!("{why} while opening database {}", path.display()))?;
            for (full_name, entry) in &file.principals {
                let principal =
                    Principal::parse(full_name, &first.realm).map_err(|error| error.to_string())?;
                // `add_realm` has created the realm's own principals. The file has them too, and
                // its keys count.
                let _ = database.remove(&principal);
                let (new, not_obeyed) = new_principal(principal, entry, file, &master);
                for text in not_obeyed {
                    eprintln!("{}: warning: {full_name}: {text}", self.served.name);
                }
                database.add(new, &mut rng).map_err(text)?;
            }
        }
        database
            .capaths_mut()
            .clone_from(&self.served.common.capaths);
        Ok(database)
    }

    fn realm(
        &self,
        configuration: &Configuration,
        files: &[(&PathBuf, Database)],
    ) -> Result<RealmConfig, kerbox_kdc::DatabaseError> {
        let mut realm = RealmConfig::new(&configuration.realm);
        realm.max_life = configuration.max_life;
        realm.max_renewable_life = configuration.max_renewable_life;
        if let Some(skew) = configuration.clock_skew {
            realm.clock_skew = skew;
        }
        realm.enctypes = match self.served.program {
            // This program creates no keys.
            Program::Krb5kdc => configuration.permitted.clone(),
            _ => configuration.enctypes(),
        };
        realm.attributes = kerbox_kdc::Attributes::NONE;
        realm
            .host_realms
            .clone_from(&self.served.common.host_realms);
        realm
            .host_based_services
            .clone_from(&configuration.host_based_services);
        realm
            .no_host_referral
            .clone_from(&configuration.no_host_referral);
        realm.spake = configuration.spake;
        realm.reject_bad_transit = configuration.reject_bad_transit;
        if configuration.pac {
            realm.pac = Pac::Minimal;
        }
        for (_, file) in files
            .iter()
            .filter(|(path, _)| **path == configuration.database)
        {
            for full_name in file.principals.keys() {
                if configuration.acl.may_change_passwords(full_name) {
                    let principal = Principal::parse(full_name, &configuration.realm)?;
                    realm.password_administrators.insert(principal);
                }
            }
        }
        Ok(realm)
    }

    /// Saves a user's new password in the file.
    fn keep(&self, entry: &PrincipalEntry, now: Timestamp) -> Result<(), String> {
        let realm = entry.principal.realm();
        let mut realms = self.served.realms.iter();
        let configuration = realms
            .find(|configuration| configuration.realm == realm)
            .ok_or("its realm is not served")?;
        let path: &Path = &configuration.database;
        let _lock = lock(path).map_err(|error| error.to_string())?;
        let mut file = Database::read(path).map_err(|error| error.to_string())?;
        let master = MasterKeys::stashed(&file.principals, configuration, now)?;
        let (mkvno, with) = master.active();
        let mut rng = randomness::generator(None);
        let stored = file.principals.get_mut(&entry.principal.to_string());
        let stored = stored.ok_or("it was removed meanwhile")?;
        let default_salt = entry.principal.default_salt();
        let keys = entry.keys().iter();
        stored.keys = keys
            .map(|key| {
                let salt = Some(key.salt()).filter(|salt| *salt != default_salt);
                StoredKey::seal(key.kvno, key.key(), salt, with, &mut rng)
            })
            .collect();
        stored.mkvno = Some(mkvno);
        stored.password_changed = now.as_secs();
        stored.password_expires = entry.password_expires.map(Timestamp::as_secs);
        stored.flags &= !REQUIRES_PWCHANGE;
        file.write(path).map_err(|error| error.to_string())
    }
}

fn stamp_of(metadata: &Metadata) -> Stamp {
    (metadata.ino(), metadata.mtime(), metadata.mtime_nsec())
}

/// Checks before each request whether a file has changed. The KDC asks its hook before it reads its
/// database. Saves the file after a password change.
struct Follow {
    name: &'static str,
    log: Log,
    files: Files,
    /// Weak, because the KDC owns this hook.
    kdc: Weak<Kdc>,
}

impl Follow {
    fn complain(&self, now: Timestamp, text: &str) {
        eprintln!("{}: {text}", self.name);
        self.log.line(now, "Error", text);
    }

    fn keep(&self, target: &str, now: Timestamp) {
        let Some(kdc) = self.kdc.upgrade() else {
            return;
        };
        let first = self.files.served.realms.first();
        let realm = first.map_or("", |configuration| configuration.realm.as_str());
        let principal = Principal::parse(target, realm).ok();
        let entry = principal.and_then(|principal| kdc.database().resolve(&principal).cloned());
        if let Some(entry) = entry
            && let Err(why) = self.files.keep(&entry, now)
        {
            self.complain(
                now,
                &format!("the new password of {target} is not kept: {why}"),
            );
        }
    }
}

impl Hook for Follow {
    fn watching(&self) -> bool {
        if self.files.have_changed()
            && let Some(kdc) = self.kdc.upgrade()
        {
            match self.files.read() {
                Ok(database) => *kdc.database_mut() = database,
                Err(why) => eprintln!("{}: the database stays as it was: {why}", self.name),
            }
        }
        // No faults are installed, so there is nothing to ask about.
        false
    }

    fn ask(&self, _now: Timestamp, _event: &Event) -> Verdict {
        Verdict::Pass
    }

    fn record(&self, now: Timestamp, event: Event) {
        let (severity, line) = match event.outcome() {
            Some(Outcome::Ok) | None => ("info", event.to_string()),
            // The code's name and MIT's text for it.
            Some(Outcome::KrbError(code)) => ("Error", format!("{event}, {}", code.meaning())),
            Some(_) => ("Error", event.to_string()),
        };
        self.log.line(now, severity, &line);
        if let Event::PasswordChange {
            target,
            outcome: Outcome::Ok,
            ..
        } = &event
        {
            self.keep(target, now);
        }
    }
}
