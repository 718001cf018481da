//! The fields of a KDC's reply that no key protects.

use std::fmt;

/// A field of an AS-REP or TGS-REP (RFC 4120, 5.4.2) that is sent in the clear, so that anyone on
/// the way can change it. Clients compare most of them with what is encrypted.
///
/// ```
/// use kerbox_events::{ClearField, Verdict};
///
/// let verdict = Verdict::Forge(ClearField::Client);
/// assert_eq!(verdict.to_string(), "forge the client's name");
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[non_exhaustive]
pub enum ClearField {
    /// `cname`: the reply names another client.
    Client,
    /// `crealm`: the reply names another realm of the client.
    ClientRealm,
    /// `sname` of the ticket: it names another service.
    Service,
    /// `kvno` of the ticket: it claims the next version of the service's key.
    TicketKvno,
    /// `kvno` of the encrypted part: it claims the next version of the client's key.
    ReplyKvno,
}

impl fmt::Display for ClearField {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Client => "client's name",
            Self::ClientRealm => "client's realm",
            Self::Service => "ticket's service",
            Self::TicketKvno => "ticket's key version",
            Self::ReplyKvno => "reply's key version",
        })
    }
}
