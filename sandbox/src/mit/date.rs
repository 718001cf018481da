//! Durations and dates in the formats of MIT's programs.

use std::time::Duration;

use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use kerbox_krb5::Timestamp;

use super::getdate::get_date;

/// Parses a duration of `krb5.conf`: `10h`, `1d 2h`, `7d 0h 0m 0s`, `10-8:45:00`, `1:30:00` or a
/// number of seconds.
pub(crate) fn parse_delta(text: &str) -> Option<Duration> {
    let seconds = delta_seconds(text.trim())?;
    // MIT's durations have 32 bits.
    (0..=i64::from(i32::MAX))
        .contains(&seconds)
        .then(|| Duration::from_secs(seconds.unsigned_abs()))
}

fn delta_seconds(text: &str) -> Option<i64> {
    if text.contains(':') {
        let (days, clock) = match text.get(1..)?.find('-') {
            Some(at) => (text[..=at].trim().parse::<i64>().ok()?, &text[at + 2..]),
            None => (0, text),
        };
        let parts: Option<Vec<i64>> = clock
            .split(':')
            .map(|part| part.trim().parse().ok())
            .collect();
        let (hours, minutes, seconds) = match parts?.as_slice() {
            [hours, minutes] if days == 0 => (*hours, *minutes, 0),
            [hours, minutes, seconds] => (*hours, *minutes, *seconds),
            _ => return None,
        };
        let minutes = hours.checked_mul(60)?.checked_add(minutes)?;
        let of_clock = minutes.checked_mul(60)?.checked_add(seconds)?;
        return days.checked_mul(86_400)?.checked_add(of_clock);
    }
    if let Ok(seconds) = text.parse() {
        return Some(seconds);
    }
    let mut rest = text;
    let mut total = 0_i64;
    // Each unit must be smaller than the previous one.
    let mut units = [('d', 86_400), ('h', 3_600), ('m', 60), ('s', 1)].into_iter();
    while !rest.is_empty() {
        let sign = usize::from(rest.starts_with('-'));
        let digits = rest[sign..]
            .find(|c: char| !c.is_ascii_digit())
            .map(|at| at + sign)?;
        let number: i64 = rest[..digits].parse().ok()?;
        let unit = rest[digits..].chars().next()?;
        let (_, seconds) = units.find(|(known, _)| *known == unit.to_ascii_lowercase())?;
        total = total.checked_add(number.checked_mul(seconds)?)?;
        rest = rest[digits + unit.len_utf8()..].trim_start();
    }
    (!text.is_empty()).then_some(total)
}

/// Parses a lifetime of kadmin's options: a duration, or a date from which `now` is subtracted.
pub(crate) fn parse_interval(text: &str, now: Timestamp) -> Result<Duration, String> {
    if let Some(delta) = parse_delta(text) {
        return Ok(delta);
    }
    match parse_date(text, now) {
        None => Err(format!("Invalid date specification \"{text}\".")),
        Some(None) => Ok(Duration::ZERO),
        Some(Some(date)) if date < now.whole_second() => {
            Err(format!("Interval specification \"{text}\" is in the past."))
        }
        Some(Some(date)) => Ok(date.since(now.whole_second())),
    }
}

/// Parses a date of kadmin with `getdate`; RFC 3339 is accepted, too. `never` is `None`.
pub(crate) fn parse_date(text: &str, now: Timestamp) -> Option<Option<Timestamp>> {
    let now = now.whole_second();
    let found = match text.trim().parse::<jiff::Timestamp>() {
        Ok(found) => found,
        Err(_) => {
            let now = jiff::Timestamp::from_second(now.as_secs()).ok()?;
            get_date(text, now, &TimeZone::system())?
        }
    };
    match found.as_second() {
        0 => Some(None),
        // Before the epoch, or beyond MIT's 32-bit KerberosTime.
        seconds if !(0..=i64::from(u32::MAX)).contains(&seconds) => None,
        seconds => Some(Some(Timestamp::from_secs(seconds))),
    }
}

/// Parses a time of `kdc.conf`: `20300101120000` and its other forms, or 0 for never.
pub(crate) fn parse_absolute(text: &str) -> Option<Option<Timestamp>> {
    const FORMS: [&str; 7] = [
        "%Y%m%d%H%M%S",
        "%Y.%m.%d.%H.%M.%S",
        "%y%m%d%H%M%S",
        "%y.%m.%d.%H.%M.%S",
        "%y%m%d%H%M",
        "%d-%b-%Y:%H:%M:%S",
        "%d-%b-%Y:%H:%M",
    ];
    let text = text.trim();
    if text == "0" {
        return Some(None);
    }
    let read = |form: &&str| DateTime::strptime(form, text).ok();
    let local = FORMS.iter().find_map(read)?;
    let found = TimeZone::system().to_timestamp(local).ok()?;
    Some(Some(Timestamp::from_secs(found.as_second())))
}

/// Formats a lifetime like getprinc: `1 day 00:00:00`.
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

/// Formats a date like getprinc: `Sun Nov 22 06:55:01 UTC 2026`, or `[never]`.
pub(crate) fn print_date(date: Option<Timestamp>) -> String {
    let Some(date) = date else {
        return String::from("[never]");
    };
    match jiff::Timestamp::from_second(date.as_secs()) {
        Ok(date) => {
            let local = date.to_zoned(TimeZone::system());
            local.strftime("%a %b %d %H:%M:%S %Z %Y").to_string()
        }
        Err(error) => format!("[{error}]"),
    }
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
            ("5d -6m56s", 431_696),
            (" \t 15d \n 4h  3m  2s", 1_310_582),
            ("10-8:45:0", 895_500),
            ("1000:67:99", 3_604_119),
            ("1:30:00", 5_400),
            ("86400", 86_400),
        ] {
            assert_eq!(
                parse_delta(text),
                Some(Duration::from_secs(seconds)),
                "{text}"
            );
        }
        for text in [
            "",
            "x",
            "1 fortnight",
            "1h 2d",
            "1:2:3:4",
            "-5s",
            "99999999999999999999d",
            "2147483648",
        ] {
            assert_eq!(parse_delta(text), None, "{text}");
        }
    }

    #[test]
    fn intervals_are_durations_or_dates_ahead() {
        let now = Timestamp::from_secs(1_795_330_501);
        let read = |text| parse_interval(text, now).map(|life| life.as_secs());
        for (text, seconds) in [
            ("2h-5s", 7_195),
            ("never", 0),
            ("fortnight", 1_209_600),
            ("3 day ago 4 weeks 8 hours", 2_188_800),
            ("8 second -3 secs 5 minute ago 63 min", 3_475),
            ("min mins min mins min", 300),
            ("tomorrow tomorrow today yesterday now last minute", 86_340),
        ] {
            assert_eq!(read(text), Ok(seconds), "{text}");
        }
        let past = read("yesterday").expect_err("it is in the past");
        assert_eq!(past, "Interval specification \"yesterday\" is in the past.");
        assert_eq!(
            read("soon").expect_err("no date"),
            "Invalid date specification \"soon\"."
        );
    }

    #[test]
    fn dates_are_read_and_printed_as_mit_does() {
        let now = Timestamp::from_secs(1_795_330_501);
        assert_eq!(print_date(None), "[never]");
        assert_eq!(parse_date("never", now), Some(None));
        assert_eq!(
            parse_date("1 day", now),
            Some(Some(now + Duration::from_secs(24 * 3600)))
        );
        assert_eq!(
            parse_date("1970-01-02T00:00:00Z", now),
            Some(Some(Timestamp::from_secs(86_400)))
        );
        assert_eq!(parse_date("soon", now), None);
        assert_eq!(parse_date("1969-01-01 UTC", now), None);
        assert_eq!(
            print_delta(Duration::from_secs(86_400 + 5)),
            "1 day 00:00:05"
        );
        for text in [
            "20300101120000",
            "2030.01.01.12.00.00",
            "300101120000",
            "01-Jan-2030:12:00",
        ] {
            let read = parse_absolute(text)
                .flatten()
                .map(|time| print_date(Some(time)));
            let read = read.expect(text);
            assert!(
                read.starts_with("Tue Jan 01 12:00:00 ") && read.ends_with(" 2030"),
                "{read}"
            );
        }
        assert_eq!(parse_absolute("0"), Some(None));
        assert_eq!(parse_absolute("2030"), None);
    }
}
