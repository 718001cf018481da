//! Why a handshake or a token was refused.

use std::fmt;

use kerbox_krb5::ErrorCode;

use crate::HdfsError;

/// The Java class of the answer to an unknown encryption key.
const INVALID_ENCRYPTION_KEY: &str =
    "org.apache.hadoop.hdfs.protocol.datatransfer.InvalidEncryptionKeyException";

/// A refusal by a SASL mechanism: the exception that the client is told of, and what the server
/// knows besides.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SaslError {
    exception: HdfsError,
    code: Option<ErrorCode>,
    detail: Option<String>,
}

impl SaslError {
    /// A `javax.security.sasl.SaslException`.
    pub fn sasl(message: impl Into<String>) -> Self {
        HdfsError::sasl(message).into()
    }

    /// A failed GSS-API context: clients learn only `GSS initiate failed`, as from Hadoop's
    /// servers; the journal gets the code and the detail.
    pub(crate) fn gss_initiate_failed(code: ErrorCode, detail: impl Into<String>) -> Self {
        Self {
            exception: HdfsError::sasl("GSS initiate failed"),
            code: Some(code),
            detail: Some(detail.into()),
        }
    }

    /// A context whose last messages are no good.
    pub(crate) fn handshake_failed(code: ErrorCode, detail: impl Into<String>) -> Self {
        Self {
            exception: HdfsError::sasl("Final handshake failed"),
            code: Some(code),
            detail: Some(detail.into()),
        }
    }

    /// An encryption key that the server does not know (any more).
    pub(crate) fn unknown_encryption_key(message: impl Into<String>) -> Self {
        HdfsError::new(INVALID_ENCRYPTION_KEY, message).into()
    }

    /// The KRB-ERROR number that tells why a ticket or an authenticator was refused.
    #[must_use]
    pub fn code(&self) -> Option<ErrorCode> {
        self.code
    }

    /// What the client is not told.
    #[must_use]
    pub fn detail(&self) -> Option<&str> {
        self.detail.as_deref()
    }

    /// The exception for the client.
    #[must_use]
    pub fn exception(&self) -> &HdfsError {
        &self.exception
    }

    /// Whether a delegation token or block token was refused (`SecretManager$InvalidToken`).
    #[must_use]
    pub fn is_invalid_token(&self) -> bool {
        self.exception.class() == "org.apache.hadoop.security.token.SecretManager$InvalidToken"
    }

    /// Whether a data encryption key is not known: the DataNode answers `ERROR_UNKNOWN_KEY`.
    #[must_use]
    pub fn is_invalid_encryption_key(&self) -> bool {
        self.exception.class() == INVALID_ENCRYPTION_KEY
    }
}

impl From<HdfsError> for SaslError {
    fn from(exception: HdfsError) -> Self {
        Self {
            exception,
            code: None,
            detail: None,
        }
    }
}

impl From<SaslError> for HdfsError {
    fn from(error: SaslError) -> Self {
        error.exception
    }
}

impl fmt::Display for SaslError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.exception)?;
        if let Some(detail) = &self.detail {
            write!(f, " ({detail})")?;
        }
        Ok(())
    }
}

impl std::error::Error for SaslError {}
