//! What a sandbox is made of: plain values, whichever way they were given.
//!
//! Flags override `KERBOX_*` variables, these override the configuration file, the file overrides
//! [`Settings::default`].

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr};
use std::path::PathBuf;
use std::time::Duration;

use kerbox_kdc::{Pac, PacAccount, PacDomain};
use kerbox_krb5::{EncryptionType, Timestamp};

use crate::cli::Security;

mod file;
mod keys;
mod merge;
mod nearest;
mod other_realms;
mod section;
mod show;
mod text;
mod values;
mod warnings;

pub(crate) use keys::Keys;
pub(crate) use merge::{Purpose, check, effective};
pub(crate) use other_realms::{FurtherRealm, OtherRealms, TrustSettings};
pub(crate) use text::{duration, parse_duration, parse_time};
pub(crate) use values::{Attribute, parse_enctype};
pub(crate) use warnings::warn;

/// Everything that `kerbox up` can be told.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Settings {
    pub(crate) realm: RealmSettings,
    /// What the realm has to do with others.
    pub(crate) others: OtherRealms,
    /// The default ones, and those of the file.
    pub(crate) principals: Vec<PrincipalSettings>,
    pub(crate) hdfs: HdfsSettings,
    /// Hadoop's own keys.
    pub(crate) hadoop: BTreeMap<String, String>,
    /// Whether there is no HDFS.
    pub(crate) kdc_only: bool,
    /// Whether a taken port is an error where another would do.
    pub(crate) strict_ports: bool,
    /// Of everything random; None: a new one.
    pub(crate) seed: Option<u64>,
    /// Which file was read.
    pub(crate) file: Option<PathBuf>,
}

/// `[realm]`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct RealmSettings {
    pub(crate) name: String,
    pub(crate) listen: Listen,
    /// The ceiling of every ticket's life.
    pub(crate) max_life: Duration,
    /// The ceiling of every ticket's renewable life.
    pub(crate) max_renewable_life: Duration,
    /// The keys that a new principal gets, the best first.
    pub(crate) enctypes: Vec<EncryptionType>,
    /// What a new principal starts with.
    pub(crate) attributes: Vec<Attribute>,
    /// How far two clocks may be apart.
    pub(crate) clock_skew: Duration,
    /// Which PAC tickets carry.
    pub(crate) pac: Pac,
    /// As which domain of Windows full ones know the realm.
    pub(crate) pac_domain: PacDomain,
    /// Whether it has the services of Hadoop and the usual users.
    pub(crate) default_principals: bool,
    /// Lines of the client's krb5.conf.
    pub(crate) libdefaults: BTreeMap<String, String>,
}

/// `[[principal]]`.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(crate) struct PrincipalSettings {
    /// As written: `alice`, `nn/localhost`, or with a realm.
    pub(crate) name: String,
    /// Of which its keys are made; none: random keys.
    pub(crate) password: Option<String>,
    /// Whether it has random keys besides, which take no time at the start.
    pub(crate) random_keys: bool,
    /// In place of random ones and of a password's.
    pub(crate) keys: Keys,
    /// The keytab that the keys come from.
    pub(crate) import: Option<PathBuf>,
    /// The file in `keytabs/` that gets its keys.
    pub(crate) keytab: Option<String>,
    /// None: the realm's.
    pub(crate) enctypes: Option<Vec<EncryptionType>>,
    pub(crate) kvno: Option<u32>,
    pub(crate) max_life: Option<Duration>,
    pub(crate) max_renewable_life: Option<Duration>,
    pub(crate) expires: Option<Timestamp>,
    pub(crate) password_expires: Option<Timestamp>,
    pub(crate) attributes: Vec<Attribute>,
    /// To which services it may pass its callers on (S4U2Proxy).
    pub(crate) delegates_to: Vec<String>,
    /// As which account full PACs know it.
    pub(crate) pac_account: PacAccount,
}

/// `[hdfs]`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct HdfsSettings {
    pub(crate) security: Security,
    /// The short name that owns `/`.
    pub(crate) superuser: String,
    pub(crate) datanodes: u16,
    /// The NameNode's RPC.
    pub(crate) listen: Listen,
    /// Group to members.
    pub(crate) groups: BTreeMap<String, Vec<String>>,
    pub(crate) directories: Vec<DirectorySettings>,
}

/// `[[hdfs.directory]]`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct DirectorySettings {
    pub(crate) path: String,
    pub(crate) owner: String,
    pub(crate) group: String,
    /// Permission bits and the sticky bit.
    pub(crate) mode: u16,
}

/// Where a server listens.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Listen {
    pub(crate) address: IpAddr,
    pub(crate) port: Port,
}

/// Which port.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Port {
    /// Any free one.
    Random,
    /// This one if it is free.
    Preferred(u16),
    /// This one and no other.
    Fixed(u16),
}

impl Port {
    /// The number to try first; 0: any.
    pub(crate) fn number(self) -> u16 {
        match self {
            Self::Random => 0,
            Self::Preferred(port) | Self::Fixed(port) => port,
        }
    }
}

impl Listen {
    /// A random port of 127.0.0.1.
    pub(crate) const LOOPBACK: Self = Self {
        address: IpAddr::V4(Ipv4Addr::LOCALHOST),
        port: Port::Random,
    };
}

/// So many DataNodes, each with a socket and a folder, are enough for every placement of replicas
/// and erasure coding.
pub(crate) const MOST_DATANODES: u16 = 64;

const HOUR: Duration = Duration::from_secs(3600);

impl Default for Settings {
    fn default() -> Self {
        Self {
            realm: RealmSettings::default(),
            others: OtherRealms::default(),
            principals: default_principals(),
            hdfs: HdfsSettings::default(),
            hadoop: BTreeMap::new(),
            kdc_only: false,
            strict_ports: false,
            seed: None,
            file: None,
        }
    }
}

impl Default for RealmSettings {
    fn default() -> Self {
        let libdefaults = [
            ("ticket_lifetime", "10h"),
            ("renew_lifetime", "7d"),
            ("forwardable", "true"),
        ];
        Self {
            name: String::from("EXAMPLE.COM"),
            listen: Listen::LOOPBACK,
            max_life: 24 * HOUR,
            max_renewable_life: 7 * 24 * HOUR,
            enctypes: EncryptionType::DEFAULT_KEYS.to_vec(),
            attributes: vec![Attribute::set("requires_preauth")],
            clock_skew: Duration::from_secs(300),
            pac: Pac::None,
            pac_domain: PacDomain::default(),
            default_principals: true,
            libdefaults: libdefaults
                .map(|(key, value)| (key.to_owned(), value.to_owned()))
                .into(),
        }
    }
}

impl Default for HdfsSettings {
    fn default() -> Self {
        Self {
            security: Security::Kerberos,
            superuser: String::from("hdfs"),
            datanodes: 3,
            listen: Listen::LOOPBACK,
            groups: [(String::from("supergroup"), vec![String::from("hdfs")])].into(),
            directories: Vec::new(),
        }
    }
}

/// The services of a secure HDFS, its superuser, and three users whose passwords are their names.
fn default_principals() -> Vec<PrincipalSettings> {
    let services = [
        ("nn/localhost", "nn.service.keytab"),
        ("dn/localhost", "dn.service.keytab"),
        ("sn/localhost", "sn.service.keytab"),
        ("HTTP/localhost", "spnego.service.keytab"),
        ("host/localhost", "host.keytab"),
        ("hdfs/localhost", "hdfs.keytab"),
    ];
    let services = services.map(|(name, keytab)| PrincipalSettings {
        name: name.to_owned(),
        keytab: Some(keytab.to_owned()),
        ..PrincipalSettings::default()
    });
    let users = ["hdfs", "alice", "bob", "jupyter"].map(|name| PrincipalSettings {
        name: name.to_owned(),
        password: Some(name.to_owned()),
        random_keys: true,
        keytab: Some(format!("{name}.keytab")),
        ..PrincipalSettings::default()
    });
    services.into_iter().chain(users).collect()
}
