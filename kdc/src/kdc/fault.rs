//! Faults in exchanges.

use kerbox_events::{Changes, ClearField, Ending, Event, Hook, Outcome, ReplyFault, Ruling, rule};
use kerbox_krb5::messages::KdcReply;
use kerbox_krb5::{ErrorCode, Principal, Timestamp};

use super::peer::Reply;

/// The effect of a fault on an exchange that gets an answer.
#[derive(Default)]
pub(super) struct Fault {
    /// The answer, instead of the one that the KDC would give.
    pub(super) code: Option<ErrorCode>,
    pub(super) changes: Changes,
    /// The event on which a field of the reply is to be forged.
    forging: Option<Event>,
    is_forged: bool,
}

impl Fault {
    /// Asks the hook about an event, unless it was asked before it held the request.
    ///
    /// # Errors
    /// Fails with the reply if the verdict ends the exchange or holds it.
    pub(super) fn ask(
        hook: &dyn Hook,
        now: Timestamp,
        held: bool,
        event: impl Fn(Outcome) -> Event,
    ) -> Result<Self, Reply> {
        if held {
            return Ok(Self::default());
        }
        match rule(hook, now, &event) {
            Ruling::Go(changes) => Ok(Self {
                forging: changes.forge.map(|_| event(Outcome::Asked)),
                changes,
                ..Self::default()
            }),
            Ruling::Refuse(code) => Ok(Self {
                code: Some(code),
                ..Self::default()
            }),
            Ruling::Hold(latch) => Err(Reply {
                hold: Some(latch),
                ..Reply::default()
            }),
            Ruling::End(ending) => Err(Reply {
                close: matches!(ending, Ending::Close | Ending::Kill),
                half_close: ending == Ending::HalfClose,
                stop: ending == Ending::Kill,
                ..Reply::default()
            }),
        }
    }

    /// Forges a field of the answer if the fault asks for it, and says to the hook if there was
    /// such a field: an error has none.
    pub(super) fn forge(&mut self, hook: &dyn Hook, now: Timestamp, answer: &mut Vec<u8>) {
        let (Some(field), Some(event)) = (self.changes.forge, self.forging.take()) else {
            return;
        };
        let reply = KdcReply::decode(answer).ok();
        let reply = reply.and_then(|reply| forged(reply, field));
        if let Some(reply) = &reply {
            *answer = reply.encode();
        }
        self.is_forged = reply.is_some();
        hook.forged(now, &event, self.is_forged);
    }

    /// Corrupts the answer if the fault asks for it. Returns whether it is no longer what the KDC
    /// would give.
    pub(super) fn spoil(&self, answer: &mut [u8]) -> bool {
        if self.changes.corrupt
            && let Some(last) = answer.last_mut()
        {
            *last ^= 0xFF;
        }
        self.changes.corrupt || self.is_forged || self.code.is_some()
    }

    /// Returns the reply with this message, as the fault changes its way to the client.
    pub(super) fn reply(&self, message: Vec<u8>) -> Reply {
        let reply = Reply {
            message: Some(message),
            delay: self.changes.delay,
            ..Reply::default()
        };
        match self.changes.reply {
            // A KDC's answers are neither chopped nor joined: a datagram cannot be.
            ReplyFault::None | ReplyFault::Chopped(_) | ReplyFault::Joined => reply,
            ReplyFault::Lost => Reply {
                message: None,
                ..reply
            },
            ReplyFault::Cut(bytes) => Reply {
                cut: Some(bytes),
                close: true,
                ..reply
            },
        }
    }
}

/// Changes a field that no key protects; `None` if this version does not know the field.
fn forged(mut reply: KdcReply, field: ClearField) -> Option<KdcReply> {
    /// The name that takes the place of another one.
    const FORGED: &str = "forged";
    match field {
        ClearField::Client => {
            let realm = reply.client.realm().to_owned();
            reply.client = Principal::new(realm, [FORGED]);
        }
        ClearField::ClientRealm => {
            let components = reply.client.components().to_vec();
            let name_type = reply.client.name_type();
            reply.client = Principal::new(FORGED, components).with_name_type(name_type);
        }
        ClearField::Service => {
            let realm = reply.ticket.server.realm().to_owned();
            reply.ticket.server = Principal::new(realm, [FORGED]);
        }
        ClearField::TicketKvno => next(&mut reply.ticket.enc_part.kvno),
        ClearField::ReplyKvno => next(&mut reply.enc_part.kvno),
        _ => return None,
    }
    Some(reply)
}

fn next(kvno: &mut Option<u32>) {
    *kvno = Some(kvno.unwrap_or_default().wrapping_add(1));
}
