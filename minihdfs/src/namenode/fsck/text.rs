//! Dates and numbers as Java writes them.

use kerbox_krb5::Timestamp;

const DAYS: [&str; 7] = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"];
const MONTHS: [&str; 12] = [
    "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
];

/// Returns a time as `java.util.Date.toString` does in UTC.
pub(super) fn java_date(time: Timestamp) -> String {
    // `2026-11-22T05:57:00Z`
    let text = time.whole_second().to_string();
    let part = |start: usize, end: usize| text.get(start..end).unwrap_or_default();
    let days = time.as_secs().div_euclid(86_400).rem_euclid(7);
    let day = usize::try_from(days).ok().and_then(|day| DAYS.get(day));
    let month = part(5, 7).parse::<usize>().ok();
    let month = month.and_then(|month| MONTHS.get(month.checked_sub(1)?));
    format!(
        "{} {} {} {} UTC {}",
        day.unwrap_or(&""),
        month.unwrap_or(&""),
        part(8, 10),
        part(11, 19),
        part(0, 4)
    )
}

/// Returns a quotient as `Float.toString` writes it.
pub(super) fn java_float(value: f32) -> String {
    if value == 0.0 || (1e-3..1e7).contains(&value.abs()) {
        return format!("{value:?}");
    }
    let text = format!("{value:E}");
    match text.split_once('E') {
        Some((digits, exponent)) if !digits.contains('.') => format!("{digits}.0E{exponent}"),
        _ => text,
    }
}

/// Returns ` (12.5 %)`, the share of `part` in `whole`; nothing of nothing.
pub(super) fn share(part: u64, whole: u64) -> String {
    if whole == 0 {
        return String::new();
    }
    // As Java computes it, so that the digits are the same.
    let percent = part.saturating_mul(100) as f32 / whole as f32;
    format!(" ({} %)", java_float(percent))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_javas() {
        let date = |seconds| java_date(Timestamp::from_secs(seconds));
        assert_eq!(date(0), "Thu Jan 01 00:00:00 UTC 1970");
        assert_eq!(date(1_795_906_623), "Sat Nov 28 22:57:03 UTC 2026");
    }

    #[test]
    fn numbers_are_javas() {
        for (value, text) in [
            (0.0, "0.0"),
            (100.0, "100.0"),
            (33.333_332, "33.333332"),
            (0.000_1, "1.0E-4"),
            (12_345_678.0, "1.2345678E7"),
        ] {
            assert_eq!(java_float(value), text);
        }
        assert_eq!(share(1, 3), " (33.333332 %)");
        assert_eq!(share(0, 0), "");
    }
}
