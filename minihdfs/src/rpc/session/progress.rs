//! The progress of a connection's authentication.

use std::sync::Arc;

use crate::sasl::SaslServer;
use crate::user::{AuthMethod, User};

/// The progress of a connection's authentication.
pub(super) enum Handshake {
    /// No authentication: the client did not request SASL, or may continue without it.
    Simple,
    /// SASL was requested; no message has been exchanged yet.
    Start,
    /// The offer was sent. It contains the challenge of this DIGEST-MD5 server, where tokens are
    /// accepted.
    Offered(Option<Box<SaslServer>>),
    /// The client has chosen a method.
    Chosen(AuthMethod, Box<SaslServer>),
    /// The client has authenticated as `user`.
    Done {
        method: AuthMethod,
        user: User,
        /// The proxy user that obtained the token, if any.
        real: Option<User>,
        /// The DIGEST-MD5 user name of the token.
        token: Option<Arc<str>>,
    },
}
