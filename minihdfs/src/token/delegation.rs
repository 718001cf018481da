//! Identifiers of delegation tokens (Hadoop's `AbstractDelegationTokenIdentifier`).

use std::fmt;

use kerbox_krb5::Timestamp;

use crate::writable::{END_OF_FILE, WritableReader, write_text, write_vint, write_vlong};
use crate::{HdfsError, base64};

/// The only version that exists.
const VERSION: u8 = 0;

/// The identifier of a delegation token. Equality compares all fields.
///
/// ```
/// use kerbox_krb5::Timestamp;
/// use minihdfs::token::DelegationTokenIdentifier;
///
/// let identifier = DelegationTokenIdentifier {
///     owner: "alice@EXAMPLE.COM".to_owned(),
///     renewer: "yarn".to_owned(),
///     real_user: String::new(),
///     issue_date: Timestamp::from_secs(1_700_000_000),
///     max_date: Timestamp::from_secs(1_700_604_800),
///     sequence_number: 1,
///     master_key_id: 2,
/// };
/// let bytes = identifier.to_bytes();
/// assert_eq!(DelegationTokenIdentifier::from_bytes(&bytes)?, identifier);
/// assert_eq!(identifier.proxied_by(), None);
/// # Ok::<(), minihdfs::HdfsError>(())
/// ```
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct DelegationTokenIdentifier {
    /// The full name of the owner, as known to the server.
    pub owner: String,
    /// The short name of the user who may renew it; empty if there is none.
    pub renewer: String,
    /// The full name of the proxy user who requested it for the owner; empty if there was none.
    pub real_user: String,
    /// The issue time.
    pub issue_date: Timestamp,
    /// The time after which it cannot be renewed.
    pub max_date: Timestamp,
    /// The sequence number.
    pub sequence_number: i32,
    /// The id of the master key that the password was computed with.
    pub master_key_id: i32,
}

impl DelegationTokenIdentifier {
    /// Parses an identifier. Ignores trailing bytes, as Hadoop's readers do. Their error for one
    /// that ends early has no message but its class.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, HdfsError> {
        Self::read(&mut WritableReader::new(bytes)).map_err(|error| match error.class() {
            END_OF_FILE => HdfsError::new(END_OF_FILE, END_OF_FILE),
            _ => error,
        })
    }

    /// Reads an identifier from the front of `reader`.
    pub(crate) fn read(reader: &mut WritableReader<'_>) -> Result<Self, HdfsError> {
        let version = reader.byte("a delegation token")?;
        if version != VERSION {
            return Err(HdfsError::io(format!(
                "Unknown version of delegation token {version}"
            )));
        }
        Ok(Self {
            owner: reader.text("a delegation token's owner")?.to_owned(),
            renewer: reader.text("a delegation token's renewer")?.to_owned(),
            real_user: reader.text("a delegation token's real user")?.to_owned(),
            issue_date: Timestamp::from_millis(reader.vlong("a delegation token's issue date")?),
            max_date: Timestamp::from_millis(reader.vlong("a delegation token's max date")?),
            sequence_number: reader.vint("a delegation token's sequence number")?,
            master_key_id: reader.vint("a delegation token's master key id")?,
        })
    }

    /// Parses the DIGEST-MD5 user name of a token. Fails with `SecretManager$InvalidToken`.
    pub fn from_sasl_user_name(user_name: &str) -> Result<Self, HdfsError> {
        base64::decode(user_name)
            .and_then(|bytes| Self::from_bytes(&bytes).ok())
            .ok_or_else(|| HdfsError::invalid_token("Can't de-serialize tokenIdentifier"))
    }

    /// Encodes the identifier.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut out = vec![VERSION];
        write_text(&self.owner, &mut out);
        write_text(&self.renewer, &mut out);
        write_text(&self.real_user, &mut out);
        write_vlong(self.issue_date.as_millis(), &mut out);
        write_vlong(self.max_date.as_millis(), &mut out);
        write_vint(self.sequence_number, &mut out);
        write_vint(self.master_key_id, &mut out);
        out
    }

    /// Returns the user who authenticated when the token was issued, if it was a proxy user.
    #[must_use]
    pub fn proxied_by(&self) -> Option<&str> {
        (!self.real_user.is_empty() && self.real_user != self.owner)
            .then_some(self.real_user.as_str())
    }
}

impl fmt::Display for DelegationTokenIdentifier {
    /// Formats the identifier as in Hadoop's messages.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "token for {}: HDFS_DELEGATION_TOKEN owner={}, renewer={}, realUser={}, issueDate={}, maxDate={}, sequenceNumber={}, masterKeyId={}",
            self.short_owner(),
            self.owner,
            self.renewer,
            self.real_user,
            self.issue_date.as_millis(),
            self.max_date.as_millis(),
            self.sequence_number,
            self.master_key_id
        )
    }
}

impl DelegationTokenIdentifier {
    fn short_owner(&self) -> &str {
        self.owner.split(['/', '@']).next().unwrap_or_default()
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use bytes::Bytes;

    use super::*;
    use crate::token::Token;
    use kerbox_krb5::testing::unhex;

    pub(crate) const IDENTIFIER: &str =
        "0005616c696365047961726e008a01897fe182148a0189a3ee06140102";

    pub(crate) fn identifier() -> DelegationTokenIdentifier {
        DelegationTokenIdentifier {
            owner: "alice".to_owned(),
            renewer: "yarn".to_owned(),
            real_user: String::new(),
            issue_date: Timestamp::from_millis(1_690_067_632_660),
            max_date: Timestamp::from_millis(1_690_672_432_660),
            sequence_number: 1,
            master_key_id: 2,
        }
    }

    pub(crate) fn token() -> Token {
        Token {
            identifier: unhex(IDENTIFIER).into(),
            password: Bytes::from(unhex("288f83b31957fcecb48249d5654633915ce8efbf")),
            kind: Token::DELEGATION.to_owned(),
            service: "127.0.0.1:8020".to_owned(),
        }
    }

    #[test]
    fn an_identifier_has_hadoops_bytes() {
        let bytes = identifier().to_bytes();
        assert_eq!(bytes, unhex(IDENTIFIER));
        assert_eq!(
            DelegationTokenIdentifier::from_bytes(&bytes).expect("ours"),
            identifier()
        );
        assert_eq!(
            token().sasl_user_name(),
            "AAVhbGljZQR5YXJuAIoBiX/hghSKAYmj7gYUAQI="
        );
        assert_eq!(token().sasl_password(), "KI+DsxlX/Oy0gknVZUYzkVzo778=");
    }

    #[test]
    fn what_is_cut_or_of_another_version_is_refused() {
        let bytes = identifier().to_bytes();
        for end in 0..bytes.len() {
            assert!(DelegationTokenIdentifier::from_bytes(&bytes[..end]).is_err());
        }
        let mut other = bytes;
        other[0] = 1;
        let error = DelegationTokenIdentifier::from_bytes(&other).expect_err("version 1");
        assert_eq!(error.message(), "Unknown version of delegation token 1");
    }

    #[test]
    fn a_proxy_user_is_told_from_a_plain_one() {
        let mut identifier = identifier();
        assert_eq!(identifier.proxied_by(), None);
        identifier.real_user = "alice".to_owned();
        assert_eq!(identifier.proxied_by(), None);
        identifier.real_user = "oozie@R".to_owned();
        assert_eq!(identifier.proxied_by(), Some("oozie@R"));
    }
}
