//! One krb5.conf for the whole process. MIT's library takes its configuration from one environment
//! variable, but a process may hold many realms.
//!
//! The file has neither a default realm nor a domain map, so every client must name its realm.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, Once, PoisonError};

use kerbox_krb5::EncryptionType;
use kerbox_krb5::krb5_conf::{Krb5Conf, RealmServers};

use crate::Error;
use crate::client::environment::ClientEnv;
use crate::directory::Directory;
use crate::spec::{OtherRealms, RealmSpec};

static SHARED: Mutex<Shared> = Mutex::new(Shared {
    path: None,
    directory: None,
    realms: BTreeMap::new(),
});

struct Shared {
    /// The directory's path. It stays the same for the whole process because it may be in the
    /// environment.
    path: Option<PathBuf>,
    /// The directory itself, while a realm lives.
    directory: Option<Directory>,
    /// The client configuration of each realm; the newest entry of a name counts.
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
        let same_name = shared.realms.entry(realm.to_owned()).or_default();
        same_name.push(shown.clone());
        if same_name.len() > 1 {
            tracing::warn!(
                target: "kerbox",
                "{} fixtures of this process have the realm {realm}: clients that use the shared \
                 krb5.conf reach the newest; give them different realm names, or none",
                same_name.len()
            );
        }
        let registration = Self {
            realm: realm.to_owned(),
            shown,
        };
        let written = shared.write();
        drop(shared);
        // On an error the registration is dropped, which undoes it.
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
            // A stale file that still names a realm does no harm.
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

    /// Replaces the file by rename: MIT's library rereads it when it changes and must never see
    /// half of it.
    fn write(&mut self) -> Result<(), Error> {
        let mut conf = Krb5Conf::default();
        for (realm, same_name) in &self.realms {
            if let Some(shown) = same_name.last() {
                conf.realms.insert(realm.clone(), servers(&shown.kdcs));
                // The list of types is global, not per realm: a type enabled by name for one realm
                // must be known to the clients of all.
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
    // Changed in single steps; after a panic the next write publishes the current state.
    SHARED.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Returns the krb5.conf that names every realm of this process and no default realm. Use it for
/// `KRB5_CONFIG` when clients in the process use several realms. Of realms with one name it has the
/// newest, so fixtures that run side by side need different names, as they get by default. Its path
/// stays the same as long as the process lives; the file exists while a realm does.
///
/// # Panics
/// If its directory cannot be created.
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

/// Sets `KRB5_CONFIG` to [`shared_krb5_conf`], once and for the rest of the process. Clients in the
/// process that take a credential cache by name, such as hdfs-native's `with_kerberos_cache`, can
/// then use all its realms in parallel.
///
/// This changes the process's environment: call it before threads of C libraries read theirs, for
/// example first in a test.
///
/// ```
/// use kerbox::{Realm, shared_krb5_conf, use_shared_krb5_conf};
///
/// let realms = [Realm::start_blocking()?, Realm::start_blocking()?];
/// use_shared_krb5_conf();
/// let conf = std::fs::read_to_string(shared_krb5_conf()).expect("the file is there");
/// assert!(realms.iter().all(|realm| conf.contains(realm.name())));
/// # Ok::<(), kerbox::Error>(())
/// ```
pub fn use_shared_krb5_conf() {
    static SET: Once = Once::new();
    SET.call_once(|| {
        ClientEnv::default()
            .with("KRB5_CONFIG", shared_krb5_conf())
            .set_for_good();
    });
}

/// Returns the addresses of a realm's KDC and of its password service, which uses the same ports.
fn servers(kdcs: &[SocketAddr]) -> RealmServers {
    let addresses: Vec<String> = kdcs.iter().map(ToString::to_string).collect();
    RealmServers {
        kpasswd_servers: addresses.clone(),
        kdcs: addresses,
        ..RealmServers::default()
    }
}

/// Returns the content of a fixture's own krb5.conf: its realm as the default, and the realms
/// configured for it.
pub(crate) fn own_conf(
    realm: &str,
    kdcs: &[SocketAddr],
    spec: &RealmSpec,
) -> Result<String, Error> {
    let mut conf = Krb5Conf {
        default_realm: Some(realm.to_owned()),
        enctypes: spec.client_enctypes(),
        ..Krb5Conf::default()
    };
    conf.libdefaults.extend(spec.libdefaults.clone());
    conf.realms.insert(realm.to_owned(), servers(kdcs));
    for domain in ["localhost", "127.0.0.1"] {
        conf.domain_realm
            .insert(domain.to_owned(), realm.to_owned());
    }
    add_others(&spec.others, &mut conf, kdcs);
    Ok(conf.to_text()?)
}

/// Adds the other realms.
fn add_others(others: &OtherRealms, conf: &mut Krb5Conf, kdcs: &[SocketAddr]) {
    for further in &others.further {
        conf.realms.insert(further.name.clone(), servers(kdcs));
    }
    for trust in others.trusts.iter().filter(|trust| !trust.kdcs.is_empty()) {
        let servers = RealmServers {
            kdcs: trust.kdcs.clone(),
            ..RealmServers::default()
        };
        conf.realms.insert(trust.realm.clone(), servers);
    }
    for (client, ways) in &others.capaths {
        for (server, through) in ways {
            let way = (client.clone(), server.clone());
            conf.capaths.insert(way, through.clone());
        }
    }
    conf.domain_realm.extend(others.domain_realm.clone());
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
