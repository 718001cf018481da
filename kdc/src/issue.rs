//! From a decision to a reply: seals the ticket with its PAC, and the reply that carries it (RFC
//! 4120, 3.1.3 and 3.3.3).

use kerbox_krb5::messages::{
    EncKdcReplyPart, EncTicketPart, HostAddress, KdcReply, KdcRequest, MessageType, PaData,
};
use kerbox_krb5::{EncryptionKey, KeyUsage, Principal, Timestamp};
use rand::Rng;

use crate::context::Context;
use crate::error::KdcError;
use crate::fast::Fast;
use crate::issued::IssuedTicket;
use crate::{PrincipalKey, pac, reply};

/// A ticket that an exchange decided to issue.
pub(crate) struct Issue<'a> {
    pub(crate) context: &'a Context<'a>,
    /// The request; with an armor, the inner one.
    pub(crate) request: &'a KdcRequest,
    /// The encoding of the whole request.
    pub(crate) raw: &'a [u8],
    pub(crate) fast: Option<&'a Fast>,
    /// The ticket's server, under the name that the ticket gives.
    pub(crate) server: Principal,
    /// The server's own name, which decides which signatures a PAC has.
    pub(crate) server_principal: &'a Principal,
    pub(crate) part: EncTicketPart,
    pub(crate) ticket_key: TicketKey<'a>,
    /// The PAC's buffers and the key that signs them.
    pub(crate) pac: Option<(Vec<pac::Buffer>, &'a EncryptionKey)>,
    pub(crate) reply_key: ReplyKey<'a>,
    pub(crate) padata: Vec<PaData>,
    /// The time at which the client's key expires, if the reply is to say so.
    pub(crate) key_expiration: Option<Timestamp>,
    /// The addresses that the reply repeats.
    pub(crate) addresses: Vec<HostAddress>,
}

/// The key that encrypts a ticket.
#[derive(Clone, Copy)]
pub(crate) struct TicketKey<'a> {
    pub(crate) key: &'a EncryptionKey,
    /// `None` for a session key (user-to-user) and for version 0.
    pub(crate) kvno: Option<u32>,
}

impl<'a> From<&'a PrincipalKey> for TicketKey<'a> {
    fn from(key: &'a PrincipalKey) -> Self {
        Self {
            key: key.key(),
            kvno: key.told_kvno(),
        }
    }
}

/// The key that encrypts a reply.
#[derive(Clone, Copy)]
pub(crate) struct ReplyKey<'a> {
    pub(crate) key: &'a EncryptionKey,
    /// `None` for the key of a TGS exchange.
    pub(crate) kvno: Option<u32>,
    pub(crate) usage: KeyUsage,
}

impl Issue<'_> {
    /// Returns the encoded reply, and a record of the ticket.
    pub(crate) fn reply(mut self, rng: &mut impl Rng) -> Result<(Vec<u8>, IssuedTicket), KdcError> {
        let TicketKey { key, kvno } = self.ticket_key;
        if let Some((contents, kdc_key)) = self.pac {
            pac::add(
                &mut self.part,
                contents,
                self.server_principal,
                key,
                kdc_key,
            );
        }
        let part = self.part;
        let ticket = part.seal(self.server, key, kvno, rng);
        let mut padata = self.padata;
        let mut reply_key = self.reply_key.key.clone();
        if let Some(fast) = self.fast {
            let now = self.context.now;
            let armored = fast
                .reply(padata, &part.client, &ticket, &reply_key, now, rng)
                .map_err(KdcError::FindFast)?;
            (padata, reply_key) = (armored.padata, armored.reply_key);
        }
        let enctype = self.reply_key.key.enctype();
        let issued = IssuedTicket::new(self.context.now, self.request, &ticket, &part, enctype);
        let message_type = if self.request.message_type == MessageType::AS_REQ {
            MessageType::AS_REP
        } else {
            MessageType::TGS_REP
        };
        let enc_part = EncKdcReplyPart {
            key: part.key,
            last_req: vec![(0, Timestamp::EPOCH)],
            nonce: self.request.body.nonce,
            key_expiration: self.key_expiration,
            flags: part.flags,
            auth_time: part.auth_time,
            start_time: part.start_time,
            end_time: part.end_time,
            renew_till: part.renew_till,
            server: ticket.server.clone(),
            addresses: self.addresses,
            encrypted_padata: reply::encrypted_padata(self.request, self.raw, &reply_key),
        };
        let ReplyKey { kvno, usage, .. } = self.reply_key;
        let reply = KdcReply {
            message_type,
            padata,
            client: reply::shown(self.fast, part.client),
            ticket,
            enc_part: enc_part.seal(message_type, &reply_key, kvno, usage, rng),
        };
        Ok((reply.encode(), issued))
    }
}
