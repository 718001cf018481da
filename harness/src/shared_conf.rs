//! One krb5.conf for the whole process: MIT's library takes its configuration from one environment
//! variable, and a process may hold many realms.
//!
//! The file has neither a default realm nor a domain map, so that every client must name its realm,
//! and any may.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, Once, PoisonError};

use kerbox_krb5::EncryptionType;
use kerbox_krb5::krb5_conf::{Krb5Conf, RealmServers};

use crate::Error;
use crate::client_env::ClientEnv;
use crate::directory::Directory;
use crate::settings::RealmSettings;

static SHARED: Mutex<Shared> = Mutex::new(Shared {
    path: None,
    directory: None,
    realms: BTreeMap::new(),
});

struct Shared {
    /// The directory's path: the same for the whole process, since it may stand in the
    /// environment.
    path: Option<PathBuf>,
    /// The directory itself, while a realm lives.
    directory: Option<Directory>,
    /// What clients must know of each realm; of two realms of one name the newest's.
    realms: BTreeMap<String, Vec<Shown>>,
}

#[derive(Clone, Debug, PartialEq)]
struct Shown {
    kdcs: Vec<SocketAddr>,
    enctypes: Vec<EncryptionType>,
}

/// Keeps a realm in the shared krb5.conf.
#[derive(Debug)]
pub(crate) struct Registration {
    realm: String,
    shown: Shown,
}

impl Registration {
    pub(crate) fn new(
        realm: &str,
        kdcs: Vec<SocketAddr>,
        enctypes: &[EncryptionType],
    ) -> Result<Self, Error> {
        let shown = Shown {
            kdcs,
            enctypes: enctypes.to_vec(),
        };
        let mut shared = lock();
        shared
            .realms
            .entry(realm.to_owned())
            .or_default()
            .push(shown.clone());
        let registration = Self {
            realm: realm.to_owned(),
            shown,
        };
        let written = shared.write();
        drop(shared);
        // Dropped on an error, the registration undoes itself.
        written.map(|()| registration)
    }
}

impl Drop for Registration {
    fn drop(&mut self) {
        let mut shared = lock();
        if let Some(same_name) = shared.realms.get_mut(&self.realm) {
            same_name.retain(|shown| *shown != self.shown);
            if same_name.is_empty() {
                shared.realms.remove(&self.realm);
            }
        }
        if shared.realms.is_empty() {
            shared.directory = None;
        } else {
            // A file that still names a realm which is gone does no harm.
            let _ = shared.write();
        }
    }
}

impl Shared {
    fn directory(&mut self) -> Result<&Directory, Error> {
        let directory = match (self.directory.take(), &self.path) {
            (Some(directory), _) => directory,
            (None, Some(path)) => Directory::again(path)?,
            (None, None) => Directory::temporary()?,
        };
        self.path = Some(directory.path().to_owned());
        Ok(self.directory.insert(directory))
    }

    /// By rename: MIT's library reads it again when the file changes, and never finds half of it.
    fn write(&mut self) -> Result<(), Error> {
        let mut conf = Krb5Conf::default();
        for (realm, same_name) in &self.realms {
            if let Some(shown) = same_name.last() {
                conf.realms.insert(realm.clone(), servers(&shown.kdcs));
                // A type that one realm has by name must be known to the clients of all: the list
                // is not a realm's.
                for enctype in &shown.enctypes {
                    if !conf.enctypes.contains(enctype) {
                        conf.enctypes.push(*enctype);
                    }
                }
            }
        }
        let text = conf.to_text()?;
        self.directory()?.write("krb5.conf", text.as_bytes())?;
        Ok(())
    }
}

fn lock() -> MutexGuard<'static, Shared> {
    // Changed in single steps; after a panic the next write tells what is in it.
    SHARED.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The krb5.conf that names every realm of this process and no default one: for `KRB5_CONFIG` when
/// clients in the process use several realms. Its path stays the same as long as the process lives;
/// the file is there while a realm is.
///
/// # Panics
/// If no directory can be made for it.
#[must_use]
pub fn shared_krb5_conf() -> PathBuf {
    let mut shared = lock();
    if shared.path.is_none() {
        shared
            .directory()
            .expect("the system's temporary directory can be written to");
    }
    shared
        .path
        .as_deref()
        .map(|path| path.join("krb5.conf"))
        .expect("set just now")
}

/// Sets `KRB5_CONFIG` to [`shared_krb5_conf`], once and for the rest of the process, so that
/// clients in the process which take a credential cache by name, such as hdfs-native's
/// `with_kerberos_cache`, can use all its realms in parallel.
///
/// It changes the process's environment: call it before threads of C libraries read theirs, for
/// instance first in a test.
pub fn use_shared_krb5_conf() {
    static SET: Once = Once::new();
    SET.call_once(|| {
        ClientEnv::default()
            .with("KRB5_CONFIG", shared_krb5_conf())
            .set_for_good();
    });
}

/// Where clients find a realm's tickets, and its password service, which answers at the same ports.
pub(crate) fn servers(kdcs: &[SocketAddr]) -> RealmServers {
    let addresses: Vec<String> = kdcs.iter().map(ToString::to_string).collect();
    RealmServers {
        kpasswd_servers: addresses.clone(),
        kdcs: addresses,
        ..RealmServers::default()
    }
}

/// The content of a fixture's own krb5.conf: its realm, which is the default one, and those that it
/// was told of.
pub(crate) fn own_conf(
    realm: &str,
    kdcs: &[SocketAddr],
    settings: &RealmSettings,
) -> Result<String, Error> {
    let mut conf = Krb5Conf {
        default_realm: Some(realm.to_owned()),
        enctypes: settings.client_enctypes(),
        ..Krb5Conf::default()
    };
    for (key, value) in [
        ("ticket_lifetime", "10h"),
        ("renew_lifetime", "7d"),
        ("forwardable", "true"),
    ] {
        conf.libdefaults.insert(key.to_owned(), value.to_owned());
    }
    conf.libdefaults.extend(settings.libdefaults.clone());
    conf.realms.insert(realm.to_owned(), servers(kdcs));
    for domain in ["localhost", "127.0.0.1"] {
        conf.domain_realm
            .insert(domain.to_owned(), realm.to_owned());
    }
    settings.other_realms.show_in(&mut conf, kdcs);
    Ok(conf.to_text()?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn realms_come_and_go_and_the_path_stays() {
        let path = shared_krb5_conf();
        let address = || vec!["127.0.0.1:88".parse().expect("an address")];
        let aes = [EncryptionType::AES256_CTS_HMAC_SHA1_96];
        let rc4 = [EncryptionType::RC4_HMAC];
        let one = Registration::new("ONE.TEST", address(), &rc4).expect("written");
        assert!(
            fs::read_to_string(&path)
                .expect("there")
                .contains("aes256-cts-hmac-sha1-96 aes128-cts-hmac-sha1-96")
        );
        let two = Registration::new("TWO.TEST", address(), &aes).expect("written");
        let text = fs::read_to_string(&path).expect("there");
        assert!(
            text.contains("ONE.TEST = {") && text.contains("TWO.TEST = {"),
            "{text}"
        );
        assert!(!text.contains("default_realm"), "{text}");
        assert!(text.contains("allow_rc4 = true"), "{text}");
        drop(one);
        let text = fs::read_to_string(&path).expect("there");
        assert!(!text.contains("ONE.TEST"), "{text}");
        assert!(!text.contains("arcfour"), "{text}");
        drop(two);
        let _three = Registration::new("THREE.TEST", address(), &aes).expect("written again");
        assert_eq!(shared_krb5_conf(), path);
        assert!(
            fs::read_to_string(&path)
                .expect("there again")
                .contains("THREE.TEST")
        );
    }
}
