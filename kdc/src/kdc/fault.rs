//! Faults in exchanges.

use kerbox_events::{Changes, Ending, Event, Hook, Outcome, ReplyFault, Ruling, rule};
use kerbox_krb5::{ErrorCode, Timestamp};

use super::peer::Reply;

/// The effect of a fault on an exchange that gets an answer.
#[derive(Default)]
pub(super) struct Fault {
    /// The answer, instead of the one that the KDC would give.
    pub(super) code: Option<ErrorCode>,
    pub(super) changes: Changes,
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
        match rule(hook, now, event) {
            Ruling::Go(changes) => Ok(Self {
                code: None,
                changes,
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
                close: ending != Ending::Silent,
                stop: ending == Ending::Kill,
                ..Reply::default()
            }),
        }
    }

    /// Returns the reply with this message, as the fault changes its way to the client.
    pub(super) fn reply(&self, message: Vec<u8>) -> Reply {
        let reply = Reply {
            message: Some(message),
            delay: self.changes.delay,
            ..Reply::default()
        };
        match self.changes.reply {
            // A KDC's answers are not chopped: a datagram cannot be.
            ReplyFault::None | ReplyFault::Chopped(_) => reply,
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
