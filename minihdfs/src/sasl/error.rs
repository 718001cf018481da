//! Errors that reject a handshake or a token.

use std::fmt;

use kerbox_krb5::ErrorCode;

use crate::HdfsError;
use crate::error::Class;

/// A rejection by a SASL mechanism: the exception sent to the client, and further details for the
/// server.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SaslError {
    exception: HdfsError,
    code: Option<ErrorCode>,
    detail: Option<String>,
}

impl SaslError {
    /// Creates a `javax.security.sasl.SaslException`.
    pub fn sasl(message: impl Into<String>) -> Self {
        HdfsError::sasl(message).into()
    }

    /// Creates the error for a failed GSS-API context. Clients only see `GSS initiate failed`, as
    /// from Hadoop's servers; the journal gets the code and the detail.
    pub(crate) fn gss_initiate_failed(code: ErrorCode, detail: impl Into<String>) -> Self {
        Self {
            exception: HdfsError::sasl("GSS initiate failed"),
            code: Some(code),
            detail: Some(detail.into()),
        }
    }

    /// Creates the error for a context whose final messages are invalid.
    pub(crate) fn handshake_failed(code: ErrorCode, detail: impl Into<String>) -> Self {
        Self {
            exception: HdfsError::sasl("Final handshake failed"),
            code: Some(code),
            detail: Some(detail.into()),
        }
    }

    /// Returns the KRB-ERROR code that explains why a ticket or an authenticator was rejected.
    #[must_use]
    pub fn code(&self) -> Option<ErrorCode> {
        self.code
    }

    /// Returns the detail that is withheld from the client.
    #[must_use]
    pub fn detail(&self) -> Option<&str> {
        self.detail.as_deref()
    }

    /// Returns the exception for the client.
    #[must_use]
    pub fn exception(&self) -> &HdfsError {
        &self.exception
    }

    /// Returns true if a delegation token or block token was rejected
    /// (`SecretManager$InvalidToken`).
    #[must_use]
    pub fn is_invalid_token(&self) -> bool {
        *self.exception.kind() == Class::InvalidToken
    }

    /// Returns true if a data encryption key is unknown. The DataNode then answers
    /// `ERROR_UNKNOWN_KEY`.
    #[must_use]
    pub fn is_invalid_encryption_key(&self) -> bool {
        *self.exception.kind() == Class::InvalidEncryptionKey
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
