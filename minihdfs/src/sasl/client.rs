//! The client side of one handshake, whatever the mechanism.

use kerbox_krb5::Timestamp;
use kerbox_krb5::client::Credentials;
use rand::Rng;

use super::gssapi::GssapiClient;
use super::layer::{Layer, UnwrapHalf, WrapHalf};
use super::{DigestMd5Client, QualityOfProtection, SaslError};

/// The client side of one handshake. A failed handshake cannot be resumed.
pub struct SaslClient(Mechanism);

enum Mechanism {
    DigestMd5(Box<DigestMd5Client>),
    Gssapi(Box<GssapiClient>),
}

/// The result of a client's handshake.
///
/// ```
/// use minihdfs::sasl::{Negotiated, SaslClient, SaslError};
///
/// /// Ends a handshake, and protects the first message.
/// fn first(client: SaslClient, last: &[u8], message: &[u8]) -> Result<Vec<u8>, SaslError> {
///     let Negotiated { mut wrap, .. } = client.finish(Some(last))?;
///     let mut token = Vec::new();
///     wrap.wrap_into(message, &mut token);
///     Ok(token)
/// }
/// ```
pub struct Negotiated {
    /// The protection.
    pub qop: QualityOfProtection,
    /// Protects messages to the server.
    pub wrap: WrapHalf,
    /// Verifies messages from the server.
    pub unwrap: UnwrapHalf,
    /// The maximum number of bytes to protect in one message.
    pub raw_send_size: usize,
}

impl SaslClient {
    /// Creates a client with a service ticket. Returns it with the initial token. `qop` is in order
    /// of preference.
    pub fn gssapi(
        credentials: &Credentials,
        qop: &[QualityOfProtection],
        now: Timestamp,
        rng: &mut impl Rng,
    ) -> Result<(Self, Vec<u8>), SaslError> {
        let (client, token) = GssapiClient::new(credentials, qop, now, rng)?;
        Ok((Self(Mechanism::Gssapi(Box::new(client))), token))
    }

    /// Creates a client with a token's password. It has no initial token: the server starts.
    #[must_use]
    pub fn digest_md5(client: DigestMd5Client) -> Self {
        Self(Mechanism::DigestMd5(Box::new(client)))
    }

    /// Returns the response to a challenge.
    pub fn step(&mut self, challenge: &[u8]) -> Result<Vec<u8>, SaslError> {
        match &mut self.0 {
            Mechanism::DigestMd5(client) => client.respond(challenge),
            Mechanism::Gssapi(client) => client.step(challenge),
        }
    }

    /// Ends the handshake with the server's last token, if it sent one. Fails if the mechanism is
    /// not finished, so that a server cannot end the handshake before it has proved itself.
    pub fn finish(self, last: Option<&[u8]>) -> Result<Negotiated, SaslError> {
        let out_of_sync = || SaslError::sasl("Client is out of sync with server");
        match self.0 {
            Mechanism::DigestMd5(client) => {
                let raw_send_size = client.raw_send_size();
                let (qop, wrap, unwrap) = client.finish(last.ok_or_else(out_of_sync)?)?;
                Ok(Negotiated {
                    qop,
                    wrap,
                    unwrap,
                    raw_send_size,
                })
            }
            Mechanism::Gssapi(_) if last.is_some() => Err(SaslError::sasl(
                "GSSAPI: the server sent a token after the handshake",
            )),
            Mechanism::Gssapi(client) => {
                let (qop, Layer { wrap, unwrap }, raw_send_size) =
                    client.finish().ok_or_else(out_of_sync)?;
                Ok(Negotiated {
                    qop,
                    wrap,
                    unwrap,
                    raw_send_size,
                })
            }
        }
    }
}
