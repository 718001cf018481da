//! Threads that look for work again and again. Their waits are no steps: between two days there
//! would be a million of them.

use std::collections::BTreeMap;

/// Number of short waits, one right after the other, after which a thread counts as polling.
/// Retries of a client are fewer.
const MANY: u32 = 30;

/// The short waits of a thread, or of a program that waits in one place.
#[derive(Clone, Copy)]
struct Pauses {
    /// Identifies the present wait.
    wait: u64,
    /// The end of that wait, on the program's monotonic clock in nanoseconds, once it is known.
    end: i64,
    count: u32,
}

/// Counts the short waits of each thread.
pub(super) struct Pollers {
    granularity: i64,
    pauses: BTreeMap<u32, Pauses>,
}

impl Pollers {
    /// Waits of up to `granularity` nanoseconds are short, and so are times between waits.
    pub(super) fn new(granularity: i64) -> Self {
        Self {
            granularity,
            pauses: BTreeMap::new(),
        }
    }

    /// Notes a wait of `duration` that was seen at the time `now`.
    pub(super) fn note(&mut self, thread: u32, wait: u64, duration: i64, now: i64) {
        if duration > self.granularity {
            self.pauses.remove(&thread);
            return;
        }
        let pauses = self.pauses.entry(thread).or_insert(Pauses {
            wait,
            end: now,
            count: 0,
        });
        if pauses.wait != wait {
            if now.saturating_sub(pauses.end) > self.granularity {
                pauses.count = 0;
            }
            pauses.wait = wait;
            pauses.count += 1;
        }
        // It has not ended yet.
        pauses.end = now;
    }

    /// Returns whether a thread polls.
    pub(super) fn polls(&self, thread: u32) -> bool {
        let pauses = self.pauses.get(&thread);
        pauses.is_some_and(|pauses| pauses.count >= MANY)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_pauses_often_polls_until_a_longer_wait() {
        let mut pollers = Pollers::new(1000);
        let mut now = 0;
        for wait in 0..30 {
            assert!(!pollers.polls(1));
            pollers.note(1, wait, 1000, now);
            now += 1000;
        }
        pollers.note(1, 30, 1000, now);
        assert!(pollers.polls(1) && !pollers.polls(2));
        // It goes on while time moves in larger steps.
        pollers.note(1, 30, 1000, now + 100_000);
        pollers.note(1, 31, 1000, now + 100_500);
        assert!(pollers.polls(1));
        pollers.note(1, 32, 1001, now + 101_000);
        assert!(!pollers.polls(1));
    }

    #[test]
    fn pauses_far_apart_are_no_polling() {
        let mut pollers = Pollers::new(1000);
        for wait in 0..100 {
            pollers.note(1, wait, 500, wait as i64 * 5000);
        }
        assert!(!pollers.polls(1));
    }
}
