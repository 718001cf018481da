//! The client side of DIGEST-MD5, used by RPC clients with a token and by a DataNode that connects
//! to the next.

use rand::Rng;

use super::challenge::{Challenge, DEFAULT_BUFFER};
use super::cipher::DigestCipher;
use super::directives::{Directives, MAX_CHALLENGE};
use super::hash::{Direction, Exchange};
use super::response::Response;
use super::{layer, random_text};
use crate::sasl::layer::{Layer, UnwrapHalf, WrapHalf};
use crate::sasl::{QualityOfProtection, SaslError};
use kerbox_krb5::crypto::constant_time_eq;

/// A client handshake: [`respond`](Self::respond) to the challenge, then [`finish`](Self::finish)
/// with the server's proof.
pub struct DigestMd5Client {
    username: String,
    password: String,
    /// The authorization identity, if it is sent. Hadoop sends it only on the data port.
    authzid: Option<String>,
    digest_uri: String,
    qop: Vec<QualityOfProtection>,
    cnonce: String,
    expected: Option<Expected>,
}

/// The maximum number of bytes that a layer adds to its message: the padding of a block cipher, the
/// code, and the message type and number.
const MAX_OVERHEAD: usize = 26;

struct Expected {
    rspauth: String,
    session_key: [u8; 16],
    qop: QualityOfProtection,
    cipher: Option<DigestCipher>,
    max_buffer: usize,
}

impl DigestMd5Client {
    /// Creates a client for the DataTransferProtocol (`hdfs/0`). `username` and `password` belong
    /// to a block token or an encryption key; `qop` is in order of preference.
    #[must_use]
    pub fn data_transfer(
        username: String,
        password: String,
        qop: &[QualityOfProtection],
        rng: &mut impl Rng,
    ) -> Self {
        Self {
            authzid: Some(username.clone()),
            username,
            password,
            digest_uri: "hdfs/0".to_owned(),
            qop: qop.to_vec(),
            cnonce: random_text(rng),
            expected: None,
        }
    }

    /// Creates a client for method `TOKEN` of Hadoop RPC (`/default`).
    #[must_use]
    pub fn rpc(
        username: String,
        password: String,
        qop: &[QualityOfProtection],
        rng: &mut impl Rng,
    ) -> Self {
        Self {
            authzid: None,
            digest_uri: "/default".to_owned(),
            ..Self::data_transfer(username, password, qop, rng)
        }
    }

    #[cfg(test)]
    pub(super) fn set_cnonce(&mut self, cnonce: &str) {
        cnonce.clone_into(&mut self.cnonce);
    }

    /// Returns the response to the server's challenge. Fails if the server offers none of our
    /// qualities of protection or ciphers.
    pub fn respond(&mut self, challenge: &[u8]) -> Result<Vec<u8>, SaslError> {
        if self.expected.is_some() {
            return Err(SaslError::sasl(
                "DIGEST-MD5: the server sent a second challenge instead of its proof",
            ));
        }
        let challenge = Challenge::parse(challenge, &self.qop)?;
        let hashes = Exchange {
            username: &self.username,
            realm: &challenge.realm,
            password: &self.password,
            nonce: &challenge.nonce,
            cnonce: &self.cnonce,
            authzid: self.authzid.as_deref(),
            digest_uri: &self.digest_uri,
            qop: challenge.qop,
        }
        .hashes();
        self.expected = Some(Expected {
            rspauth: hashes.rspauth,
            session_key: hashes.session_key,
            qop: challenge.qop,
            cipher: challenge.cipher,
            max_buffer: challenge.max_buffer,
        });
        let response = Response {
            username: self.username.clone(),
            realm: challenge.realm,
            nonce: challenge.nonce,
            cnonce: self.cnonce.clone(),
            digest_uri: self.digest_uri.clone(),
            qop: challenge.qop,
            cipher: challenge.cipher,
            authzid: self.authzid.clone(),
            response: hashes.response,
        };
        Ok(response.to_bytes())
    }

    /// Returns the maximum number of bytes to protect in one message, as far as the server has
    /// announced it.
    pub(in crate::sasl) fn raw_send_size(&self) -> usize {
        let announced = self.expected.as_ref().map(|expected| expected.max_buffer);
        announced.unwrap_or(DEFAULT_BUFFER) - MAX_OVERHEAD
    }

    /// Verifies `rspauth=…`, which proves that the server knows the password, and returns the
    /// negotiated protection.
    pub fn finish(
        self,
        proof: &[u8],
    ) -> Result<(QualityOfProtection, WrapHalf, UnwrapHalf), SaslError> {
        let expected = self.expected.ok_or_else(|| {
            SaslError::sasl(
                "DIGEST-MD5: the server ended the handshake before its challenge was answered",
            )
        })?;
        let rspauth = Directives::parse(proof, MAX_CHALLENGE)
            .and_then(|mut directives| directives.take("rspauth"))
            .ok()
            .flatten()
            .unwrap_or_default();
        // Anyone can send a challenge. Only a server that knows the password can send this.
        if !constant_time_eq(rspauth.as_bytes(), expected.rspauth.as_bytes()) {
            return Err(SaslError::sasl(
                "DIGEST-MD5: the server's rspauth does not match what we expect of it",
            ));
        }
        let layer = match expected.qop {
            QualityOfProtection::Authentication => Layer::none(),
            QualityOfProtection::Integrity | QualityOfProtection::Privacy => layer::layer(
                &expected.session_key,
                expected.cipher,
                Direction::ClientToServer,
            ),
        };
        Ok((expected.qop, layer.wrap, layer.unwrap))
    }
}
