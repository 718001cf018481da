//! Text forms of durations and times.

use std::time::Duration;

use kerbox_krb5::Timestamp;
use toml::value::{Datetime, Offset};

const UNITS: [(&str, u64); 5] = [
    ("d", 86_400_000),
    ("h", 3_600_000),
    ("m", 60_000),
    ("s", 1_000),
    ("ms", 1),
];

/// Parses `30s`, `10h`, `7d`, `250ms` or a combination such as `1h30m`.
pub(crate) fn parse_duration(text: &str) -> Result<Duration, String> {
    let wrong = || {
        format!("{text:?} is not a duration; write a number and ms, s, m, h or d, as in \"10h\"")
    };
    let mut rest = text.trim();
    let mut millis = 0_u64;
    if rest.is_empty() {
        return Err(wrong());
    }
    while !rest.is_empty() {
        let digits = rest
            .find(|c: char| !c.is_ascii_digit())
            .unwrap_or(rest.len());
        let letters = rest[digits..]
            .find(|c: char| !c.is_ascii_alphabetic())
            .unwrap_or(rest.len() - digits);
        let (number, unit) = (&rest[..digits], &rest[digits..digits + letters]);
        let number: u64 = number.parse().map_err(|_| wrong())?;
        let (_, factor) = UNITS
            .iter()
            .find(|(name, _)| *name == unit)
            .ok_or_else(wrong)?;
        millis = number
            .checked_mul(*factor)
            .and_then(|more| millis.checked_add(more))
            // A hundred thousand years still fit every timestamp that is computed from this.
            .filter(|millis| *millis < 36_525_000 * 86_400_000)
            .ok_or_else(|| format!("{text:?} is longer than anybody lives"))?;
        rest = &rest[digits + letters..];
    }
    Ok(Duration::from_millis(millis))
}

/// Formats a duration in the syntax of [`parse_duration`].
pub(crate) fn duration(duration: Duration) -> String {
    let mut rest = u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
    let mut text = String::new();
    for (unit, factor) in UNITS {
        if rest / factor > 0
            && (rest.is_multiple_of(factor) || rest / factor > 1 || !text.is_empty())
        {
            text.push_str(&format!("{}{unit}", rest / factor));
            rest %= factor;
        }
    }
    if text.is_empty() {
        String::from("0s")
    } else {
        text
    }
}

/// Parses RFC 3339: `2020-01-01T00:00:00Z`.
pub(crate) fn parse_time(text: &str) -> Result<Timestamp, String> {
    let wrong = || format!("{text:?} is not a time; write RFC 3339, as in 2020-01-01T00:00:00Z");
    text.trim()
        .parse::<Datetime>()
        .map_err(|_| wrong())
        .and_then(|time| timestamp(&time).ok_or_else(wrong))
}

/// Converts a TOML date, time and offset; `None` if one of them is missing.
pub(crate) fn timestamp(time: &Datetime) -> Option<Timestamp> {
    let (date, clock, offset) = (time.date?, time.time?, time.offset?);
    let minutes = match offset {
        Offset::Z => 0,
        Offset::Custom { minutes } => i64::from(minutes),
    };
    let days = days_from_civil(
        i64::from(date.year),
        i64::from(date.month),
        i64::from(date.day),
    );
    let seconds = i64::from(clock.hour) * 3600
        + (i64::from(clock.minute) - minutes) * 60
        + i64::from(clock.second.unwrap_or(0));
    let micros = i64::from(clock.nanosecond.unwrap_or(0) / 1_000);
    Some(Timestamp::from_micros(
        (days * 86_400 + seconds) * 1_000_000 + micros,
    ))
}

/// Returns the number of days from 1970-01-01 to a date of the proleptic Gregorian calendar,
/// computed in eras of 400 years.
fn days_from_civil(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let month_from_march = if month > 2 { month - 3 } else { month + 9 };
    let year_of_era = year.rem_euclid(400);
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100
        + (153 * month_from_march + 2) / 5
        + day
        - 1;
    year.div_euclid(400) * 146_097 + day_of_era - 719_468
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_read_and_written() {
        for (text, millis) in [
            ("30s", 30_000),
            ("10h", 36_000_000),
            ("7d", 604_800_000),
            ("250ms", 250),
            ("1h30m", 5_400_000),
            ("0s", 0),
        ] {
            assert_eq!(
                parse_duration(text),
                Ok(Duration::from_millis(millis)),
                "{text}"
            );
        }
        for (millis, text) in [
            (86_400_000, "1d"),
            (90_061_001, "25h1m1s1ms"),
            (0, "0s"),
            (36_000_000, "10h"),
            (604_800_000, "7d"),
        ] {
            assert_eq!(duration(Duration::from_millis(millis)), text);
            assert_eq!(parse_duration(text), Ok(Duration::from_millis(millis)));
        }
    }

    #[test]
    fn what_is_no_duration_is_refused_with_the_mend() {
        for text in [
            "",
            "10",
            "h",
            "10 h",
            "-1s",
            "1.5h",
            "10x",
            "99999999999999999999s",
            "9999999999999999d",
        ] {
            let refused = parse_duration(text).expect_err(text);
            assert!(refused.contains(text), "{refused}");
        }
    }

    #[test]
    fn times_are_read_with_their_offset() {
        for text in [
            "1970-01-01T00:00:00Z",
            "2000-02-29T12:34:56Z",
            "2020-01-01T00:00:00Z",
            "1969-12-31T23:59:59Z",
        ] {
            assert_eq!(parse_time(text).expect(text).to_string(), text);
        }
        let shifted = parse_time("2020-01-01T01:00:00.000001+01:00").expect("well-formed");
        assert_eq!(shifted.to_string(), "2020-01-01T00:00:00.000001Z");
        for text in ["2020-01-01", "2020-01-01T00:00:00", "yesterday"] {
            assert!(parse_time(text).is_err(), "{text}");
        }
    }
}
