//! The [`Clock`] that every server of a fixture shares.
//!
//! No other file of the workspace reads the operating system's clock.

use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use crate::sleepers::Sleepers;
use crate::timestamp::{Timestamp, micros};

/// The clock of a fixture: the system's time with an offset, or frozen at a point.
///
/// Clones share it: moving one moves all. A [twin](Self::twin) moves along too, but can have a skew
/// of its own.
///
/// ```
/// use std::time::Duration;
///
/// use kerbox_krb5::{Clock, Timestamp};
///
/// let clock = Clock::frozen(Timestamp::from_secs(1_700_000_000));
/// let theirs = clock.clone();
/// clock.advance(Duration::from_secs(9 * 3600));
/// assert_eq!(theirs.now(), Timestamp::from_secs(1_700_000_000 + 9 * 3600));
/// ```
#[derive(Clone, Debug)]
pub struct Clock {
    mode: Arc<Mutex<Mode>>,
    /// The lead of this clock and its clones over their twins, in microseconds.
    skew: Arc<AtomicI64>,
    pub(crate) sleepers: Arc<Sleepers>,
}

#[derive(Clone, Copy, Debug)]
enum Mode {
    Offset { micros: i64 },
    Frozen(Timestamp),
}

impl Default for Clock {
    fn default() -> Self {
        Self::system()
    }
}

impl Clock {
    /// Creates a clock that follows the system's; [`advance`](Self::advance) adds an offset.
    #[must_use]
    pub fn system() -> Self {
        Self::of(Mode::Offset { micros: 0 })
    }

    /// Creates a clock that stands still at `at` until it is moved.
    #[must_use]
    pub fn frozen(at: Timestamp) -> Self {
        Self::of(Mode::Frozen(at))
    }

    fn of(mode: Mode) -> Self {
        Self {
            mode: Arc::new(Mutex::new(mode)),
            skew: Arc::default(),
            sleepers: Arc::default(),
        }
    }

    /// Returns a clock that moves with this one but has its own skew. Each server of a fixture gets
    /// one, so that a test can skew it.
    #[must_use]
    pub fn twin(&self) -> Self {
        Self {
            mode: Arc::clone(&self.mode),
            skew: Arc::default(),
            sleepers: Arc::clone(&self.sleepers),
        }
    }

    /// Returns how far this clock is ahead of its twins, in microseconds.
    #[must_use]
    pub fn skew_micros(&self) -> i64 {
        self.skew.load(Ordering::Relaxed)
    }

    /// Sets how far this clock and its clones are ahead of its twins, in microseconds; negative for
    /// behind.
    pub fn set_skew_micros(&self, micros: i64) {
        self.skew.store(micros, Ordering::Relaxed);
    }

    /// Returns the fixture's time.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        let now = match *self.mode() {
            Mode::Offset { micros } => system_now().as_micros().saturating_add(micros),
            Mode::Frozen(at) => at.as_micros(),
        };
        Timestamp::from_micros(now.saturating_add(self.skew_micros()))
    }

    /// Returns the system's time, regardless of this clock. A journal records both.
    #[must_use]
    pub fn real_now(&self) -> Timestamp {
        system_now()
    }

    /// Returns the system's time as it was read.
    #[must_use]
    pub fn real_time(&self) -> RealTime {
        RealTime(system_time())
    }

    /// Returns how far this clock is ahead of the system's, in microseconds; negative if it is
    /// behind.
    #[must_use]
    pub fn offset_micros(&self) -> i64 {
        match *self.mode() {
            Mode::Offset { micros } => micros,
            Mode::Frozen(at) => (at.as_micros()).saturating_sub(system_now().as_micros()),
        }
    }

    /// Moves the clock forward by `duration`.
    pub fn advance(&self, duration: Duration) {
        match &mut *self.mode() {
            Mode::Offset { micros: offset } => *offset = offset.saturating_add(micros(duration)),
            Mode::Frozen(at) => *at = *at + duration,
        }
        self.sleepers.changed();
    }

    /// Sets the clock to `to`, forward or backward. It continues to run, or to stand still.
    pub fn set(&self, to: Timestamp) {
        match &mut *self.mode() {
            Mode::Offset { micros } => {
                *micros = to.as_micros().saturating_sub(system_now().as_micros());
            }
            Mode::Frozen(at) => *at = to,
        }
        self.sleepers.changed();
    }

    /// Returns whether it stands still.
    #[must_use]
    pub fn is_frozen(&self) -> bool {
        matches!(*self.mode(), Mode::Frozen(_))
    }

    /// Stops the clock at its current time.
    pub fn freeze(&self) {
        let mut mode = self.mode();
        if let Mode::Offset { micros } = *mode {
            *mode = Mode::Frozen(Timestamp::from_micros(
                system_now().as_micros().saturating_add(micros),
            ));
        }
        drop(mode);
        self.sleepers.changed();
    }

    /// Lets a frozen clock run again from its current time.
    pub fn unfreeze(&self) {
        let micros = self.offset_micros();
        *self.mode() = Mode::Offset { micros };
        self.sleepers.changed();
    }

    fn mode(&self) -> std::sync::MutexGuard<'_, Mode> {
        // The lock's holder never leaves a Mode half written, so after a panic elsewhere it is
        // still valid.
        self.mode
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

/// A moment of the system's clock. It costs less to keep than a [`Timestamp`], into which it is
/// converted when someone asks.
///
/// ```
/// use kerbox_krb5::{Clock, Timestamp};
///
/// let clock = Clock::frozen(Timestamp::EPOCH);
/// assert!(Timestamp::from(clock.real_time()) > clock.now());
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct RealTime(SystemTime);

impl From<RealTime> for Timestamp {
    fn from(time: RealTime) -> Self {
        time.0.into()
    }
}

fn system_now() -> Timestamp {
    system_time().into()
}

#[expect(
    clippy::disallowed_methods,
    reason = "the one place that reads the system's clock"
)]
fn system_time() -> SystemTime {
    SystemTime::now()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frozen_clock_moves_only_when_told_and_its_clones_follow() {
        let clock = Clock::frozen(Timestamp::from_secs(100));
        let clone = clock.clone();
        clone.advance(Duration::from_secs(5));
        assert_eq!(clock.now(), Timestamp::from_secs(105));
        clock.set(Timestamp::from_secs(7));
        assert_eq!(clone.now(), Timestamp::from_secs(7));
    }

    #[test]
    fn a_skewed_twin_goes_wrong_alone_and_moves_with_the_others() {
        let clock = Clock::frozen(Timestamp::from_secs(100));
        let twin = clock.twin();
        twin.set_skew_micros(-1_000_000);
        clock.advance(Duration::from_secs(1));
        assert_eq!(
            (clock.now(), twin.now()),
            (Timestamp::from_secs(101), Timestamp::from_secs(100))
        );
    }
}
