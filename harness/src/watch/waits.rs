//! Waiting for an event.

use std::sync::PoisonError;
use std::time::Duration;

use kerbox_events::Event;

use crate::Error;
use crate::watch::entries::Numbered;
use crate::watch::entry::Entry;
use crate::watch::journal::Journal;

/// Number of lines that [`Error::NotSeen`] shows.
const LINES_NOT_SEEN: usize = 20;

impl Journal {
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
            let found = entries.since(from).find(|entry| matches(entry.event()));
            if let Some(entry) = found {
                return Ok(entry.entry());
            }
            from = entries.next;
            let left = until.since(self.shared.clock.real_now());
            if left.is_zero() {
                drop(entries);
                return Err(self.not_seen(limit));
            }
            entries.waiting += 1;
            entries = self
                .shared
                .grown
                .wait_timeout(entries, left)
                .unwrap_or_else(PoisonError::into_inner)
                .0;
            entries.waiting -= 1;
        }
    }

    fn first_since(&self, from: &mut u64, matches: &impl Fn(&Event) -> bool) -> Option<Entry> {
        let entries = self.lock();
        let found = entries
            .since(*from)
            .find(|entry| matches(entry.event()))
            .map(Numbered::entry);
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
        let render = |last: Vec<Numbered<'_>>| -> String {
            let lines = last.iter().rev();
            let lines = lines.map(|entry| format!("{}\n", entry.entry()));
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
