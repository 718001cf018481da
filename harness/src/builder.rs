//! What a realm can be told before it starts, alone or in a cluster. Everything has a default.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use kerbox_krb5::{Clock, EncryptionType};

use crate::Error;
use crate::principals::NewPrincipal;
use crate::realm::Realm;
use crate::settings::RealmSettings;
use crate::world::WorldSettings;

/// The settings that every fixture has.
macro_rules! world_setters {
    () => {
        /// The clock that all servers share. Default: the system's, until it is moved.
        pub fn clock(mut self, clock: Clock) -> Self {
            self.world.clock = clock;
            self
        }

        /// The seed of everything random: keys, block ids, faults that strike by chance. Default:
        /// 0. What repeats with the same seed, the [`Journal`](crate::Journal) tells.
        pub fn seed(mut self, seed: u64) -> Self {
            self.world.seed = seed;
            self
        }

        /// Puts the files into this directory, and leaves them there at the end. It is made if need
        /// be; one that is there must be empty, or of an earlier fixture, of whose files it
        /// replaces those that Kerbox wrote. Default: a temporary one, gone at the end (see
        /// `KERBOX_KEEP`).
        pub fn directory(mut self, path: impl Into<PathBuf>) -> Self {
            self.world.directory = Some(path.into());
            self
        }

        #[doc(hidden)]
        pub fn opened_directory(
            mut self,
            directory: std::sync::Arc<$crate::directory::Directory>,
        ) -> Self {
            self.world.opened = Some(directory);
            self
        }

        /// How many threads the servers run on. Default: one, which starts soonest; more move large
        /// files faster.
        pub fn threads(mut self, threads: usize) -> Self {
            self.world.workers = threads;
            self
        }
    };
}

pub(crate) use world_setters;

/// The settings of everything that has a realm.
macro_rules! realm_setters {
    () => {
        /// The realm's name. Default: one that no other fixture of the process has, so that clients
        /// in the process can use several realms.
        pub fn realm_name(mut self, name: impl Into<String>) -> Self {
            self.realm.give("realm_name");
            self.realm.name = Some(name.into());
            self
        }

        /// Where the KDC listens, by UDP and TCP. Default: a random port of 127.0.0.1.
        pub fn kdc_listen(mut self, address: SocketAddr) -> Self {
            self.realm.give("kdc_listen");
            self.realm.listen = address;
            self
        }

        /// How many servers the KDC has: of one database, each at an address of its own, all named
        /// in the clients' krb5.conf in the order of their numbers. One can be stopped or silenced
        /// while the others serve: see [`Realm::kdc_server`](crate::Realm::kdc_server). Default: 1.
        pub fn kdcs(mut self, count: usize) -> Self {
            self.realm.give("kdcs");
            self.realm.kdcs = count;
            self
        }

        /// The KDC answers over TCP alone, as Hadoop's MiniKdc does: its UDP port is closed.
        /// Clients are told nothing of it.
        pub fn tcp_only(mut self) -> Self {
            self.realm.give("tcp_only");
            self.realm.transports = $crate::settings::Transports::Tcp;
            self
        }

        /// The KDC answers over UDP alone, as behind a firewall that stops connections: its TCP
        /// port is closed, and what does not fit into a datagram cannot be had.
        pub fn udp_only(mut self) -> Self {
            self.realm.give("udp_only");
            self.realm.transports = $crate::settings::Transports::Udp;
            self
        }

        /// How long tickets live when clients do not say, and at most, unless
        /// [`max_life`](Self::max_life) says otherwise. Default: 10 hours when they do not say, at
        /// most 24.
        pub fn ticket_lifetime(mut self, lifetime: Duration) -> Self {
            self.realm.give("ticket_lifetime");
            if !self.realm.given.contains(&"max_life") {
                self.realm.max_life = lifetime;
            }
            self.realm.ticket_lifetime = lifetime;
            self.libdefault("ticket_lifetime", format!("{}s", lifetime.as_secs()))
        }

        /// How long tickets can be renewed when clients do not say, and at most, unless
        /// [`max_renewable_life`](Self::max_renewable_life) says otherwise; zero: not at all.
        /// Default: 7 days.
        pub fn renewable_lifetime(mut self, lifetime: Duration) -> Self {
            self.realm.give("renewable_lifetime");
            if !self.realm.given.contains(&"max_renewable_life") {
                self.realm.max_renewable_life = lifetime;
            }
            self.realm.renewable_lifetime = lifetime;
            self.libdefault("renew_lifetime", format!("{}s", lifetime.as_secs()))
        }

        /// The KDC's ceiling of tickets' lives, without a word to the clients. Default: 24 hours.
        pub fn max_life(mut self, lifetime: Duration) -> Self {
            self.realm.give("max_life");
            self.realm.max_life = lifetime;
            self
        }

        /// The KDC's ceiling of tickets' renewable lives, without a word to the clients. Default: 7
        /// days.
        pub fn max_renewable_life(mut self, lifetime: Duration) -> Self {
            self.realm.give("max_renewable_life");
            self.realm.max_renewable_life = lifetime;
            self
        }

        /// How far a client's clock may be from a server's; clients are told of it. Default: 5
        /// minutes.
        pub fn clock_skew(mut self, skew: Duration) -> Self {
            self.realm.give("clock_skew");
            self.realm.clock_skew = skew;
            self.libdefault("clockskew", skew.as_secs().to_string())
        }

        /// The types of the keys that new principals get, the best first; clients' krb5.conf permits
        /// them. Default: MIT's, aes256-cts-hmac-sha1-96 and aes128-cts-hmac-sha1-96. Those of RFC
        /// 8009 are to be had by name (Java tools built on Kerby cannot read their keytabs):
        /// [`EncryptionType::DEFAULT`] is all four. So are the weak ones, rc4 and des3.
        pub fn enctypes(mut self, enctypes: impl IntoIterator<Item = EncryptionType>) -> Self {
            self.realm.give("enctypes");
            self.realm.enctypes = enctypes.into_iter().collect();
            self
        }

        /// A setting in kadmin's form that every new principal starts with: `+requires_preauth` is
        /// there, `-requires_preauth` undoes it.
        pub fn attribute(mut self, setting: &str) -> Self {
            self.realm.give("attribute");
            self.realm.attributes.push(setting.to_owned());
            self
        }

        /// Which PAC tickets carry (MS-PAC). Default: none.
        pub fn pac(mut self, pac: $crate::Pac) -> Self {
            self.realm.give("pac");
            self.realm.pac = pac;
            self
        }

        /// As which domain of Windows full PACs know the realm. Default: SID and NetBIOS name are
        /// derived from the realm's name.
        pub fn pac_domain(mut self, domain: $crate::PacDomain) -> Self {
            self.realm.give("pac_domain");
            self.realm.pac_domain = domain;
            self
        }

        /// One principal more; the same name replaces. There are `alice`, `bob`, `jupyter` and
        /// `hdfs`, each with a keytab and with its name as password, and the services `hdfs`, `nn`,
        /// `dn`, `sn`, `HTTP` and `host` of `localhost`.
        pub fn principal(mut self, principal: NewPrincipal) -> Self {
            self.realm.give("principal");
            self.realm
                .principals
                .retain(|other| other.name() != principal.name());
            self.realm.principals.push(principal);
            self
        }

        /// Without the principals that are usually there: only those that are added, and the realm's
        /// own. A secure cluster needs `nn/localhost` and `dn/localhost`.
        pub fn without_principals(mut self) -> Self {
            self.realm.give("without_principals");
            self.realm.principals.clear();
            self
        }

        /// A user with the keys of a password: see [`NewPrincipal::password`]; one with random keys
        /// besides starts sooner, see [`NewPrincipal::password_besides`].
        pub fn user_with_password(self, name: &str, password: &str) -> Self {
            self.principal(NewPrincipal::new(name).password(password))
        }

        /// A line of `[libdefaults]` in the clients' krb5.conf.
        pub fn libdefault(mut self, key: &str, value: impl Into<String>) -> Self {
            self.realm.give("libdefault");
            self.realm.libdefaults.insert(key.to_owned(), value.into());
            self
        }

        /// Trust between this realm and another.
        pub fn trust(mut self, trust: $crate::Trust) -> Self {
            self.realm.give("trust");
            self.realm.other_realms.trusts.push(trust);
            self
        }

        /// One realm more of the same KDC. Principals are its own if their names say so:
        /// `carol@OTHER.TEST`.
        pub fn further_realm(mut self, realm: $crate::RealmConfig) -> Self {
            self.realm.give("further_realm");
            self.realm.other_realms.further.push(realm);
            self
        }

        /// The way of clients of one realm to services of another, over those between, none for the
        /// direct way: `[capaths]`, which the KDC obeys and the clients' krb5.conf has.
        pub fn capath(
            mut self,
            client: impl Into<String>,
            server: impl Into<String>,
            through: impl IntoIterator<Item = impl Into<String>>,
        ) -> Self {
            self.realm.give("capath");
            let through = through.into_iter().map(Into::into).collect();
            let capaths = &mut self.realm.other_realms.capaths;
            capaths.insert((client.into(), server.into()), through);
            self
        }

        /// The realm of a host (`name`) or of a domain's hosts (`.name`): `[domain_realm]` of the
        /// clients' krb5.conf; the KDC refers clients there that leave it to it.
        pub fn domain_realm(mut self, host: impl Into<String>, realm: impl Into<String>) -> Self {
            self.realm.give("domain_realm");
            let hosts = &mut self.realm.other_realms.domain_realm;
            hosts.insert(host.into(), realm.into());
            self
        }

        /// The longest reply, in bytes, that the KDC sends by UDP; beyond it clients are told to
        /// use TCP.
        pub fn max_udp_reply(mut self, bytes: usize) -> Self {
            self.realm.give("max_udp_reply");
            self.realm.max_udp_reply = Some(bytes);
            self
        }
    };
}

pub(crate) use realm_setters;

/// Builds a [`Realm`].
///
/// A setting that cannot be, or that would have no effect, is refused by `start`.
///
/// ```
/// use std::time::Duration;
/// use kerbox::{EncryptionType, Realm};
///
/// let realm = Realm::builder()
///     .realm_name("EXAMPLE.COM")
///     .ticket_lifetime(Duration::from_mins(5))
///     .enctypes([EncryptionType::AES128_CTS_HMAC_SHA1_96])
///     .user_with_password("carol", "secret")
///     .start_blocking()?;
/// let ticket = realm.login_blocking("carol")?.ticket();
/// assert_eq!(ticket.client.to_string(), "carol@EXAMPLE.COM");
/// assert_eq!(ticket.end_time.since(ticket.start_time), Duration::from_mins(5));
///
/// let refused = Realm::builder().ticket_lifetime(Duration::ZERO).start_blocking();
/// assert!(refused.is_err());
/// # Ok::<(), kerbox::Error>(())
/// ```
#[derive(Clone, Debug, Default)]
#[must_use = "a builder does nothing until `start`"]
pub struct RealmBuilder {
    pub(crate) world: WorldSettings,
    pub(crate) realm: RealmSettings,
}

impl RealmBuilder {
    world_setters!();
    realm_setters!();

    /// Starts the KDC; it answers when this returns.
    pub async fn start(self) -> Result<Realm, Error> {
        self.start_blocking()
    }

    /// As [`start`](Self::start), outside of async code.
    pub fn start_blocking(self) -> Result<Realm, Error> {
        Realm::with(self)
    }
}
