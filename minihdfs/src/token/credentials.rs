//! Token files (Hadoop's `Credentials`; `HADOOP_TOKEN_FILE_LOCATION`, `hdfs fetchdt`).

use bytes::Bytes;
use prost::Message;

use super::Token;
use crate::HdfsError;
use crate::proto::common::{CredentialsKvProto, CredentialsProto};
use crate::writable::{WritableReader, write_bytes, write_count, write_text};

/// The first bytes of a token file.
const MAGIC: &[u8; 4] = b"HDTS";

/// The two file formats; the discriminant is the version byte.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum CredentialsFormat {
    /// 0: written by Hadoop 2 and by `hdfs fetchdt --format java`. Every client reads it.
    Writable = 0,
    /// 1: written by Hadoop 3 by default.
    Protobuf = 1,
}

/// Tokens and secret keys by alias, in file order.
///
/// ```
/// use minihdfs::token::{Credentials, CredentialsFormat, Token};
///
/// let token = Token { service: "127.0.0.1:8020".to_owned(), ..Token::default() };
/// let file = Credentials::of(token.clone()).to_bytes(CredentialsFormat::Writable);
/// assert!(file.starts_with(b"HDTS")); // for HADOOP_TOKEN_FILE_LOCATION
/// assert_eq!(Credentials::from_bytes(&file)?.tokens, [("127.0.0.1:8020".to_owned(), token)]);
/// # Ok::<(), minihdfs::HdfsError>(())
/// ```
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Credentials {
    /// The tokens; the alias usually equals the service.
    pub tokens: Vec<(String, Token)>,
    /// The secret keys.
    pub secrets: Vec<(String, Bytes)>,
}

impl FromIterator<Token> for Credentials {
    /// Creates a file with these tokens. The alias of each is its service.
    fn from_iter<T: IntoIterator<Item = Token>>(tokens: T) -> Self {
        let aliased = |token: Token| (token.service.clone(), token);
        Self {
            tokens: tokens.into_iter().map(aliased).collect(),
            secrets: Vec::new(),
        }
    }
}

impl Credentials {
    /// Creates a file with one token whose alias is its service.
    #[must_use]
    pub fn of(token: Token) -> Self {
        [token].into_iter().collect()
    }

    /// Parses a file of either format.
    pub fn from_bytes(file: &[u8]) -> Result<Self, HdfsError> {
        let (version, body) = file
            .strip_prefix(MAGIC)
            .and_then(<[u8]>::split_first)
            .ok_or_else(|| HdfsError::io("Bad header found in token storage."))?;
        match version {
            0 => Self::read_writable(&mut WritableReader::new(body)),
            1 => Self::read_protobuf(body),
            version => Err(HdfsError::io(format!(
                "Unknown version {version} in token storage."
            ))),
        }
    }

    fn read_writable(reader: &mut WritableReader<'_>) -> Result<Self, HdfsError> {
        let mut credentials = Self::default();
        for _ in 0..reader.count("the number of tokens")? {
            let alias = reader.text("a token's alias")?.to_owned();
            credentials.tokens.push((alias, Token::read(reader)?));
        }
        for _ in 0..reader.count("the number of secret keys")? {
            let alias = reader.text("a secret key's alias")?.to_owned();
            let secret = Bytes::copy_from_slice(reader.bytes("a secret key")?);
            credentials.secrets.push((alias, secret));
        }
        Ok(credentials)
    }

    fn read_protobuf(body: &[u8]) -> Result<Self, HdfsError> {
        let unreadable =
            |why: String| HdfsError::io(format!("token storage cannot be read: {why}"));
        let proto = CredentialsProto::decode_length_delimited(body)
            .map_err(|error| unreadable(error.to_string()))?;
        let tokens = proto.tokens.into_iter().map(|entry| {
            let token = entry
                .token
                .ok_or_else(|| unreadable(format!("{} has no token", entry.alias)))?;
            Ok((entry.alias, token.into()))
        });
        let secrets = proto.secrets.into_iter().map(|entry| {
            let secret = entry
                .secret
                .ok_or_else(|| unreadable(format!("{} has no secret key", entry.alias)))?;
            Ok((entry.alias, secret))
        });
        Ok(Self {
            tokens: tokens.collect::<Result<_, HdfsError>>()?,
            secrets: secrets.collect::<Result<_, HdfsError>>()?,
        })
    }

    /// Encodes the file.
    #[must_use]
    pub fn to_bytes(&self, format: CredentialsFormat) -> Vec<u8> {
        let mut out = MAGIC.to_vec();
        out.push(format as u8);
        match format {
            CredentialsFormat::Writable => self.write_writable(&mut out),
            CredentialsFormat::Protobuf => {
                out.extend_from_slice(&self.to_proto().encode_length_delimited_to_vec());
            }
        }
        out
    }

    fn write_writable(&self, out: &mut Vec<u8>) {
        write_count(self.tokens.len(), out);
        for (alias, token) in &self.tokens {
            write_text(alias, out);
            token.write(out);
        }
        write_count(self.secrets.len(), out);
        for (alias, secret) in &self.secrets {
            write_text(alias, out);
            write_bytes(secret, out);
        }
    }

    fn to_proto(&self) -> CredentialsProto {
        CredentialsProto {
            tokens: self
                .tokens
                .iter()
                .map(|(alias, token)| CredentialsKvProto {
                    alias: alias.clone(),
                    token: Some(token.clone().into()),
                    secret: None,
                })
                .collect(),
            secrets: self
                .secrets
                .iter()
                .map(|(alias, secret)| CredentialsKvProto {
                    alias: alias.clone(),
                    token: None,
                    secret: Some(secret.clone()),
                })
                .collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base64;
    use crate::token::DelegationTokenIdentifier;
    use crate::token::delegation::tests::token;
    use kerbox_krb5::testing::unhex;

    const VERSION_0: &str = "4844545300010e3132372e302e302e313a383032301d0005616c696365047961726e008a01897fe182148a0189a3ee0614010214288f83b31957fcecb48249d5654633915ce8efbf15484446535f44454c45474154494f4e5f544f4b454e0e3132372e302e302e313a3830323000";
    const VERSION_1: &str = "4844545301700a6e0a0e3132372e302e302e313a38303230125c0a1d0005616c696365047961726e008a01897fe182148a0189a3ee061401021214288f83b31957fcecb48249d5654633915ce8efbf1a15484446535f44454c45474154494f4e5f544f4b454e220e3132372e302e302e313a38303230";
    const HADOOP_0: &str = "SERUUwABDjEyNy4wLjAuMTo5MDAwLgAaaGRmcy9sb2NhbGhvc3RARVhBTVBMRS5DT00AAIoBiX/hghSKAYmj7gYUAQIUadF4ni3ObKqU8niv40WBFsGhFm4VSERGU19ERUxFR0FUSU9OX1RPS0VODjEyNy4wLjAuMTo5MDAwAA==";
    const HADOOP_1: &str = "SERUUwGBAQp/Cg5sb2NhbGhvc3Q6OTAwMBJtCi4AGmhkZnMvbG9jYWxob3N0QEVYQU1QTEUuQ09NAACKAYiiTtt9igGIxltffQECEhQoROcYNFMxMuoK9UHlAna6ZmhQSBoVSERGU19ERUxFR0FUSU9OX1RPS0VOIg4xMjcuMC4wLjE6OTAwMA==";

    #[test]
    fn both_forms_are_hadoops() {
        let credentials = Credentials::of(token());
        assert_eq!(
            credentials.to_bytes(CredentialsFormat::Writable),
            unhex(VERSION_0)
        );
        assert_eq!(
            credentials.to_bytes(CredentialsFormat::Protobuf),
            unhex(VERSION_1)
        );
        assert_eq!(
            Credentials::from_bytes(&unhex(VERSION_0)).expect("version 0"),
            credentials
        );
        assert_eq!(
            Credentials::from_bytes(&unhex(VERSION_1)).expect("version 1"),
            credentials
        );
    }

    #[test]
    fn files_that_hadoop_wrote_are_read_and_written_again() {
        for (text, format, alias) in [
            (HADOOP_0, CredentialsFormat::Writable, "127.0.0.1:9000"),
            (HADOOP_1, CredentialsFormat::Protobuf, "localhost:9000"),
        ] {
            let file = base64::decode(text).expect("base64");
            let credentials = Credentials::from_bytes(&file).expect("Hadoop's file");
            assert_eq!(credentials.to_bytes(format), file);
            let [(name, token)] = credentials.tokens.as_slice() else {
                panic!("one token")
            };
            assert_eq!(
                (name.as_str(), token.service.as_str()),
                (alias, "127.0.0.1:9000")
            );
            let identifier = DelegationTokenIdentifier::from_bytes(&token.identifier)
                .expect("Hadoop's identifier");
            assert_eq!(identifier.owner, "hdfs/localhost@EXAMPLE.COM");
            assert_eq!(identifier.to_bytes(), token.identifier);
        }
    }

    #[test]
    fn secret_keys_survive_both_forms() {
        let mut credentials = Credentials::of(token());
        credentials
            .secrets
            .push(("key".to_owned(), Bytes::from_static(b"\0\x01")));
        for format in [CredentialsFormat::Writable, CredentialsFormat::Protobuf] {
            assert_eq!(
                Credentials::from_bytes(&credentials.to_bytes(format)).expect("ours"),
                credentials
            );
        }
    }

    #[test]
    fn cut_files_other_versions_and_foreign_files_are_refused() {
        for file in [unhex(VERSION_0), unhex(VERSION_1)] {
            for end in 0..file.len() {
                assert!(
                    Credentials::from_bytes(&file[..end]).is_err(),
                    "cut at {end}"
                );
            }
            for at in 0..file.len() {
                let mut spoilt = file.clone();
                spoilt[at] ^= 0x81;
                let _ = Credentials::from_bytes(&spoilt);
            }
        }
        let error = Credentials::from_bytes(b"HDTS\x02").expect_err("version 2");
        assert_eq!(error.message(), "Unknown version 2 in token storage.");
    }
}
