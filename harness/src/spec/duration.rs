//! The text form of durations, in kerbox.toml and on the command line: `1h30m`.
//!
//! Libraries also read months, years and words, which no two of them take for the same time, and
//! users would compile one more for these few lines.

use std::time::Duration;

const UNITS: [(&str, u64); 5] = [
    ("d", 86_400_000),
    ("h", 3_600_000),
    ("m", 60_000),
    ("s", 1_000),
    ("ms", 1),
];

/// Parses `30s`, `10h`, `7d`, `250ms` or a combination such as `1h30m`.
pub fn parse(text: &str) -> Result<Duration, String> {
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

/// Formats a duration in the syntax of [`parse`].
pub fn to_text(duration: Duration) -> String {
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
            assert_eq!(parse(text), Ok(Duration::from_millis(millis)), "{text}");
        }
        for (millis, text) in [
            (86_400_000, "1d"),
            (90_061_001, "25h1m1s1ms"),
            (0, "0s"),
            (36_000_000, "10h"),
            (604_800_000, "7d"),
        ] {
            assert_eq!(to_text(Duration::from_millis(millis)), text);
            assert_eq!(parse(text), Ok(Duration::from_millis(millis)));
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
            let refused = parse(text).expect_err(text);
            assert!(refused.contains(text), "{refused}");
        }
    }
}
