//! What was derived from a key, kept per key usage.

use std::sync::OnceLock;

use super::KeyUsage;

/// An append-only list of derived values. Reading takes no lock; a key sees a handful of usages in
/// its life, and no peer chooses them, so the list stays short.
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

    /// What was derived for `usage`, deriving it now if it was not.
    pub(super) fn get(&self, usage: KeyUsage, derive: impl Fn() -> T) -> &T {
        let mut slot = &self.head;
        loop {
            // Another thread may fill the slot for another usage first: then go on to the next
            // slot.
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
