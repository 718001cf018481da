//! Points in time, as Kerberos and Hadoop count them.

use std::fmt;
use std::ops::{Add, Sub};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::calendar::civil;

/// A point in time: microseconds since the Unix epoch, the resolution of Kerberos (RFC 4120,
/// 5.2.4).
///
/// Arithmetic saturates at the ends of the range, so that a peer's number cannot cause an overflow.
///
/// ```
/// use std::time::Duration;
/// use kerbox_krb5::Timestamp;
///
/// let login = Timestamp::from_secs(1_700_000_000);
/// let end = login + Duration::from_secs(10 * 3600);
/// assert_eq!(end.to_string(), "2023-11-15T08:13:20Z");
/// assert_eq!(end.since(login), Duration::from_secs(36_000));
/// assert_eq!(login.since(end), Duration::ZERO);
/// ```
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

/// Returns a duration's microseconds.
pub(crate) fn micros(duration: Duration) -> i64 {
    // The standard library's `as_micros` calculates in 128 bits.
    let secs = i64::try_from(duration.as_secs()).unwrap_or(i64::MAX);
    let micros = secs.saturating_mul(1_000_000);
    micros.saturating_add(duration.subsec_micros().into())
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
    fn arithmetic_saturates() {
        assert_eq!(Timestamp::MAX + Duration::MAX, Timestamp::MAX);
        assert_eq!(Timestamp::from_secs(i64::MAX), Timestamp::MAX);
        assert_eq!(Timestamp::EPOCH.since(Timestamp::MAX), Duration::ZERO);
    }
}
