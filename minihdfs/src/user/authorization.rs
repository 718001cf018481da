//! The rules about users that administrators change while a server runs: groups, proxy users and
//! service-level authorization.

use std::fmt;
use std::net::IpAddr;
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use kerbox_krb5::Timestamp;

use super::groups::{Groups, UnixGroups};
use super::{Caller, ProxyUsers, ServiceAcls, User};
use crate::config::HdfsConfig;
use crate::error::HdfsError;

/// The files from which the `refresh` verbs read the configuration again.
pub trait ConfigurationFiles: Send + Sync {
    /// Reads the configuration.
    ///
    /// # Errors
    /// Says why it cannot be read.
    fn read(&self) -> Result<HdfsConfig, HdfsError>;
}

/// The rules of one server. Clones share them: what one refreshes, all obey.
///
/// ```
/// use kerbox_krb5::Timestamp;
/// use minihdfs::config::HdfsConfig;
/// use minihdfs::user::Authorization;
///
/// let key = "hadoop.user.group.static.mapping.overrides";
/// let (config, _) = HdfsConfig::from_pairs([(key, "alice=staff")])?;
/// let rules = Authorization::new(&config);
/// assert_eq!(*rules.groups_of(Timestamp::EPOCH, "alice"), ["staff"]);
/// # Ok::<(), minihdfs::config::ConfigError>(())
/// ```
#[derive(Clone)]
pub struct Authorization(Arc<Shared>);

struct Shared {
    groups: RwLock<Groups>,
    proxy_users: RwLock<ProxyUsers>,
    service_acls: RwLock<ServiceAcls>,
    sources: RwLock<Sources>,
}

#[derive(Clone, Default)]
struct Sources {
    files: Option<Arc<dyn ConfigurationFiles>>,
    unix: Option<Arc<dyn UnixGroups>>,
}

impl Authorization {
    /// Creates the rules of a configuration.
    #[must_use]
    pub fn new(config: &HdfsConfig) -> Self {
        Self(Arc::new(Shared {
            groups: RwLock::new(Groups::new(config, None)),
            proxy_users: RwLock::new(ProxyUsers::from_config(config)),
            service_acls: RwLock::new(ServiceAcls::from_config(config)),
            sources: RwLock::default(),
        }))
    }

    /// Sets what the `refresh` verbs read and who knows the operating system's groups, and takes
    /// over what the files say now.
    ///
    /// # Errors
    /// Fails if they cannot be read.
    pub fn set_sources(
        &self,
        files: Arc<dyn ConfigurationFiles>,
        unix: Arc<dyn UnixGroups>,
    ) -> Result<(), HdfsError> {
        *write(&self.0.sources) = Sources {
            files: Some(files),
            unix: Some(unix),
        };
        self.refresh_groups()?;
        self.refresh_proxy_users()?;
        self.refresh_service_acls()
    }

    /// Reads the mapping of users to groups again, and forgets what the operating system has said.
    /// Does nothing without files.
    ///
    /// # Errors
    /// Fails if the files cannot be read; then the former groups stay.
    pub fn refresh_groups(&self) -> Result<(), HdfsError> {
        let Some(config) = self.read_again()? else {
            return Ok(());
        };
        let unix = read(&self.0.sources).unix.clone();
        *write(&self.0.groups) = Groups::new(&config, unix);
        Ok(())
    }

    /// Reads the rules about proxy users again. Does nothing without files.
    ///
    /// # Errors
    /// Fails if the files cannot be read; then the former rules stay.
    pub fn refresh_proxy_users(&self) -> Result<(), HdfsError> {
        if let Some(config) = self.read_again()? {
            *write(&self.0.proxy_users) = ProxyUsers::from_config(&config);
        }
        Ok(())
    }

    /// Reads the lists of who may use which protocol again. Whether they count at all is decided at
    /// the start, as in Hadoop. Does nothing without files.
    ///
    /// # Errors
    /// Fails if the files cannot be read; then the former lists stay.
    pub fn refresh_service_acls(&self) -> Result<(), HdfsError> {
        if let Some(config) = self.read_again()? {
            write(&self.0.service_acls).replace_policy(&config);
        }
        Ok(())
    }

    fn read_again(&self) -> Result<Option<HdfsConfig>, HdfsError> {
        let files = read(&self.0.sources).files.clone();
        files.map(|files| files.read()).transpose()
    }

    /// Returns a user's groups, the primary one first.
    #[must_use]
    pub fn groups_of(&self, now: Timestamp, user: &str) -> Arc<[String]> {
        read(&self.0.groups).of(now, user)
    }

    /// Checks that `real` may impersonate `effective` from `address`.
    ///
    /// # Errors
    /// Fails like Hadoop with `AuthorizationException`.
    pub fn authorize_proxy(
        &self,
        now: Timestamp,
        real: &User,
        effective: &User,
        address: IpAddr,
    ) -> Result<(), HdfsError> {
        let groups = self.groups_of(now, &effective.short);
        read(&self.0.proxy_users).authorize(real, effective, &groups, address)
    }

    /// Checks that `caller` may use the protocol that a connection names.
    ///
    /// # Errors
    /// Fails like Hadoop with `AuthorizationException`.
    pub fn authorize_service(
        &self,
        now: Timestamp,
        caller: &Caller,
        protocol: Option<&str>,
    ) -> Result<(), HdfsError> {
        let acls = read(&self.0.service_acls);
        if !acls.is_enabled() {
            return Ok(());
        }
        let groups = self.groups_of(now, &caller.user.short);
        acls.authorize(caller, &groups, protocol)
    }
}

impl fmt::Debug for Authorization {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Authorization").finish_non_exhaustive()
    }
}

fn read<T>(lock: &RwLock<T>) -> RwLockReadGuard<'_, T> {
    // Replaced whole, so a panic elsewhere leaves it valid.
    lock.read().unwrap_or_else(PoisonError::into_inner)
}

fn write<T>(lock: &RwLock<T>) -> RwLockWriteGuard<'_, T> {
    lock.write().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;
    use crate::user::AuthMethod;

    const NOW: Timestamp = Timestamp::from_secs(1_700_000_000);

    #[derive(Default)]
    struct Files(Mutex<Vec<(&'static str, &'static str)>>);

    impl ConfigurationFiles for Files {
        fn read(&self) -> Result<HdfsConfig, HdfsError> {
            let pairs = self.0.lock().expect("no panic before").clone();
            let read = HdfsConfig::from_pairs(pairs);
            read.map(|(config, _)| config)
                .map_err(|error| HdfsError::io(error.to_string()))
        }
    }

    struct NoUsers;

    impl UnixGroups for NoUsers {
        fn groups_of(&self, _: &str) -> Vec<String> {
            Vec::new()
        }
    }

    #[test]
    fn each_verb_reads_its_own_part_again() {
        let on = ("hadoop.security.authorization", "true");
        let (config, _) = HdfsConfig::from_pairs([on]).expect("a configuration");
        let rules = Authorization::new(&config);
        let files = Arc::new(Files::default());
        files.0.lock().expect("no panic before").push(on);
        rules
            .set_sources(Arc::clone(&files) as _, Arc::new(NoUsers))
            .expect("readable");
        let [alice, oozie] = ["alice", "oozie"].map(User::simple);
        let address = [127, 0, 0, 1].into();
        let caller = Caller::new(alice.clone(), AuthMethod::Simple, address);
        let protocol = Some("org.apache.hadoop.hdfs.protocol.ClientProtocol");
        let groups = || rules.groups_of(NOW, "alice").to_vec();
        let proxied = || rules.authorize_proxy(NOW, &oozie, &alice, address).is_ok();
        let admitted = || rules.authorize_service(NOW, &caller, protocol).is_ok();
        assert!(groups().is_empty() && !proxied() && admitted());
        files.0.lock().expect("no panic before").extend([
            ("hadoop.user.group.static.mapping.overrides", "alice=staff"),
            ("hadoop.proxyuser.oozie.groups", "staff"),
            ("hadoop.proxyuser.oozie.hosts", "*"),
            ("security.client.protocol.acl", "bob"),
        ]);
        assert!(groups().is_empty() && !proxied() && admitted());
        rules.refresh_proxy_users().expect("readable");
        assert!(!proxied(), "she has no groups yet");
        rules.refresh_groups().expect("readable");
        assert_eq!(groups(), ["staff"]);
        assert!(proxied() && admitted());
        rules.refresh_service_acls().expect("readable");
        assert!(!admitted());
        let wrong = ("hadoop.security.group.mapping", "org.example.Mine");
        files.0.lock().expect("no panic before").push(wrong);
        let refused = rules.refresh_groups().expect_err("not served");
        assert!(refused.message().contains("org.example.Mine"), "{refused}");
        assert_eq!(groups(), ["staff"], "the former ones stay");
    }
}
