//! The settings of a sandbox: plain values, independent of their source.
//!
//! Flags override `KERBOX_*` variables, which override the configuration file, which overrides
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

/// All settings of `kerbox up`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Settings {
    pub(crate) realm: RealmSettings,
    /// The realm's relations to other realms.
    pub(crate) others: OtherRealms,
    /// The default principals, and those of the file.
    pub(crate) principals: Vec<PrincipalSettings>,
    pub(crate) hdfs: HdfsSettings,
    /// Hadoop's own keys.
    pub(crate) hadoop: BTreeMap<String, String>,
    /// True if there is no HDFS.
    pub(crate) kdc_only: bool,
    /// True if a taken port is an error even where another would do.
    pub(crate) strict_ports: bool,
    /// The seed of all randomness; `None`: a new one.
    pub(crate) seed: Option<u64>,
    /// The configuration file that was read.
    pub(crate) file: Option<PathBuf>,
}

/// The settings in `[realm]`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct RealmSettings {
    pub(crate) name: String,
    pub(crate) listen: Listen,
    /// The maximum lifetime of every ticket.
    pub(crate) max_life: Duration,
    /// The maximum renewable lifetime of every ticket.
    pub(crate) max_renewable_life: Duration,
    /// The key types of new principals, the preferred one first.
    pub(crate) enctypes: Vec<EncryptionType>,
    /// The attributes of new principals.
    pub(crate) attributes: Vec<Attribute>,
    /// The allowed difference between two clocks.
    pub(crate) clock_skew: Duration,
    /// The PAC that tickets carry.
    pub(crate) pac: Pac,
    /// The Windows domain that full PACs give for the realm.
    pub(crate) pac_domain: PacDomain,
    /// True if it has Hadoop's services and the default users.
    pub(crate) default_principals: bool,
    /// Lines for the clients' krb5.conf.
    pub(crate) libdefaults: BTreeMap<String, String>,
}

/// The settings in `[[principal]]`.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(crate) struct PrincipalSettings {
    /// The name as written: `alice`, `nn/localhost`, or with a realm.
    pub(crate) name: String,
    /// The password that its keys are derived from; `None`: random keys.
    pub(crate) password: Option<String>,
    /// True if it also has random keys, which take no time at the start.
    pub(crate) random_keys: bool,
    /// Keys used instead of random ones or a password's.
    pub(crate) keys: Keys,
    /// The keytab that the keys come from.
    pub(crate) import: Option<PathBuf>,
    /// The file in `keytabs/` that gets its keys.
    pub(crate) keytab: Option<String>,
    /// `None`: the realm's.
    pub(crate) enctypes: Option<Vec<EncryptionType>>,
    pub(crate) kvno: Option<u32>,
    pub(crate) max_life: Option<Duration>,
    pub(crate) max_renewable_life: Option<Duration>,
    pub(crate) expires: Option<Timestamp>,
    pub(crate) password_expires: Option<Timestamp>,
    pub(crate) attributes: Vec<Attribute>,
    /// The services that it may call in a user's name (S4U2Proxy).
    pub(crate) delegates_to: Vec<String>,
    /// The account that full PACs give for it.
    pub(crate) pac_account: PacAccount,
}

/// The settings in `[hdfs]`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct HdfsSettings {
    pub(crate) security: Security,
    /// The short name that owns `/`.
    pub(crate) superuser: String,
    pub(crate) datanodes: u16,
    /// The address of the NameNode's RPC server.
    pub(crate) listen: Listen,
    /// Maps groups to their members.
    pub(crate) groups: BTreeMap<String, Vec<String>>,
    pub(crate) directories: Vec<DirectorySettings>,
}

/// The settings in `[[hdfs.directory]]`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct DirectorySettings {
    pub(crate) path: String,
    pub(crate) owner: String,
    pub(crate) group: String,
    /// Permission bits and the sticky bit.
    pub(crate) mode: u16,
}

/// A server's listening address.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Listen {
    pub(crate) address: IpAddr,
    pub(crate) port: Port,
}

/// A server's port.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Port {
    /// Any free port.
    Random,
    /// This port if it is free.
    Preferred(u16),
    /// Only this port.
    Fixed(u16),
}

impl Port {
    /// Returns the number to try first; 0 means any.
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

/// Maximum number of DataNodes. Each needs a socket and a folder, and this is enough for every
/// placement of replicas and erasure coding.
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

/// Returns the services of a secure HDFS, its superuser, and three users whose passwords are their
/// names.
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
