//! The description of a realm.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use kerbox_kdc::{Attributes, Pac, PacDomain, RealmConfig};
use kerbox_krb5::EncryptionType;

use crate::Error;
use crate::spec::defaults::{LOOPBACK, SUPERUSER, USERS};
use crate::spec::{ConsoleSpec, NewPrincipal, Trust};

/// The default services, all on `localhost`.
const SERVICES: [&str; 6] = ["hdfs", "nn", "dn", "sn", "HTTP", "host"];

/// The description of a realm.
///
/// ```
/// use std::time::Duration;
/// use kerbox::RealmBuilder;
/// use kerbox::spec::Spec;
///
/// let mut spec = Spec::default();
/// spec.realm.max_life = Duration::from_secs(3600);
/// spec.realm.attributes.push("-requires_preauth".to_owned());
/// let realm = RealmBuilder::from(spec).start_blocking()?;
/// let ticket = realm.login_blocking("alice")?.ticket();
/// assert_eq!(ticket.end_time.since(ticket.start_time), Duration::from_secs(3600));
/// # Ok::<(), kerbox::Error>(())
/// ```
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct RealmSpec {
    /// The name; `None`: one that no other fixture in the process has.
    pub name: Option<String>,
    /// The UDP and TCP address of the first KDC server. Further ones use free ports of the same
    /// interface.
    pub listen: SocketAddr,
    /// The number of KDC servers.
    pub kdcs: usize,
    /// The transports over which they answer.
    pub transports: Transports,
    /// The maximum size of a UDP reply in bytes, if it is not the KDC's own.
    pub max_udp_reply: Option<usize>,
    /// The maximum lifetime of tickets.
    pub max_life: Duration,
    /// The maximum renewable lifetime of tickets.
    pub max_renewable_life: Duration,
    /// The lifetime that the fixture's logins request.
    pub ticket_lifetime: Duration,
    /// The renewable lifetime that the fixture's logins request.
    pub renewable_lifetime: Duration,
    /// The allowed difference between a client's clock and a server's.
    pub clock_skew: Duration,
    /// The key types of new principals, the preferred one first.
    pub enctypes: Vec<EncryptionType>,
    /// The attributes that every new principal starts with, in kadmin's notation.
    pub attributes: Vec<String>,
    /// The PAC that tickets carry.
    pub pac: Pac,
    /// The Windows domain that full PACs give for the realm.
    pub pac_domain: PacDomain,
    /// The principals that exist from the start.
    pub principals: Vec<NewPrincipal>,
    /// Lines of `[libdefaults]` in the clients' krb5.conf.
    pub libdefaults: BTreeMap<String, String>,
    /// The relations to other realms.
    pub others: OtherRealms,
    /// The folder with the keytabs of HDFS's servers, if the KDC is another's, such as MIT's
    /// krb5kdc; `None`: the fixture has a KDC.
    pub keytabs: Option<PathBuf>,
    /// The console of a realm without a NameNode, if it has one. A NameNode has its own.
    pub console: Option<ConsoleSpec>,
}

impl RealmSpec {
    /// Returns the default principals: Hadoop's services on `localhost`, its superuser, and three
    /// users whose passwords are their names.
    pub fn default_principals() -> impl Iterator<Item = NewPrincipal> {
        let users = USERS.into_iter().chain([SUPERUSER]);
        let users = users.map(|name| NewPrincipal::new(name).password_besides(name));
        let services = SERVICES.map(|service| NewPrincipal::new(format!("{service}/localhost")));
        users.chain(services)
    }

    /// Adds a principal, or replaces the one of the same name.
    pub fn add_principal(&mut self, principal: NewPrincipal) {
        self.principals.retain(|other| other.name != principal.name);
        self.principals.push(principal);
    }

    /// Returns the KDC's configuration of the realm.
    pub(crate) fn config(&self, name: &str) -> Result<RealmConfig, Error> {
        let mut config = RealmConfig::new(name);
        config.max_life = self.max_life;
        config.max_renewable_life = self.max_renewable_life;
        config.clock_skew = self.clock_skew;
        config.enctypes.clone_from(&self.enctypes);
        config.attributes = attributes(&self.attributes)?;
        config.pac = self.pac;
        config.pac_domain.clone_from(&self.pac_domain);
        Ok(config)
    }

    /// Returns the types that clients must permit: those of the realm, of single principals, and of
    /// other realms' keys.
    pub(crate) fn client_enctypes(&self) -> Vec<EncryptionType> {
        let mut all: Vec<EncryptionType> = Vec::new();
        let own = self.principals.iter().flat_map(NewPrincipal::own_enctypes);
        let further = self.others.further.iter();
        let further = further.flat_map(FurtherRealm::own_enctypes);
        let trusts = self.others.trusts.iter().flat_map(Trust::own_enctypes);
        let here = self.enctypes.iter().copied().chain(own);
        for enctype in here.chain(further).chain(trusts) {
            if !all.contains(&enctype) {
                all.push(enctype);
            }
        }
        all
    }
}

impl Default for RealmSpec {
    fn default() -> Self {
        let libdefaults = [
            ("ticket_lifetime", "10h"),
            ("renew_lifetime", "7d"),
            ("forwardable", "true"),
        ];
        Self {
            name: None,
            listen: LOOPBACK,
            kdcs: 1,
            transports: Transports::Both,
            max_udp_reply: None,
            max_life: Duration::from_secs(24 * 3600),
            max_renewable_life: Duration::from_secs(7 * 24 * 3600),
            ticket_lifetime: Duration::from_secs(10 * 3600),
            renewable_lifetime: Duration::from_secs(7 * 24 * 3600),
            clock_skew: Duration::from_secs(5 * 60),
            enctypes: EncryptionType::DEFAULT_KEYS.to_vec(),
            attributes: vec!["+requires_preauth".to_owned()],
            pac: Pac::None,
            pac_domain: PacDomain::default(),
            principals: Self::default_principals().collect(),
            libdefaults: libdefaults
                .map(|(key, value)| (key.to_owned(), value.to_owned()))
                .into(),
            others: OtherRealms::default(),
            keytabs: None,
            console: None,
        }
    }
}

/// The transports that the KDC's servers answer over; the other transport's port is closed.
///
/// ```
/// use kerbox::spec::{RealmSpec, Transports};
///
/// let mut realm = RealmSpec::default();
/// assert_eq!(realm.transports, Transports::Both);
/// realm.transports = Transports::Tcp; // as Hadoop's MiniKdc
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
#[non_exhaustive]
pub enum Transports {
    /// UDP and TCP.
    #[default]
    Both,
    /// TCP only.
    Tcp,
    /// UDP only.
    Udp,
}

/// All relations of a realm to other realms.
///
/// ```
/// use kerbox::Trust;
/// use kerbox::spec::RealmSpec;
///
/// let mut realm = RealmSpec::default();
/// realm.others.trusts.push(Trust::with_password("CORP.TEST", "shared"));
/// let hosts = &mut realm.others.domain_realm;
/// hosts.insert(".corp.test".to_owned(), "CORP.TEST".to_owned());
/// ```
#[derive(Clone, PartialEq, Eq, Debug, Default)]
#[non_exhaustive]
pub struct OtherRealms {
    /// Trusts between the realm and others.
    pub trusts: Vec<Trust>,
    /// Further realms of the same KDC.
    pub further: Vec<FurtherRealm>,
    /// Maps a client's realm and a service's realm to the realms in between; an empty list is the
    /// direct path.
    pub capaths: BTreeMap<String, BTreeMap<String, Vec<String>>>,
    /// Maps hosts (`name`) and domains (`.name`) to realms.
    pub domain_realm: BTreeMap<String, String>,
}

/// Another realm that the same KDC serves. What is `None` is as in the first realm.
///
/// ```
/// use kerbox::Realm;
/// use kerbox::spec::FurtherRealm;
///
/// let other = FurtherRealm::new("OTHER.TEST");
/// let realm = Realm::builder().further_realm(other).start_blocking()?;
/// realm.login_blocking("carol@OTHER.TEST")?;
/// # Ok::<(), kerbox::Error>(())
/// ```
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct FurtherRealm {
    /// The name.
    pub name: String,
    /// The maximum lifetime of tickets.
    pub max_life: Option<Duration>,
    /// The maximum renewable lifetime of tickets.
    pub max_renewable_life: Option<Duration>,
    /// The key types of new principals, the preferred one first.
    pub enctypes: Option<Vec<EncryptionType>>,
    /// The attributes that every new principal starts with, in kadmin's notation.
    pub attributes: Option<Vec<String>>,
    /// The KDC's configuration, used instead of the first realm's where a field is `None`.
    base: Option<RealmConfig>,
}

impl FurtherRealm {
    /// Describes a realm that is like the first one.
    pub fn new(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            max_life: None,
            max_renewable_life: None,
            enctypes: None,
            attributes: None,
            base: None,
        }
    }

    /// Returns the KDC's configuration of this realm, given that of the first.
    pub(crate) fn config(&self, first: &RealmConfig) -> Result<RealmConfig, Error> {
        let mut config = match &self.base {
            Some(base) => base.clone(),
            None => RealmConfig {
                name: self.name.clone(),
                // Its own SID and NetBIOS name follow from its name.
                pac_domain: PacDomain::default(),
                ..first.clone()
            },
        };
        config.max_life = self.max_life.unwrap_or(config.max_life);
        config.max_renewable_life = self.max_renewable_life.unwrap_or(config.max_renewable_life);
        if let Some(enctypes) = &self.enctypes {
            config.enctypes.clone_from(enctypes);
        }
        if let Some(settings) = &self.attributes {
            config.attributes = attributes(settings)?;
        }
        Ok(config)
    }

    /// Returns the key types that are named for it.
    fn own_enctypes(&self) -> impl Iterator<Item = EncryptionType> {
        let base = self.base.iter().flat_map(|base| &base.enctypes);
        self.enctypes.iter().flatten().chain(base).copied()
    }
}

impl From<RealmConfig> for FurtherRealm {
    fn from(config: RealmConfig) -> Self {
        Self {
            base: Some(config.clone()),
            ..Self::new(config.name)
        }
    }
}

/// Returns the set that results from settings in kadmin's notation.
fn attributes(settings: &[String]) -> Result<Attributes, Error> {
    let mut attributes = Attributes::NONE;
    for setting in settings {
        attributes.apply(setting)?;
    }
    Ok(attributes)
}
