//! Limits on idle connections, by the clock of their server.
//!
//! A connection neither reads a clock nor sets a timer for this. It records since when it is idle.
//! The owner of the server's timers asks for the next end and closes what has reached it.

use std::sync::atomic::{AtomicI64, Ordering::Relaxed};
use std::time::Duration;

/// The rule by which a port closes idle connections.
///
/// ```
/// use std::time::Duration;
/// use kerbox_net::IdleRule;
///
/// // Hadoop's rule for the NameNode's connections: there are many, and this one is of no use.
/// const IDLE: IdleRule = IdleRule { limit: Duration::from_secs(20), threshold: 4000 };
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct IdleRule {
    /// The time for which a connection may be idle.
    pub limit: Duration,
    /// The number of connections of the port from which on idle ones are closed.
    pub threshold: usize,
}

/// The time since which a connection is idle, in microseconds of its server's clock.
pub(crate) struct IdleSince(AtomicI64);

/// The value of a connection that is not idle.
const BUSY: i64 = i64::MAX;

impl Default for IdleSince {
    fn default() -> Self {
        Self(AtomicI64::new(BUSY))
    }
}

impl IdleSince {
    pub(crate) fn set(&self, now: i64) {
        self.0.store(now, Relaxed);
    }

    pub(crate) fn clear(&self) {
        self.0.store(BUSY, Relaxed);
    }

    fn get(&self) -> Option<i64> {
        Some(self.0.load(Relaxed)).filter(|since| *since != BUSY)
    }
}

impl IdleRule {
    /// Returns the end of a connection that is idle since then.
    fn end(&self, since: i64) -> i64 {
        let limit = i64::try_from(self.limit.as_micros()).unwrap_or(i64::MAX);
        since.saturating_add(limit)
    }

    /// Returns the time at which the next of these connections is to be closed.
    pub(crate) fn next_end<'a>(
        &self,
        connections: impl ExactSizeIterator<Item = &'a IdleSince>,
    ) -> Option<i64> {
        if connections.len() < self.threshold {
            return None;
        }
        let idle = connections.filter_map(IdleSince::get);
        idle.min().map(|since| self.end(since))
    }

    /// Returns the numbers of those connections that have been idle for too long, the longest
    /// first, as long as there are enough connections.
    pub(crate) fn due<'a>(
        &self,
        now: i64,
        connections: impl ExactSizeIterator<Item = (u64, &'a IdleSince)>,
    ) -> Vec<u64> {
        let spare = (connections.len() + 1).saturating_sub(self.threshold);
        let idle = connections.filter_map(|(number, since)| Some((since.get()?, number)));
        let mut due: Vec<(i64, u64)> = idle.filter(|(since, _)| self.end(*since) <= now).collect();
        due.sort_unstable();
        due.truncate(spare);
        due.into_iter().map(|(_, number)| number).collect()
    }
}

#[cfg(test)]
mod tests;
