//! The ordered record of events in a fixture's servers.

use std::collections::VecDeque;
use std::fmt;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use kerbox_events::{Event, Facts};
use kerbox_krb5::{Clock, Timestamp};
use tokio::runtime::Handle;
use tokio::sync::watch;

use crate::Error;
use crate::watch::connections::{self, Numbers};
use crate::watch::expectation::Expectation;
use crate::watch::faults::{Kind, On};

/// Maximum number of entries; older ones are dropped and counted.
const KEPT: usize = 20_000;

/// Maximum total size of the entries' text in bytes, because peers choose their texts. Eight times
/// what 20,000 ordinary entries need.
const KEPT_BYTES: usize = 16 << 20;

/// Number of lines that [`Error::NotSeen`] shows.
const LINES_NOT_SEEN: usize = 20;

/// An event with its time; see [`Journal`] for examples.
///
/// ```
/// use kerbox::{Outcome, Realm};
///
/// let realm = Realm::start_blocking()?;
/// realm.login_blocking("alice")?;
/// let entries = realm.journal().entries();
/// let login = entries.iter().find(|entry| entry.to_string().contains("AS alice@"));
/// let login = login.expect("the KDC saw it");
/// assert_eq!(login.event.outcome(), Some(&Outcome::Ok));
/// assert!(login.at <= realm.clock().now());
/// # Ok::<(), kerbox::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// 0-based number within the fixture.
    pub number: u64,
    /// The fixture's time.
    pub at: Timestamp,
    /// The system's time.
    pub real: Timestamp,
    /// The event.
    pub event: Event,
    /// What is known about it besides: a ticket's keys, flags and times, a session's protection, a
    /// refusal's reason.
    pub facts: Option<Facts>,
}

impl Entry {
    /// Returns the entry as a JSON object on one line: `number`, `at`, `real`, the event with its
    /// own members in `what`, and if there are any, the [`Facts`] about it in `facts`:
    ///
    /// - of a ticket: `offered`, `session_enctype`, `ticket_enctype`, `kvno`, `reply_enctype`,
    ///   `flags` (letters as in `klist -f`), `auth_time`, `start_time`, `end_time`, `renew_till`,
    ///   `pre_auth`, `armored`
    /// - of a session: `qop`, `cipher`, `token`, `sequence`
    /// - of a refusal: `reason`, `offered`
    /// - of a connection: its number, `connection`
    ///
    /// ```
    /// let realm = kerbox::Realm::start_blocking()?;
    /// realm.login_blocking("alice")?;
    /// let lines: Vec<_> = realm.journal().entries().iter().map(kerbox::Entry::to_json).collect();
    /// assert!(lines.iter().any(|line| line.contains(r#""event":"AsExchange""#)), "{lines:?}");
    /// # Ok::<(), kerbox::Error>(())
    /// ```
    #[must_use]
    pub fn to_json(&self) -> String {
        let facts = self.facts.as_ref().map(Facts::to_json);
        let facts = facts.map_or_else(String::new, |facts| format!(r#","facts":{facts}"#));
        format!(
            r#"{{"number":{},"at":"{}","real":"{}","what":{}{facts}}}"#,
            self.number,
            self.at,
            self.real,
            self.event.to_json()
        )
    }

    /// Returns the line without number and time. It is the same in each run of the same script, so
    /// a connection has its number instead of the client's port.
    #[must_use]
    pub fn text(&self) -> String {
        let text = match (&self.event, &self.facts) {
            (event, Some(Facts::Connection(number))) => {
                return connections::text(event, *number).unwrap_or_else(|| event.to_string());
            }
            (event, _) => event.to_string(),
        };
        match &self.facts {
            Some(facts) => format!("{text} [{facts}]"),
            None => text,
        }
    }
}

impl fmt::Display for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:>5} {} {}", self.number, self.at, self.text())
    }
}

/// The events in a fixture's servers. Clones are cheap and share the same entries.
///
/// Tests count entries and wait for them. [`from_here`](Self::from_here) returns a view that begins
/// now.
///
/// ```
/// use std::time::Duration;
/// use kerbox::{Event, Realm};
///
/// let realm = Realm::start_blocking()?;
/// let logins = |event: &Event| matches!(event, Event::AsExchange { .. });
/// realm.login_blocking("alice")?;
/// assert_eq!(realm.journal().count(logins), 1);
///
/// let later = realm.journal().from_here();
/// realm.login_blocking("bob")?;
/// let seen = later.wait_blocking(logins, Duration::from_secs(5))?;
/// assert!(seen.to_string().contains("AS bob@"));
/// # Ok::<(), kerbox::Error>(())
/// ```
///
/// # Reproducibility
/// Two fixtures with the same seed, the same realm name, clocks frozen at the same time and the
/// same settings, each with one client that does the same things one after another, have the same
/// keys, keytabs, block ids, UUIDs and block files. Each server also records the same lines in the
/// same order and at the same virtual times, whatever the number of the fixture's threads, and with
/// faults as well. The lines number connections instead of showing the ports that the system
/// chooses. Only the end of a connection is timed by the system, and so is the relative order of
/// two servers' events. Of clients at the same time, each one's tickets repeat: the KDC's random
/// numbers depend on the client and the number of its exchanges, not on the order of arrival.
#[derive(Clone)]
pub struct Journal {
    shared: Arc<Shared>,
    /// The number of the first entry in this view.
    from: u64,
}

struct Shared {
    clock: Clock,
    entries: Mutex<Entries>,
    grown: Condvar,
    /// The number of entries so far, which async waits watch.
    length: watch::Sender<u64>,
    timers: Handle,
}

#[derive(Default)]
struct Entries {
    kept: VecDeque<Entry>,
    /// The text size of each entry in bytes; `bytes` is their total.
    sizes: VecDeque<u32>,
    bytes: usize,
    next: u64,
    /// The numbers of the open connections.
    connections: Numbers,
}

impl Entries {
    /// Appends an entry with `bytes` of text and drops the oldest ones if necessary.
    fn push(&mut self, entry: Entry, bytes: usize) {
        self.kept.push_back(entry);
        self.sizes
            .push_back(u32::try_from(bytes).unwrap_or(u32::MAX));
        self.bytes += bytes;
        while self.kept.len() > KEPT || self.bytes > KEPT_BYTES {
            self.kept.pop_front();
            let Some(size) = self.sizes.pop_front() else {
                break;
            };
            self.bytes = self.bytes.saturating_sub(size as usize);
        }
    }

    fn since(&self, from: u64) -> impl DoubleEndedIterator<Item = &Entry> {
        let oldest = self.next - self.kept.len() as u64;
        let skip = usize::try_from(from.saturating_sub(oldest)).unwrap_or(usize::MAX);
        self.kept.range(skip.min(self.kept.len())..)
    }
}

impl Journal {
    /// Creates an empty journal; `timers` is the runtime that enforces the time limits of waits.
    pub(crate) fn new(clock: Clock, timers: Handle) -> Self {
        Self {
            shared: Arc::new(Shared {
                clock,
                entries: Mutex::default(),
                grown: Condvar::new(),
                length: watch::Sender::new(0),
                timers,
            }),
            from: 0,
        }
    }

    pub(crate) fn clock(&self) -> &Clock {
        &self.shared.clock
    }

    pub(crate) fn record(&self, at: Timestamp, event: Event) {
        self.record_with(at, event, None);
    }

    pub(crate) fn record_with(&self, at: Timestamp, mut event: Event, mut facts: Option<Facts>) {
        let bytes = event.bound() + facts.as_mut().map_or(0, Facts::bound);
        let real = self.shared.clock.real_now();
        tracing::debug!(target: "kerbox", virtual_time = %at, "{event}");
        let mut entries = self.lock();
        let number = entries.next;
        entries.next += 1;
        let facts = facts.or_else(|| entries.connections.of(&event).map(Facts::Connection));
        let entry = Entry {
            number,
            at,
            real,
            event,
            facts,
        };
        entries.push(entry, bytes);
        drop(entries);
        self.shared.grown.notify_all();
        self.shared.length.send_replace(number + 1);
    }

    fn lock(&self) -> MutexGuard<'_, Entries> {
        // Entries are pushed whole, so a panic elsewhere cannot have left half an entry.
        self.shared
            .entries
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns a view of the same journal that begins with the next event.
    #[must_use]
    pub fn from_here(&self) -> Self {
        Self {
            shared: Arc::clone(&self.shared),
            from: self.lock().next,
        }
    }

    /// Expects events from now on, of the same kinds that faults strike, and verifies this when the
    /// returned value is dropped. See [`Expectation`].
    pub fn expect<K: Kind>(&self, what: On<K>) -> Expectation {
        Expectation::new(self.from_here(), what)
    }

    /// Returns all entries of this view that are still kept, oldest first.
    #[must_use]
    pub fn entries(&self) -> Vec<Entry> {
        self.filter(|_| true)
    }

    /// Returns the entries whose events match.
    #[must_use]
    pub fn filter(&self, matches: impl Fn(&Event) -> bool) -> Vec<Entry> {
        self.lock()
            .since(self.from)
            .filter(|entry| matches(&entry.event))
            .cloned()
            .collect()
    }

    /// Returns the number of events that match.
    #[must_use]
    pub fn count(&self, matches: impl Fn(&Event) -> bool) -> usize {
        self.lock()
            .since(self.from)
            .filter(|entry| matches(&entry.event))
            .count()
    }

    /// Returns the last `n` entries, one per line.
    #[must_use]
    pub fn last(&self, n: usize) -> String {
        let entries = self.lock();
        let mut last: Vec<&Entry> = entries.since(self.from).rev().take(n).collect();
        last.reverse();
        last.iter().map(|entry| format!("{entry}\n")).collect()
    }

    /// Returns the first matching entry of this view, waiting for it if necessary.
    ///
    /// Fails with [`Error::NotSeen`] after `limit` of real time.
    pub async fn wait(
        &self,
        matches: impl Fn(&Event) -> bool,
        limit: Duration,
    ) -> Result<Entry, Error> {
        let mut length = self.shared.length.subscribe();
        // The timer runs as a task on the fixture's own runtime, so that any executor may await
        // this.
        let mut over = self.shared.timers.spawn(tokio::time::sleep(limit));
        let mut from = self.from;
        let found = loop {
            // Mark the length as seen before looking, so that an entry added in between wakes us.
            length.borrow_and_update();
            match self.first_since(&mut from, &matches) {
                Some(entry) => break Ok(entry),
                None => tokio::select! {
                    _ = length.changed() => {}
                    _ = &mut over => break Err(self.not_seen(limit)),
                },
            }
        };
        over.abort();
        found
    }

    /// Like [`wait`](Self::wait), but blocks the thread.
    pub fn wait_blocking(
        &self,
        matches: impl Fn(&Event) -> bool,
        limit: Duration,
    ) -> Result<Entry, Error> {
        let mut from = self.from;
        let until = self.shared.clock.real_now() + limit;
        let mut entries = self.lock();
        loop {
            if let Some(entry) = entries.since(from).find(|entry| matches(&entry.event)) {
                return Ok(entry.clone());
            }
            from = entries.next;
            let left = until.since(self.shared.clock.real_now());
            if left.is_zero() {
                drop(entries);
                return Err(self.not_seen(limit));
            }
            entries = self
                .shared
                .grown
                .wait_timeout(entries, left)
                .unwrap_or_else(PoisonError::into_inner)
                .0;
        }
    }

    fn first_since(&self, from: &mut u64, matches: &impl Fn(&Event) -> bool) -> Option<Entry> {
        let entries = self.lock();
        let found = entries
            .since(*from)
            .find(|entry| matches(&entry.event))
            .cloned();
        *from = entries.next;
        found
    }

    fn not_seen(&self, limit: Duration) -> Error {
        Error::NotSeen {
            limit,
            journal: self.end_with_before(),
        }
    }

    /// Returns the view's last entries. If they are few, entries before the view come first: the
    /// expected event may have happened too early.
    fn end_with_before(&self) -> String {
        let entries = self.lock();
        let start = entries.next - entries.since(self.from).count() as u64;
        let render = |last: Vec<&Entry>| -> String {
            let lines = last.iter().rev().map(|entry| format!("{entry}\n"));
            lines.collect()
        };
        let shown = render(
            entries
                .since(self.from)
                .rev()
                .take(LINES_NOT_SEEN)
                .collect(),
        );
        let room = LINES_NOT_SEEN.saturating_sub(shown.lines().count());
        let before = entries
            .since(0)
            .rev()
            .skip_while(|entry| entry.number >= start);
        let before = render(before.take(room).collect());
        let mut text = String::new();
        if !before.is_empty() {
            text += "--- before this view began, and not looked at:\n";
            text += &before;
            text += "--- in this view:\n";
        }
        text += &shown;
        if shown.is_empty() {
            text += "(nothing)\n";
        }
        text
    }
}

impl fmt::Debug for Journal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Journal of {} entries", self.lock().next)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::world::runtime::{Runtime, ThreadIds};
    use kerbox_events::{Outcome, Server, StateChange};

    fn state(subject: &str) -> Event {
        Event::State {
            server: Server::NameNode(1),
            change: StateChange::Started,
            subject: subject.into(),
        }
    }

    fn is(subject: &'static str) -> impl Fn(&Event) -> bool {
        move |event| matches!(event, Event::State { subject: seen, .. } if &**seen == subject)
    }

    fn journal() -> (Runtime, Journal) {
        let runtime = Runtime::start(1, &ThreadIds::default()).expect("a thread");
        let journal = Journal::new(Clock::frozen(Timestamp::EPOCH), runtime.handle().clone());
        (runtime, journal)
    }

    #[test]
    fn it_counts_filters_and_renders() {
        let (_runtime, journal) = journal();
        for change in ["a", "b", "a"] {
            journal.record(Timestamp::from_secs(1), state(change));
        }
        assert_eq!(journal.count(is("a")), 2);
        assert_eq!(journal.filter(is("b"))[0].number, 1);
        assert_eq!(
            journal.last(1),
            "    2 1970-01-01T00:00:01Z NameNode: started: a\n"
        );
    }

    #[test]
    fn a_view_begins_where_it_was_taken() {
        let (_runtime, journal) = journal();
        journal.record(Timestamp::EPOCH, state("old"));
        let view = journal.from_here();
        journal.record(Timestamp::EPOCH, state("new"));
        assert_eq!(view.count(|_| true), 1);
        assert_eq!(journal.count(|_| true), 2);
    }

    #[test]
    fn it_keeps_the_newest_and_stays_bounded() {
        let (_runtime, journal) = journal();
        for _ in 0..KEPT + 5 {
            journal.record(Timestamp::EPOCH, state("x"));
        }
        let entries = journal.entries();
        assert_eq!(entries.len(), KEPT);
        assert_eq!(entries[0].number, 5);
    }

    #[test]
    fn what_peers_say_at_length_is_not_kept_at_length() {
        let (_runtime, journal) = journal();
        let method: Arc<str> = "m".repeat(1 << 20).into();
        let call = |user: &str| Event::RpcCall {
            server: Server::NameNode(1),
            user: user.into(),
            method: method.clone(),
            path: None,
            outcome: Outcome::Exception {
                class: method.clone(),
                message: method.clone(),
            },
        };
        for _ in 0..KEPT {
            journal.record(Timestamp::EPOCH, call("eve"));
        }
        journal.record(Timestamp::EPOCH, call("alice"));
        let entries = journal.entries();
        assert!(
            journal.lock().bytes <= KEPT_BYTES,
            "{}",
            journal.lock().bytes
        );
        assert!((5_000..6_000).contains(&entries.len()), "{}", entries.len());
        let last = entries.last().expect("the newest");
        assert_eq!(last.number, KEPT as u64);
        let line = last.to_string();
        assert!(
            line.contains("by alice") && line.contains("(cut: 1048576 bytes)"),
            "{line}"
        );
    }

    #[test]
    fn waits_end_with_the_event_or_with_the_limit() {
        let (runtime, journal) = journal();
        let writer = journal.clone();
        let told = std::thread::spawn(move || writer.record(Timestamp::EPOCH, state("late")));
        assert!(
            journal
                .wait_blocking(is("late"), Duration::from_secs(10))
                .is_ok()
        );
        told.join().expect("it recorded");
        let missing = journal
            .wait_blocking(is("never"), Duration::from_millis(5))
            .expect_err("it never comes");
        assert!(missing.to_string().contains("late"), "{missing}");
        assert!(!missing.to_string().contains("view"), "{missing}");

        // A view that begins after the event shows that it came too early.
        let view = journal.from_here();
        let too_early = view
            .wait_blocking(is("late"), Duration::from_millis(5))
            .expect_err("it was before")
            .to_string();
        let shown: Vec<&str> = too_early.lines().skip(1).collect();
        assert_eq!(
            shown,
            [
                "--- before this view began, and not looked at:",
                "    0 1970-01-01T00:00:00Z NameNode: started: late",
                "--- in this view:",
                "(nothing)"
            ]
        );

        // Awaited on an executor other than tokio.
        let waiting = journal.clone();
        let (tell, told) = std::sync::mpsc::channel();
        runtime.handle().spawn(async move {
            let found = waiting.wait(is("later"), Duration::from_secs(10)).await;
            tell.send(found.is_ok()).expect("the test listens");
        });
        journal.record(Timestamp::EPOCH, state("later"));
        assert!(told.recv().expect("an answer"));
    }

    #[test]
    fn an_outcome_can_be_asked_of_an_entry() {
        let (_runtime, journal) = journal();
        journal.record(
            Timestamp::EPOCH,
            Event::RpcCall {
                server: Server::NameNode(1),
                user: "alice".into(),
                method: "mkdirs".into(),
                path: None,
                outcome: Outcome::Ok,
            },
        );
        assert!(
            journal.entries()[0]
                .event
                .outcome()
                .is_some_and(Outcome::is_ok)
        );
    }
}
