//! The reasons why a call fails.

use std::fmt;
use std::net::SocketAddr;
use std::time::Duration;

use crate::HdfsError;
use crate::rpc::header::ErrorCode;
use crate::sasl::SaslError;

/// An exception from a server.
///
/// ```
/// use minihdfs::HdfsError;
/// use minihdfs::rpc::client::RemoteException;
///
/// let error = HdfsError::file_not_found("File does not exist: /f\n\tat org.apache.hadoop…");
/// let exception = RemoteException { error, code: None };
/// assert_eq!(exception.to_string(), "java.io.FileNotFoundException: File does not exist: /f");
/// ```
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RemoteException {
    /// The Java class and the message. Hadoop's servers send a stack trace after the first line.
    pub error: HdfsError,
    /// The code that comes with the class, if it is one of Hadoop's.
    pub code: Option<ErrorCode>,
}

impl RemoteException {
    /// Returns the full name of the Java class.
    #[must_use]
    pub fn class(&self) -> &str {
        self.error.class()
    }

    /// Returns the message without the stack trace.
    #[must_use]
    pub fn message(&self) -> &str {
        let message = self.error.message();
        message
            .split_once("\n\tat ")
            .map_or(message, |(first, _)| first)
    }
}

impl fmt::Display for RemoteException {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.class(), self.message())
    }
}

/// The reason why a call failed.
///
/// ```
/// use std::time::Duration;
/// use minihdfs::rpc::client::RpcError;
///
/// let error = RpcError::TimedOut(Duration::from_secs(60));
/// assert_eq!(error.to_exception().class(), "java.net.SocketTimeoutException");
/// assert!(error.remote().is_none());
/// ```
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RpcError {
    /// The server's answer to the call. The connection goes on.
    #[error("{0}")]
    Remote(RemoteException),
    /// The server's refusal of the connection. It fails all calls of the connection.
    #[error("the server ended the connection: {0}")]
    Fatal(RemoteException),
    /// The client refused the server, or has no credentials that the server accepts.
    #[error("{0}")]
    Refused(HdfsError),
    /// The client's side of a SASL mechanism failed.
    #[error("{0}")]
    Sasl(SaslError),
    /// No Kerberos ticket for the server.
    #[error("no ticket for {server}: {error}")]
    Ticket {
        /// The server's principal.
        server: kerbox_krb5::Principal,
        /// The reason.
        error: TicketError,
    },
    /// The server sent something that is not Hadoop RPC.
    #[error("the server does not follow the protocol: {0}")]
    Protocol(String),
    /// No connection to the server.
    #[error("cannot connect to {address}: {why}")]
    Connect {
        /// The server's address.
        address: SocketAddr,
        /// The operating system's error.
        why: String,
    },
    /// The connection ended before the answer.
    #[error("the connection ended: {0}")]
    Lost(String),
    /// The server was silent for too long.
    #[error("{} millis timeout while waiting for the server", .0.as_millis())]
    TimedOut(Duration),
}

impl RpcError {
    /// Returns the exception that a server sent, if it is one.
    #[must_use]
    pub fn remote(&self) -> Option<&RemoteException> {
        match self {
            Self::Remote(exception) | Self::Fatal(exception) => Some(exception),
            _ => None,
        }
    }

    /// Returns the exception that Hadoop's client would throw.
    #[must_use]
    pub fn to_exception(&self) -> HdfsError {
        match self {
            Self::Remote(exception) | Self::Fatal(exception) => exception.error.clone(),
            Self::Refused(error) => error.clone(),
            Self::Sasl(error) => error.exception().clone(),
            Self::Ticket { .. } => HdfsError::sasl(self.to_string()),
            Self::Protocol(_) => {
                HdfsError::new("org.apache.hadoop.ipc.RpcClientException", self.to_string())
            }
            Self::Connect { .. } => HdfsError::new("java.net.ConnectException", self.to_string()),
            Self::Lost(_) => HdfsError::new("java.io.EOFException", self.to_string()),
            Self::TimedOut(_) => {
                HdfsError::new("java.net.SocketTimeoutException", self.to_string())
            }
        }
    }
}

/// The reason why there is no ticket.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TicketError {
    /// The client has no source of tickets.
    #[error("the client was given no source of tickets")]
    NoSource,
    /// The KDC's refusal, or an answer that cannot be used.
    #[error("{0}")]
    Kerberos(#[from] kerbox_krb5::Error),
    /// The KDC does not answer.
    #[error("the KDC at {kdc} does not answer: {why}")]
    Unreachable {
        /// The KDC's address.
        kdc: SocketAddr,
        /// The reason.
        why: String,
    },
}

impl From<SaslError> for RpcError {
    fn from(error: SaslError) -> Self {
        Self::Sasl(error)
    }
}
