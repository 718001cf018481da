//! The keys of certificates: ECDSA on P-256, from the fixture's randomness.

use std::fmt;
use std::sync::Arc;

use rand::Rng;
use rcgen::{PKCS_ECDSA_P256_SHA256, PublicKeyData, SignatureAlgorithm};
use rustls::SignatureScheme;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::{PrivateKeyDer, PrivateSec1KeyDer};
use rustls::sign::SigningKey;

use crate::HdfsError;

/// The length of a secret number of P-256.
const SECRET: usize = 32;
/// The length of an uncompressed point: its form and two coordinates.
const POINT: usize = 1 + 2 * SECRET;
/// The start of an `ECPrivateKey` (RFC 5915): version 1, and the octets of the number.
const BEFORE: [u8; 7] = [0x30, 0x31, 0x02, 0x01, 0x01, 0x04, 0x20];
/// The end: the parameters, which name the curve.
const AFTER: [u8; 12] = [
    0xa0, 0x0a, 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07,
];
/// The number of draws before the generator is given up. One in 2^32 is no number of the curve.
const DRAWS: usize = 4;

/// A key and the point that belongs to it.
pub(super) struct Key {
    signing: Arc<dyn SigningKey>,
    point: Vec<u8>,
}

impl Key {
    /// Draws a key.
    pub(super) fn draw(provider: &CryptoProvider, rng: &mut impl Rng) -> Result<Self, HdfsError> {
        let mut failure = None;
        for _ in 0..DRAWS {
            let mut secret = [0; SECRET];
            rng.fill_bytes(&mut secret);
            let der = [&BEFORE[..], &secret, &AFTER].concat();
            let der = PrivateKeyDer::Sec1(PrivateSec1KeyDer::from(der));
            match provider.key_provider.load_private_key(der) {
                Ok(signing) => return Self::of(signing),
                Err(error) => failure = Some(error),
            }
        }
        let why = failure.map_or_else(String::new, |error| error.to_string());
        Err(cannot("make a key", &why))
    }

    fn of(signing: Arc<dyn SigningKey>) -> Result<Self, HdfsError> {
        let info = signing.public_key();
        // The point is the end of the structure.
        let point = info.as_ref().and_then(|info| {
            let start = info.len().checked_sub(POINT)?;
            info.get(start..)
        });
        let Some(point) = point else {
            return Err(cannot("make a key", &"it has no public key"));
        };
        Ok(Self {
            point: point.to_owned(),
            signing,
        })
    }

    /// Returns the key for a server's handshakes.
    pub(super) fn signing(&self) -> Arc<dyn SigningKey> {
        Arc::clone(&self.signing)
    }
}

/// Returns the error for something that cannot be done.
pub(super) fn cannot(doing: &str, why: &dyn fmt::Display) -> HdfsError {
    HdfsError::io(format!("Cannot {doing} for HTTPS: {why}"))
}

impl PublicKeyData for Key {
    fn der_bytes(&self) -> &[u8] {
        &self.point
    }

    fn algorithm(&self) -> &'static SignatureAlgorithm {
        &PKCS_ECDSA_P256_SHA256
    }
}

impl rcgen::SigningKey for Key {
    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, rcgen::Error> {
        let signer = self
            .signing
            .choose_scheme(&[SignatureScheme::ECDSA_NISTP256_SHA256])
            .ok_or(rcgen::Error::RemoteKeyError)?;
        signer
            .sign(message)
            .map_err(|_| rcgen::Error::RemoteKeyError)
    }
}
