//! The secrets behind tokens: issuing, expiry and verification.
//!
//! - [`DelegationTokenSecretManager`]: the NameNode's tokens, each stored until it is cancelled or
//!   removed
//! - [`BlockTokenSecretManager`]: the keys of block tokens; a NameNode generates them, and its
//!   DataNodes get them from it
//!
//! Both lock internally and have their own random generator. Their owner calls `tick` at their
//! `next_deadline`.

mod block;
mod block_keys;
mod block_settings;
#[cfg(test)]
mod block_tests;
mod delegation;
mod delegation_settings;
#[cfg(test)]
mod delegation_tests;
mod kept_tokens;
mod token_edit;

use hmac::{Hmac, KeyInit, Mac};
use kerbox_krb5::Timestamp;
use sha1::Sha1;

pub use block::{BlockAccess, BlockTokenSecretManager, DataEncryptionKey, EncryptionKeys};
pub use block_settings::BlockTokenSettings;
pub use delegation::DelegationTokenSecretManager;
pub use delegation_settings::DelegationTokenSettings;
pub use token_edit::{MasterKeyBytes, TokenEdit};

use crate::HdfsError;

/// The user that a token authenticates (`TokenIdentifier.getUser`), by full names.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TokenUser {
    /// The user whose permissions apply.
    pub effective: String,
    /// The proxy user that obtained the token, if any.
    pub real: Option<String>,
}

/// Looks up the password for a token's DIGEST-MD5 user name (Hadoop's `SecretManager`).
pub trait SecretManager: Send + Sync {
    /// Returns the SASL password: the token's password in base64. Fails with
    /// `SecretManager$InvalidToken` if the token is not valid at `now`.
    fn sasl_password(&self, now: Timestamp, user_name: &str) -> Result<String, HdfsError>;

    /// Returns the user of a token, after its holder has proved knowledge of the password.
    fn token_user(&self, user_name: &str) -> Result<TokenUser, HdfsError>;
}

/// A secret key for HMAC-SHA1, with the key schedule computed once.
#[derive(Clone)]
struct SecretKey(Hmac<Sha1>);

impl SecretKey {
    fn new(bytes: &[u8]) -> Self {
        Self(Hmac::new_from_slice(bytes).expect("HMAC takes a key of any length"))
    }

    /// Computes the password for this identifier (`SecretManager.createPassword`).
    fn password(&self, identifier: &[u8]) -> [u8; 20] {
        let mut mac = self.0.clone();
        mac.update(identifier);
        mac.finalize().into_bytes().into()
    }

    /// Compares `password` with the correct one in constant time.
    fn verify(&self, identifier: &[u8], password: &[u8]) -> bool {
        let mut mac = self.0.clone();
        mac.update(identifier);
        mac.verify_slice(password).is_ok()
    }
}

/// Formats a time as Hadoop's messages do (`Time.formatTime`): `2026-11-22 05:57:00,000+0000`.
fn format_time(time: Timestamp) -> String {
    let millis = time.as_millis().rem_euclid(1000);
    let second = time.whole_second().to_string();
    let second = second.trim_end_matches('Z').replacen('T', " ", 1);
    format!("{second},{millis:03}+0000")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::token::{BlockTokenIdentifier, DelegationTokenIdentifier};
    use kerbox_krb5::testing::unhex;

    #[test]
    fn passwords_are_hadoops() {
        let key = SecretKey::new(&unhex("000102030405060708090a0b0c0d0e0f10111213"));
        for (identifier, password) in [
            (
                "0005616c696365047961726e008a01897fe182148a0189a3ee06140102",
                "288f83b31957fcecb48249d5654633915ce8efbf",
            ),
            (
                "8a018bcfe568008512d68600000005616c6963650000001042502d312d3132372e302e302e312d318c4000000101045245414401044449534b010000000444532d31",
                "5dc8df24461e50350691b55a489e107183745b63",
            ),
            (
                "0880d095ffbc3110f9d2b4ff0f1a05616c696365221042502d312d3132372e302e302e312d3128818080800430013801420444532d31",
                "75ac0d7b24714db3e944deab2fb528ad5a1f6353",
            ),
            (
                "0001020304050607",
                "4c1641571df1003259760c8a6bb156361529630a",
            ),
        ] {
            assert_eq!(key.password(&unhex(identifier)).to_vec(), unhex(password));
            assert!(key.verify(&unhex(identifier), &unhex(password)));
        }
        assert!(
            DelegationTokenIdentifier::from_sasl_user_name(
                "AAVhbGljZQR5YXJuAIoBiX/hghSKAYmj7gYUAQI="
            )
            .is_ok()
        );
        assert!(BlockTokenIdentifier::from_sasl_user_name("*").is_err());
    }

    #[test]
    fn times_are_told_as_hadoop_does() {
        assert_eq!(
            format_time(Timestamp::from_millis(951_782_400_007)),
            "2000-02-29 00:00:00,007+0000"
        );
    }
}
