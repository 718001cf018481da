//! SASL as Hadoop uses it: mechanisms as step objects that are fed tokens and give tokens back.
//!
//! - [`SaslServer`]: the server's side of one handshake, by GSSAPI (RFC 4752) or DIGEST-MD5 (RFC
//!   2831)
//! - [`DigestMd5Client`]: the client's side, for one DataNode that talks to the next
//! - [`WrapHalf`], [`UnwrapHalf`]: the security layer of an established connection, one half for
//!   each direction

mod digest_md5;
mod error;
mod gssapi;
mod layer;
mod qop;

use std::sync::Arc;

use kerbox_events::Outcome;
use kerbox_krb5::Timestamp;
use rand::Rng;

pub use digest_md5::{DigestCipher, DigestMd5Client, DigestMd5Settings};
pub use error::SaslError;
pub use gssapi::{GssapiSettings, ServiceKeytab};
pub use layer::{UnwrapHalf, WrapHalf};
pub use qop::QualityOfProtection;

use crate::secret_manager::SecretManager;
use digest_md5::DigestMd5Server;
use gssapi::GssapiServer;
use layer::Layer;

/// What a step of a handshake gives the peer.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum SaslStep {
    /// The handshake goes on: send this, then feed the answer to the next step.
    Challenge(Vec<u8>),
    /// The handshake is over: send this if there is something (`rspauth=…` of DIGEST-MD5; nothing
    /// for GSSAPI).
    Success(Option<Vec<u8>>),
}

/// A service's check of an AP-REQ, as the journal tells it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ApOutcome {
    /// Who came; empty if the ticket could not be opened.
    pub client: Arc<str>,
    /// What came of it.
    pub outcome: Outcome,
}

/// The server's side of one SASL handshake, and afterwards the connection's security layer.
///
/// One value serves one connection. A handshake that failed cannot be taken up again.
pub struct SaslServer {
    mechanism: Mechanism,
    established: Option<Established>,
    failed: bool,
}

enum Mechanism {
    DigestMd5(Box<DigestMd5Server>),
    Gssapi(Box<GssapiServer>),
}

/// What a handshake has agreed on.
pub(crate) struct Established {
    /// The authorization identity.
    user: String,
    qop: QualityOfProtection,
    layer: Layer,
}

impl SaslServer {
    /// DIGEST-MD5, with the passwords that `secrets` knows for the tokens that clients name.
    ///
    /// The first [`step`](Self::step), with an empty token, gives the challenge.
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

    /// GSSAPI with Kerberos V5. The client speaks first: the first [`step`](Self::step) takes its
    /// initial token.
    #[must_use]
    pub fn gssapi(settings: GssapiSettings, rng: &mut impl Rng) -> Self {
        Self::new(Mechanism::Gssapi(Box::new(GssapiServer::new(
            settings, rng,
        ))))
    }

    fn new(mechanism: Mechanism) -> Self {
        Self {
            mechanism,
            established: None,
            failed: false,
        }
    }

    /// The mechanism's registered name: `DIGEST-MD5` or `GSSAPI`.
    #[must_use]
    pub fn mechanism(&self) -> &'static str {
        match &self.mechanism {
            Mechanism::DigestMd5(_) => "DIGEST-MD5",
            Mechanism::Gssapi(_) => "GSSAPI",
        }
    }

    /// Takes the peer's token and gives the answer. After an error, or after [`SaslStep::Success`],
    /// every further step is refused.
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

    /// Whether the handshake has succeeded.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.established.is_some()
    }

    /// The agreed protection; [`QualityOfProtection::Authentication`] as long as nothing is agreed
    /// on.
    #[must_use]
    pub fn qop(&self) -> QualityOfProtection {
        self.established
            .as_ref()
            .map_or(QualityOfProtection::Authentication, |established| {
                established.qop
            })
    }

    /// The authorization identity once the handshake has succeeded: the principal (GSSAPI), or the
    /// user name that stands for a token (DIGEST-MD5).
    #[must_use]
    pub fn user(&self) -> Option<&str> {
        self.established
            .as_ref()
            .map(|established| established.user.as_str())
    }

    /// What came of the AP exchange, told once after the step that made it.
    pub fn take_ap_exchange(&mut self) -> Option<ApOutcome> {
        match &mut self.mechanism {
            Mechanism::Gssapi(server) => server.take_ap_exchange(),
            Mechanism::DigestMd5(_) => None,
        }
    }

    /// Protects `plaintext` for the peer. Without a layer ([`QualityOfProtection::Authentication`])
    /// it stays as it is.
    #[must_use]
    pub fn wrap(&mut self, plaintext: &[u8]) -> Vec<u8> {
        let mut token = Vec::new();
        self.wrap_into(plaintext, &mut token);
        token
    }

    /// As [`wrap`](Self::wrap), appending to `out`.
    pub fn wrap_into(&mut self, plaintext: &[u8], out: &mut Vec<u8>) {
        match &mut self.established {
            Some(established) => established.layer.wrap.wrap_into(plaintext, out),
            None => out.extend_from_slice(plaintext),
        }
    }

    /// Checks a token of the peer and gives its plaintext. Any error means that the connection must
    /// be closed.
    pub fn unwrap(&mut self, token: &[u8]) -> Result<Vec<u8>, SaslError> {
        let mut plaintext = Vec::new();
        self.unwrap_into(token, &mut plaintext)?;
        Ok(plaintext)
    }

    /// As [`unwrap`](Self::unwrap), appending to `out`, which is left as it was after an error.
    pub fn unwrap_into(&mut self, token: &[u8], out: &mut Vec<u8>) -> Result<(), SaslError> {
        match &mut self.established {
            Some(established) => established.layer.unwrap.unwrap_into(token, out),
            None => Err(SaslError::sasl(
                "no SASL handshake has been completed: nothing can be unwrapped",
            )),
        }
    }

    /// The two directions of the security layer, which share no state; `None` before the handshake
    /// has succeeded.
    #[must_use]
    pub fn into_halves(self) -> Option<(WrapHalf, UnwrapHalf)> {
        self.established
            .map(|established| (established.layer.wrap, established.layer.unwrap))
    }
}
