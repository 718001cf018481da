//! The server's challenge (RFC 2831, 2.1.1), as a client reads it.

use super::cipher::DigestCipher;
use super::directives::{Directives, MAX_CHALLENGE};
use crate::qop::QualityOfProtection;
use crate::sasl::error::SaslError;

/// The maximum message size of a server that announces none (RFC 2831, 2.1.1).
pub(super) const DEFAULT_BUFFER: usize = 1 << 16;

/// The smallest maximum message size of a server that is accepted. RFC 2831 demands more than 16.
const LEAST_BUFFER: usize = 1 << 10;

/// The parts of a challenge, and what a client chooses from its offers.
pub(super) struct Challenge {
    pub(super) realm: String,
    pub(super) nonce: String,
    pub(super) qop: QualityOfProtection,
    /// For privacy alone.
    pub(super) cipher: Option<DigestCipher>,
    /// The server's maximum message size.
    pub(super) max_buffer: usize,
}

impl Challenge {
    /// Parses a challenge. Fails if the server offers none of `qop`, which are in order of
    /// preference, or no cipher that is known here.
    pub(super) fn parse(challenge: &[u8], qop: &[QualityOfProtection]) -> Result<Self, SaslError> {
        let mut directives = Directives::parse(challenge, MAX_CHALLENGE).map_err(malformed)?;
        let mut take = |name: &str| directives.take(name).map_err(malformed);
        let realm = take("realm")?.unwrap_or_default();
        let nonce = take("nonce")?.ok_or_else(|| malformed("it has no nonce"))?;
        // RFC 2831, 2.1.1: the only algorithm, and a challenge must name it.
        if take("algorithm")?.as_deref() != Some("md5-sess") {
            return Err(malformed("its algorithm is not md5-sess"));
        }
        let qop = choose_qop(take("qop")?.as_deref().unwrap_or("auth"), qop)?;
        let ciphers = take("cipher")?.unwrap_or_default();
        let cipher = match qop {
            QualityOfProtection::Privacy => Some(choose_cipher(&ciphers)?),
            _ => None,
        };
        let max_buffer = match take("maxbuf")? {
            None => DEFAULT_BUFFER,
            Some(maxbuf) => maxbuf
                .parse()
                .ok()
                .filter(|size| (LEAST_BUFFER..1 << 24).contains(size))
                .ok_or_else(|| malformed(format!("its maxbuf is {maxbuf:?}")))?,
        };
        Ok(Self {
            realm,
            nonce,
            qop,
            cipher,
            max_buffer,
        })
    }
}

fn choose_qop(
    offered: &str,
    ours: &[QualityOfProtection],
) -> Result<QualityOfProtection, SaslError> {
    // Unknown names are skipped, since RFC 2831 allows a server to offer more.
    let offered: Vec<_> = offered
        .split(',')
        .filter_map(|name| QualityOfProtection::from_sasl_name(name.trim()))
        .collect();
    let chosen = ours.iter().find(|qop| offered.contains(qop));
    chosen.copied().ok_or_else(|| {
        SaslError::sasl(format!(
            "DIGEST-MD5: no common protection layer between client and server: the server offers {offered:?}, we take {ours:?}"
        ))
    })
}

fn choose_cipher(offered: &str) -> Result<DigestCipher, SaslError> {
    let is_offered = |cipher: &DigestCipher| {
        let mut names = offered.split(',');
        names.any(|name| name.trim().eq_ignore_ascii_case(cipher.name()))
    };
    // The strongest one of ours, whatever the order of the server's list.
    let mut all = DigestCipher::ALL.into_iter();
    all.find(is_offered).ok_or_else(|| {
        SaslError::sasl(format!(
            "DIGEST-MD5: none of the server's ciphers is known: {offered:?}"
        ))
    })
}

fn malformed(why: impl AsRef<str>) -> SaslError {
    let why = why.as_ref();
    SaslError::sasl(format!("DIGEST-MD5: invalid challenge: {why}"))
}
