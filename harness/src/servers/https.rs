//! The HTTPS of a cluster (feature `web`): its authority, its certificate, and the files by which
//! clients trust it.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use minihdfs::config::HdfsConfig;
use minihdfs::web::server::Tls;
use minihdfs::web::{CertificateAuthority, Validity};
use rand::SeedableRng;
use rand::rngs::StdRng;

use crate::Error;
use crate::client::hadoop_conf::{self, HadoopKeys};
use crate::world::World;

/// Separates the random stream of certificates from other streams of the same seed.
const CERTIFICATES_STREAM: u64 = 0x6365_7274_7300_0000;

/// The password of the trust store, as Java's own has it. It protects nothing that is secret.
const STORE_PASSWORD: &str = "changeit";

/// Makes the authority and the certificate of a cluster's servers, and writes the clients' files;
/// `None` if only HTTP is served. All servers are on one machine, so they share the certificate.
pub(crate) fn set_up(
    world: &World,
    config: &HdfsConfig,
    interface: IpAddr,
) -> Result<Option<Tls>, Error> {
    if !config.http.policy.has_https() {
        return Ok(None);
    }
    let mut rng = StdRng::seed_from_u64(world.seed ^ CERTIFICATES_STREAM);
    let authority = CertificateAuthority::new(Validity::default(), &mut rng)?;
    let certificate = authority.issue(&addresses(config, interface), &mut rng)?;
    write(world, &authority)?;
    Ok(Some(Tls::new(&certificate, world.clock.clone())?))
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

/// Writes the authority's certificate for curl and its like, and for Java a trust store with the
/// file that names it.
fn write(world: &World, authority: &CertificateAuthority) -> Result<(), Error> {
    let files = world.files();
    files.write("ca.pem", authority.pem().as_bytes())?;
    let store = authority.trust_store(STORE_PASSWORD);
    let store = files.write("hadoop/truststore.jks", &store)?;
    let keys = [
        (
            "ssl.client.truststore.location",
            store.display().to_string(),
        ),
        ("ssl.client.truststore.password", STORE_PASSWORD.to_owned()),
        ("ssl.client.truststore.type", "jks".to_owned()),
    ];
    let keys: HadoopKeys = keys
        .into_iter()
        .map(|(key, value)| (key.to_owned(), value))
        .collect();
    hadoop_conf::write_file(files, "ssl-client.xml", &keys)
}
