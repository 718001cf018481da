//! Measures the time from the start of a secure cluster with HTTPS to the first authenticated
//! answer over it, in this process.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream, UdpSocket};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use kerbox::{Cluster, Login, Realm};
use kerbox_krb5::client::{Credentials, TgsExchange, TgsRequest};
use kerbox_krb5::gss::{GssInitiator, GssInitiatorOptions};
use kerbox_krb5::{Clock, Principal, Timestamp};
use rand::SeedableRng;
use rand::rngs::StdRng;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};

use crate::start::tell;
use crate::stopwatch;

type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

/// The longest wait for the KDC.
const PATIENCE: Duration = Duration::from_secs(5);

/// Starts `rounds` secure clusters with HTTPS one after another. Each ends with the answer to a
/// GETFILESTATUS by a client that has a new ticket and trusts the cluster's `ca.pem`.
pub(crate) async fn starts(rounds: usize) -> Result<()> {
    kerbox::use_shared_krb5_conf();
    let (mut to_start, mut to_ticket, mut to_answer) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..rounds {
        let begun = stopwatch();
        let cluster = Cluster::secure()
            .set("dfs.http.policy", "HTTPS_ONLY")
            .start()
            .await?;
        to_start.push(stopwatch() - begun);
        let alice = cluster.login("alice").await?;
        let realm = cluster.realm().ok_or("a secure cluster has a realm")?;
        let ticket = service_ticket(realm, &alice)?;
        to_ticket.push(stopwatch() - begun);
        let answer = ask(&cluster, &ticket)?;
        to_answer.push(stopwatch() - begun);
        if !answer.starts_with("HTTP/1.1 200 ") || !answer.contains("\"owner\":\"alice\"") {
            return Err(format!("another answer than alice's home: {answer}").into());
        }
    }
    tell("with HTTPS, started", &mut to_start);
    tell("with HTTPS, ticket for HTTP", &mut to_ticket);
    tell("with HTTPS, first answer", &mut to_answer);
    Ok(())
}

/// Asks the KDC for a ticket for the HTTP service.
fn service_ticket(realm: &Realm, user: &Login) -> Result<Credentials> {
    let (ticket, mut rng) = (user.ticket(), StdRng::seed_from_u64(1));
    let service = Principal::parse("HTTP/localhost", realm.name())?;
    let request = TgsRequest::service(service, &ticket);
    let (exchange, bytes) = TgsExchange::new(&ticket, request, now(), &mut rng)?;
    let socket = UdpSocket::bind("127.0.0.1:0")?;
    socket.set_read_timeout(Some(PATIENCE))?;
    socket.send_to(&bytes, realm.kdc_address())?;
    let mut answer = vec![0; 1 << 16];
    let length = socket.recv(&mut answer)?;
    Ok(exchange.finish(&answer[..length])?)
}

/// Asks for the status of alice's home, and returns the response.
fn ask(cluster: &Cluster, ticket: &Credentials) -> Result<String> {
    let url = cluster.swebhdfs_url().ok_or("no HTTPS port")?;
    let host = url.rsplit("//").next().unwrap_or_default();
    let port: u16 = host.rsplit(':').next().unwrap_or_default().parse()?;
    let options = GssInitiatorOptions::default();
    let (_, token) = GssInitiator::new(ticket, options, now(), &mut StdRng::seed_from_u64(2))?;
    let mut stream = connect(&cluster.path().join("ca.pem"), port)?;
    write!(
        stream,
        "GET /webhdfs/v1/user/alice?op=GETFILESTATUS HTTP/1.1\r\nHost: {host}\r\n\
         Authorization: Negotiate {}\r\nConnection: close\r\n\r\n",
        in_base64(&token)
    )?;
    stream.flush()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    Ok(answer)
}

/// Connects to a port of localhost over TLS, with a certificate authority that is trusted.
fn connect(ca: &Path, port: u16) -> Result<StreamOwned<ClientConnection, TcpStream>> {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_file(ca)?)?;
    let provider = Arc::new(rustls_graviola::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_no_client_auth();
    let name = ServerName::try_from("localhost")?;
    let client = ClientConnection::new(Arc::new(config), name)?;
    let socket = TcpStream::connect(SocketAddr::from(([127, 0, 0, 1], port)))?;
    // As curl does; otherwise its second write would wait for an acknowledgement, for 40 ms.
    socket.set_nodelay(true)?;
    Ok(StreamOwned::new(client, socket))
}

fn now() -> Timestamp {
    Clock::system().now()
}

/// Encodes bytes as RFC 4648 does.
fn in_base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for chunk in bytes.chunks(3) {
        let bits = (0..3).fold(0_usize, |bits, index| {
            bits << 8 | usize::from(chunk.get(index).copied().unwrap_or(0))
        });
        for digit in 0..4 {
            text.push(if digit <= chunk.len() {
                char::from(DIGITS[bits >> (18 - 6 * digit) & 63])
            } else {
                '='
            });
        }
    }
    text
}
