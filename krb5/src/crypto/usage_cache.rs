//! A cache of the values derived from a key, by key usage.

use std::sync::OnceLock;

use super::KeyUsage;

/// An append-only list of derived values. Reading takes no lock. The list stays short: a key has
/// only a handful of usages, and peers cannot choose them.
pub(super) struct UsageCache<T> {
    head: OnceLock<Box<Entry<T>>>,
}

struct Entry<T> {
    usage: KeyUsage,
    value: T,
    next: OnceLock<Box<Self>>,
}

impl<T> UsageCache<T> {
    pub(super) const fn new() -> Self {
        Self {
            head: OnceLock::new(),
        }
    }

    /// Returns the value for `usage`, deriving it now if it is not cached.
    pub(super) fn get(&self, usage: KeyUsage, derive: impl Fn() -> T) -> &T {
        let mut slot = &self.head;
        loop {
            // Another thread may have filled the slot for another usage first. Then go on to the
            // next slot.
            let entry = slot.get_or_init(|| {
                Box::new(Entry {
                    usage,
                    value: derive(),
                    next: OnceLock::new(),
                })
            });
            if entry.usage == usage {
                return &entry.value;
            }
            slot = &entry.next;
        }
    }
}
