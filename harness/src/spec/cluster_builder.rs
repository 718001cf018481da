//! The builder of a cluster.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use kerbox_krb5::{Clock, EncryptionType};

use crate::Error;
use crate::cluster::Cluster;
use crate::spec::builder::{realm_setters, world_setters};
use crate::spec::principals::NewPrincipal;
use crate::spec::settings::{HdfsSettings, NewDirectory, RealmSettings};
use crate::world::WorldSettings;

/// The protection of RPC and data transfer (`hadoop.rpc.protection`,
/// `dfs.data.transfer.protection`).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Protection {
    /// Authentication only.
    Authentication,
    /// Authentication, and a MAC on every message.
    Integrity,
    /// Every message is encrypted. Data transfer uses SASL's 3des or rc4.
    Privacy,
    /// Like [`Privacy`](Self::Privacy), with AES/CTR for data transfer.
    PrivacyAes,
}

/// Builds a [`Cluster`].
///
/// `start` refuses an invalid setting and one that would have no effect.
///
/// ```
/// use kerbox::{Cluster, Protection};
///
/// let cluster = Cluster::secure()
///     .datanodes(3)
///     .protection(Protection::Privacy)
///     .set("dfs.replication", "2")
///     .group("analysts", ["alice", "bob"])
///     .hdfs_directory("/data", "hdfs", "analysts", 0o770)
///     .start_blocking()?;
/// assert_eq!(cluster.datanodes(), 3);
/// assert_eq!(cluster.hadoop_keys()["hadoop.rpc.protection"], "privacy");
///
/// let refused = Cluster::simple().realm_name("EXAMPLE.COM").start_blocking();
/// assert!(refused.is_err(), "a simple cluster has no realm");
/// # Ok::<(), kerbox::Error>(())
/// ```
#[derive(Clone, Debug)]
#[must_use = "a builder does nothing until `start`"]
pub struct ClusterBuilder {
    pub(crate) world: WorldSettings,
    pub(crate) is_secure: bool,
    pub(crate) realm: RealmSettings,
    pub(crate) hdfs: HdfsSettings,
}

impl ClusterBuilder {
    pub(crate) fn new(is_secure: bool) -> Self {
        Self {
            world: WorldSettings::default(),
            is_secure,
            realm: RealmSettings::default(),
            hdfs: HdfsSettings::default(),
        }
    }

    world_setters!();
    realm_setters!();

    /// Sets the number of DataNodes; with 0 nothing can be written. Default: 1, which starts
    /// fastest.
    pub fn datanodes(mut self, number: usize) -> Self {
        self.hdfs.datanodes = number;
        self
    }

    /// Sets the address of the NameNode's RPC server. Default: a random port on 127.0.0.1.
    pub fn namenode_listen(mut self, address: SocketAddr) -> Self {
        self.hdfs.listen = address;
        self
    }

    /// Sets the protection of RPC and data transfer. Default: [`Protection::Authentication`].
    pub fn protection(mut self, protection: Protection) -> Self {
        self.hdfs.is_protected = true;
        let value = match protection {
            Protection::Authentication => "authentication",
            Protection::Integrity => "integrity",
            Protection::Privacy | Protection::PrivacyAes => "privacy",
        };
        let builder = self
            .set("hadoop.rpc.protection", value)
            .set("dfs.data.transfer.protection", value);
        if protection == Protection::PrivacyAes {
            builder.set(
                "dfs.encrypt.data.transfer.cipher.suites",
                "AES/CTR/NoPadding",
            )
        } else {
            builder
        }
    }

    /// Sets one of Hadoop's keys, for servers and clients.
    pub fn set(mut self, key: &str, value: impl Into<String>) -> Self {
        self.hdfs.keys.insert(key.to_owned(), value.into());
        self
    }

    /// Sets the short name of the superuser, who owns `/`. Default: `hdfs`.
    pub fn superuser(mut self, name: &str) -> Self {
        let old = std::mem::replace(&mut self.hdfs.superuser, name.to_owned());
        if let Some(members) = self.hdfs.groups.get_mut("supergroup") {
            members.retain(|member| *member != old);
            members.push(name.to_owned());
        }
        self
    }

    /// Adds a group with its members.
    pub fn group(
        mut self,
        name: &str,
        members: impl IntoIterator<Item = impl Into<String>>,
    ) -> Self {
        self.hdfs.groups.insert(
            name.to_owned(),
            members.into_iter().map(Into::into).collect(),
        );
        self
    }

    /// Adds an HDFS directory that exists from the start, or replaces the one of the same path. By
    /// default there are `/tmp` and `/user/NAME` for the default users.
    pub fn hdfs_directory(mut self, path: &str, owner: &str, group: &str, mode: u16) -> Self {
        self.hdfs.directories.retain(|other| other.path != path);
        self.hdfs.directories.push(NewDirectory {
            path: path.to_owned(),
            owner: owner.to_owned(),
            group: group.to_owned(),
            mode,
        });
        self
    }

    /// Sets the directory in which the DataNodes make their folders `dn1`, `dn2`, …. It must be
    /// new, empty, or an earlier fixture's, whose replicas are removed. Default: `blocks` in the
    /// fixture's directory.
    pub fn blocks_directory(mut self, path: impl Into<PathBuf>) -> Self {
        self.hdfs.blocks = Some(path.into());
        self
    }

    /// Starts everything. All servers answer and all DataNodes are registered when this returns.
    pub async fn start(self) -> Result<Cluster, Error> {
        self.start_blocking()
    }

    /// Blocking variant of [`start`](Self::start).
    pub fn start_blocking(self) -> Result<Cluster, Error> {
        Cluster::with(self)
    }
}
