//! Time as a value: [`Timestamp`], and the [`Clock`] that every server of a fixture shares.
//!
//! No other file of the workspace reads the operating system's clock.

use std::fmt;
use std::ops::{Add, Sub};
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::calendar::civil;
use crate::sleep::Sleepers;

/// A point in time: microseconds since the Unix epoch, the resolution of Kerberos (RFC 4120,
/// 5.2.4).
///
/// Arithmetic saturates at the ends of the range, so that a peer's number cannot cause an overflow.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Timestamp(i64);

impl Timestamp {
    /// 1970-01-01T00:00:00Z. In `till`, RFC 4120 uses it for "no limit".
    pub const EPOCH: Self = Self(0);
    /// The last point that can be represented.
    pub const MAX: Self = Self(i64::MAX);

    /// Returns the point `seconds` after the epoch.
    #[must_use]
    pub const fn from_secs(seconds: i64) -> Self {
        Self(seconds.saturating_mul(1_000_000))
    }

    /// Returns the point `milliseconds` after the epoch. Hadoop uses this unit.
    #[must_use]
    pub const fn from_millis(milliseconds: i64) -> Self {
        Self(milliseconds.saturating_mul(1_000))
    }

    /// Returns the point `microseconds` after the epoch.
    #[must_use]
    pub const fn from_micros(microseconds: i64) -> Self {
        Self(microseconds)
    }

    /// Returns whole seconds since the epoch, rounded down.
    #[must_use]
    pub const fn as_secs(self) -> i64 {
        self.0.div_euclid(1_000_000)
    }

    /// Returns whole milliseconds since the epoch, rounded down.
    #[must_use]
    pub const fn as_millis(self) -> i64 {
        self.0.div_euclid(1_000)
    }

    /// Returns microseconds since the epoch.
    #[must_use]
    pub const fn as_micros(self) -> i64 {
        self.0
    }

    /// Returns the microseconds within the second: `cusec` and `susec` of RFC 4120.
    #[must_use]
    pub const fn subsec_micros(self) -> u32 {
        self.0.rem_euclid(1_000_000) as u32
    }

    /// Returns the time without its fraction of a second, as a `KerberosTime` carries it.
    #[must_use]
    pub const fn whole_second(self) -> Self {
        Self::from_secs(self.as_secs())
    }

    /// Returns the time elapsed since `earlier`; zero if `earlier` is later.
    #[must_use]
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_micros(u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0))
    }

    /// Returns the distance between the two, in either order.
    #[must_use]
    pub fn distance(self, other: Self) -> Duration {
        Duration::from_micros(self.0.abs_diff(other.0))
    }
}

fn micros(duration: Duration) -> i64 {
    i64::try_from(duration.as_micros()).unwrap_or(i64::MAX)
}

impl Add<Duration> for Timestamp {
    type Output = Self;
    fn add(self, duration: Duration) -> Self {
        Self(self.0.saturating_add(micros(duration)))
    }
}

impl Sub<Duration> for Timestamp {
    type Output = Self;
    fn sub(self, duration: Duration) -> Self {
        Self(self.0.saturating_sub(micros(duration)))
    }
}

impl From<SystemTime> for Timestamp {
    fn from(time: SystemTime) -> Self {
        match time.duration_since(UNIX_EPOCH) {
            Ok(after) => Self::EPOCH + after,
            Err(before) => Self::EPOCH - before.duration(),
        }
    }
}

impl fmt::Display for Timestamp {
    /// Formats as RFC 3339 in UTC: `2026-11-22T05:57:00Z`, with microseconds if they are not zero.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (days, second) = (
            self.as_secs().div_euclid(86_400),
            self.as_secs().rem_euclid(86_400),
        );
        let (year, month, day) = civil(days);
        write!(
            f,
            "{year:04}-{month:02}-{day:02}T{:02}:{:02}:{:02}",
            second / 3600,
            second / 60 % 60,
            second % 60
        )?;
        match self.subsec_micros() {
            0 => f.write_str("Z"),
            micros => write!(f, ".{micros:06}Z"),
        }
    }
}

impl fmt::Debug for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

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
/// clock.advance(Duration::from_hours(9));
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
        let Timestamp(now) = match *self.mode() {
            Mode::Offset { micros } => Timestamp(system_now().0.saturating_add(micros)),
            Mode::Frozen(at) => at,
        };
        Timestamp(now.saturating_add(self.skew_micros()))
    }

    /// Returns the system's time, regardless of this clock. A journal records both.
    #[must_use]
    pub fn real_now(&self) -> Timestamp {
        system_now()
    }

    /// Returns how far this clock is ahead of the system's, in microseconds; negative if it is
    /// behind.
    #[must_use]
    pub fn offset_micros(&self) -> i64 {
        match *self.mode() {
            Mode::Offset { micros } => micros,
            Mode::Frozen(at) => at.0.saturating_sub(system_now().0),
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
            Mode::Offset { micros } => *micros = to.0.saturating_sub(system_now().0),
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
            *mode = Mode::Frozen(Timestamp(system_now().0.saturating_add(micros)));
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

#[expect(
    clippy::disallowed_methods,
    reason = "the one place that reads the system's clock"
)]
fn system_now() -> Timestamp {
    SystemTime::now().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_timestamp_prints_as_rfc_3339() {
        assert_eq!(Timestamp::EPOCH.to_string(), "1970-01-01T00:00:00Z");
        assert_eq!(
            Timestamp::from_micros(951_782_400_000_001).to_string(),
            "2000-02-29T00:00:00.000001Z"
        );
        assert_eq!(Timestamp::from_secs(-1).to_string(), "1969-12-31T23:59:59Z");
    }

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

    #[test]
    fn arithmetic_saturates() {
        assert_eq!(Timestamp::MAX + Duration::MAX, Timestamp::MAX);
        assert_eq!(Timestamp::from_secs(i64::MAX), Timestamp::MAX);
        assert_eq!(Timestamp::EPOCH.since(Timestamp::MAX), Duration::ZERO);
    }
}
