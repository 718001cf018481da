//! Faults: rules over the same events that the journal shows. What can be seen can be made to fail.

use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use kerbox_events::{Event, Server, Verdict};
use kerbox_krb5::ErrorCode;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

/// Answers the events that the servers ask about. Closures over [`&Event`](Event) are rules;
/// [`Fault`] has ready-made ones.
///
/// The first rule that does not say [`Verdict::Pass`] wins; the newest is asked first. A rule is
/// called while the server waits and must not call the fixture.
pub trait Rule: Send {
    /// What shall become of `event`; `rng` is the fixture's seeded generator, for rules that strike
    /// by chance.
    fn judge(&mut self, event: &Event, rng: &mut StdRng) -> Verdict;
}

impl<F: FnMut(&Event) -> Verdict + Send> Rule for F {
    fn judge(&mut self, event: &Event, _rng: &mut StdRng) -> Verdict {
        self(event)
    }
}

/// A ready-made fault: which events it strikes, how often, and with what.
///
/// ```
/// use kerbox::{ErrorCode, Fault};
///
/// // The third ticket that alice asks for is refused.
/// let fault = Fault::krb_error(ErrorCode::KDC_ERR_SVC_UNAVAILABLE).of("alice").after(2).times(1);
/// ```
pub struct Fault {
    strikes: Box<dyn FnMut(&Event) -> bool + Send>,
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

    /// The KDC answers AS and TGS requests with this KRB-ERROR.
    #[must_use]
    pub fn krb_error(code: ErrorCode) -> Self {
        Self::new(
            |event| matches!(event, Event::AsExchange { .. } | Event::TgsExchange { .. }),
            Verdict::KrbError(code),
        )
    }

    /// `server` closes the connection instead of answering: a ticket request, a call, or a block
    /// operation.
    #[must_use]
    pub fn disconnect(server: Server) -> Self {
        Self::new(move |event| is_request(event, server), Verdict::Disconnect)
    }

    /// `server` takes requests and never answers.
    #[must_use]
    pub fn silence(server: Server) -> Self {
        Self::new(move |event| is_request(event, server), Verdict::Drop)
    }

    /// The DataNode of this number (from 1) dies, as a killed process does, at the `nth` packet of
    /// an operation (from 1).
    #[must_use]
    pub fn datanode_dies_at_packet(datanode: usize, nth: u64) -> Self {
        Self::new(
            move |event| matches!(event, Event::Packet { datanode: at, nth: n, .. } if *at == datanode && *n == nth),
            Verdict::Kill,
        )
    }

    /// The DataNode of this number (from 1) sends or stores spoilt bytes.
    #[must_use]
    pub fn corrupt_packets(datanode: usize) -> Self {
        Self::new(
            move |event| matches!(event, Event::Packet { datanode: at, .. } if *at == datanode),
            Verdict::Corrupt,
        )
    }

    /// Only requests of this user: a principal with or without its realm, or a short name.
    #[must_use]
    pub fn of(self, user: &str) -> Self {
        let user = user.to_owned();
        self.when(move |event| {
            let who = match event {
                Event::AsExchange { client, .. }
                | Event::TgsExchange { client, .. }
                | Event::PasswordChange { client, .. }
                | Event::ApExchange { client, .. } => client,
                Event::Sasl { user, .. } | Event::RpcCall { user, .. } => user,
                _ => return false,
            };
            **who == *user
                || who
                    .strip_prefix(&*user)
                    .is_some_and(|rest| rest.starts_with('@'))
        })
    }

    /// Only calls of this method: `getFileInfo`, `addBlock`, ….
    #[must_use]
    pub fn on_method(self, method: &str) -> Self {
        let wanted = method.to_owned();
        self.when(
            move |event| matches!(event, Event::RpcCall { method, .. } if **method == *wanted),
        )
    }

    /// Only events that match this too.
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

    /// Strikes at most so often.
    #[must_use]
    pub fn times(mut self, times: u64) -> Self {
        self.times = times;
        self
    }

    /// Strikes once.
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

fn is_request(event: &Event, server: Server) -> bool {
    event.server() == Some(server)
        && matches!(
            event,
            Event::AsExchange { .. }
                | Event::TgsExchange { .. }
                | Event::PasswordChange { .. }
                | Event::RpcCall { .. }
                | Event::ReadBlock { .. }
                | Event::WriteBlock { .. }
                | Event::DataTransfer { .. }
        )
}

impl Rule for Fault {
    fn judge(&mut self, event: &Event, rng: &mut StdRng) -> Verdict {
        if self.times == 0 || !(self.strikes)(event) {
            return Verdict::Pass;
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
}

impl fmt::Debug for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Fault({})", self.verdict)
    }
}

/// The faults of one fixture.
pub(crate) struct Faults {
    rules: Mutex<Rules>,
    /// Whether there are rules, to be read without the lock.
    watching: AtomicBool,
}

struct Rules {
    installed: Vec<Installed>,
    next: u64,
    rng: StdRng,
}

struct Installed {
    id: u64,
    struck: Arc<AtomicU64>,
    rule: Box<dyn Rule>,
}

impl Faults {
    pub(crate) fn new(seed: u64) -> Self {
        Self {
            rules: Mutex::new(Rules {
                installed: Vec::new(),
                next: 0,
                rng: StdRng::seed_from_u64(seed),
            }),
            watching: AtomicBool::new(false),
        }
    }

    pub(crate) fn watching(&self) -> bool {
        self.watching.load(Ordering::Acquire)
    }

    pub(crate) fn ask(&self, event: &Event) -> Verdict {
        let Rules { installed, rng, .. } = &mut *self.lock();
        for Installed { struck, rule, .. } in installed.iter_mut().rev() {
            let verdict = rule.judge(event, rng);
            if verdict != Verdict::Pass {
                struck.fetch_add(1, Ordering::Relaxed);
                return verdict;
            }
        }
        Verdict::Pass
    }

    pub(crate) fn inject(self: &Arc<Self>, rule: impl Rule + 'static) -> FaultGuard {
        let struck = Arc::new(AtomicU64::new(0));
        let mut rules = self.lock();
        let id = rules.next;
        rules.next += 1;
        rules.installed.push(Installed {
            id,
            struck: Arc::clone(&struck),
            rule: Box::new(rule),
        });
        self.watching.store(true, Ordering::Release);
        FaultGuard {
            faults: Arc::downgrade(self),
            id,
            struck,
        }
    }

    fn remove(&self, id: u64) {
        let mut rules = self.lock();
        rules.installed.retain(|installed| installed.id != id);
        self.watching
            .store(!rules.installed.is_empty(), Ordering::Release);
    }

    fn lock(&self) -> MutexGuard<'_, Rules> {
        // A rule that panicked has failed its test already; the others may go on.
        self.rules.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Keeps a fault installed; dropping it undoes the fault.
#[must_use = "the fault is undone as soon as this guard is dropped: bind it to a name, `let _fault = ...`"]
pub struct FaultGuard {
    faults: Weak<Faults>,
    id: u64,
    struck: Arc<AtomicU64>,
}

impl FaultGuard {
    /// How often the fault has struck.
    #[must_use]
    pub fn struck(&self) -> u64 {
        self.struck.load(Ordering::Relaxed)
    }

    /// Leaves the fault installed until the fixture ends.
    pub fn keep(mut self) {
        self.faults = Weak::new();
    }
}

impl Drop for FaultGuard {
    fn drop(&mut self) {
        if let Some(faults) = self.faults.upgrade() {
            faults.remove(self.id);
        }
    }
}

impl fmt::Debug for FaultGuard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "FaultGuard(struck {} times)", self.struck())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use kerbox_events::Outcome;

    fn login(client: &str) -> Event {
        Event::AsExchange {
            client: client.into(),
            service: "krbtgt/R@R".into(),
            outcome: Outcome::Asked,
        }
    }

    fn refuse() -> Verdict {
        Verdict::KrbError(ErrorCode::KDC_ERR_POLICY)
    }

    #[test]
    fn a_fault_lasts_as_long_as_its_guard() {
        let faults = Arc::new(Faults::new(0));
        let guard = faults.inject(|_: &Event| Verdict::Drop);
        assert!(faults.watching());
        assert_eq!(faults.ask(&login("alice@R")), Verdict::Drop);
        assert_eq!(guard.struck(), 1);
        drop(guard);
        assert!(!faults.watching());
        assert_eq!(faults.ask(&login("alice@R")), Verdict::Pass);
    }

    #[test]
    fn the_newest_rule_is_asked_first_and_those_that_pass_let_the_next_speak() {
        let faults = Arc::new(Faults::new(0));
        let _old = faults.inject(|_: &Event| Verdict::Drop);
        let _new = faults.inject(|event: &Event| match event {
            Event::AsExchange { client, .. } if &**client == "bob@R" => Verdict::Disconnect,
            _ => Verdict::Pass,
        });
        assert_eq!(faults.ask(&login("bob@R")), Verdict::Disconnect);
        assert_eq!(faults.ask(&login("alice@R")), Verdict::Drop);
    }

    #[test]
    fn a_ready_made_fault_strikes_whom_and_as_often_as_it_says() {
        let faults = Arc::new(Faults::new(0));
        let _fault = faults.inject(
            Fault::krb_error(ErrorCode::KDC_ERR_POLICY)
                .of("alice")
                .after(1)
                .times(2),
        );
        assert_eq!(faults.ask(&login("alicebob@R")), Verdict::Pass);
        let verdicts: Vec<Verdict> = (0..4).map(|_| faults.ask(&login("alice@R"))).collect();
        assert_eq!(verdicts, [Verdict::Pass, refuse(), refuse(), Verdict::Pass]);
    }

    #[test]
    fn chance_comes_from_the_seed() {
        let run = |seed| {
            let faults = Arc::new(Faults::new(seed));
            let _fault =
                faults.inject(Fault::krb_error(ErrorCode::KDC_ERR_POLICY).with_probability(0.5));
            (0..64)
                .map(|_| faults.ask(&login("a@R")) == Verdict::Pass)
                .collect::<Vec<bool>>()
        };
        assert_eq!(run(7), run(7));
        assert_ne!(run(7), run(8));
        assert!(run(7).contains(&true) && run(7).contains(&false));
    }
}
