//! The outcomes of exchanges.

use std::sync::Arc;

use kerbox_krb5::ErrorCode;

/// The outcome of an exchange, in its protocol's own terms.
///
/// ```
/// use kerbox_events::Outcome;
/// use kerbox_krb5::ErrorCode;
///
/// let refused = Outcome::KrbError(ErrorCode::KDC_ERR_POLICY);
/// assert_eq!(refused.kerberos_code(), Some(ErrorCode::KDC_ERR_POLICY));
/// let class = "java.io.FileNotFoundException";
/// let failed = Outcome::Exception { class: class.into(), message: "no /f".into() };
/// assert_eq!(failed.exception_class(), Some(class));
/// ```
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum Outcome {
    /// None yet: the server is asking for a verdict.
    Asked,
    /// It succeeded.
    Ok,
    /// The KDC or an acceptor answered with a KRB-ERROR.
    KrbError(ErrorCode),
    /// A Hadoop server answered with an exception.
    Exception {
        /// The Java class.
        class: Arc<str>,
        /// The message.
        message: Arc<str>,
    },
    /// A DataNode answered with this status (`Status` of datatransfer.proto), for instance
    /// `ERROR_ACCESS_TOKEN`.
    Status(&'static str),
    /// No answer was given.
    Dropped,
    /// The connection ended before the exchange did.
    Disconnected,
}

impl Outcome {
    /// Returns whether it succeeded.
    #[must_use]
    pub fn is_ok(&self) -> bool {
        *self == Self::Ok
    }

    /// Returns the KRB-ERROR number, if the outcome is a KRB-ERROR.
    #[must_use]
    pub fn kerberos_code(&self) -> Option<ErrorCode> {
        match self {
            Self::KrbError(code) => Some(*code),
            _ => None,
        }
    }

    /// Returns the Java class of the exception, if the outcome is an exception.
    #[must_use]
    pub fn exception_class(&self) -> Option<&str> {
        match self {
            Self::Exception { class, .. } => Some(class),
            _ => None,
        }
    }
}
