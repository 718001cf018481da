//! The secrets behind tokens: who issued them, until when they hold, what proves them.

use kerbox_krb5::Timestamp;

use crate::HdfsError;

/// Knows the password of a token by the user name that stands for it in DIGEST-MD5 (Hadoop's `SecretManager`).
pub trait SecretManager: Send + Sync {
    /// The SASL password: the base64 of the token's own. Refused with `SecretManager$InvalidToken` if the token is not valid now.
    fn sasl_password(&self, now: Timestamp, user_name: &str) -> Result<String, HdfsError>;
}
