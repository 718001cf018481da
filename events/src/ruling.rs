//! The one place where verdicts are interpreted: from a rule's answer to what a server does.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use kerbox_krb5::{ErrorCode, Timestamp};

use crate::{ClearField, Event, Hook, Latch, Outcome, Verdict};

/// The action of a server on an event, once the faults have been asked.
///
/// `R` is the refusal that the event's protocol knows, so that a server has to handle each ruling
/// that can occur, and no other.
///
/// ```
/// use kerbox_events::{Changes, Event, NoHook, Ruling, rule};
/// use kerbox_krb5::{ErrorCode, Timestamp};
///
/// let ruling = rule::<ErrorCode>(&NoHook, Timestamp::EPOCH, |outcome| Event::AsExchange {
///     client: "alice@EXAMPLE.COM".into(),
///     service: "krbtgt/EXAMPLE.COM@EXAMPLE.COM".into(),
///     outcome,
/// });
/// assert_eq!(ruling, Ruling::Go(Changes::default()));
/// ```
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Ruling<R> {
    /// Acts, with these changes.
    Go(Changes),
    /// Answers with this refusal instead.
    Refuse(R),
    /// Waits until the test lets go, then acts without asking again.
    Hold(Latch),
    /// Gives no answer. The outcome is recorded already.
    End(Ending),
}

/// The end of an exchange that gets no answer.
///
/// ```
/// use kerbox_events::{Ending, Ruling};
/// use kerbox_krb5::ErrorCode;
///
/// /// Returns whether the server stops.
/// fn stops(ruling: &Ruling<ErrorCode>) -> bool {
///     matches!(ruling, Ruling::End(Ending::Kill))
/// }
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Ending {
    /// Says nothing, but keeps the connection.
    Silent,
    /// Closes the connection.
    Close,
    /// Closes the sending half of the connection, and goes on reading.
    HalfClose,
    /// Stops the server.
    Kill,
}

/// Changes to an exchange that goes on.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct Changes {
    /// Waits this long in real time first.
    pub delay: Duration,
    /// Corrupts the bytes that are sent or stored, and keeps their number.
    pub corrupt: bool,
    /// Changes this field of the reply, which no key protects.
    pub forge: Option<ClearField>,
    /// Sends wrong checksums with intact data.
    pub wrong_checksums: bool,
    /// Fails like a disk that cannot read or store the bytes.
    pub disk_error: bool,
    /// Changes how the answer is sent.
    pub reply: ReplyFault,
}

/// The way in which the answer of an exchange goes wrong after the exchange was carried out.
///
/// ```
/// use kerbox_events::ReplyFault;
///
/// /// Returns the bytes of an answer that are sent.
/// fn sent(answer: &[u8], fault: ReplyFault) -> &[u8] {
///     match fault {
///         ReplyFault::Lost => &[],
///         ReplyFault::Cut(bytes) => &answer[..bytes.min(answer.len())],
///         ReplyFault::None | ReplyFault::Chopped(_) | ReplyFault::Joined => answer,
///     }
/// }
/// assert_eq!(sent(b"answer", ReplyFault::Cut(2)), b"an");
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub enum ReplyFault {
    /// It does not.
    #[default]
    None,
    /// It is lost; the connection stays.
    Lost,
    /// Only this many of its bytes are sent, then the connection is closed. A datagram is cut.
    Cut(usize),
    /// It is sent in pieces of this many bytes.
    Chopped(usize),
    /// It is kept back, and sent together with the next one.
    Joined,
}

/// A refusal in a protocol's own terms.
///
/// ```
/// use kerbox_events::{Refusal, Verdict};
/// use kerbox_krb5::ErrorCode;
///
/// let verdict = Verdict::KrbError(ErrorCode::KDC_ERR_POLICY);
/// assert_eq!(ErrorCode::of(&verdict), Some(ErrorCode::KDC_ERR_POLICY));
/// assert_eq!(ErrorCode::of(&Verdict::Drop), None);
/// ```
pub trait Refusal: Sized {
    /// Returns the refusal that a verdict asks for; `None` if the protocol does not know it.
    fn of(verdict: &Verdict) -> Option<Self>;
}

/// Refusals by the KDC and its password service.
impl Refusal for ErrorCode {
    fn of(verdict: &Verdict) -> Option<Self> {
        match verdict {
            Verdict::KrbError(code) => Some(*code),
            _ => None,
        }
    }
}

/// An exception of a Hadoop server.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Exception {
    /// The Java class.
    pub class: Arc<str>,
    /// The message.
    pub message: Arc<str>,
}

impl Exception {
    /// Returns the outcome of an exchange that was answered with it.
    #[must_use]
    pub fn outcome(&self) -> Outcome {
        Outcome::Exception {
            class: Arc::clone(&self.class),
            message: Arc::clone(&self.message),
        }
    }
}

impl Refusal for Exception {
    fn of(verdict: &Verdict) -> Option<Self> {
        match verdict {
            Verdict::Exception { class, message } => Some(Self {
                class: Arc::clone(class),
                message: Arc::clone(message),
            }),
            _ => None,
        }
    }
}

/// The refusal of a handshake, in Kerberos' terms or in Hadoop's.
///
/// ```
/// use kerbox_events::{HandshakeRefusal, Refusal, Verdict};
/// use kerbox_krb5::ErrorCode;
///
/// let verdict = Verdict::KrbError(ErrorCode::KRB_AP_ERR_SKEW);
/// let refusal = HandshakeRefusal::KrbError(ErrorCode::KRB_AP_ERR_SKEW);
/// assert_eq!(HandshakeRefusal::of(&verdict), Some(refusal));
/// ```
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum HandshakeRefusal {
    /// A KRB-ERROR.
    KrbError(ErrorCode),
    /// An exception.
    Exception(Exception),
}

impl Refusal for HandshakeRefusal {
    fn of(verdict: &Verdict) -> Option<Self> {
        let code = ErrorCode::of(verdict).map(Self::KrbError);
        code.or_else(|| Exception::of(verdict).map(Self::Exception))
    }
}

/// Connections and packets have no answer of their own, so nothing can be refused.
impl Refusal for Infallible {
    fn of(_verdict: &Verdict) -> Option<Self> {
        None
    }
}

/// Asks `hook` about an event before the server acts, and interprets its verdict. An exchange that
/// thereby ends without an answer is recorded. Calls `event` only if a fault is installed.
pub fn rule<R: Refusal>(
    hook: &dyn Hook,
    now: Timestamp,
    event: impl Fn(Outcome) -> Event,
) -> Ruling<R> {
    if !hook.watching() {
        return Ruling::Go(Changes::default());
    }
    let ending = match interpret(hook.ask(now, &event(Outcome::Asked))) {
        Ruling::End(ending) => ending,
        ruling => return ruling,
    };
    let ended = event(match ending {
        Ending::Silent => Outcome::Dropped,
        Ending::Close | Ending::HalfClose | Ending::Kill => Outcome::Disconnected,
    });
    // Connections and packets are no exchanges.
    if ended.outcome().is_some() {
        hook.record(now, ended);
    }
    Ruling::End(ending)
}

fn interpret<R: Refusal>(verdict: Verdict) -> Ruling<R> {
    let mut changes = Changes::default();
    match verdict {
        Verdict::Pass => {}
        Verdict::KrbError(_) | Verdict::Exception { .. } => {
            // A hook asks `Event::takes` first, so others do not come here.
            if let Some(refusal) = R::of(&verdict) {
                return Ruling::Refuse(refusal);
            }
        }
        // A fixture turns the former into a hold.
        Verdict::Delay(delay) | Verdict::DelayInRealTime(delay) => changes.delay = delay,
        Verdict::Corrupt => changes.corrupt = true,
        Verdict::Forge(field) => changes.forge = Some(field),
        Verdict::WrongChecksums => changes.wrong_checksums = true,
        Verdict::DiskError => changes.disk_error = true,
        Verdict::LoseReply => changes.reply = ReplyFault::Lost,
        Verdict::CutReply(bytes) => changes.reply = ReplyFault::Cut(bytes),
        Verdict::ChopReply(bytes) => changes.reply = ReplyFault::Chopped(bytes.max(1)),
        Verdict::JoinReply => changes.reply = ReplyFault::Joined,
        Verdict::Hold(latch) => return Ruling::Hold(latch),
        Verdict::Drop => return Ruling::End(Ending::Silent),
        Verdict::Disconnect => return Ruling::End(Ending::Close),
        Verdict::HalfClose => return Ruling::End(Ending::HalfClose),
        Verdict::Kill => return Ruling::End(Ending::Kill),
    }
    Ruling::Go(changes)
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;

    struct Always(Verdict, Mutex<Vec<String>>);

    impl Hook for Always {
        fn ask(&self, _now: Timestamp, event: &Event) -> Verdict {
            assert_eq!(event.outcome(), Some(&Outcome::Asked));
            self.0.clone()
        }

        fn record(&self, _now: Timestamp, event: Event) {
            self.1.lock().expect("not poisoned").push(event.to_string());
        }

        fn watching(&self) -> bool {
            true
        }
    }

    fn event(outcome: Outcome) -> Event {
        Event::AsExchange {
            client: "alice@R".into(),
            service: "krbtgt/R@R".into(),
            outcome,
        }
    }

    fn under(verdict: Verdict) -> (Ruling<ErrorCode>, Vec<String>) {
        let hook = Always(verdict, Mutex::default());
        let ruling = rule(&hook, Timestamp::EPOCH, event);
        (ruling, hook.1.into_inner().expect("not poisoned"))
    }

    #[test]
    fn an_exchange_without_an_answer_is_recorded_by_the_ruling() {
        for (verdict, ending, recorded) in [
            (Verdict::Drop, Ending::Silent, "no answer"),
            (Verdict::Disconnect, Ending::Close, "disconnected"),
            (Verdict::HalfClose, Ending::HalfClose, "disconnected"),
            (Verdict::Kill, Ending::Kill, "disconnected"),
        ] {
            let (ruling, lines) = under(verdict);
            assert_eq!(ruling, Ruling::End(ending));
            assert_eq!(lines, [format!("AS alice@R for krbtgt/R@R: {recorded}")]);
        }
    }

    #[test]
    fn an_exchange_that_goes_on_is_recorded_by_its_server() {
        let latch = Latch::new();
        let go = |changes| Ruling::Go(changes);
        let policy = ErrorCode::KDC_ERR_POLICY;
        for (verdict, expected) in [
            (Verdict::Pass, go(Changes::default())),
            (Verdict::KrbError(policy), Ruling::Refuse(policy)),
            (Verdict::Hold(latch.clone()), Ruling::Hold(latch)),
            (
                Verdict::CutReply(3),
                go(Changes {
                    reply: ReplyFault::Cut(3),
                    ..Changes::default()
                }),
            ),
            (
                Verdict::ChopReply(0),
                go(Changes {
                    reply: ReplyFault::Chopped(1),
                    ..Changes::default()
                }),
            ),
        ] {
            assert_eq!(under(verdict), (expected, Vec::new()));
        }
    }

    #[test]
    fn without_faults_no_event_is_built() {
        let ruling = rule::<Infallible>(&crate::NoHook, Timestamp::EPOCH, |_| unreachable!());
        assert_eq!(ruling, Ruling::Go(Changes::default()));
    }
}
