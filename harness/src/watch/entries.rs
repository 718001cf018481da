//! The entries that a journal keeps: the newest, within limits.

use std::collections::VecDeque;

use kerbox_events::{Event, Facts};
use kerbox_krb5::{RealTime, Timestamp};

use crate::watch::connections::Numbers;
use crate::watch::entry::Entry;

/// Maximum number of entries; older ones are dropped and counted.
pub(super) const KEPT: usize = 20_000;

/// Maximum total size of the entries' text in bytes, because peers choose their texts. Eight times
/// what 20,000 ordinary entries need.
pub(super) const KEPT_BYTES: usize = 16 << 20;

/// Maximum number of tickets that are remembered beside the entries, which calls would soon push
/// out. Each has at most a few KiB of text.
const KEPT_TICKETS: usize = 512;

/// The entries of a fixture, from its beginning or from when there were too many.
pub(super) struct Entries {
    kept: VecDeque<Kept>,
    /// The total text size of the entries in bytes.
    pub(super) bytes: usize,
    /// The newest issues of tickets, by any exchange.
    pub(super) tickets: VecDeque<Entry>,
    /// The number of the next entry.
    pub(super) next: u64,
    /// The numbers of the open connections.
    pub(super) connections: Numbers,
    /// The number of threads that wait for an entry.
    pub(super) waiting: usize,
}

/// An entry as it is kept: its number follows from its place.
pub(super) struct Kept {
    pub(super) at: Timestamp,
    pub(super) real: RealTime,
    pub(super) event: Event,
    pub(super) facts: Option<Facts>,
    /// The size of its text in bytes.
    pub(super) bytes: usize,
}

/// A kept entry and its number.
#[derive(Clone, Copy)]
pub(super) struct Numbered<'a> {
    pub(super) number: u64,
    kept: &'a Kept,
}

impl<'a> Numbered<'a> {
    pub(super) fn event(self) -> &'a Event {
        &self.kept.event
    }

    pub(super) fn entry(self) -> Entry {
        let kept = self.kept;
        Entry {
            number: self.number,
            at: kept.at,
            real: kept.real.into(),
            event: kept.event.clone(),
            facts: kept.facts.clone(),
        }
    }
}

impl Default for Entries {
    fn default() -> Self {
        Self {
            // The system gives the memory as it is used. To grow step by step would copy all
            // entries again and again.
            kept: VecDeque::with_capacity(KEPT + 1),
            bytes: 0,
            tickets: VecDeque::new(),
            next: 0,
            connections: Numbers::default(),
            waiting: 0,
        }
    }
}

impl Entries {
    /// Appends an entry and drops the oldest ones if necessary. Returns its number.
    #[inline]
    pub(super) fn push(&mut self, kept: Kept) -> u64 {
        let number = self.next;
        self.next += 1;
        let is_ticket = is_ticket(&kept);
        self.bytes += kept.bytes;
        self.kept.push_back(kept);
        if is_ticket {
            self.keep_ticket(number);
        }
        while self.kept.len() > KEPT || self.bytes > KEPT_BYTES {
            let Some(oldest) = self.kept.pop_front() else {
                break;
            };
            self.bytes -= oldest.bytes;
        }
        number
    }

    /// Remembers the newest entry, which has this number.
    fn keep_ticket(&mut self, number: u64) {
        if self.tickets.len() >= KEPT_TICKETS {
            self.tickets.pop_front();
        }
        let newest = self.kept.back();
        let newest = newest.map(|kept| Numbered { number, kept });
        self.tickets.extend(newest.map(Numbered::entry));
    }

    /// Returns the number of the oldest entry that is kept.
    pub(super) fn oldest(&self) -> u64 {
        self.next - self.kept.len() as u64
    }

    /// Returns the entries from this number on.
    pub(super) fn since(&self, from: u64) -> impl DoubleEndedIterator<Item = Numbered<'_>> {
        let oldest = self.oldest();
        let skip = usize::try_from(from.saturating_sub(oldest)).unwrap_or(usize::MAX);
        let skip = skip.min(self.kept.len());
        let kept = self.kept.range(skip..).enumerate();
        kept.map(move |(index, kept)| Numbered {
            number: oldest + (skip + index) as u64,
            kept,
        })
    }
}

/// Returns whether an entry is the issue of a ticket.
fn is_ticket(kept: &Kept) -> bool {
    matches!(kept.facts, Some(Facts::Ticket(_)))
        && matches!(
            kept.event,
            Event::AsExchange { .. } | Event::TgsExchange { .. }
        )
}
