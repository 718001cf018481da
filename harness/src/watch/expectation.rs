//! The expectations that a test has of the servers.

use std::fmt;
use std::ops::RangeInclusive;

use kerbox_events::Event;

use crate::Error;
use crate::watch::entry::Entry;
use crate::watch::faults::{Kind, On};
use crate::watch::journal::Journal;

/// The number of events that an unmet expectation shows.
const SHOWN: usize = 10;

/// Events that a test expects from now on, at least once unless it says otherwise. It is verified
/// by [`verify`](Self::verify), or else when it is dropped, which panics if it is not met (unless
/// the test panics already). What it prints includes events of the same kind that did not match.
///
/// ```
/// use kerbox::{Fault, Realm};
///
/// let realm = Realm::start_blocking()?;
/// let _twice = realm.journal().expect(Fault::on_logins().of("alice")).times(2);
/// let bobs = realm.journal().expect(Fault::on_logins().of("bob")).never();
/// realm.login_blocking("alice")?;
/// realm.login_blocking("alice")?;
/// realm.login_blocking("bob")?;
/// let unmet = bobs.verify().expect_err("bob did log in").to_string();
/// assert!(unmet.starts_with("expected never, seen once"), "{unmet}");
/// # Ok::<(), kerbox::Error>(())
/// ```
#[must_use = "it is verified when it is dropped: bind it to a name, `let _calls = ...`"]
pub struct Expectation {
    journal: Journal,
    base: Condition,
    matches: Condition,
    times: RangeInclusive<usize>,
    verified: bool,
}

type Condition = Box<dyn FnMut(&Event) -> bool + Send>;

impl Journal {
    /// Expects events from now on, of the same kinds that faults strike, and verifies this when the
    /// returned value is dropped. See [`Expectation`].
    pub fn expect<K: Kind>(&self, what: On<K>) -> Expectation {
        Expectation::new(self.from_here(), what)
    }
}

impl Expectation {
    fn new<K: Kind>(journal: Journal, what: On<K>) -> Self {
        Self {
            journal,
            base: what.base,
            matches: what.matches,
            times: 1..=usize::MAX,
            verified: false,
        }
    }

    /// Restricts it to events that also match this, for instance by their outcome.
    pub fn that(mut self, mut also: impl FnMut(&Event) -> bool + Send + 'static) -> Self {
        let mut matches = std::mem::replace(&mut self.matches, Box::new(|_| false));
        self.matches = Box::new(move |event| matches(event) && also(event));
        self
    }

    /// Expects exactly this many.
    pub fn times(mut self, times: usize) -> Self {
        self.times = times..=times;
        self
    }

    /// Expects this many or more.
    pub fn at_least(mut self, times: usize) -> Self {
        self.times = times..=usize::MAX;
        self
    }

    /// Expects none.
    pub fn never(self) -> Self {
        self.times(0)
    }

    /// Verifies it now.
    ///
    /// # Errors
    /// Fails if it is not met.
    pub fn verify(mut self) -> Result<(), Error> {
        self.verified = true;
        self.check()
    }

    fn check(&mut self) -> Result<(), Error> {
        let entries = self.journal.entries();
        let (seen, others): (Vec<_>, Vec<_>) = entries
            .iter()
            .filter(|entry| (self.base)(&entry.event))
            .partition(|entry| (self.matches)(&entry.event));
        if self.times.contains(&seen.len()) {
            return Ok(());
        }
        let mut text = format!(
            "expected {}, seen {}\n",
            expected(&self.times),
            times(seen.len())
        );
        text += &listed("these match", &seen);
        text += &listed("these are of the same kind but do not match", &others);
        Err(Error::Unmet(text))
    }
}

fn expected(range: &RangeInclusive<usize>) -> String {
    match (*range.start(), *range.end()) {
        (least, most) if least == most => times(least),
        (least, _) => format!("at least {}", times(least)),
    }
}

fn times(number: usize) -> String {
    match number {
        0 => "never".to_owned(),
        1 => "once".to_owned(),
        _ => format!("{number} times"),
    }
}

fn listed(title: &str, entries: &[&Entry]) -> String {
    if entries.is_empty() {
        return String::new();
    }
    let last = entries.iter().skip(entries.len().saturating_sub(SHOWN));
    let lines: String = last.map(|entry| format!("{entry}\n")).collect();
    format!("--- {title}:\n{lines}")
}

impl Drop for Expectation {
    fn drop(&mut self) {
        if self.verified || std::thread::panicking() {
            return;
        }
        if let Err(unmet) = self.check() {
            // The test asked for this: an expectation that only printed would be overlooked.
            panic!("{unmet}");
        }
    }
}

impl fmt::Debug for Expectation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Expectation({})", expected(&self.times))
    }
}

#[cfg(test)]
mod tests {
    use kerbox_events::Outcome;
    use kerbox_krb5::{Clock, Timestamp};

    use super::*;
    use crate::Fault;
    use crate::world::runtime::{Runtime, ThreadIds};

    fn login(journal: &Journal, client: &str) {
        journal.record(
            Timestamp::EPOCH,
            Event::AsExchange {
                client: client.into(),
                service: "krbtgt/R@R".into(),
                outcome: Outcome::Ok,
            },
        );
    }

    #[test]
    fn what_is_expected_is_counted_from_now_on_and_near_misses_are_shown() {
        let runtime = Runtime::start(1, &ThreadIds::default()).expect("a thread");
        let journal = Journal::new(Clock::frozen(Timestamp::EPOCH), runtime.handle().clone());
        login(&journal, "alice@R");
        let alice = || Fault::on_logins().of("alice");
        let twice = journal.expect(alice()).times(2);
        let refused = journal
            .expect(alice())
            .that(|event| !event.outcome().is_some_and(Outcome::is_ok));
        login(&journal, "alice@R");
        login(&journal, "alicia@R");
        let unmet = twice.verify().expect_err("only once").to_string();
        let shown: Vec<_> = unmet.lines().collect();
        assert_eq!(shown[0], "expected 2 times, seen once");
        assert!(
            shown[2].contains("alice@R") && shown[4].contains("alicia@R"),
            "{unmet}"
        );
        let unmet = refused.verify().expect_err("it was granted").to_string();
        assert!(
            unmet.starts_with("expected at least once, seen never"),
            "{unmet}"
        );
        journal
            .expect(alice())
            .never()
            .verify()
            .expect("none since");
    }

    #[test]
    fn it_is_verified_when_it_is_dropped() {
        let runtime = Runtime::start(1, &ThreadIds::default()).expect("a thread");
        let journal = Journal::new(Clock::frozen(Timestamp::EPOCH), runtime.handle().clone());
        let met = journal.expect(Fault::on_logins()).never();
        drop(met);
        let unmet = std::thread::spawn(move || drop(journal.expect(Fault::on_logins())));
        assert!(unmet.join().is_err(), "it panicked");
    }
}
