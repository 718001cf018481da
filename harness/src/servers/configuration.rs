//! Hadoop's keys of a cluster, as they are at the start and as the `refresh` verbs find them later.

use std::net::{IpAddr, SocketAddr, ToSocketAddrs};
use std::process::{Command, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError};

use minihdfs::HdfsError;
use minihdfs::config::HdfsConfig;
use minihdfs::user::{ConfigurationFiles, UnixGroups};

use crate::Error;
use crate::client::hadoop_conf::{self, HadoopKeys};
use crate::client::secure_layout;
use crate::directory::Directory;
use crate::servers::logins::Logins;
use crate::spec::{HdfsSpec, Layout, ReadAgain};

/// The key with the groups of users.
const GROUPS: &str = "hadoop.user.group.static.mapping.overrides";

/// The keys that a cluster has now.
pub(crate) struct Configuration {
    keys: Mutex<HadoopKeys>,
    /// The keys that the description at the start named.
    described: Vec<String>,
    symlinks: bool,
    read_again: Option<ReadAgain>,
}

/// Returns the keys for clients and servers that a description gives.
pub(crate) fn keys(address: SocketAddr, logins: Option<&Logins>, spec: &HdfsSpec) -> HadoopKeys {
    let realm = logins.map(|logins| &*logins.realm);
    let mut keys = hadoop_conf::keys(address, spec.datanodes, &spec.superuser, realm);
    if let Some(logins) = logins {
        secure_layout::set_secondary(&mut keys, &logins.realm, &logins.keytabs);
    }
    if spec.layout == Some(Layout::HadoopSecure) {
        secure_layout::set_directories(&mut keys);
        if let Some(Logins { realm, keytabs, .. }) = logins {
            secure_layout::set_services(&mut keys, realm, &spec.superuser, keytabs);
        }
    }
    describe(&mut keys, spec);
    keys
}

/// Sets the keys that a description names.
fn describe(keys: &mut HadoopKeys, spec: &HdfsSpec) {
    let groups = hadoop_conf::static_groups(&spec.groups);
    keys.insert(GROUPS.to_owned(), groups);
    keys.extend(spec.keys.clone());
}

/// Returns the typed configuration, and warnings about ignored keys.
pub(crate) fn typed(keys: &HadoopKeys, symlinks: bool) -> Result<(HdfsConfig, Vec<String>), Error> {
    let pairs = keys.iter().map(|(key, value)| (&**key, &**value));
    let (mut config, warnings) = HdfsConfig::from_pairs(pairs)?;
    config.symlinks = symlinks;
    config.resolve_hosts(addresses);
    if !cfg!(feature = "web") && config.http.policy.has_https() {
        return Err(Error::Setting {
            key: "dfs.http.policy".to_owned(),
            value: keys["dfs.http.policy"].clone(),
            why: "there are no HTTP ports without the feature `web`: enable it".to_owned(),
        });
    }
    Ok((config, warnings))
}

/// Returns the warnings about these keys. Others are set for servers of Hadoop's beside these, such
/// as the SecondaryNameNode.
pub(crate) fn about(keys: &HadoopKeys, mut warnings: Vec<String>) -> Vec<String> {
    warnings.retain(|warning| {
        let key = warning.split(' ').next().unwrap_or_default();
        keys.contains_key(key)
    });
    warnings
}

/// Returns the addresses of a host.
fn addresses(host: &str) -> Vec<IpAddr> {
    let found = (host, 0).to_socket_addrs();
    found
        .map(|found| found.map(|address| address.ip()).collect())
        .unwrap_or_default()
}

impl Configuration {
    pub(crate) fn new(keys: HadoopKeys, spec: &HdfsSpec, read_again: Option<ReadAgain>) -> Self {
        Self {
            keys: Mutex::new(keys),
            described: spec.keys.keys().cloned().collect(),
            symlinks: spec.symlinks,
            read_again,
        }
    }

    /// Changes a key, in the clients' files, too.
    pub(crate) fn set(&self, files: &Directory, key: &str, value: &str) -> Result<(), Error> {
        let mut keys = self.keys();
        let mut changed = keys.clone();
        changed.insert(key.to_owned(), value.to_owned());
        typed(&changed, self.symlinks)?;
        hadoop_conf::write(files, &changed)?;
        *keys = changed;
        Ok(())
    }

    fn keys(&self) -> MutexGuard<'_, HadoopKeys> {
        // Replaced whole.
        self.keys.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl ConfigurationFiles for Configuration {
    fn read(&self) -> Result<HdfsConfig, HdfsError> {
        let mut keys = self.keys().clone();
        if let Some(again) = &self.read_again {
            let spec = again.read().map_err(HdfsError::io)?;
            // What the description no longer names is no longer set.
            keys.retain(|key, _| !self.described.contains(key));
            describe(&mut keys, &spec);
        }
        let read = typed(&keys, self.symlinks);
        read.map(|(config, _)| config)
            .map_err(|error| HdfsError::io(error.to_string()))
    }
}

/// The groups of this machine's users.
pub(crate) struct MachineUsers;

impl UnixGroups for MachineUsers {
    /// Asks `id`, as Hadoop's `ShellBasedUnixGroupsMapping` does: it knows every directory that the
    /// machine is configured for.
    fn groups_of(&self, user: &str) -> Vec<String> {
        // The name comes from a client.
        if user.starts_with('-') || user.contains('\0') {
            return Vec::new();
        }
        let mut id = Command::new("id");
        id.args(["-Gn", "--", user]).env("LC_ALL", "C");
        let said = id.stdin(Stdio::null()).stderr(Stdio::null()).output();
        match said {
            Ok(said) if said.status.success() => String::from_utf8_lossy(&said.stdout)
                .split_whitespace()
                .map(str::to_owned)
                .collect(),
            _ => Vec::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_machine_knows_its_users() {
        assert_eq!(MachineUsers.groups_of("root")[0], "root");
        for nobody in ["-G", "", "no such user", "a\0b"] {
            assert!(MachineUsers.groups_of(nobody).is_empty(), "{nobody:?}");
        }
    }

    #[test]
    fn a_host_has_addresses() {
        assert!(addresses("localhost").iter().all(IpAddr::is_loopback));
        assert!(!addresses("localhost").is_empty());
        assert!(addresses("no.such.host.invalid").is_empty());
    }
}
