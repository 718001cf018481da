//! The text form of times.

use kerbox_krb5::Timestamp;
use toml::value::Datetime;

/// Parses RFC 3339: `2020-01-01T00:00:00Z`.
pub(crate) fn parse_time(text: &str) -> Result<Timestamp, String> {
    text.trim()
        .parse()
        .map(|time: jiff::Timestamp| Timestamp::from_micros(time.as_microsecond()))
        .map_err(|_| format!("{text:?} is not a time; write RFC 3339, as in 2020-01-01T00:00:00Z"))
}

/// Converts a TOML date, time and offset; `None` if one of them is missing.
pub(crate) fn timestamp(time: &Datetime) -> Option<Timestamp> {
    parse_time(&time.to_string()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

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
