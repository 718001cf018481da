//! Faults: rules over the same events that the journal shows. Every visible event can be made to
//! fail.
//!
//! - this file: rules, the table of a fixture's faults, and their guards
//! - `fault`: a ready-made rule
//! - `chances`: the random numbers of rules that strike by chance
//! - `on`: the events that it strikes, typed by their `kinds`; `builders` for each kind, and the
//!   `verdicts` that each can take

mod builders;
mod chances;
mod fault;
mod kinds;
pub(in crate::watch) mod on;
mod verdicts;

pub use fault::Fault;
pub use kinds::{
    Acks, BlockData, BlockOperation, Connecting, Dials, Exchange, Handshake, Heartbeats,
    KdcExchange, Kind, NamesUser, Packets, ReadPackets, Reports, Rpc, SpoilsBytes, Throws,
    WrittenPackets,
};
pub use on::On;

use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, Weak};

use kerbox_events::{Event, Verdict};
use rand::rngs::StdRng;

use self::chances::Chances;

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
    /// Returns the verdict on `event`. `rng` is a generator of the fixture's seed, for rules that
    /// strike by chance: the user's own, if the event names one, so that clients at the same time
    /// do not change each other's chances.
    fn judge(&mut self, event: &Event, rng: &mut StdRng) -> Verdict;

    /// Learns that a [`Verdict::Forge`] had nothing to change, so that it was no strike. Does
    /// nothing by default.
    fn missed(&mut self) {}
}

impl<F: FnMut(&Event) -> Verdict + Send> Rule for F {
    fn judge(&mut self, event: &Event, _rng: &mut StdRng) -> Verdict {
        self(event)
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
    chances: Chances,
}

struct Installed {
    id: u64,
    tally: Arc<Tally>,
    rule: Box<dyn Rule>,
    /// The events on which a field is to be forged. The KDC says at the end of each exchange if
    /// there was such a field.
    forging: Vec<(Event, Verdict)>,
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
                chances: Chances::new(seed),
            }),
            watching: AtomicBool::new(false),
        }
    }

    pub(crate) fn watching(&self) -> bool {
        self.watching.load(Ordering::Acquire)
    }

    pub(crate) fn ask(&self, event: &Event) -> Answer {
        let mut events = Vec::new();
        let Rules {
            installed, chances, ..
        } = &mut *self.lock();
        let rng = chances.of(event.user().map(|user| &**user));
        for Installed {
            tally,
            rule,
            forging,
            ..
        } in installed.iter_mut().rev()
        {
            let verdict = rule.judge(event, rng);
            if verdict == Verdict::Pass {
                continue;
            }
            let struck = event.takes(&verdict);
            if struck && matches!(verdict, Verdict::Forge(_)) {
                forging.push((event.clone(), verdict.clone()));
                return Answer { verdict, events };
            }
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

    /// Settles a forgery on an event. It counts if it was done; otherwise its rule may strike
    /// again. Returns the event for the journal.
    pub(crate) fn forged(&self, event: &Event, done: bool) -> Option<Event> {
        let mut rules = self.lock();
        for installed in rules.installed.iter_mut().rev() {
            let mut forging = installed.forging.iter();
            let Some(at) = forging.position(|(on, _)| on == event) else {
                continue;
            };
            let (on, verdict) = installed.forging.swap_remove(at);
            if !done {
                installed.rule.missed();
                return None;
            }
            installed.tally.struck.fetch_add(1, Ordering::Relaxed);
            return Some(Event::Fault {
                on: Box::new(on),
                verdict,
                struck: true,
            });
        }
        None
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
            forging: Vec::new(),
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
///
/// ```
/// use kerbox::{ErrorCode, Fault, Realm};
///
/// let realm = Realm::start_blocking()?;
/// let fault = realm.inject(Fault::krb_error(ErrorCode::KDC_ERR_POLICY).of("alice"));
/// assert!(realm.login_blocking("alice").is_err());
/// assert_eq!(fault.struck(), 1);
/// drop(fault); // from here on she is served again
/// realm.login_blocking("alice")?;
/// # Ok::<(), kerbox::Error>(())
/// ```
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
mod tests;
