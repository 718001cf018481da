//! Facts learned while an exchange is processed.

use kerbox_events::{Facts, TicketFacts};
use kerbox_krb5::Principal;
use kerbox_krb5::messages::{KdcRequest, MessageType};

use crate::error::KdcError;
use crate::fast::Fast;
use crate::issued::{IssuedTicket, offered};

/// Facts learned while an exchange is processed, for the error that may end it.
#[derive(Default)]
pub(crate) struct Learned {
    /// The client of a TGS request's ticket, or the client inside an AS request's armor.
    pub(crate) client: Option<Principal>,
    /// The server named inside an armor.
    pub(crate) server: Option<Principal>,
    /// The armor.
    pub(crate) fast: Option<Fast>,
    /// The issued ticket.
    pub(crate) issued: Option<IssuedTicket>,
    /// The reason of a refusal.
    pub(crate) refused: Option<KdcError>,
}

impl Learned {
    /// Returns the facts for the journal. `message` is the request as it was sent.
    pub(crate) fn facts(&self, message: &KdcRequest) -> Option<Facts> {
        if let Some(error) = self.refused {
            return Some(Facts::Refusal {
                reason: error.text().into(),
                offered: offered(message),
            });
        }
        let ticket = self.issued.as_ref()?;
        let is_login = message.message_type == MessageType::AS_REQ;
        Some(Facts::Ticket(Box::new(TicketFacts {
            offered: ticket.offered_enctypes.clone(),
            session: ticket.session_enctype,
            ticket: ticket.ticket_enctype,
            kvno: ticket.kvno,
            reply: ticket.reply_enctype,
            flags: ticket.flags,
            auth_time: ticket.auth_time,
            start_time: ticket.start_time,
            end_time: ticket.end_time,
            renew_till: ticket.renew_till,
            pre_auth: is_login.then_some(ticket.pre_auth),
            armored: self.fast.is_some(),
        })))
    }

    /// Records the names from inside an AS request's armor.
    pub(crate) fn armored(&mut self, fast: Fast, inner: &KdcRequest) -> &Fast {
        self.client.clone_from(&inner.body.client);
        self.server.clone_from(&inner.body.server);
        self.fast.insert(fast)
    }
}
