//! Values as Hadoop's `Configuration` parses them: sizes, durations and booleans with their
//! suffixes.

use std::fmt;
use std::time::Duration;

/// A value that is invalid for its key. The message says how to fix it.
///
/// ```
/// use minihdfs::config::HdfsConfig;
///
/// let error = HdfsConfig::from_pairs([("dfs.replication", "many")]).expect_err("not a number");
/// assert_eq!((error.key(), error.value()), ("dfs.replication", "many"));
/// ```
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ConfigError {
    key: String,
    value: String,
    mend: String,
}

impl ConfigError {
    /// Creates an error for `value` of `key`. `mend` says what to write, for instance `write true
    /// or false`.
    pub fn new(key: impl Into<String>, value: impl Into<String>, mend: impl Into<String>) -> Self {
        Self {
            key: key.into(),
            value: value.into(),
            mend: mend.into(),
        }
    }

    /// Returns the key.
    #[must_use]
    pub fn key(&self) -> &str {
        &self.key
    }

    /// Returns the value.
    #[must_use]
    pub fn value(&self) -> &str {
        &self.value
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} has {:?}: {}", self.key, self.value, self.mend)
    }
}

impl std::error::Error for ConfigError {}

/// One configuration pair with a trimmed value, ready for parsing.
#[derive(Clone, Copy, Debug)]
pub(super) struct Entry<'a> {
    pub(super) key: &'a str,
    pub(super) value: &'a str,
}

impl Entry<'_> {
    pub(super) fn error(&self, mend: impl Into<String>) -> ConfigError {
        ConfigError::new(self.key, self.value, mend)
    }

    /// Parses like `Configuration.getBoolean`, except that an invalid value is an error here, where
    /// Hadoop falls back to the default.
    pub(super) fn boolean(&self) -> Result<bool, ConfigError> {
        if self.value.eq_ignore_ascii_case("true") {
            Ok(true)
        } else if self.value.eq_ignore_ascii_case("false") {
            Ok(false)
        } else {
            Err(self.error("write true or false"))
        }
    }

    /// Parses an integer from `least` to `most`.
    pub(super) fn number<T>(&self, least: T, most: T) -> Result<T, ConfigError>
    where
        T: std::str::FromStr + PartialOrd + fmt::Display + Copy,
    {
        self.value
            .parse::<T>()
            .ok()
            .filter(|number| (&least..=&most).contains(&number))
            .ok_or_else(|| self.error(format!("write a whole number from {least} to {most}")))
    }

    /// Parses like `Configuration.getLongBytes`: a number of bytes, optionally with the suffix `k`,
    /// `m`, `g`, `t`, `p` or `e` (powers of 1024).
    pub(super) fn bytes(&self) -> Result<u64, ConfigError> {
        const MEND: &str =
            "write a number of bytes, or one with k, m, g, t, p or e, for instance 128m";
        let digits = self
            .value
            .trim_end_matches(|c: char| c.is_ascii_alphabetic());
        let shift = match &self.value[digits.len()..] {
            "" => 0,
            suffix => {
                let mut letters = suffix.chars();
                match (
                    letters.next().map(|letter| letter.to_ascii_lowercase()),
                    letters.next(),
                ) {
                    (Some(letter), None) => {
                        10 * (1 + "kmgtpe".find(letter).ok_or_else(|| self.error(MEND))?)
                    }
                    _ => return Err(self.error(MEND)),
                }
            }
        };
        digits
            .parse::<u64>()
            .ok()
            .and_then(|number| number.checked_mul(1 << shift))
            .filter(|bytes| i64::try_from(*bytes).is_ok())
            .ok_or_else(|| self.error(MEND))
    }

    /// Parses like `Configuration.getTimeDuration`: a number of `unit`s, or a number with the
    /// suffix `ns`, `us`, `ms`, `s`, `m`, `h` or `d`.
    pub(super) fn duration(&self, unit: Duration) -> Result<Duration, ConfigError> {
        let digits = self
            .value
            .trim_end_matches(|c: char| c.is_ascii_alphabetic());
        let unit = match self.value[digits.len()..].to_ascii_lowercase().as_str() {
            "" => Some(unit),
            "ns" => Some(Duration::from_nanos(1)),
            "us" => Some(Duration::from_micros(1)),
            "ms" => Some(Duration::from_millis(1)),
            "s" => Some(Duration::from_secs(1)),
            "m" => Some(Duration::from_secs(60)),
            "h" => Some(Duration::from_secs(3600)),
            "d" => Some(Duration::from_secs(24 * 3600)),
            _ => None,
        };
        let number = digits
            .trim()
            .parse::<u32>()
            .map(u64::from)
            .or_else(|_| digits.trim().parse::<u64>());
        unit.zip(number.ok())
            .and_then(|(unit, number)| {
                let nanos = unit.as_nanos().checked_mul(u128::from(number))?;
                // A century is more than any setting needs, and keeps arithmetic on times from
                // overflowing.
                (nanos <= Duration::from_secs(24 * 36_525 * 3600).as_nanos()).then(|| {
                    Duration::new(
                        (nanos / 1_000_000_000) as u64,
                        (nanos % 1_000_000_000) as u32,
                    )
                })
            })
            .ok_or_else(|| {
                self.error("write a number with ns, us, ms, s, m, h or d, for instance 10h")
            })
    }

    /// Splits a comma-separated list of names and drops empty ones.
    pub(super) fn list(&self) -> Vec<String> {
        self.value
            .split(',')
            .map(str::trim)
            .filter(|name| !name.is_empty())
            .map(str::to_owned)
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(value: &str) -> Entry<'_> {
        Entry { key: "k", value }
    }

    #[test]
    fn sizes_have_binary_suffixes() {
        assert_eq!(entry("134217728").bytes(), Ok(134_217_728));
        assert_eq!(entry("128m").bytes(), Ok(134_217_728));
        assert_eq!(entry("1K").bytes(), Ok(1024));
        for bad in ["", "m", "12mb", "-1", "9e", "1.5g", "99999999999999999999"] {
            assert!(entry(bad).bytes().is_err(), "{bad}");
        }
    }

    #[test]
    fn durations_have_a_unit_or_their_keys_own() {
        assert_eq!(
            entry("600").duration(Duration::from_secs(60)),
            Ok(Duration::from_secs(10 * 3600))
        );
        assert_eq!(
            entry("250ms").duration(Duration::from_secs(1)),
            Ok(Duration::from_millis(250))
        );
        assert_eq!(
            entry("7d").duration(Duration::from_millis(1)),
            Ok(Duration::from_secs(168 * 3600))
        );
        for bad in ["", "d", "1w", "-3s", "18446744073709551615d"] {
            assert!(
                entry(bad).duration(Duration::from_secs(1)).is_err(),
                "{bad}"
            );
        }
    }

    #[test]
    fn an_error_names_key_value_and_mend() {
        let error = entry("yes").boolean().expect_err("not a boolean");
        assert_eq!(error.to_string(), "k has \"yes\": write true or false");
    }
}
