//! The server side of one handshake, whatever the mechanism.

use std::sync::Arc;

use kerbox_krb5::Timestamp;
use rand::Rng;

use super::digest_md5::{DigestMd5Server, DigestMd5Settings};
use super::error::SaslError;
use super::gssapi::{GssapiServer, GssapiSettings};
use super::layer::{UnwrapHalf, WrapHalf};
use super::step::{ApOutcome, Established, SaslStep};
use crate::qop::QualityOfProtection;
use crate::secret_manager::SecretManager;

/// The server side of one SASL handshake, and then the connection's security layer.
///
/// One value serves one connection. A failed handshake cannot be resumed.
///
/// ```
/// use std::sync::Arc;
/// use kerbox_krb5::Timestamp;
/// use minihdfs::HdfsError;
/// use minihdfs::sasl::{DigestMd5Client, DigestMd5Settings, QualityOfProtection};
/// use minihdfs::sasl::{SaslError, SaslServer, SaslStep};
/// use minihdfs::secret_manager::{SecretManager, TokenUser};
/// # use rand::SeedableRng;
/// # let mut rng = rand::rngs::StdRng::seed_from_u64(1);
///
/// /// Knows one token.
/// struct OneToken;
///
/// impl SecretManager for OneToken {
///     fn sasl_password(&self, _now: Timestamp, _user_name: &str) -> Result<String, HdfsError> {
///         Ok("its password".to_owned())
///     }
///     fn token_user(&self, user_name: &str) -> Result<TokenUser, HdfsError> {
///         Ok(TokenUser { effective: user_name.to_owned(), real: None })
///     }
/// }
///
/// let now = Timestamp::from_secs(1_700_000_000);
/// let qop = [QualityOfProtection::Privacy];
/// let settings = DigestMd5Settings::rpc(&qop);
/// let mut server = SaslServer::digest_md5(settings, Arc::new(OneToken), &mut rng);
/// let [user, password] = ["a token", "its password"].map(str::to_owned);
/// let mut client = DigestMd5Client::rpc(user, password, &qop, &mut rng);
/// let SaslStep::Challenge(challenge) = server.step(now, b"", &mut rng)? else {
///     panic!("the server starts");
/// };
/// server.step(now, &client.respond(&challenge)?, &mut rng)?;
/// assert_eq!(server.user(), Some("a token"));
/// assert_eq!(server.qop(), QualityOfProtection::Privacy);
/// # Ok::<(), SaslError>(())
/// ```
pub struct SaslServer {
    mechanism: Mechanism,
    established: Option<Established>,
    failed: bool,
}

pub(super) enum Mechanism {
    DigestMd5(Box<DigestMd5Server>),
    Gssapi(Box<GssapiServer>),
}

impl SaslServer {
    /// Creates a DIGEST-MD5 server that looks up passwords in `secrets` by the user names of
    /// tokens.
    ///
    /// The first [`step`](Self::step), with an empty token, returns the challenge.
    #[must_use]
    pub fn digest_md5(
        settings: DigestMd5Settings,
        secrets: Arc<dyn SecretManager>,
        rng: &mut impl Rng,
    ) -> Self {
        Self::new(Mechanism::DigestMd5(Box::new(DigestMd5Server::new(
            settings, secrets, rng,
        ))))
    }

    /// Creates a GSSAPI server for Kerberos V5. The client starts: the first [`step`](Self::step)
    /// takes its initial token.
    #[must_use]
    pub fn gssapi(settings: GssapiSettings, rng: &mut impl Rng) -> Self {
        Self::new(Mechanism::Gssapi(Box::new(GssapiServer::new(
            settings, rng,
        ))))
    }

    pub(super) fn new(mechanism: Mechanism) -> Self {
        Self {
            mechanism,
            established: None,
            failed: false,
        }
    }

    /// Returns the mechanism.
    #[must_use]
    pub fn mechanism(&self) -> kerbox_events::Mechanism {
        match &self.mechanism {
            Mechanism::DigestMd5(_) => kerbox_events::Mechanism::DigestMd5,
            Mechanism::Gssapi(_) => kerbox_events::Mechanism::Gssapi,
        }
    }

    /// Processes the peer's token and returns the reply. Every step after an error or
    /// [`SaslStep::Success`] fails.
    pub fn step(
        &mut self,
        now: Timestamp,
        token: &[u8],
        rng: &mut impl Rng,
    ) -> Result<SaslStep, SaslError> {
        if self.failed || self.established.is_some() {
            return Err(SaslError::sasl(
                "the SASL handshake is over: no further token is expected",
            ));
        }
        let taken = match &mut self.mechanism {
            Mechanism::DigestMd5(server) => server.step(now, token),
            Mechanism::Gssapi(server) => server.step(now, token, rng),
        };
        match taken {
            Ok((step, established)) => {
                self.established = established;
                Ok(step)
            }
            Err(error) => {
                self.failed = true;
                Err(error)
            }
        }
    }

    /// Returns true if the handshake has succeeded.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.established.is_some()
    }

    /// Returns the negotiated protection, or [`QualityOfProtection::Authentication`] before there
    /// is one.
    #[must_use]
    pub fn qop(&self) -> QualityOfProtection {
        self.established
            .as_ref()
            .map_or(QualityOfProtection::Authentication, |established| {
                established.qop
            })
    }

    /// Returns the authorization identity once the handshake has succeeded: the principal (GSSAPI)
    /// or the user name of a token (DIGEST-MD5).
    #[must_use]
    pub fn user(&self) -> Option<&str> {
        self.established
            .as_ref()
            .map(|established| established.user.as_str())
    }

    /// Returns the result of the AP exchange, once, after the step that performed it.
    pub fn take_ap_exchange(&mut self) -> Option<ApOutcome> {
        match &mut self.mechanism {
            Mechanism::Gssapi(server) => server.take_ap_exchange(),
            Mechanism::DigestMd5(_) => None,
        }
    }

    /// Protects `plaintext` for the peer. Without a layer ([`QualityOfProtection::Authentication`])
    /// it is returned unchanged.
    #[must_use]
    pub fn wrap(&mut self, plaintext: &[u8]) -> Vec<u8> {
        let mut token = Vec::new();
        self.wrap_into(plaintext, &mut token);
        token
    }

    /// Same as [`wrap`](Self::wrap), but appends to `out`.
    pub fn wrap_into(&mut self, plaintext: &[u8], out: &mut Vec<u8>) {
        match &mut self.established {
            Some(established) => established.layer.wrap.wrap_into(plaintext, out),
            None => out.extend_from_slice(plaintext),
        }
    }

    /// Verifies a token from the peer and returns its plaintext. After any error the connection
    /// must be closed.
    pub fn unwrap(&mut self, token: &[u8]) -> Result<Vec<u8>, SaslError> {
        let mut plaintext = Vec::new();
        self.unwrap_into(token, &mut plaintext)?;
        Ok(plaintext)
    }

    /// Same as [`unwrap`](Self::unwrap), but appends to `out`, which is unchanged after an error.
    pub fn unwrap_into(&mut self, token: &[u8], out: &mut Vec<u8>) -> Result<(), SaslError> {
        match &mut self.established {
            Some(established) => established.layer.unwrap.unwrap_into(token, out),
            None => Err(SaslError::sasl(
                "no SASL handshake has been completed: nothing can be unwrapped",
            )),
        }
    }

    /// Splits off the two directions of the security layer, which share no state. Returns `None` if
    /// the handshake has not succeeded.
    #[must_use]
    pub fn into_halves(self) -> Option<(WrapHalf, UnwrapHalf)> {
        self.established
            .map(|established| (established.layer.wrap, established.layer.unwrap))
    }
}
