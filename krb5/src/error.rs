//! What can go wrong below the protocols.

use crate::ErrorCode;

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
    /// A check of the protocol failed; the code is what goes on the wire.
    #[error("{0}")]
    Protocol(ErrorCode),
}

impl Error {
    /// The KRB-ERROR number that tells a peer of this error.
    #[must_use]
    pub fn code(&self) -> ErrorCode {
        match self {
            Self::Principal { .. } => ErrorCode::KRB_ERR_GENERIC,
            Self::Protocol(code) => *code,
        }
    }
}

impl From<ErrorCode> for Error {
    fn from(code: ErrorCode) -> Self {
        Self::Protocol(code)
    }
}
