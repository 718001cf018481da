//! The errors of this crate.

use std::path::PathBuf;

use crate::krb_error::KrbError;
use crate::{EncryptionType, ErrorCode};

/// An error of this crate.
///
/// ```
/// use kerbox_krb5::{Error, ErrorCode, Principal};
///
/// let error = "alice".parse::<Principal>().expect_err("it has no realm");
/// assert!(error.to_string().contains("write name[/instance]@REALM"));
/// let error = Error::from(ErrorCode::KRB_AP_ERR_SKEW);
/// assert_eq!(error.code(), ErrorCode::KRB_AP_ERR_SKEW);
/// ```
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// An invalid principal name.
    #[error("{text:?} is not a principal's name: {why}; write name[/instance]@REALM")]
    Principal {
        /// The name as given.
        text: String,
        /// The reason.
        why: &'static str,
    },
    /// An unknown encryption type name.
    #[error(
        "{text:?} names no encryption type; known are aes256-cts-hmac-sha1-96, aes128-cts-hmac-sha1-96, aes256-cts-hmac-sha384-192, aes128-cts-hmac-sha256-128, and the weak des3-cbc-sha1 and arcfour-hmac"
    )]
    EncryptionTypeName {
        /// The name as given.
        text: String,
    },
    /// An unsupported encryption type.
    #[error(
        "{enctype} is not supported: use one of the AES types 17, 18, 19 and 20, or the weak 16 and 23"
    )]
    EncryptionType {
        /// Its number.
        enctype: EncryptionType,
    },
    /// A key of the wrong length.
    #[error("a key of {enctype} has {expected} bytes, not {got}")]
    KeyLength {
        /// The key's type.
        enctype: EncryptionType,
        /// The number of bytes that keys of this type have.
        expected: usize,
        /// The actual number of bytes.
        got: usize,
    },
    /// Parameters of string-to-key that are malformed or would take too long.
    #[error(
        "s2kparams {params:02x?} are refused: for AES they are a number of iterations from 1 to 2^24, in four bytes"
    )]
    StringToKeyParams {
        /// The parameters as given.
        params: Vec<u8>,
    },
    /// Bytes that are not a valid encoding of the expected message or structure.
    #[error("not a {what}: {why}")]
    Malformed {
        /// The structure's name in the RFC.
        what: &'static str,
        /// The reason.
        why: String,
    },
    /// A name or value that cannot be written to a krb5.conf.
    #[error(
        "{text:?} cannot stand in a krb5.conf: names take no blanks and none of {{}}[]=#;\"*, values no line ends, braces or quotes"
    )]
    Krb5Conf {
        /// The name or value as given.
        text: String,
    },
    /// A file that cannot be read or written.
    #[error("{path} cannot be {action}: {why}", path = path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// The attempted action.
        action: &'static str,
        /// The operating system's error.
        why: String,
    },
    /// A KRB-ERROR from a KDC or a service.
    #[error("{}{}", .0.code, .0.text.as_deref().map(|text| format!(", {text}")).unwrap_or_default())]
    Kdc(Box<KrbError>),
    /// A failed check of the protocol, with the code to send to the peer.
    #[error("{0}")]
    Protocol(ErrorCode),
}

impl Error {
    /// Returns the KRB-ERROR number with which to report this error to a peer.
    #[must_use]
    pub fn code(&self) -> ErrorCode {
        match self {
            Self::Principal { .. }
            | Self::KeyLength { .. }
            | Self::StringToKeyParams { .. }
            | Self::Malformed { .. }
            | Self::Krb5Conf { .. }
            | Self::File { .. } => ErrorCode::KRB_ERR_GENERIC,
            Self::EncryptionTypeName { .. } | Self::EncryptionType { .. } => {
                ErrorCode::KDC_ERR_ETYPE_NOSUPP
            }
            Self::Kdc(error) => error.code,
            Self::Protocol(code) => *code,
        }
    }
}

impl From<ErrorCode> for Error {
    fn from(code: ErrorCode) -> Self {
        Self::Protocol(code)
    }
}
