//! The entries that a journal keeps: the newest, within limits.

use std::collections::VecDeque;

use crate::watch::connections::Numbers;
use crate::watch::entry::Entry;

/// Maximum number of entries; older ones are dropped and counted.
pub(super) const KEPT: usize = 20_000;

/// Maximum total size of the entries' text in bytes, because peers choose their texts. Eight times
/// what 20,000 ordinary entries need.
pub(super) const KEPT_BYTES: usize = 16 << 20;

/// The entries of a fixture, from its beginning or from when there were too many.
#[derive(Default)]
pub(super) struct Entries {
    kept: VecDeque<Entry>,
    /// The text size of each entry in bytes; `bytes` is their total.
    sizes: VecDeque<u32>,
    pub(super) bytes: usize,
    /// The number of the next entry.
    pub(super) next: u64,
    /// The numbers of the open connections.
    pub(super) connections: Numbers,
    /// The number of threads that wait for an entry.
    pub(super) waiting: usize,
}

impl Entries {
    /// Appends an entry with `bytes` of text and drops the oldest ones if necessary.
    pub(super) fn push(&mut self, entry: Entry, bytes: usize) {
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

    /// Returns the entries from this number on.
    pub(super) fn since(&self, from: u64) -> impl DoubleEndedIterator<Item = &Entry> {
        let oldest = self.next - self.kept.len() as u64;
        let skip = usize::try_from(from.saturating_sub(oldest)).unwrap_or(usize::MAX);
        self.kept.range(skip.min(self.kept.len())..)
    }
}
