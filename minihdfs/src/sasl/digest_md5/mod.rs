//! DIGEST-MD5 (RFC 2831), with which Hadoop clients prove possession of a token.
//!
//! The user name identifies the token, and [`SecretManager`] looks up its password. There is no
//! initial response, and no subsequent authentication with the same nonce.

mod challenge;
mod cipher;
mod client;
mod directives;
mod hash;
mod hmac_md5;
mod layer;
mod response;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use kerbox_krb5::Timestamp;
use rand::Rng;

pub use cipher::DigestCipher;
pub use client::DigestMd5Client;

use super::error::SaslError;
use super::layer::Layer;
use super::step::{Established, SaslStep};
use crate::base64;
use crate::qop::QualityOfProtection;
use crate::secret_manager::SecretManager;
use directives::quote;
use hash::{Direction, Exchange};
use kerbox_krb5::crypto::constant_time_eq;
use response::Response;

/// The name and the offers of a DIGEST-MD5 server.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct DigestMd5Settings {
    /// The protocol: the part of `digest-uri` before the slash.
    pub protocol: String,
    /// The server name: the part after the slash.
    pub server_name: String,
    /// The only realm.
    pub realm: String,
    /// The offered qualities of protection, in order of preference.
    pub qop: Vec<QualityOfProtection>,
    /// The ciphers offered with [`QualityOfProtection::Privacy`].
    pub ciphers: Vec<DigestCipher>,
}

impl DigestMd5Settings {
    /// Returns the settings for method `TOKEN` of Hadoop RPC: `/default`.
    #[must_use]
    pub fn rpc(qop: &[QualityOfProtection]) -> Self {
        Self::new("", "default", qop)
    }

    /// Returns the settings for the DataTransferProtocol: `hdfs/0`.
    #[must_use]
    pub fn data_transfer(qop: &[QualityOfProtection]) -> Self {
        Self::new("hdfs", "0", qop)
    }

    fn new(protocol: &str, server_name: &str, qop: &[QualityOfProtection]) -> Self {
        Self {
            protocol: protocol.to_owned(),
            server_name: server_name.to_owned(),
            realm: server_name.to_owned(),
            qop: qop.to_vec(),
            ciphers: DigestCipher::ALL.to_vec(),
        }
    }

    fn digest_uri(&self) -> String {
        format!("{}/{}", self.protocol, self.server_name)
    }
}

/// The server side of one handshake.
pub(super) struct DigestMd5Server {
    settings: DigestMd5Settings,
    secrets: Arc<dyn SecretManager>,
    nonce: String,
    challenged: bool,
}

impl DigestMd5Server {
    pub(super) fn new(
        settings: DigestMd5Settings,
        secrets: Arc<dyn SecretManager>,
        rng: &mut impl Rng,
    ) -> Self {
        Self::with_nonce(settings, secrets, random_text(rng))
    }

    fn with_nonce(
        settings: DigestMd5Settings,
        secrets: Arc<dyn SecretManager>,
        nonce: String,
    ) -> Self {
        Self {
            settings,
            secrets,
            nonce,
            challenged: false,
        }
    }

    pub(super) fn step(
        &mut self,
        now: Timestamp,
        token: &[u8],
    ) -> Result<(SaslStep, Option<Established>), SaslError> {
        if !self.challenged {
            if !token.is_empty() {
                return Err(SaslError::sasl(
                    "DIGEST-MD5 must not have an initial response",
                ));
            }
            self.challenged = true;
            return Ok((SaslStep::Challenge(self.challenge()), None));
        }
        let response = Response::parse(token).map_err(violation)?;
        let (rspauth, established) = self.verify(now, response)?;
        Ok((SaslStep::Success(Some(rspauth)), Some(established)))
    }

    /// Uses the JDK's order and form: one client accepts only quoted values, another no blanks.
    fn challenge(&self) -> Vec<u8> {
        let offered: Vec<_> = self
            .settings
            .qop
            .iter()
            .map(|qop| qop.sasl_name())
            .collect();
        let mut text = format!(
            "realm={},nonce={},qop=\"{}\",charset=utf-8",
            quote(&self.settings.realm),
            quote(&self.nonce),
            offered.join(",")
        );
        if self.settings.qop.contains(&QualityOfProtection::Privacy) {
            let ciphers: Vec<_> = self
                .settings
                .ciphers
                .iter()
                .map(|cipher| cipher.name())
                .collect();
            text.push_str(&format!(",cipher=\"{}\"", ciphers.join(",")));
        }
        text.push_str(",algorithm=md5-sess");
        text.into_bytes()
    }

    /// Fails if the response is not one to our challenge.
    fn check(&self, response: &Response) -> Result<(), SaslError> {
        let settings = &self.settings;
        // The nonce ties the response to this connection, so that a recorded one is of no use.
        if response.nonce != self.nonce {
            return Err(violation("Mismatched nonce."));
        }
        if response.realm != settings.realm {
            return Err(violation(format!("Nonexistent realm: {}", response.realm)));
        }
        if !settings.qop.contains(&response.qop) {
            return Err(violation(format!(
                "Mismatched qop: {}",
                response.qop.sasl_name()
            )));
        }
        // Otherwise a client, or somebody between, could choose a weaker one.
        if let Some(cipher) = response.cipher
            && !settings.ciphers.contains(&cipher)
        {
            return Err(violation(format!(
                "Cipher was not offered: {}",
                cipher.name()
            )));
        }
        let uri = settings.digest_uri();
        if !response.digest_uri.eq_ignore_ascii_case(&uri) {
            return Err(violation(format!(
                "Mismatched URI: {}; expecting: {uri}",
                response.digest_uri
            )));
        }
        Ok(())
    }

    /// Checks a response. Returns the proof for the client, and the result.
    fn verify(
        &self,
        now: Timestamp,
        response: Response,
    ) -> Result<(Vec<u8>, Established), SaslError> {
        self.check(&response)?;
        let password = self.secrets.sasl_password(now, &response.username)?;
        let hashes = Exchange {
            username: &response.username,
            realm: &response.realm,
            password: &password,
            nonce: &self.nonce,
            cnonce: &response.cnonce,
            authzid: response.authzid.as_deref(),
            digest_uri: &response.digest_uri,
            qop: response.qop,
        }
        .hashes();
        if !constant_time_eq(hashes.response.as_bytes(), response.response.as_bytes()) {
            return Err(violation("Mismatched response."));
        }
        // Checked last, so that only one who knows the password learns the result.
        if response
            .authzid
            .as_ref()
            .is_some_and(|authzid| *authzid != response.username)
        {
            return Err(SaslError::sasl(
                "DIGEST-MD5: the user is not authorized to act as the authzid that was sent",
            ));
        }
        let layer = match response.qop {
            QualityOfProtection::Authentication => Layer::none(),
            QualityOfProtection::Integrity | QualityOfProtection::Privacy => layer::layer(
                &hashes.session_key,
                response.cipher,
                Direction::ServerToClient,
            ),
        };
        let established = Established {
            user: response.username,
            qop: response.qop,
            layer,
        };
        Ok((
            format!("rspauth={}", hashes.rspauth).into_bytes(),
            established,
        ))
    }
}

fn violation(what: impl AsRef<str>) -> SaslError {
    SaslError::sasl(format!(
        "DIGEST-MD5: digest response format violation. {}",
        what.as_ref()
    ))
}

/// Returns a nonce: 30 random bytes in base64.
fn random_text(rng: &mut impl Rng) -> String {
    let mut bytes = [0; 30];
    rng.fill_bytes(&mut bytes);
    base64::encode(&bytes)
}
