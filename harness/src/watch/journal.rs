//! The ordered record of events in a fixture's servers.

use std::fmt;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use kerbox_events::{Event, Facts};
use kerbox_krb5::{Clock, Timestamp};
use tokio::runtime::Handle;
use tokio::sync::watch;

use crate::watch::entries::{Entries, Kept, Numbered};
use crate::watch::entry::Entry;

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
    pub(super) shared: Arc<Shared>,
    /// The number of the first entry in this view.
    pub(super) from: u64,
}

pub(super) struct Shared {
    pub(super) clock: Clock,
    entries: Mutex<Entries>,
    pub(super) grown: Condvar,
    /// The number of entries, which async waits watch; not kept while nothing waits.
    pub(super) length: watch::Sender<u64>,
    pub(super) timers: Handle,
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

    #[inline]
    pub(crate) fn record(&self, at: Timestamp, event: Event) {
        self.record_with(at, event, None);
    }

    #[inline]
    pub(crate) fn record_with(&self, at: Timestamp, mut event: Event, mut facts: Option<Facts>) {
        let bytes = event.bound() + facts.as_mut().map_or(0, Facts::bound);
        let real = self.shared.clock.real_time();
        tracing::debug!(target: "kerbox", virtual_time = %at, "{event}");
        let mut entries = self.lock();
        if facts.is_none() && matches!(event, Event::Connection { .. } | Event::Fault { .. }) {
            facts = entries.connections.of(&event).map(Facts::Connection);
        }
        let number = entries.push(Kept {
            at,
            real,
            event,
            facts,
            bytes,
        });
        let is_awaited = entries.waiting > 0;
        drop(entries);
        // Servers record each call, and mostly nothing waits. A wait begins with a look.
        if is_awaited {
            self.shared.grown.notify_all();
        }
        if self.shared.length.receiver_count() > 0 {
            self.shared.length.send_replace(number + 1);
        }
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, Entries> {
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
            .filter(|entry| matches(entry.event()))
            .map(Numbered::entry)
            .collect()
    }

    /// Returns the number of events that match.
    #[must_use]
    pub fn count(&self, matches: impl Fn(&Event) -> bool) -> usize {
        self.lock()
            .since(self.from)
            .filter(|entry| matches(entry.event()))
            .count()
    }

    /// Returns the newest issues of tickets, oldest first, also those whose entries are dropped.
    pub(crate) fn tickets(&self) -> Vec<Entry> {
        self.lock().tickets.iter().cloned().collect()
    }

    /// Returns at most `most` entries from this number on, and the number of those before them that
    /// are not kept any more.
    #[cfg(feature = "web")]
    pub(crate) fn read(&self, from: u64, most: usize) -> (Vec<Entry>, u64) {
        let entries = self.lock();
        let missed = entries.oldest().saturating_sub(from);
        let read = entries.since(from).take(most).map(Numbered::entry);
        (read.collect(), missed)
    }

    /// Returns the number of the next entry.
    #[cfg(feature = "web")]
    pub(crate) fn next(&self) -> u64 {
        self.lock().next
    }

    /// Returns the number of entries as it grows. It grows only while someone has this.
    #[cfg(feature = "web")]
    pub(crate) fn growth(&self) -> watch::Receiver<u64> {
        self.shared.length.subscribe()
    }

    /// Returns the last `n` entries, one per line.
    #[must_use]
    pub fn last(&self, n: usize) -> String {
        let entries = self.lock();
        let mut last: Vec<_> = entries.since(self.from).rev().take(n).collect();
        last.reverse();
        let lines = last.iter().map(|entry| format!("{}\n", entry.entry()));
        lines.collect()
    }
}

impl fmt::Debug for Journal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Journal of {} entries", self.lock().next)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use kerbox_events::{Outcome, Server, StateChange};

    use super::*;
    use crate::watch::entries::{KEPT, KEPT_BYTES};
    use crate::world::runtime::{Runtime, ThreadIds};

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
