//! What can go wrong below the protocols.

use std::path::PathBuf;

use crate::messages::KrbError;
use crate::{EncryptionType, ErrorCode};

/// An error of this crate.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A principal's name that cannot be read.
    #[error("{text:?} is not a principal's name: {why}; write name[/instance]@REALM")]
    Principal {
        /// The name as given.
        text: String,
        /// What is wrong with it.
        why: &'static str,
    },
    /// The name of no encryption type that is known.
    #[error(
        "{text:?} names no encryption type; known are aes256-cts-hmac-sha1-96, aes128-cts-hmac-sha1-96, aes256-cts-hmac-sha384-192, aes128-cts-hmac-sha256-128, and the weak des3-cbc-sha1 and arcfour-hmac"
    )]
    EncryptionTypeName {
        /// The name as given.
        text: String,
    },
    /// An encryption type that is not supported.
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
        /// How many bytes its keys have.
        expected: usize,
        /// How many there were.
        got: usize,
    },
    /// Parameters of string-to-key that are malformed, or would take for ever.
    #[error(
        "s2kparams {params:02x?} are refused: for AES they are a number of iterations from 1 to 2^24, in four bytes"
    )]
    StringToKeyParams {
        /// The parameters as given.
        params: Vec<u8>,
    },
    /// Bytes that are not the message or structure that they should be.
    #[error("not a {what}: {why}")]
    Malformed {
        /// The structure, by its name in the RFC.
        what: &'static str,
        /// What is wrong.
        why: String,
    },
    /// A name or value that cannot stand in a krb5.conf.
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
        /// What was tried.
        action: &'static str,
        /// What the operating system says.
        why: String,
    },
    /// A KDC, or a service, answered with a KRB-ERROR.
    #[error("{}{}", .0.code, .0.text.as_deref().map(|text| format!(", {text}")).unwrap_or_default())]
    Kdc(Box<KrbError>),
    /// A check of the protocol failed; the code is what goes on the wire.
    #[error("{0}")]
    Protocol(ErrorCode),
}

impl Error {
    /// The KRB-ERROR number that tells a peer of this error.
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
