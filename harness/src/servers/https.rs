//! The HTTPS of a cluster (feature `web`): its authority, its certificates, and the files by which
//! clients trust it.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use kerbox_krb5::Timestamp;
use minihdfs::config::HdfsConfig;
use minihdfs::web::server::Tls;
use minihdfs::web::{CertificateAuthority, Validity};
use rand::SeedableRng;
use rand::rngs::StdRng;

use crate::Error;
use crate::client::hadoop_conf::{self, HadoopKeys};
use crate::spec::HdfsSpec;
use crate::world::World;

/// Separates the random stream of certificates from other streams of the same seed.
const CERTIFICATES_STREAM: u64 = 0x6365_7274_7300_0000;

/// The start of the keys that belong into `ssl-client.xml`.
const CLIENTS: &str = "ssl.client.";
const LOCATION: &str = "ssl.client.truststore.location";
const PASSWORD: &str = "ssl.client.truststore.password";
const TYPE: &str = "ssl.client.truststore.type";

/// The password of the trust stores, as Java's own has it. It protects nothing that is secret.
const STORE_PASSWORD: &str = "changeit";

/// The HTTPS of a cluster's servers. All are on one machine, so they share the certificate.
pub(crate) struct Https {
    tls: Tls,
    /// The life of each certificate; `None`: it has no end.
    lifetime: Option<Duration>,
    addresses: Vec<IpAddr>,
    issuing: Mutex<Issuing>,
}

/// What changes with each certificate.
struct Issuing {
    authority: CertificateAuthority,
    rng: StdRng,
    /// The number of certificates that were replaced.
    replaced: i64,
}

impl Https {
    /// Makes the authority and the certificate of a cluster's servers, and writes the clients'
    /// files; `None` if only HTTP is served.
    pub(crate) fn set_up(
        world: &World,
        spec: &HdfsSpec,
        config: &HdfsConfig,
        keys: &HadoopKeys,
    ) -> Result<Option<Self>, Error> {
        if !config.http.policy.has_https() {
            return Ok(None);
        }
        let mut rng = StdRng::seed_from_u64(world.seed ^ CERTIFICATES_STREAM);
        let authority = CertificateAuthority::new(Validity::default(), &mut rng)?;
        let addresses = addresses(config, spec.listen.ip());
        let lifetime = spec.certificate_lifetime;
        let validity = validity(world.clock.now(), lifetime);
        let certificate = authority.issue(&addresses, validity, &mut rng)?;
        write(world, &authority, keys)?;
        Ok(Some(Self {
            tls: Tls::new(&certificate, world.clock.clone())?,
            lifetime,
            addresses,
            issuing: Mutex::new(Issuing {
                authority,
                rng,
                replaced: 0,
            }),
        }))
    }

    /// Returns the TLS of the servers' ports.
    pub(crate) fn tls(&self) -> &Tls {
        &self.tls
    }

    /// Replaces the certificate, which new connections see. Returns how many were replaced.
    pub(crate) fn roll(&self, now: Timestamp) -> Result<i64, Error> {
        // A generator is still usable after a panic.
        let mut issuing = self.issuing.lock().unwrap_or_else(PoisonError::into_inner);
        let Issuing {
            authority,
            rng,
            replaced,
        } = &mut *issuing;
        let validity = validity(now, self.lifetime);
        self.tls
            .replace(&authority.issue(&self.addresses, validity, rng)?);
        *replaced += 1;
        Ok(*replaced)
    }
}

/// Returns the time in which a certificate that is issued now is valid. It begins early, because
/// clients may have another clock.
fn validity(now: Timestamp, lifetime: Option<Duration>) -> Validity {
    let always = Validity::default();
    match lifetime {
        Some(lifetime) => Validity {
            until: now + lifetime,
            ..always
        },
        None => always,
    }
}

/// Returns the addresses that the certificate names.
fn addresses(config: &HdfsConfig, interface: IpAddr) -> Vec<IpAddr> {
    let loopback = [Ipv4Addr::LOCALHOST.into(), Ipv6Addr::LOCALHOST.into()];
    let secure = [config.http.namenode_secure, config.http.datanode_secure];
    let named = secure.into_iter().flatten().map(|address| address.ip());
    let mut addresses = Vec::from(loopback);
    for address in named.chain([interface]) {
        if !address.is_unspecified() && !addresses.contains(&address) {
            addresses.push(address);
        }
    }
    addresses
}

/// Writes the authority's certificate for curl and its like, and for Java trust stores with the
/// file that names one of them.
fn write(world: &World, authority: &CertificateAuthority, keys: &HadoopKeys) -> Result<(), Error> {
    let given = |key: &str| keys.get(key).map(String::as_str);
    let password = given(PASSWORD).unwrap_or(STORE_PASSWORD);
    let files = world.files();
    files.write("ca.pem", authority.pem().as_bytes())?;
    let jks = files.write("hadoop/truststore.jks", &authority.jks(password))?;
    let pkcs12 = files.write("hadoop/truststore.p12", &authority.pkcs12(password))?;
    let kind = given(TYPE).unwrap_or("jks");
    let mut client = HadoopKeys::from([
        (PASSWORD.to_owned(), password.to_owned()),
        (TYPE.to_owned(), kind.to_owned()),
    ]);
    // A store of one's own has any type.
    if !keys.contains_key(LOCATION) {
        let location = store_of_type(kind, jks, pkcs12)?;
        client.insert(LOCATION.to_owned(), location.display().to_string());
    }
    let own = keys.iter().filter(|(key, _)| key.starts_with(CLIENTS));
    client.extend(own.map(|(key, value)| (key.clone(), value.clone())));
    hadoop_conf::write_file(files, "ssl-client.xml", &client)
}

/// Returns the trust store of a type by Java's name.
fn store_of_type(kind: &str, jks: PathBuf, pkcs12: PathBuf) -> Result<PathBuf, Error> {
    match kind.to_ascii_lowercase().as_str() {
        "jks" => Ok(jks),
        "pkcs12" => Ok(pkcs12),
        _ => Err(Error::Setting {
            key: TYPE.to_owned(),
            value: kind.to_owned(),
            why: format!("write jks or pkcs12, or name a store of your own in {LOCATION}"),
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Cluster, KeyKind};

    fn cluster() -> crate::ClusterBuilder {
        Cluster::simple().set("dfs.http.policy", "HTTPS_ONLY")
    }

    #[test]
    fn the_clients_file_names_the_store_of_the_type_that_is_asked_for() {
        let file = |builder: crate::ClusterBuilder| {
            let cluster = builder.start_blocking().expect("it starts");
            std::fs::read_to_string(cluster.path().join("hadoop/ssl-client.xml")).expect("a file")
        };
        assert!(file(cluster()).contains("/hadoop/truststore.jks</value>"));
        let other = file(cluster().set(TYPE, "PKCS12").set(PASSWORD, "<secret"));
        assert!(other.contains("/hadoop/truststore.p12</value>"), "{other}");
        assert!(other.contains("<value>&lt;secret</value>"), "{other}");
        let own = file(cluster().set(TYPE, "bcfks").set(LOCATION, "/mine"));
        assert!(own.contains("<value>/mine</value>"), "{own}");
        let refused = cluster().set(TYPE, "bcfks").start_blocking();
        let refused = refused.expect_err("no such store").to_string();
        assert!(refused.contains("write jks or pkcs12"), "{refused}");
    }

    #[test]
    fn a_lifetime_without_https_has_no_effect_and_is_refused() {
        let day = Duration::from_secs(24 * 3600);
        let refused = Cluster::simple().certificate_lifetime(day).start_blocking();
        let refused = refused.expect_err("no port has TLS").to_string();
        assert!(refused.starts_with("certificate_lifetime = "), "{refused}");
        let refused = cluster()
            .certificate_lifetime(Duration::ZERO)
            .start_blocking();
        assert!(refused.is_err());
    }

    #[test]
    fn certificates_are_replaced_where_there_are_any() {
        let plain = Cluster::simple().start_blocking().expect("it starts");
        let refused = plain.roll_keys(&KeyKind::Certificates);
        let refused = refused.expect_err("no certificate").to_string();
        assert!(refused.contains("set dfs.http.policy"), "{refused}");
        let secure = cluster().start_blocking().expect("it starts");
        for number in [1, 2] {
            assert_eq!(secure.roll_keys(&KeyKind::Certificates).ok(), Some(number));
        }
    }
}
