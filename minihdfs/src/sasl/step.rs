//! The results of a server's handshake, whatever the mechanism.

use std::sync::Arc;

use kerbox_events::Outcome;

use super::layer::Layer;
use crate::qop::QualityOfProtection;

/// The result of a handshake step.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum SaslStep {
    /// The handshake continues. Send this and pass the reply to the next step.
    Challenge(Vec<u8>),
    /// The handshake is complete. Send the token, if any (`rspauth=…` for DIGEST-MD5, nothing for
    /// GSSAPI).
    Success(Option<Vec<u8>>),
}

/// The result of a service's check of an AP-REQ, for the journal.
///
/// ```
/// use minihdfs::sasl::{ApOutcome, SaslServer};
///
/// /// Returns the name of a client whose ticket the last step has accepted.
/// fn client(server: &mut SaslServer) -> Option<String> {
///     let ApOutcome { client, outcome } = server.take_ap_exchange()?;
///     outcome.is_ok().then(|| client.to_string())
/// }
/// ```
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ApOutcome {
    /// The client's name; empty if the ticket could not be decrypted.
    pub client: Arc<str>,
    /// The result of the check.
    pub outcome: Outcome,
}

/// The result of a handshake.
pub(super) struct Established {
    /// The authorization identity.
    pub(super) user: String,
    pub(super) qop: QualityOfProtection,
    pub(super) layer: Layer,
}
