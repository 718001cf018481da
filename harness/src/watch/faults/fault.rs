//! Ready-made faults.

use std::fmt;

use kerbox_events::{Event, Server, Verdict};
use kerbox_krb5::ErrorCode;
use rand::RngExt;
use rand::rngs::StdRng;

use super::Rule;

/// A condition on events.
pub(super) type Matches = Box<dyn FnMut(&Event) -> bool + Send>;

/// A ready-made fault: the events that it strikes, how often, and with which verdict.
///
/// The builders that begin with `on_` are typed by the event, so that a fault that no server could
/// carry out does not compile:
///
/// ```compile_fail
/// # use kerbox::Fault;
/// // A KDC has no Java exceptions.
/// Fault::on_ticket_requests().exception("java.io.IOException", "no");
/// ```
///
/// ```
/// use kerbox::{ErrorCode, Fault, Realm};
///
/// # fn main() -> Result<(), kerbox::Error> {
/// let realm = Realm::start_blocking()?;
/// let alice = realm.login_blocking("alice")?;
/// // The second request of alice's from now on is refused; bob's are not counted.
/// let fault = Fault::krb_error(ErrorCode::KDC_ERR_POLICY).of("alice").after(1).once();
/// let fault = realm.inject(fault);
/// alice.renew_blocking()?;
/// realm.login_blocking("bob")?;
/// let refused = alice.renew_blocking().expect_err("the fault's answer");
/// assert_eq!(refused.kerberos_code(), Some(ErrorCode::KDC_ERR_POLICY));
/// assert_eq!(fault.struck(), 1);
/// alice.renew_blocking()?;
/// # Ok(())
/// # }
/// ```
pub struct Fault {
    strikes: Matches,
    verdict: Verdict,
    after: u64,
    times: u64,
    probability: Option<f64>,
}

impl Fault {
    /// Answers the events that match with `verdict`.
    pub fn new(strikes: impl FnMut(&Event) -> bool + Send + 'static, verdict: Verdict) -> Self {
        Self {
            strikes: Box::new(strikes),
            verdict,
            after: 0,
            times: u64::MAX,
            probability: None,
        }
    }

    /// Makes the KDC answer AS and TGS requests with this KRB-ERROR.
    #[must_use]
    pub fn krb_error(code: ErrorCode) -> Self {
        Self::new(
            |event| matches!(event, Event::AsExchange { .. } | Event::TgsExchange { .. }),
            Verdict::KrbError(code),
        )
    }

    /// Makes `server` close the connection instead of answering a ticket request, a call, or a
    /// block operation.
    #[must_use]
    pub fn disconnect(server: Server) -> Self {
        Self::new(move |event| is_request(event, server), Verdict::Disconnect)
    }

    /// Makes `server` accept requests without ever answering.
    #[must_use]
    pub fn silence(server: Server) -> Self {
        Self::new(move |event| is_request(event, server), Verdict::Drop)
    }

    /// Kills the DataNode with this 1-based number, like a killed process, at the `nth` packet
    /// (1-based) of an operation.
    #[must_use]
    pub fn datanode_dies_at_packet(datanode: usize, nth: u64) -> Self {
        Self::new(
            move |event| {
                matches!(
                    event,
                    Event::Packet { datanode: at, nth: n, .. }
                        if *at == datanode && *n == nth
                )
            },
            Verdict::Kill,
        )
    }

    /// Makes the DataNode with this 1-based number send or store corrupt bytes.
    #[must_use]
    pub fn corrupt_packets(datanode: usize) -> Self {
        Self::new(
            move |event| matches!(event, Event::Packet { datanode: at, .. } if *at == datanode),
            Verdict::Corrupt,
        )
    }

    /// Restricts the fault to requests of this user: a principal with or without its realm, or a
    /// short name. A ticket-granting request belongs to the client of its ticket. Connections,
    /// block operations and packets name no user and never match.
    #[must_use]
    pub fn of(self, user: &str) -> Self {
        let user = user.to_owned();
        self.when(move |event| is_by(event, &user))
    }

    /// Restricts the fault to calls of this method: `getFileInfo`, `addBlock`, ….
    #[must_use]
    pub fn on_method(self, method: &str) -> Self {
        let wanted = method.to_owned();
        self.when(
            move |event| matches!(event, Event::RpcCall { method, .. } if **method == *wanted),
        )
    }

    /// Restricts the fault to events that also match this.
    #[must_use]
    pub fn when(mut self, mut also: impl FnMut(&Event) -> bool + Send + 'static) -> Self {
        let mut strikes = self.strikes;
        self.strikes = Box::new(move |event| strikes(event) && also(event));
        self
    }

    /// Lets this many matching events pass first.
    #[must_use]
    pub fn after(mut self, passes: u64) -> Self {
        self.after = passes;
        self
    }

    /// Strikes only the event with this 1-based number among those that match.
    #[must_use]
    pub fn nth(self, number: u64) -> Self {
        self.after(number.saturating_sub(1)).once()
    }

    /// Limits the number of strikes. Clients may retry on their own, as MIT's does after a refused
    /// ticket request; the journal shows what they did.
    #[must_use]
    pub fn times(mut self, times: u64) -> Self {
        self.times = times;
        self
    }

    /// Strikes only once.
    #[must_use]
    pub fn once(self) -> Self {
        self.times(1)
    }

    /// Strikes with this probability (0 to 1), drawn from the fixture's seed.
    #[must_use]
    pub fn with_probability(mut self, probability: f64) -> Self {
        self.probability = Some(probability.clamp(0.0, 1.0));
        self
    }
}

/// Returns whether the event is by this user, a principal with or without its realm or a short
/// name.
pub(super) fn is_by(event: &Event, user: &str) -> bool {
    event
        .user()
        .and_then(|who| who.strip_prefix(user))
        .is_some_and(|rest| rest.is_empty() || rest.starts_with('@'))
}

fn is_request(event: &Event, server: Server) -> bool {
    event.server() == Some(server) && event.is_request()
}

impl Rule for Fault {
    fn judge(&mut self, event: &Event, rng: &mut StdRng) -> Verdict {
        if self.times == 0 || !(self.strikes)(event) {
            return Verdict::Pass;
        }
        if !event.takes(&self.verdict) {
            // Not a strike, so it does not count.
            return self.verdict.clone();
        }
        if self.after > 0 {
            self.after -= 1;
            return Verdict::Pass;
        }
        if self
            .probability
            .is_some_and(|probability| !rng.random_bool(probability))
        {
            return Verdict::Pass;
        }
        self.times -= 1;
        self.verdict.clone()
    }

    fn missed(&mut self) {
        self.times = self.times.saturating_add(1);
    }
}

impl fmt::Debug for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Fault({})", self.verdict)
    }
}
