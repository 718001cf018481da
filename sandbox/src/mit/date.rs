//! Durations and dates as MIT's programs read and print them.

use std::time::Duration;

use kerbox_krb5::Timestamp;

/// Reads `10h`, `1d 2h`, `30 minutes`, `1:30:00`, `7d 0h 0m 0s` or a number of seconds.
pub(crate) fn parse_delta(text: &str) -> Option<Duration> {
    let text = text.trim();
    if text.contains(':') {
        let parts: Option<Vec<u64>> = text
            .split(':')
            .map(|part| part.trim().parse().ok())
            .collect();
        let seconds = match parts?.as_slice() {
            [hours, minutes] => hours
                .checked_mul(3600)?
                .checked_add(minutes.checked_mul(60)?)?,
            [hours, minutes, seconds] => hours
                .checked_mul(3600)?
                .checked_add(minutes.checked_mul(60)?)?
                .checked_add(*seconds)?,
            _ => return None,
        };
        return Some(Duration::from_secs(seconds));
    }
    let mut rest = text;
    let mut total = 0_u64;
    while !rest.is_empty() {
        let digits = rest
            .find(|c: char| !c.is_ascii_digit())
            .unwrap_or(rest.len());
        let number: u64 = rest[..digits].parse().ok()?;
        rest = rest[digits..].trim_start();
        let letters = rest
            .find(|c: char| !c.is_ascii_alphabetic())
            .unwrap_or(rest.len());
        let unit = match rest[..letters].to_ascii_lowercase().trim_end_matches('s') {
            // A bare `s` has been trimmed to nothing as well: both are seconds.
            "" | "sec" | "second" => 1,
            "m" | "min" | "minute" => 60,
            "h" | "hour" => 3_600,
            "d" | "day" => 86_400,
            "w" | "week" => 7 * 86_400,
            _ => return None,
        };
        rest = rest[letters..].trim_start();
        total = total.checked_add(number.checked_mul(unit)?)?;
    }
    (!text.is_empty()).then(|| Duration::from_secs(total))
}

/// Reads a date: `never` is none; `now`, `2030-01-01`, `2030-01-01 12:00:00`, RFC 3339, or a
/// duration from now on.
pub(crate) fn parse_date(text: &str, now: Timestamp) -> Option<Option<Timestamp>> {
    let text = text.trim();
    let rfc_3339 = |text: &str| crate::settings::parse_time(text).ok().map(Some);
    match text {
        "never" | "0" => Some(None),
        "now" => Some(Some(now.whole_second())),
        _ => rfc_3339(text)
            .or_else(|| rfc_3339(&format!("{text}Z")))
            .or_else(|| rfc_3339(&format!("{text}T00:00:00Z")))
            .or_else(|| parse_delta(text).map(|delta| Some(now.whole_second() + delta))),
    }
}

/// As getprinc prints a life: `1 day 00:00:00`.
pub(crate) fn print_delta(delta: Duration) -> String {
    let seconds = delta.as_secs();
    let days = seconds / 86_400;
    let day = if days == 1 { "day" } else { "days" };
    format!(
        "{days} {day} {:02}:{:02}:{:02}",
        seconds / 3600 % 24,
        seconds / 60 % 60,
        seconds % 60
    )
}

/// As getprinc prints a date: `Sun Nov 22 06:55:01 UTC 2026`, or `[never]`.
pub(crate) fn print_date(date: Option<Timestamp>) -> String {
    const DAYS: [&str; 7] = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"];
    const MONTHS: [&str; 12] = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ];
    let Some(date) = date else {
        return String::from("[never]");
    };
    // 2026-11-22T06:55:01Z
    let text = date.whole_second().to_string();
    let month: usize = text[5..7].parse().unwrap_or(1);
    let weekday =
        DAYS[usize::try_from(date.as_secs().div_euclid(86_400).rem_euclid(7)).unwrap_or(0)];
    format!(
        "{weekday} {} {} {} UTC {}",
        MONTHS[(month - 1).min(11)],
        &text[8..10],
        &text[11..19],
        &text[..4]
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn deltas_are_read_as_mit_reads_them() {
        for (text, seconds) in [
            ("30s", 30),
            ("10h", 36_000),
            ("7d", 604_800),
            ("7d 0h 0m 0s", 604_800),
            ("1 day", 86_400),
            ("2 weeks", 1_209_600),
            ("90 minutes", 5_400),
            ("1:30:00", 5_400),
            ("86400", 86_400),
        ] {
            assert_eq!(
                parse_delta(text),
                Some(Duration::from_secs(seconds)),
                "{text}"
            );
        }
        for text in ["", "x", "1 fortnight", "1:2:3:4", "99999999999999999999d"] {
            assert_eq!(parse_delta(text), None, "{text}");
        }
    }

    #[test]
    fn dates_are_read_and_printed_as_mit_does() {
        let now = Timestamp::from_secs(1_795_330_501);
        assert_eq!(print_date(Some(now)), "Sun Nov 22 06:55:01 UTC 2026");
        assert_eq!(print_date(None), "[never]");
        assert_eq!(parse_date("never", now), Some(None));
        assert_eq!(
            parse_date("1 day", now),
            Some(Some(now + Duration::from_hours(24)))
        );
        assert_eq!(
            parse_date("1970-01-02", now),
            Some(Some(Timestamp::from_secs(86_400)))
        );
        assert_eq!(
            parse_date("1970-01-01 00:00:05", now),
            Some(Some(Timestamp::from_secs(5)))
        );
        assert_eq!(parse_date("soon", now), None);
        assert_eq!(
            print_delta(Duration::from_secs(86_400 + 5)),
            "1 day 00:00:05"
        );
    }
}
