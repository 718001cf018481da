//! The description of an HDFS.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use crate::spec::Layout;
use crate::spec::defaults::{LOOPBACK, SUPERUSER, USERS};

/// The way in which the servers of an HDFS authenticate their clients.
///
/// ```
/// use kerbox::ClusterBuilder;
/// use kerbox::spec::{Security, Spec};
///
/// let mut spec = Spec::default();
/// assert_eq!(spec.hdfs.security, Security::Kerberos);
/// spec.hdfs.security = Security::Simple;
/// let cluster = ClusterBuilder::from(spec).start_blocking()?;
/// assert!(cluster.realm().is_none());
/// # Ok::<(), kerbox::Error>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Security {
    /// By Kerberos tickets and by tokens.
    #[default]
    Kerberos,
    /// Not at all: the user name that a client states is believed.
    Simple,
}

/// The largest possible number of DataNodes: each has at least two ports, and an address has
/// 65,535.
///
/// ```
/// use kerbox::Cluster;
/// use kerbox::spec::MOST_DATANODES;
///
/// let too_many = Cluster::simple().datanodes(MOST_DATANODES + 1).start_blocking();
/// assert!(too_many.is_err_and(|error| error.to_string().starts_with("datanodes = ")));
/// ```
pub const MOST_DATANODES: usize = 32_767;

/// The description of an HDFS.
///
/// ```
/// use kerbox::spec::{HdfsSpec, NewDirectory};
///
/// let mut hdfs = HdfsSpec::default();
/// hdfs.add_directory(NewDirectory {
///     path: "/data".to_owned(),
///     owner: "alice".to_owned(),
///     group: "analysts".to_owned(),
///     mode: 0o770,
/// });
/// assert!(hdfs.directories.iter().any(|directory| directory.path == "/user/alice"));
/// ```
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct HdfsSpec {
    /// The authentication of clients. [`Cluster::simple`](crate::Cluster::simple) and
    /// [`Cluster::secure`](crate::Cluster::secure) set it.
    pub security: Security,
    /// The short name of the superuser, who owns `/`.
    pub superuser: String,
    /// The number of DataNodes; at most [`MOST_DATANODES`], and as many as there are descriptors
    /// for (`ulimit -n`).
    pub datanodes: usize,
    /// The address of the NameNode's RPC server. The DataNodes use free ports of the same
    /// interface.
    pub listen: SocketAddr,
    /// Maps groups to their members.
    pub groups: BTreeMap<String, Vec<String>>,
    /// The directories that exist from the start.
    pub directories: Vec<NewDirectory>,
    /// The layout that [`Spec::lay_out`](crate::spec::Spec::lay_out) has added.
    pub layout: Option<Layout>,
    /// Enables symbolic links, which Hadoop's servers refuse by default.
    pub symlinks: bool,
    /// Serves HttpFS at a port of its own; see [`ClusterBuilder`](crate::ClusterBuilder).
    pub httpfs: bool,
    /// The life of the servers' HTTPS certificates, in whole seconds; `None`: they are valid
    /// whatever the clock says.
    pub certificate_lifetime: Option<Duration>,
    /// Hadoop's keys, which override those that the fixture sets.
    pub keys: BTreeMap<String, String>,
    /// The racks of the DataNodes, in their order; further ones are on `/default-rack`.
    pub racks: Vec<String>,
    /// The folder in which `dn1`, `dn2`, … are made; `None`: `blocks` in the fixture's directory.
    pub blocks: Option<PathBuf>,
    /// The image of a namespace (`fsimage_N`) that is shown without its blocks and never changed;
    /// `None`: the namespace is new, or the one in `persistent`.
    pub fsimage: Option<PathBuf>,
    /// True if the start upgrades the namespace in `persistent`.
    pub upgrade: bool,
}

/// An HDFS directory that exists from the start; see [`HdfsSpec`] for an example.
///
/// ```
/// use kerbox::ClusterBuilder;
/// use kerbox::spec::{NewDirectory, Spec};
///
/// let mut spec = Spec::default();
/// spec.hdfs.add_directory(NewDirectory {
///     path: "/data".to_owned(),
///     owner: "alice".to_owned(),
///     group: "analysts".to_owned(),
///     mode: 0o1770,
/// });
/// let cluster = ClusterBuilder::from(spec).start_blocking()?;
/// assert!(cluster.namenode().has("/data")?);
/// # Ok::<(), kerbox::Error>(())
/// ```
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct NewDirectory {
    /// The absolute path.
    pub path: String,
    /// The short name of its owner.
    pub owner: String,
    /// The name of its group.
    pub group: String,
    /// The permission bits and the sticky bit.
    pub mode: u16,
}

impl HdfsSpec {
    /// Adds a directory, or replaces the one of the same path.
    pub fn add_directory(&mut self, directory: NewDirectory) {
        self.directories
            .retain(|other| other.path != directory.path);
        self.directories.push(directory);
    }

    /// Sets the superuser, who takes the old one's place in `supergroup`.
    pub fn set_superuser(&mut self, name: &str) {
        let old = std::mem::replace(&mut self.superuser, name.to_owned());
        if let Some(members) = self.groups.get_mut("supergroup") {
            members.retain(|member| *member != old);
            members.push(name.to_owned());
        }
    }
}

impl Default for HdfsSpec {
    fn default() -> Self {
        let home = |user: &str| NewDirectory {
            path: format!("/user/{user}"),
            owner: user.to_owned(),
            group: user.to_owned(),
            mode: 0o755,
        };
        let temporary = NewDirectory {
            path: "/tmp".to_owned(),
            owner: SUPERUSER.to_owned(),
            group: "supergroup".to_owned(),
            mode: 0o1777,
        };
        let groups = USERS.map(|user| (user.to_owned(), vec![user.to_owned()]));
        let supergroup = ("supergroup".to_owned(), vec![SUPERUSER.to_owned()]);
        Self {
            security: Security::Kerberos,
            superuser: SUPERUSER.to_owned(),
            datanodes: 1,
            listen: LOOPBACK,
            groups: groups.into_iter().chain([supergroup]).collect(),
            directories: USERS.map(home).into_iter().chain([temporary]).collect(),
            layout: None,
            symlinks: false,
            httpfs: false,
            certificate_lifetime: None,
            keys: BTreeMap::new(),
            racks: Vec::new(),
            blocks: None,
            fsimage: None,
            upgrade: false,
        }
    }
}
