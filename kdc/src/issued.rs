//! The tickets that the KDC has issued: who got which, when, and for how long.

use std::collections::VecDeque;

use kerbox_events::TgsKind;
use kerbox_krb5::messages::{EncTicketPart, Ticket, TicketFlags};
use kerbox_krb5::{EncryptionType, Principal, Timestamp};

/// A ticket as the KDC issued it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IssuedTicket {
    /// When it was issued.
    pub issued_at: Timestamp,
    /// What a TGS request asked for; `None` for an AS exchange.
    pub kind: Option<TgsKind>,
    /// The client in it.
    pub client: Principal,
    /// The server that it is for.
    pub server: Principal,
    /// Its flags.
    pub flags: TicketFlags,
    /// When the client was authenticated.
    pub auth_time: Timestamp,
    /// From when it is valid.
    pub start_time: Timestamp,
    /// Until when.
    pub end_time: Timestamp,
    /// Until when it can be renewed.
    pub renew_till: Option<Timestamp>,
    /// The type of its session key.
    pub session_enctype: EncryptionType,
    /// The type of the key that it is encrypted with.
    pub ticket_enctype: EncryptionType,
    /// The version of that key; `None` for a session key (user-to-user).
    pub kvno: Option<u32>,
}

impl IssuedTicket {
    /// A ticket of an AS exchange; the KDC adds the kind of a TGS exchange.
    pub(crate) fn new(issued_at: Timestamp, ticket: &Ticket, part: &EncTicketPart) -> Self {
        Self {
            issued_at,
            kind: None,
            client: part.client.clone(),
            server: ticket.server.clone(),
            flags: part.flags,
            auth_time: part.auth_time,
            start_time: part.start(),
            end_time: part.end_time,
            renew_till: part.renew_till,
            session_enctype: part.key.enctype(),
            ticket_enctype: ticket.enc_part.enctype,
            kvno: ticket.enc_part.kvno,
        }
    }
}

/// The last tickets, the newest at the end.
#[derive(Default)]
pub(crate) struct IssuedTickets(VecDeque<IssuedTicket>);

impl IssuedTickets {
    /// How many are remembered.
    const KEPT: usize = 1000;

    pub(crate) fn push(&mut self, ticket: IssuedTicket) {
        if self.0.len() == Self::KEPT {
            self.0.pop_front();
        }
        self.0.push_back(ticket);
    }

    pub(crate) fn list(&self) -> Vec<IssuedTicket> {
        self.0.iter().cloned().collect()
    }
}
