//! Faults: rules over the same events that the journal shows. Every visible event can be made to
//! fail.

use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, Weak};

use kerbox_events::{Event, Server, Verdict};
use kerbox_krb5::ErrorCode;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

/// Decides about the events that the servers ask about. Closures over [`&Event`](Event) are rules;
/// [`Fault`] offers ready-made ones.
///
/// The first rule that does not return [`Verdict::Pass`] wins; the newest is asked first. A verdict
/// that the event does not [take](Event::takes), such as an exception in an AS exchange, does not
/// count as a strike. The next rule is asked instead, and the journal notes once that the answer
/// was not carried out. A rule is called while the server waits, so it must not call the fixture.
///
/// ```
/// use kerbox::{Event, Realm, Verdict};
///
/// # fn main() -> Result<(), kerbox::Error> {
/// let realm = Realm::start_blocking()?;
/// let fault = realm.inject(|event: &Event| match event {
///     Event::AsExchange { client, .. } if client.starts_with("bob@") => Verdict::Drop,
///     _ => Verdict::Pass,
/// });
/// assert!(realm.login_blocking("alice").is_ok());
/// assert!(realm.login_blocking("bob").is_err());
/// assert_eq!(fault.struck(), 1);
/// # Ok(())
/// # }
/// ```
pub trait Rule: Send {
    /// Returns the verdict on `event`. `rng` is the fixture's seeded generator, for rules that
    /// strike by chance.
    fn judge(&mut self, event: &Event, rng: &mut StdRng) -> Verdict;
}

impl<F: FnMut(&Event) -> Verdict + Send> Rule for F {
    fn judge(&mut self, event: &Event, _rng: &mut StdRng) -> Verdict {
        self(event)
    }
}

/// A ready-made fault: the events that it strikes, how often, and with which verdict.
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
            move |event| matches!(event, Event::Packet { datanode: at, nth: n, .. } if *at == datanode && *n == nth),
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
}

impl fmt::Debug for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Fault({})", self.verdict)
    }
}

/// The faults of one fixture.
pub(crate) struct Faults {
    rules: Mutex<Rules>,
    /// Set while there are rules; readable without the lock.
    watching: AtomicBool,
}

struct Rules {
    installed: Vec<Installed>,
    next: u64,
    rng: StdRng,
}

struct Installed {
    id: u64,
    tally: Arc<Tally>,
    rule: Box<dyn Rule>,
}

/// The outcome of a rule's answers.
#[derive(Default)]
struct Tally {
    struck: AtomicU64,
    /// The first answer that could not be carried out, as text.
    misfit: OnceLock<String>,
}

/// The rules' answer to an event.
pub(crate) struct Answer {
    pub(crate) verdict: Verdict,
    /// Events for the journal.
    pub(crate) events: Vec<Event>,
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

    pub(crate) fn ask(&self, event: &Event) -> Answer {
        let mut events = Vec::new();
        let Rules { installed, rng, .. } = &mut *self.lock();
        for Installed { tally, rule, .. } in installed.iter_mut().rev() {
            let verdict = rule.judge(event, rng);
            if verdict == Verdict::Pass {
                continue;
            }
            let struck = event.takes(&verdict);
            let fault = Event::Fault {
                on: Box::new(event.clone()),
                verdict: verdict.clone(),
                struck,
            };
            if struck {
                tally.struck.fetch_add(1, Ordering::Relaxed);
                events.push(fault);
                return Answer { verdict, events };
            }
            // Once per rule: a rule that answers every event would flood the journal.
            if tally.misfit.set(fault.to_string()).is_ok() {
                events.push(fault);
            }
        }
        Answer {
            verdict: Verdict::Pass,
            events,
        }
    }

    pub(crate) fn inject(self: &Arc<Self>, rule: impl Rule + 'static) -> FaultGuard {
        let tally = Arc::<Tally>::default();
        let mut rules = self.lock();
        let id = rules.next;
        rules.next += 1;
        rules.installed.push(Installed {
            id,
            tally: Arc::clone(&tally),
            rule: Box::new(rule),
        });
        self.watching.store(true, Ordering::Release);
        FaultGuard {
            faults: Arc::downgrade(self),
            id,
            tally,
        }
    }

    fn remove(&self, id: u64) {
        let mut rules = self.lock();
        rules.installed.retain(|installed| installed.id != id);
        self.watching
            .store(!rules.installed.is_empty(), Ordering::Release);
    }

    fn lock(&self) -> MutexGuard<'_, Rules> {
        // A rule that panicked has already failed its test; the others may continue.
        self.rules.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Keeps a fault installed; dropping it removes the fault. See [`Fault`] for an example. On drop, a
/// fault that never struck because no event takes its verdict reports that on stderr.
#[must_use = "the fault is undone as soon as this guard is dropped: bind it to a name, `let _fault = ...`"]
pub struct FaultGuard {
    faults: Weak<Faults>,
    id: u64,
    tally: Arc<Tally>,
}

impl FaultGuard {
    /// Returns the number of strikes. Answers that could not be carried out are not counted.
    #[must_use]
    pub fn struck(&self) -> u64 {
        self.tally.struck.load(Ordering::Relaxed)
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
        if let Some(misfit) = self.tally.misfit.get()
            && self.struck() == 0
        {
            eprintln!("kerbox: {misfit}");
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

    fn ask(faults: &Faults, client: &str) -> Verdict {
        faults.ask(&login(client)).verdict
    }

    fn refuse() -> Verdict {
        Verdict::KrbError(ErrorCode::KDC_ERR_POLICY)
    }

    #[test]
    fn a_fault_lasts_as_long_as_its_guard() {
        let faults = Arc::new(Faults::new(0));
        let guard = faults.inject(|_: &Event| Verdict::Drop);
        assert!(faults.watching());
        assert_eq!(ask(&faults, "alice@R"), Verdict::Drop);
        assert_eq!(guard.struck(), 1);
        drop(guard);
        assert!(!faults.watching());
        assert_eq!(ask(&faults, "alice@R"), Verdict::Pass);
    }

    #[test]
    fn the_newest_rule_is_asked_first_and_those_that_pass_let_the_next_speak() {
        let faults = Arc::new(Faults::new(0));
        let _old = faults.inject(|_: &Event| Verdict::Drop);
        let _new = faults.inject(|event: &Event| match event {
            Event::AsExchange { client, .. } if &**client == "bob@R" => Verdict::Disconnect,
            _ => Verdict::Pass,
        });
        assert_eq!(ask(&faults, "bob@R"), Verdict::Disconnect);
        assert_eq!(ask(&faults, "alice@R"), Verdict::Drop);
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
        assert_eq!(ask(&faults, "alicebob@R"), Verdict::Pass);
        let verdicts: Vec<Verdict> = (0..4).map(|_| ask(&faults, "alice@R")).collect();
        assert_eq!(verdicts, [Verdict::Pass, refuse(), refuse(), Verdict::Pass]);
    }

    #[test]
    fn chance_comes_from_the_seed() {
        let run = |seed| {
            let faults = Arc::new(Faults::new(seed));
            let _fault =
                faults.inject(Fault::krb_error(ErrorCode::KDC_ERR_POLICY).with_probability(0.5));
            (0..64)
                .map(|_| ask(&faults, "a@R") == Verdict::Pass)
                .collect::<Vec<bool>>()
        };
        assert_eq!(run(7), run(7));
        assert_ne!(run(7), run(8));
        assert!(run(7).contains(&true) && run(7).contains(&false));
    }

    #[test]
    fn a_verdict_that_the_event_does_not_take_is_reported_once_and_does_not_strike() {
        let faults = Arc::new(Faults::new(0));
        let _old = faults.inject(|_: &Event| Verdict::Drop);
        let exception = Verdict::Exception {
            class: "java.io.IOException".into(),
            message: "no".into(),
        };
        let fault = faults.inject(Fault::new(|_| true, exception).once());
        let first = faults.ask(&login("alice@R"));
        assert_eq!(first.verdict, Verdict::Drop, "the next rule is asked");
        assert!(matches!(
            first.events[..],
            [
                Event::Fault { struck: false, .. },
                Event::Fault { struck: true, .. }
            ]
        ));
        let said = first.events[0].to_string();
        assert!(
            said.contains("not carried out") && said.contains("KrbError, Delay"),
            "{said}"
        );
        assert_eq!(faults.ask(&login("alice@R")).events.len(), 1);
        assert_eq!(fault.struck(), 0);
        let call = Event::RpcCall {
            server: Server::NameNode,
            user: "alice".into(),
            method: "mkdirs".into(),
            outcome: Outcome::Asked,
        };
        assert!(matches!(
            faults.ask(&call).verdict,
            Verdict::Exception { .. }
        ));
        assert_eq!(fault.struck(), 1, "`once` was not used up by the login");
    }
}
