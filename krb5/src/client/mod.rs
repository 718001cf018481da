//! The client's side of the AS and TGS exchanges, without a socket (RFC 4120, 3.1 and 3.3).
//!
//! An [`AsExchange`] gets an initial ticket with a password or keys. A [`TgsExchange`] gets every
//! further ticket: service tickets, renewed, validated, forwarded and proxied tickets, user-to-user
//! and S4U. Both return bytes to send to a KDC, process its answer, and end in [`Credentials`].

mod as_exchange;
mod tgs_exchange;

use std::time::Duration;

pub use as_exchange::{AsExchange, AsStep, InitialRequest, Secret};
pub use tgs_exchange::{TgsExchange, TgsRequest};

use crate::messages::{EncKdcReplyPart, HostAddress, KdcReply, Ticket, TicketFlags};
use crate::{EncryptionKey, EncryptionType, Principal, Timestamp};

/// A ticket and the data that its owner needs to use it.
///
/// ```
/// use kerbox_krb5::client::Credentials;
/// use kerbox_krb5::{Credential, CredentialCache};
///
/// /// Writes a ticket as `kinit` does.
/// fn cache_of(ticket: &Credentials) -> CredentialCache {
///     let mut cache = CredentialCache::new(ticket.client.clone());
///     cache.push(Credential::from(ticket));
///     cache
/// }
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Credentials {
    /// The client.
    pub client: Principal,
    /// The service.
    pub server: Principal,
    /// The session key.
    pub key: EncryptionKey,
    /// The ticket itself.
    pub ticket: Ticket,
    /// Its flags.
    pub flags: TicketFlags,
    /// The time at which the client was authenticated.
    pub auth_time: Timestamp,
    /// The start of its validity.
    pub start_time: Timestamp,
    /// The end of its validity.
    pub end_time: Timestamp,
    /// The end of its renewability.
    pub renew_till: Option<Timestamp>,
    /// The addresses from which it may be used; all if empty.
    pub addresses: Vec<HostAddress>,
}

impl Credentials {
    fn new(reply: KdcReply, part: EncKdcReplyPart, addresses: &[HostAddress]) -> Self {
        Self {
            client: reply.client,
            server: part.server,
            key: part.key,
            ticket: reply.ticket,
            flags: part.flags,
            auth_time: part.auth_time,
            start_time: part.start_time.unwrap_or(part.auth_time),
            end_time: part.end_time,
            renew_till: part.renew_till,
            addresses: if part.addresses.is_empty() {
                addresses.to_vec()
            } else {
                part.addresses
            },
        }
    }

    /// Returns the length of its validity.
    #[must_use]
    pub fn lifetime(&self) -> Duration {
        self.end_time.since(self.start_time)
    }
}

/// The types that our clients request: MIT's default types, best first.
const ENCTYPES: [EncryptionType; 4] = EncryptionType::DEFAULT;
