//! Builder methods for a realm, alone or in a cluster. Every setting has a default.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use kerbox_krb5::{Clock, EncryptionType};

use crate::Error;
use crate::realm::Realm;
use crate::spec::principals::NewPrincipal;
use crate::spec::settings::RealmSettings;
use crate::world::WorldSettings;

/// Defines the setters that every fixture has.
macro_rules! world_setters {
    () => {
        /// Sets the clock that all servers share. Default: a clock that follows the system's until
        /// it is moved.
        pub fn clock(mut self, clock: Clock) -> Self {
            self.world.clock = clock;
            self
        }

        /// Sets the seed of all randomness: keys, block ids, and faults with a probability.
        /// Default: 0. [`Journal`](crate::Journal) lists what the same seed reproduces.
        pub fn seed(mut self, seed: u64) -> Self {
            self.world.seed = seed;
            self
        }

        /// Puts the fixture's files into this directory and leaves them there at the end. The
        /// directory is created if it is missing. An existing one must be empty or belong to an
        /// earlier fixture; then the files that Kerbox wrote are replaced. Default: a temporary
        /// directory, removed at the end (see `KERBOX_KEEP`).
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

        /// Sets the number of threads that the servers run on. Default: 1, which starts fastest;
        /// more threads move large files faster.
        pub fn threads(mut self, threads: usize) -> Self {
            self.world.workers = threads;
            self
        }
    };
}

pub(crate) use world_setters;

/// Defines the setters of every fixture that has a realm.
macro_rules! realm_setters {
    () => {
        /// Sets the realm's name. Default: a name that no other fixture in the process has, so that
        /// clients in the process can use several realms.
        pub fn realm_name(mut self, name: impl Into<String>) -> Self {
            self.realm.give("realm_name");
            self.realm.name = Some(name.into());
            self
        }

        /// Sets the UDP and TCP address of the KDC. Default: a random port on 127.0.0.1.
        pub fn kdc_listen(mut self, address: SocketAddr) -> Self {
            self.realm.give("kdc_listen");
            self.realm.listen = address;
            self
        }

        /// Sets the number of KDC servers. They share one database, and each has its own address;
        /// the clients' krb5.conf lists them in the order of their numbers. One can be stopped or
        /// silenced while the others serve: see [`Realm::kdc_server`](crate::Realm::kdc_server).
        /// Default: 1.
        pub fn kdcs(mut self, count: usize) -> Self {
            self.realm.give("kdcs");
            self.realm.kdcs = count;
            self
        }

        /// Makes the KDC answer over TCP only, as Hadoop's MiniKdc does, and closes its UDP port.
        /// The clients' configuration does not mention it.
        pub fn tcp_only(mut self) -> Self {
            self.realm.give("tcp_only");
            self.realm.transports = $crate::spec::settings::Transports::Tcp;
            self
        }

        /// Makes the KDC answer over UDP only, as behind a firewall that blocks connections. Its
        /// TCP port is closed, so replies that do not fit into a datagram cannot be fetched.
        pub fn udp_only(mut self) -> Self {
            self.realm.give("udp_only");
            self.realm.transports = $crate::spec::settings::Transports::Udp;
            self
        }

        /// Sets the default lifetime of tickets, in the clients' krb5.conf and for the logins of the
        /// fixture. It is also the maximum, unless [`max_life`](Self::max_life) sets another.
        /// Default: 10 hours, with a maximum of 24.
        pub fn ticket_lifetime(mut self, lifetime: Duration) -> Self {
            self.realm.give("ticket_lifetime");
            if !self.realm.given.contains(&"max_life") {
                self.realm.max_life = lifetime;
            }
            self.realm.ticket_lifetime = lifetime;
            self.libdefault("ticket_lifetime", format!("{}s", lifetime.as_secs()))
        }

        /// Sets the default renewable lifetime of tickets, in the clients' krb5.conf and for the
        /// logins of the fixture; zero makes tickets not renewable. It is also the maximum, unless
        /// [`max_renewable_life`](Self::max_renewable_life) sets another. Default: 7 days.
        pub fn renewable_lifetime(mut self, lifetime: Duration) -> Self {
            self.realm.give("renewable_lifetime");
            if !self.realm.given.contains(&"max_renewable_life") {
                self.realm.max_renewable_life = lifetime;
            }
            self.realm.renewable_lifetime = lifetime;
            self.libdefault("renew_lifetime", format!("{}s", lifetime.as_secs()))
        }

        /// Sets the KDC's maximum ticket lifetime, without changing the clients' configuration.
        /// Default: 24 hours.
        pub fn max_life(mut self, lifetime: Duration) -> Self {
            self.realm.give("max_life");
            self.realm.max_life = lifetime;
            self
        }

        /// Sets the KDC's maximum renewable lifetime, without changing the clients' configuration.
        /// Default: 7 days.
        pub fn max_renewable_life(mut self, lifetime: Duration) -> Self {
            self.realm.give("max_renewable_life");
            self.realm.max_renewable_life = lifetime;
            self
        }

        /// Sets the allowed difference between a client's clock and a server's. The clients'
        /// krb5.conf names it, too. Default: 5 minutes.
        pub fn clock_skew(mut self, skew: Duration) -> Self {
            self.realm.give("clock_skew");
            self.realm.clock_skew = skew;
            self.libdefault("clockskew", skew.as_secs().to_string())
        }

        /// Sets the key types of new principals, the preferred one first; the clients' krb5.conf
        /// permits them. Default: MIT's default, aes256-cts-hmac-sha1-96 and
        /// aes128-cts-hmac-sha1-96. Those of RFC 8009 must be named (Java tools built on Kerby
        /// cannot read their keytabs): [`EncryptionType::DEFAULT`] lists all four. So must the weak
        /// ones, rc4 and des3.
        pub fn enctypes(mut self, enctypes: impl IntoIterator<Item = EncryptionType>) -> Self {
            self.realm.give("enctypes");
            self.realm.enctypes = enctypes.into_iter().collect();
            self
        }

        /// Adds an attribute, in kadmin's notation, that every new principal starts with.
        /// `+requires_preauth` is set by default; `-requires_preauth` clears it.
        pub fn attribute(mut self, setting: &str) -> Self {
            self.realm.give("attribute");
            self.realm.attributes.push(setting.to_owned());
            self
        }

        /// Selects the PAC that tickets carry (MS-PAC). Default: none.
        pub fn pac(mut self, pac: $crate::Pac) -> Self {
            self.realm.give("pac");
            self.realm.pac = pac;
            self
        }

        /// Sets the Windows domain that full PACs give for the realm. Default: SID and NetBIOS name
        /// are derived from the realm's name.
        pub fn pac_domain(mut self, domain: $crate::PacDomain) -> Self {
            self.realm.give("pac_domain");
            self.realm.pac_domain = domain;
            self
        }

        /// Adds a principal, or replaces the one of the same name. By default there are `alice`,
        /// `bob`, `jupyter` and `hdfs`, each with a keytab and its name as password, and the
        /// services `hdfs`, `nn`, `dn`, `sn`, `HTTP` and `host` on `localhost`.
        pub fn principal(mut self, principal: NewPrincipal) -> Self {
            self.realm.give("principal");
            self.realm
                .principals
                .retain(|other| other.name() != principal.name());
            self.realm.principals.push(principal);
            self
        }

        /// Omits the default principals. The realm then has only those that are added and its own.
        /// A secure cluster needs `nn/localhost` and `dn/localhost`.
        pub fn without_principals(mut self) -> Self {
            self.realm.give("without_principals");
            self.realm.principals.clear();
            self
        }

        /// Adds a user whose keys are derived from a password: see [`NewPrincipal::password`]. A
        /// user with additional random keys starts faster: see [`NewPrincipal::password_besides`].
        pub fn user_with_password(self, name: &str, password: &str) -> Self {
            self.principal(NewPrincipal::new(name).password(password))
        }

        /// Sets a line of `[libdefaults]` in the clients' krb5.conf.
        pub fn libdefault(mut self, key: &str, value: impl Into<String>) -> Self {
            self.realm.give("libdefault");
            self.realm.libdefaults.insert(key.to_owned(), value.into());
            self
        }

        /// Adds a trust between this realm and another.
        pub fn trust(mut self, trust: $crate::Trust) -> Self {
            self.realm.give("trust");
            self.realm.other_realms.trusts.push(trust);
            self
        }

        /// Adds another realm served by the same KDC. A principal belongs to it if its name says
        /// so: `carol@OTHER.TEST`.
        pub fn further_realm(mut self, realm: $crate::RealmConfig) -> Self {
            self.realm.give("further_realm");
            self.realm.other_realms.further.push(realm);
            self
        }

        /// Sets the intermediate realms between clients of one realm and services of another; an
        /// empty list means the direct path. The KDC obeys this, and the clients' krb5.conf lists
        /// it in `[capaths]`.
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

        /// Maps a host (`name`) or a domain (`.name`) to a realm, in `[domain_realm]` of the
        /// clients' krb5.conf. The KDC refers clients that ask it for such a host to that realm.
        pub fn domain_realm(mut self, host: impl Into<String>, realm: impl Into<String>) -> Self {
            self.realm.give("domain_realm");
            let hosts = &mut self.realm.other_realms.domain_realm;
            hosts.insert(host.into(), realm.into());
            self
        }

        /// Sets the maximum size of a UDP reply, in bytes. For a larger reply the KDC asks the
        /// client to use TCP.
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
/// `start` refuses an invalid setting and one that would have no effect.
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

    /// Starts the KDC. It already answers when this returns.
    pub async fn start(self) -> Result<Realm, Error> {
        self.start_blocking()
    }

    /// Blocking variant of [`start`](Self::start).
    pub fn start_blocking(self) -> Result<Realm, Error> {
        Realm::with(self)
    }
}
