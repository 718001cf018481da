//! The client's side of the AS and TGS exchanges, without a socket (RFC 4120, 3.1 and 3.3).
//!
//! An [`AsExchange`] gets an initial ticket by a password or by keys; a [`TgsExchange`] gets every
//! further one: service tickets, renewed, validated, forwarded and proxied tickets, user-to-user
//! and S4U. Both give bytes to send to a KDC, take its answer, and end in [`Credentials`].

mod as_exchange;
mod tgs_exchange;

use std::time::Duration;

pub use as_exchange::{AsExchange, AsStep, InitialRequest, Secret};
pub use tgs_exchange::{TgsExchange, TgsRequest};

use crate::messages::{EncKdcReplyPart, HostAddress, KdcReply, Ticket, TicketFlags};
use crate::{EncryptionKey, EncryptionType, Principal, Timestamp};

/// A ticket and what its owner must know to use it.
#[derive(Clone, Debug, PartialEq)]
pub struct Credentials {
    /// Whose ticket it is.
    pub client: Principal,
    /// For which service.
    pub server: Principal,
    /// The session key.
    pub key: EncryptionKey,
    /// The ticket itself.
    pub ticket: Ticket,
    /// Its flags.
    pub flags: TicketFlags,
    /// When the client was authenticated.
    pub auth_time: Timestamp,
    /// The start of its validity.
    pub start_time: Timestamp,
    /// The end of its validity.
    pub end_time: Timestamp,
    /// The end of its renewability.
    pub renew_till: Option<Timestamp>,
    /// From which addresses it may be used; from all if empty.
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

    /// How long it is valid in all.
    #[must_use]
    pub fn lifetime(&self) -> Duration {
        self.end_time.since(self.start_time)
    }
}

/// What our clients ask for: the types that MIT offers by default, the best first.
const ENCTYPES: [EncryptionType; 4] = EncryptionType::DEFAULT;
