//! `KerberosTime` as text: `YYYYMMDDhhmmssZ`, in UTC and without a fraction (RFC 4120, 5.2.3).

use crate::Timestamp;
use crate::calendar::{civil, days};

const DAY: i64 = 86_400;
/// 9999-12-31T23:59:59Z: the last second whose year has four digits.
const LAST: i64 = 253_402_300_799;
/// 0000-01-01T00:00:00Z.
const FIRST: i64 = -62_167_219_200;

/// Formats `time`, without its fraction, as 15 characters. Times before the year 0 or after 9999
/// are clamped to that range.
pub(super) fn format(time: Timestamp) -> [u8; 15] {
    let seconds = time.as_secs().clamp(FIRST, LAST);
    let (year, month, day) = civil(seconds.div_euclid(DAY));
    let second = seconds.rem_euclid(DAY);
    // All of them are small.
    let (year, second) = (year as u32, second as u32);
    let pairs = [
        year / 100,
        year % 100,
        month as u32,
        day as u32,
        second / 3600,
        second / 60 % 60,
        second % 60,
    ];
    let mut text = *b"00000000000000Z";
    for (place, number) in text.chunks_exact_mut(2).zip(pairs) {
        place[0] += (number / 10) as u8;
        place[1] += (number % 10) as u8;
    }
    text
}

/// Reads `YYYYMMDDhhmmssZ`. Skips a fraction after the seconds, as MIT does.
pub(super) fn parse(text: &[u8]) -> Option<Timestamp> {
    let (&zone, text) = text.split_last()?;
    if zone != b'Z' || text.len() < 14 || (text.len() > 14 && text[14] != b'.') {
        return None;
    }
    let number = |range: std::ops::Range<usize>| -> Option<i64> {
        text[range].iter().try_fold(0, |sum, digit| {
            digit
                .is_ascii_digit()
                .then(|| sum * 10 + i64::from(digit - b'0'))
        })
    };
    let (year, month, day) = (number(0..4)?, number(4..6)?, number(6..8)?);
    let (hour, minute, second) = (number(8..10)?, number(10..12)?, number(12..14)?);
    if !(1..=12).contains(&month)
        || !(1..=31).contains(&day)
        || hour > 23
        || minute > 59
        || second > 60
    {
        return None;
    }
    let seconds = days(year, month, day) * DAY + hour * 3600 + minute * 60 + second;
    Some(Timestamp::from_secs(seconds))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_written_and_read_as_the_rfc_shows_them() {
        // RFC 4120, 5.2.3: "UTC time 6 minutes, 27 seconds after 9 pm on 6 November 1985".
        let time = parse(b"19851106210627Z").expect("the RFC's example");
        assert_eq!(time, Timestamp::from_secs(500_159_187));
        assert_eq!(&format(time), b"19851106210627Z");
        for seconds in [0, 951_782_400, 951_868_799, 4_102_444_800, LAST] {
            let time = Timestamp::from_secs(seconds);
            assert_eq!(parse(&format(time)), Some(time));
        }
        assert_eq!(
            parse(b"20000229000000.5Z"),
            Some(Timestamp::from_secs(951_782_400))
        );
    }

    #[test]
    fn what_is_no_time_is_refused() {
        for text in [
            &b""[..],
            b"Z",
            b"19851106210627",
            b"1985110621062Z",
            b"19851306210627Z",
            b"19851106210627+0100",
            b"1985110621062xZ",
        ] {
            assert_eq!(parse(text), None);
        }
    }
}
