//! The settings of realms and clusters, as filled in by their builders, and their defaults.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use kerbox_kdc::{Pac, PacDomain};
use kerbox_krb5::EncryptionType;

use crate::NewPrincipal;
use crate::spec::other_realms::OtherRealms;

/// A random port of the loopback interface.
pub(crate) const LOOPBACK: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 0);

/// The settings of a realm.
#[derive(Clone, Debug)]
pub(crate) struct RealmSettings {
    /// `None`: a name that no other fixture in the process has.
    pub(crate) name: Option<String>,
    pub(crate) listen: SocketAddr,
    pub(crate) max_life: Duration,
    pub(crate) max_renewable_life: Duration,
    pub(crate) pac: Pac,
    pub(crate) pac_domain: PacDomain,
    /// The lifetime that the harness's logins request.
    pub(crate) ticket_lifetime: Duration,
    pub(crate) renewable_lifetime: Duration,
    /// Attributes in kadmin's notation that every new principal starts with.
    pub(crate) attributes: Vec<String>,
    pub(crate) clock_skew: Duration,
    pub(crate) enctypes: Vec<EncryptionType>,
    pub(crate) principals: Vec<NewPrincipal>,
    /// Lines of `[libdefaults]` that override or complete the usual ones.
    pub(crate) libdefaults: BTreeMap<String, String>,
    pub(crate) max_udp_reply: Option<usize>,
    pub(crate) other_realms: OtherRealms,
    /// The number of KDC servers.
    pub(crate) kdcs: usize,
    pub(crate) transports: Transports,
    /// The setters that were called, in order.
    pub(crate) given: Vec<&'static str>,
}

impl RealmSettings {
    /// Records that a setter was called.
    pub(crate) fn give(&mut self, setter: &'static str) {
        self.given.push(setter);
    }
}

/// The transports that the KDC's servers answer over; the other transport's port is closed.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) enum Transports {
    #[default]
    Both,
    Tcp,
    Udp,
}

impl Default for RealmSettings {
    fn default() -> Self {
        let names = ["alice", "bob", "jupyter", "hdfs"];
        let services = ["hdfs", "nn", "dn", "sn", "HTTP", "host"]
            .map(|service| format!("{service}/localhost"));
        let users = names.map(|name| NewPrincipal::new(name).password_besides(name));
        Self {
            name: None,
            listen: LOOPBACK,
            max_life: Duration::from_hours(24),
            max_renewable_life: Duration::from_hours(7 * 24),
            pac: Pac::None,
            pac_domain: PacDomain::default(),
            ticket_lifetime: Duration::from_hours(10),
            renewable_lifetime: Duration::from_hours(7 * 24),
            attributes: Vec::new(),
            clock_skew: Duration::from_mins(5),
            enctypes: EncryptionType::DEFAULT_KEYS.to_vec(),
            principals: users
                .into_iter()
                .chain(services.map(NewPrincipal::new))
                .collect(),
            libdefaults: BTreeMap::new(),
            max_udp_reply: None,
            other_realms: OtherRealms::default(),
            kdcs: 1,
            transports: Transports::Both,
            given: Vec::new(),
        }
    }
}

impl RealmSettings {
    /// Returns the types that clients must permit: those of the realm, of single principals, and of
    /// other realms' keys.
    pub(crate) fn client_enctypes(&self) -> Vec<EncryptionType> {
        let mut all: Vec<EncryptionType> = Vec::new();
        let own = self.principals.iter().flat_map(NewPrincipal::own_enctypes);
        let others = self.other_realms.enctypes();
        let here = self.enctypes.iter().copied().chain(own);
        for enctype in here.chain(others) {
            if !all.contains(&enctype) {
                all.push(enctype);
            }
        }
        all
    }
}

/// An HDFS directory that exists from the start.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct NewDirectory {
    pub(crate) path: String,
    pub(crate) owner: String,
    pub(crate) group: String,
    pub(crate) mode: u16,
}

/// The settings of an HDFS.
#[derive(Clone, Debug)]
pub(crate) struct HdfsSettings {
    pub(crate) superuser: String,
    pub(crate) datanodes: usize,
    pub(crate) listen: SocketAddr,
    /// Maps groups to their members.
    pub(crate) groups: BTreeMap<String, Vec<String>>,
    pub(crate) directories: Vec<NewDirectory>,
    /// Hadoop's keys, which override those that the fixture sets.
    pub(crate) keys: BTreeMap<String, String>,
    /// The folder in which `dn1`, `dn2`, … are made; `None`: `blocks` in the fixture's directory.
    pub(crate) blocks: Option<PathBuf>,
    /// True if a protection was requested.
    pub(crate) is_protected: bool,
}

impl Default for HdfsSettings {
    fn default() -> Self {
        let home = |user: &str| NewDirectory {
            path: format!("/user/{user}"),
            owner: user.to_owned(),
            group: user.to_owned(),
            mode: 0o755,
        };
        let temporary = NewDirectory {
            path: "/tmp".to_owned(),
            owner: "hdfs".to_owned(),
            group: "supergroup".to_owned(),
            mode: 0o1777,
        };
        Self {
            superuser: "hdfs".to_owned(),
            datanodes: 1,
            listen: LOOPBACK,
            groups: [
                ("supergroup", "hdfs"),
                ("alice", "alice"),
                ("bob", "bob"),
                ("jupyter", "jupyter"),
            ]
            .map(|(group, user)| (group.to_owned(), vec![user.to_owned()]))
            .into(),
            directories: ["alice", "bob", "jupyter"]
                .map(home)
                .into_iter()
                .chain([temporary])
                .collect(),
            keys: BTreeMap::new(),
            blocks: None,
            is_protected: false,
        }
    }
}
