//! Tokens, which a client presents instead of a Kerberos ticket.
//!
//! - [`Token`]: the container, opaque to clients
//! - [`DelegationTokenIdentifier`], [`BlockTokenIdentifier`]: the contents that servers read
//! - [`Credentials`]: token files (`HADOOP_TOKEN_FILE_LOCATION`)

mod block;
mod credentials;
mod delegation;
mod session;

use std::fmt;

use bytes::Bytes;

use crate::proto::common::TokenProto;
use crate::writable::{WritableReader, write_bytes, write_text};
use crate::{HdfsError, base64};

pub use block::{AccessMode, BlockTokenIdentifier, StorageType};
pub use credentials::{Credentials, CredentialsFormat};
pub use delegation::DelegationTokenIdentifier;
pub(crate) use session::{block_session, delegation_session, encryption_session};

/// A token (Hadoop's `Token`): an identifier, and a password that proves that a server issued it.
///
/// ```
/// use minihdfs::token::Token;
///
/// let token = Token {
///     identifier: vec![0, 1].into(),
///     password: vec![2; 20].into(),
///     kind: Token::DELEGATION.to_owned(),
///     service: String::new(),
/// };
/// let text = token.clone().with_service("127.0.0.1:8020").to_url_string();
/// assert_eq!(Token::from_url_string(&text)?.service, "127.0.0.1:8020");
/// assert!(!format!("{token:?}").contains("02")); // the password is not printed
/// # Ok::<(), minihdfs::HdfsError>(())
/// ```
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Token {
    /// The identifier, encoded according to `kind`.
    pub identifier: Bytes,
    /// The HMAC of the identifier.
    pub password: Bytes,
    /// The kind, for instance [`Token::DELEGATION`].
    pub kind: String,
    /// The server it is for: `ip:port` or `ha-hdfs:nameservice`. Servers issue it empty.
    pub service: String,
}

impl Token {
    /// The kind of a NameNode's delegation tokens.
    pub const DELEGATION: &'static str = "HDFS_DELEGATION_TOKEN";
    /// The kind of the same tokens where WebHDFS takes them over HTTP.
    pub const WEBHDFS: &'static str = "WEBHDFS delegation";
    /// The kind of the same tokens where WebHDFS takes them over HTTPS.
    pub const SWEBHDFS: &'static str = "SWEBHDFS delegation";
    /// The kind of block tokens.
    pub const BLOCK: &'static str = "HDFS_BLOCK_TOKEN";

    /// Returns this token with another kind. The password does not cover the kind.
    #[must_use]
    pub fn with_kind(mut self, kind: &str) -> Self {
        kind.clone_into(&mut self.kind);
        self
    }

    /// Returns this token with another service.
    #[must_use]
    pub fn with_service(mut self, service: impl Into<String>) -> Self {
        self.service = service.into();
        self
    }

    /// Returns the DIGEST-MD5 user name of this token.
    #[must_use]
    pub fn sasl_user_name(&self) -> String {
        base64::encode(&self.identifier)
    }

    /// Returns the DIGEST-MD5 password of this token.
    #[must_use]
    pub fn sasl_password(&self) -> String {
        base64::encode(&self.password)
    }

    /// Reads the Writable form.
    pub fn read(reader: &mut WritableReader<'_>) -> Result<Self, HdfsError> {
        Ok(Self {
            identifier: Bytes::copy_from_slice(reader.bytes("a token's identifier")?),
            password: Bytes::copy_from_slice(reader.bytes("a token's password")?),
            kind: reader.text("a token's kind")?.to_owned(),
            service: reader.text("a token's service")?.to_owned(),
        })
    }

    /// Appends the Writable form.
    pub fn write(&self, out: &mut Vec<u8>) {
        write_bytes(&self.identifier, out);
        write_bytes(&self.password, out);
        write_text(&self.kind, out);
        write_text(&self.service, out);
    }

    /// Encodes the form for URLs and command lines (`encodeToUrlString`).
    #[must_use]
    pub fn to_url_string(&self) -> String {
        let mut bytes = Vec::new();
        self.write(&mut bytes);
        base64::encode_url(&bytes)
    }

    /// Parses the URL form, with or without padding.
    pub fn from_url_string(text: &str) -> Result<Self, HdfsError> {
        let bytes = base64::decode(text)
            .ok_or_else(|| HdfsError::io("a token string is not URL-safe base64"))?;
        Self::read(&mut WritableReader::new(&bytes))
    }
}

impl fmt::Debug for Token {
    /// Omits the password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "Kind: {}, Service: {}, Ident: {:02x?}",
            self.kind,
            self.service,
            &self.identifier[..]
        )
    }
}

impl From<TokenProto> for Token {
    fn from(proto: TokenProto) -> Self {
        Self {
            identifier: proto.identifier,
            password: proto.password,
            kind: proto.kind,
            service: proto.service,
        }
    }
}

impl From<Token> for TokenProto {
    fn from(token: Token) -> Self {
        Self {
            identifier: token.identifier,
            password: token.password,
            kind: token.kind,
            service: token.service,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use kerbox_krb5::testing::unhex;

    #[test]
    fn a_token_has_hadoops_writable_and_url_forms() {
        let token = delegation::tests::token();
        let mut bytes = Vec::new();
        token.write(&mut bytes);
        assert_eq!(
            bytes,
            unhex(
                "1d0005616c696365047961726e008a01897fe182148a0189a3ee0614010214288f83b31957fcecb48249d5654633915ce8efbf\
                 15484446535f44454c45474154494f4e5f544f4b454e0e3132372e302e302e313a38303230"
            )
        );
        let url = "HQAFYWxpY2UEeWFybgCKAYl_4YIUigGJo-4GFAECFCiPg7MZV_zstIJJ1WVGM5Fc6O-_FUhERlNfREVMRUdBVElPTl9UT0tFTg4xMjcuMC4wLjE6ODAyMA";
        assert_eq!(token.to_url_string(), url);
        assert_eq!(Token::from_url_string(url).expect("ours"), token);
        assert_eq!(
            Token::from_url_string(&format!("{url}==")).expect("padded"),
            token
        );
        for end in 0..bytes.len() {
            assert!(Token::read(&mut WritableReader::new(&bytes[..end])).is_err());
        }
        assert!(Token::from_url_string("HQAF*").is_err());
    }

    #[test]
    fn a_token_prints_without_its_password() {
        let text = format!("{:?}", delegation::tests::token());
        assert!(
            text.starts_with(
                "Kind: HDFS_DELEGATION_TOKEN, Service: 127.0.0.1:8020, Ident: [00, 05"
            ),
            "{text}"
        );
        assert!(!text.contains("8f, 83"));
    }
}
