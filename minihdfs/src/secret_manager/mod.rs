//! The secrets behind tokens: who issued them, until when they hold, what proves them.

use kerbox_krb5::Timestamp;

use crate::HdfsError;

/// Whom a token speaks for (`TokenIdentifier.getUser`), by full names.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TokenUser {
    /// Whose permissions apply.
    pub effective: String,
    /// Who got the token, if in the name of another: a proxy user.
    pub real: Option<String>,
}

/// Knows the password of a token by the user name that stands for it in DIGEST-MD5 (Hadoop's `SecretManager`).
pub trait SecretManager: Send + Sync {
    /// The SASL password: the base64 of the token's own. Refused with `SecretManager$InvalidToken` if the token is not valid now.
    fn sasl_password(&self, now: Timestamp, user_name: &str) -> Result<String, HdfsError>;

    /// Whom a token speaks for, once its holder has proved to know the password.
    fn token_user(&self, user_name: &str) -> Result<TokenUser, HdfsError>;
}
