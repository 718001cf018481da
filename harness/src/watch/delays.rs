//! Exchanges that wait for the fixture's clock.

use std::sync::{Mutex, MutexGuard, PoisonError};

use kerbox_events::Latch;
use kerbox_krb5::{Clock, Timestamp};
use tokio::sync::Notify;

/// The latches that open when the clock reaches their times.
pub(crate) struct Delays {
    clock: Clock,
    held: Mutex<Vec<(Timestamp, Latch)>>,
    /// Wakes the real-time ticker after an addition.
    pub(crate) added: Notify,
}

impl Delays {
    pub(crate) fn new(clock: Clock) -> Self {
        Self {
            clock,
            held: Mutex::default(),
            added: Notify::new(),
        }
    }

    /// Returns a latch that opens once the clock shows `until`.
    pub(crate) fn add(&self, until: Timestamp) -> Latch {
        let latch = Latch::new();
        self.held().push((until, latch.clone()));
        self.added.notify_one();
        latch
    }

    /// Returns when the next latch opens.
    pub(crate) fn next_deadline(&self) -> Option<Timestamp> {
        self.held().iter().map(|(at, _)| *at).min()
    }

    /// Opens the latches that are due.
    pub(crate) fn tick(&self) {
        let now = self.clock.now();
        let mut due = Vec::new();
        self.held().retain(|(at, latch)| {
            let waits = *at > now;
            if !waits {
                due.push(latch.clone());
            }
            waits
        });
        due.iter().for_each(Latch::open);
    }

    fn held(&self) -> MutexGuard<'_, Vec<(Timestamp, Latch)>> {
        // The list changes in single steps, so a panic elsewhere leaves it valid.
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_latch_opens_when_the_clock_reaches_its_time() {
        let clock = Clock::frozen(Timestamp::EPOCH);
        let delays = Delays::new(clock.clone());
        let [hour, minute] = [3600, 60].map(|seconds| delays.add(Timestamp::from_secs(seconds)));
        delays.tick();
        assert_eq!(delays.next_deadline(), Some(Timestamp::from_secs(60)));
        clock.set(Timestamp::from_secs(60));
        delays.tick();
        assert_eq!((minute.is_open(), hour.is_open()), (true, false));
        assert_eq!(delays.next_deadline(), Some(Timestamp::from_secs(3600)));
    }
}
