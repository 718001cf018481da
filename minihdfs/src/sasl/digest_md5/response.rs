//! `digest-response` as written by the JDK, hdfs-native and colinmarc's Go client (RFC 2831,
//! 2.1.2).

use super::cipher::DigestCipher;
use super::directives::{Directives, MAX_RESPONSE, quote};
use crate::sasl::QualityOfProtection;

/// A client's response to a challenge.
pub(super) struct Response {
    pub(super) username: String,
    pub(super) realm: String,
    pub(super) nonce: String,
    pub(super) cnonce: String,
    pub(super) digest_uri: String,
    pub(super) qop: QualityOfProtection,
    pub(super) cipher: Option<DigestCipher>,
    pub(super) authzid: Option<String>,
    pub(super) response: String,
}

impl Response {
    /// Parses a response; the error says what is wrong with it.
    pub(super) fn parse(message: &[u8]) -> Result<Self, String> {
        let mut directives = Directives::parse(message, MAX_RESPONSE)?;
        let mut required = |name: &str| {
            directives
                .take(name)?
                .ok_or_else(|| format!("Missing {name}."))
        };
        let username = required("username")?;
        let nonce = required("nonce")?;
        let cnonce = required("cnonce")?;
        let digest_uri = required("digest-uri")?;
        let response = required("response")?;
        if let Some(charset) = directives.take("charset")?
            && !charset.eq_ignore_ascii_case("utf-8")
        {
            return Err(format!("Incompatible charset value: {charset}"));
        }
        if let Some(count) = directives.take("nc")?
            && u32::from_str_radix(&count, 16) != Ok(1)
        {
            return Err(format!("Nonce count does not match: {count}"));
        }
        if let Some(maxbuf) = directives.take("maxbuf")? {
            // Hadoop's servers send larger tokens anyway, and every client accepts them.
            maxbuf
                .parse::<u32>()
                .map_err(|_| format!("Bad maxbuf: {maxbuf}"))?;
        }
        let qop = match directives.take("qop")? {
            None => QualityOfProtection::Authentication,
            Some(name) => QualityOfProtection::from_sasl_name(&name)
                .ok_or_else(|| format!("Unknown quality of protection: {name}"))?,
        };
        let cipher = match directives.take("cipher")? {
            Some(name) if qop == QualityOfProtection::Privacy => Some(
                DigestCipher::from_name(&name).ok_or_else(|| format!("Unknown cipher: {name}"))?,
            ),
            None if qop == QualityOfProtection::Privacy => {
                return Err("No cipher specified for auth-conf.".to_owned());
            }
            _ => None,
        };
        Ok(Self {
            username,
            realm: directives.take("realm")?.unwrap_or_default(),
            nonce,
            cnonce,
            digest_uri,
            qop,
            cipher,
            authzid: directives.take("authzid")?,
            response,
        })
    }

    /// Encodes the response in the JDK's form.
    pub(super) fn to_bytes(&self) -> Vec<u8> {
        let mut text = format!(
            "charset=utf-8,username={},realm={},nonce={},nc=00000001,cnonce={},digest-uri={},maxbuf=65536,response={},qop={}",
            quote(&self.username),
            quote(&self.realm),
            quote(&self.nonce),
            quote(&self.cnonce),
            quote(&self.digest_uri),
            self.response,
            self.qop.sasl_name(),
        );
        if let Some(cipher) = self.cipher {
            text.push_str(",cipher=");
            text.push_str(&quote(cipher.name()));
        }
        if let Some(authzid) = &self.authzid {
            text.push_str(",authzid=");
            text.push_str(&quote(authzid));
        }
        text.into_bytes()
    }
}
