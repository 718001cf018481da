//! The setters of every fixture that has a realm.

use std::net::SocketAddr;
use std::time::Duration;

use kerbox_kdc::{Pac, PacDomain};
use kerbox_krb5::EncryptionType;

use crate::spec::builder::Builder;
use crate::spec::{FurtherRealm, NewPrincipal, Transports, Trust};

impl<K> Builder<K> {
    /// Sets the realm's name. Default: a name that no other fixture in the process has, so that
    /// clients in the process can use several realms.
    pub fn realm_name(mut self, name: impl Into<String>) -> Self {
        self.give("realm_name");
        self.spec.realm.name = Some(name.into());
        self
    }

    /// Sets the UDP and TCP address of the KDC. Default: a random port on 127.0.0.1.
    pub fn kdc_listen(mut self, address: SocketAddr) -> Self {
        self.give("kdc_listen");
        self.spec.realm.listen = address;
        self
    }

    /// Sets the number of KDC servers. They share one database, and each has its own address;
    /// the clients' krb5.conf lists them in the order of their numbers. One can be stopped or
    /// silenced while the others serve: see [`Realm::kdc_server`](crate::Realm::kdc_server).
    /// Default: 1.
    pub fn kdcs(mut self, count: usize) -> Self {
        self.give("kdcs");
        self.spec.realm.kdcs = count;
        self
    }

    /// Makes the KDC answer over TCP only, as Hadoop's MiniKdc does, and closes its UDP port.
    /// The clients' configuration does not mention it.
    pub fn tcp_only(mut self) -> Self {
        self.give("tcp_only");
        self.spec.realm.transports = Transports::Tcp;
        self
    }

    /// Makes the KDC answer over UDP only, as behind a firewall that blocks connections. Its
    /// TCP port is closed, so replies that do not fit into a datagram cannot be fetched.
    pub fn udp_only(mut self) -> Self {
        self.give("udp_only");
        self.spec.realm.transports = Transports::Udp;
        self
    }

    /// Sets the default lifetime of tickets, in the clients' krb5.conf and for the logins of the
    /// fixture. It is also the maximum, unless [`max_life`](Self::max_life) sets another.
    /// Default: 10 hours, with a maximum of 24.
    pub fn ticket_lifetime(mut self, lifetime: Duration) -> Self {
        self.give("ticket_lifetime");
        if !self.given.contains(&"max_life") {
            self.spec.realm.max_life = lifetime;
        }
        self.spec.realm.ticket_lifetime = lifetime;
        self.libdefault("ticket_lifetime", format!("{}s", lifetime.as_secs()))
    }

    /// Sets the default renewable lifetime of tickets, in the clients' krb5.conf and for the
    /// logins of the fixture; zero makes tickets not renewable. It is also the maximum, unless
    /// [`max_renewable_life`](Self::max_renewable_life) sets another. Default: 7 days.
    pub fn renewable_lifetime(mut self, lifetime: Duration) -> Self {
        self.give("renewable_lifetime");
        if !self.given.contains(&"max_renewable_life") {
            self.spec.realm.max_renewable_life = lifetime;
        }
        self.spec.realm.renewable_lifetime = lifetime;
        self.libdefault("renew_lifetime", format!("{}s", lifetime.as_secs()))
    }

    /// Sets the KDC's maximum ticket lifetime, without changing the clients' configuration.
    /// Default: 24 hours.
    pub fn max_life(mut self, lifetime: Duration) -> Self {
        self.give("max_life");
        self.spec.realm.max_life = lifetime;
        self
    }

    /// Sets the KDC's maximum renewable lifetime, without changing the clients' configuration.
    /// Default: 7 days.
    pub fn max_renewable_life(mut self, lifetime: Duration) -> Self {
        self.give("max_renewable_life");
        self.spec.realm.max_renewable_life = lifetime;
        self
    }

    /// Sets the allowed difference between a client's clock and a server's. The clients'
    /// krb5.conf names it, too. Default: 5 minutes.
    pub fn clock_skew(mut self, skew: Duration) -> Self {
        self.give("clock_skew");
        self.spec.realm.clock_skew = skew;
        self.libdefault("clockskew", skew.as_secs().to_string())
    }

    /// Sets the key types of new principals, the preferred one first; the clients' krb5.conf
    /// permits them. Default: MIT's default, aes256-cts-hmac-sha1-96 and
    /// aes128-cts-hmac-sha1-96. Those of RFC 8009 must be named (Java tools built on Kerby
    /// cannot read their keytabs): [`EncryptionType::DEFAULT`] lists all four. So must the weak
    /// ones, rc4 and des3.
    pub fn enctypes(mut self, enctypes: impl IntoIterator<Item = EncryptionType>) -> Self {
        self.give("enctypes");
        self.spec.realm.enctypes = enctypes.into_iter().collect();
        self
    }

    /// Adds an attribute, in kadmin's notation, that every new principal starts with.
    /// `+requires_preauth` is set by default; `-requires_preauth` clears it.
    pub fn attribute(mut self, setting: &str) -> Self {
        self.give("attribute");
        self.spec.realm.attributes.push(setting.to_owned());
        self
    }

    /// Selects the PAC that tickets carry (MS-PAC). Default: none.
    pub fn pac(mut self, pac: Pac) -> Self {
        self.give("pac");
        self.spec.realm.pac = pac;
        self
    }

    /// Sets the Windows domain that full PACs give for the realm. Default: SID and NetBIOS name
    /// are derived from the realm's name.
    pub fn pac_domain(mut self, domain: PacDomain) -> Self {
        self.give("pac_domain");
        self.spec.realm.pac_domain = domain;
        self
    }

    /// Adds a principal, or replaces the one of the same name. By default there are `alice`,
    /// `bob`, `jupyter` and `hdfs`, each with a keytab and its name as password, and the
    /// services `hdfs`, `nn`, `dn`, `sn`, `HTTP` and `host` on `localhost`.
    pub fn principal(mut self, principal: NewPrincipal) -> Self {
        self.give("principal");
        self.spec.realm.add_principal(principal);
        self
    }

    /// Omits the default principals. The realm then has only those that are added and its own.
    /// A secure cluster needs `nn/localhost` and `dn/localhost`.
    pub fn without_principals(mut self) -> Self {
        self.give("without_principals");
        self.spec.realm.principals.clear();
        self
    }

    /// Adds a user whose keys are derived from a password: see [`NewPrincipal::password`]. A
    /// user with additional random keys starts faster: see [`NewPrincipal::password_besides`].
    pub fn user_with_password(self, name: &str, password: &str) -> Self {
        self.principal(NewPrincipal::new(name).password(password))
    }

    /// Sets a line of `[libdefaults]` in the clients' krb5.conf.
    pub fn libdefault(mut self, key: &str, value: impl Into<String>) -> Self {
        self.give("libdefault");
        self.spec
            .realm
            .libdefaults
            .insert(key.to_owned(), value.into());
        self
    }

    /// Adds a trust between this realm and another.
    pub fn trust(mut self, trust: Trust) -> Self {
        self.give("trust");
        self.spec.realm.others.trusts.push(trust);
        self
    }

    /// Adds another realm served by the same KDC. A principal belongs to it if its name says
    /// so: `carol@OTHER.TEST`.
    pub fn further_realm(mut self, realm: impl Into<FurtherRealm>) -> Self {
        self.give("further_realm");
        self.spec.realm.others.further.push(realm.into());
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
        self.give("capath");
        let through = through.into_iter().map(Into::into).collect();
        let capaths = &mut self.spec.realm.others.capaths;
        let ways = capaths.entry(client.into()).or_default();
        ways.insert(server.into(), through);
        self
    }

    /// Maps a host (`name`) or a domain (`.name`) to a realm, in `[domain_realm]` of the
    /// clients' krb5.conf. The KDC refers clients that ask it for such a host to that realm.
    pub fn domain_realm(mut self, host: impl Into<String>, realm: impl Into<String>) -> Self {
        self.give("domain_realm");
        let hosts = &mut self.spec.realm.others.domain_realm;
        hosts.insert(host.into(), realm.into());
        self
    }

    /// Sets the maximum size of a UDP reply, in bytes. For a larger reply the KDC asks the
    /// client to use TCP.
    pub fn max_udp_reply(mut self, bytes: usize) -> Self {
        self.give("max_udp_reply");
        self.spec.realm.max_udp_reply = Some(bytes);
        self
    }
}
