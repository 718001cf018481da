//! TLS around the connections of HTTPS ports.

use std::fmt;
use std::io;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use kerbox_krb5::Clock;
use rustls::ServerConfig;
use rustls::pki_types::UnixTime;
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use rustls::time_provider::TimeProvider;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use crate::HdfsError;
use crate::web::ServerCertificate;

/// The time in which a handshake must be over, in real time.
const HANDSHAKE: Duration = Duration::from_secs(60);

/// The TLS of a server: 1.2 and 1.3, with its certificate.
#[derive(Clone)]
pub struct Tls {
    acceptor: TlsAcceptor,
    current: Arc<Current>,
}

/// The certificate that new handshakes show.
struct Current(RwLock<Arc<CertifiedKey>>);

impl ResolvesServerCert for Current {
    fn resolve(&self, _hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        // Replaced whole.
        let current = self.0.read().unwrap_or_else(PoisonError::into_inner);
        Some(Arc::clone(&current))
    }
}

impl fmt::Debug for Current {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Current")
    }
}

/// The clock by which sessions end.
#[derive(Debug)]
struct SessionClock(Clock);

impl TimeProvider for SessionClock {
    fn current_time(&self) -> Option<UnixTime> {
        let seconds = u64::try_from(self.0.now().as_secs()).ok()?;
        Some(UnixTime::since_unix_epoch(Duration::from_secs(seconds)))
    }
}

impl Tls {
    /// Creates the TLS of a server with this certificate.
    ///
    /// # Errors
    /// Fails if the certificate's ciphers serve none of the versions.
    pub fn new(certificate: &ServerCertificate, clock: Clock) -> Result<Self, HdfsError> {
        let provider = Arc::clone(&certificate.provider);
        let current = Arc::new(Current(RwLock::new(Arc::clone(&certificate.certified))));
        let resolver = Arc::clone(&current);
        let builder = ServerConfig::builder_with_details(provider, Arc::new(SessionClock(clock)));
        let builder = builder
            .with_safe_default_protocol_versions()
            .map_err(|error| HdfsError::io(format!("Cannot set up TLS: {error}")))?;
        let mut config = builder.with_no_client_auth().with_cert_resolver(resolver);
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Self {
            acceptor: TlsAcceptor::from(Arc::new(config)),
            current,
        })
    }

    /// Shows another certificate from now on. Sessions that a client resumes show none.
    pub fn replace(&self, certificate: &ServerCertificate) {
        let mut current = self
            .current
            .0
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        *current = Arc::clone(&certificate.certified);
    }

    /// Performs the handshake of a connection.
    pub(super) async fn accept(&self, stream: TcpStream) -> io::Result<TlsStream<TcpStream>> {
        timeout(HANDSHAKE, self.acceptor.accept(stream)).await?
    }
}

impl fmt::Debug for Tls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TLS 1.2 and 1.3")
    }
}
