//! The words of MIT's dates.

use jiff::civil::Weekday;

/// A word, number or sign.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Token {
    Unsigned(i64),
    Signed(i64),
    Month(i64),
    Day(Weekday),
    /// Offset from UTC in seconds; positive is ahead.
    Zone(i32),
    Dst,
    /// A unit in seconds.
    SecondUnit(i64),
    /// A unit in months.
    MonthUnit(i64),
    Meridian(Meridian),
    Ago,
    Never,
    Char(char),
}

/// Before or after noon.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Meridian {
    Am,
    Pm,
}

/// Splits a text into tokens; `None` if it contains an unknown word.
pub(super) fn tokens(text: &str) -> Option<Vec<Token>> {
    let mut tokens = Vec::new();
    let mut rest = text.trim_start();
    while let Some(first) = rest.chars().next() {
        let digits = rest.strip_prefix(['-', '+']).unwrap_or(rest);
        if digits.starts_with(|character: char| character.is_ascii_digit()) {
            let end = digits
                .find(|character: char| !character.is_ascii_digit())
                .unwrap_or(digits.len());
            let number: i64 = digits[..end].parse().ok()?;
            tokens.push(match first {
                '-' => Token::Signed(number.checked_neg()?),
                '+' => Token::Signed(number),
                _ => Token::Unsigned(number),
            });
            rest = &digits[end..];
        } else if first.is_ascii_alphabetic() {
            let end = rest
                .find(|character: char| !(character.is_ascii_alphabetic() || character == '.'))
                .unwrap_or(rest.len());
            tokens.push(word(&rest[..end].to_ascii_lowercase())?);
            rest = &rest[end..];
        } else if first == '(' {
            rest = &rest[rest.find(')')? + 1..];
        } else {
            // A sign without a number is skipped.
            if !matches!(first, '-' | '+') {
                tokens.push(Token::Char(first));
            }
            rest = &rest[first.len_utf8()..];
        }
        rest = rest.trim_start();
    }
    Some(tokens)
}

const MONTHS: [&str; 12] = [
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
];

const DAYS: [(&str, Weekday); 11] = [
    ("sunday", Weekday::Sunday),
    ("monday", Weekday::Monday),
    ("tuesday", Weekday::Tuesday),
    ("tues", Weekday::Tuesday),
    ("wednesday", Weekday::Wednesday),
    ("wednes", Weekday::Wednesday),
    ("thursday", Weekday::Thursday),
    ("thur", Weekday::Thursday),
    ("thurs", Weekday::Thursday),
    ("friday", Weekday::Friday),
    ("saturday", Weekday::Saturday),
];

const DAY: i64 = 86_400;

const UNITS: [(&str, Token); 10] = [
    ("year", Token::MonthUnit(12)),
    ("month", Token::MonthUnit(1)),
    ("fortnight", Token::SecondUnit(14 * DAY)),
    ("week", Token::SecondUnit(7 * DAY)),
    ("day", Token::SecondUnit(DAY)),
    ("hour", Token::SecondUnit(3600)),
    ("minute", Token::SecondUnit(60)),
    ("min", Token::SecondUnit(60)),
    ("second", Token::SecondUnit(1)),
    ("sec", Token::SecondUnit(1)),
];

const OTHERS: [(&str, Token); 20] = [
    ("tomorrow", Token::SecondUnit(DAY)),
    ("yesterday", Token::SecondUnit(-DAY)),
    ("today", Token::SecondUnit(0)),
    ("now", Token::SecondUnit(0)),
    ("last", Token::Unsigned(-1)),
    ("this", Token::SecondUnit(0)),
    ("next", Token::Unsigned(2)),
    ("first", Token::Unsigned(1)),
    ("third", Token::Unsigned(3)),
    ("fourth", Token::Unsigned(4)),
    ("fifth", Token::Unsigned(5)),
    ("sixth", Token::Unsigned(6)),
    ("seventh", Token::Unsigned(7)),
    ("eighth", Token::Unsigned(8)),
    ("ninth", Token::Unsigned(9)),
    ("tenth", Token::Unsigned(10)),
    ("eleventh", Token::Unsigned(11)),
    ("twelfth", Token::Unsigned(12)),
    ("ago", Token::Ago),
    ("never", Token::Never),
];

/// Offsets of zones from UTC in hours, including summer time.
const ZONES: [(&str, i32); 44] = [
    ("gmt", 0),
    ("ut", 0),
    ("utc", 0),
    ("wet", 0),
    ("bst", 1),
    ("wat", -1),
    ("at", -2),
    ("ast", -4),
    ("adt", -3),
    ("est", -5),
    ("edt", -4),
    ("cst", -6),
    ("cdt", -5),
    ("mst", -7),
    ("mdt", -6),
    ("pst", -8),
    ("pdt", -7),
    ("yst", -9),
    ("ydt", -8),
    ("hst", -10),
    ("hdt", -9),
    ("cat", -10),
    ("ahst", -10),
    ("nt", -11),
    ("idlw", -12),
    ("cet", 1),
    ("met", 1),
    ("mewt", 1),
    ("mest", 2),
    ("swt", 1),
    ("sst", 2),
    ("fwt", 1),
    ("fst", 2),
    ("eet", 2),
    ("bt", 3),
    ("wast", 7),
    ("wadt", 8),
    ("cct", 8),
    ("jst", 9),
    ("kst", 9),
    ("east", 10),
    ("eadt", 11),
    ("nzst", 12),
    ("nzdt", 13),
];

fn word(word: &str) -> Option<Token> {
    match word {
        "am" | "a.m." => return Some(Token::Meridian(Meridian::Am)),
        "pm" | "p.m." => return Some(Token::Meridian(Meridian::Pm)),
        "dst" => return Some(Token::Dst),
        _ => {}
    }
    let bare = word.strip_suffix('.').unwrap_or(word);
    let is = |name: &str| match bare.len() {
        3 => name.starts_with(bare),
        _ => name == word || (bare == "sept" && name == "september"),
    };
    let month = (1..).zip(MONTHS).find(|(_, name)| is(name));
    if let Some((number, _)) = month {
        return Some(Token::Month(number));
    }
    if let Some((_, weekday)) = DAYS.iter().find(|(name, _)| is(name)) {
        return Some(Token::Day(*weekday));
    }
    let named = |table: &[(&str, Token)], word: &str| {
        let found = table.iter().find(|(name, _)| *name == word);
        found.map(|(_, token)| *token)
    };
    let without_dots = word.replace('.', "");
    let zone = ZONES.iter().find(|(name, _)| *name == without_dots);
    zone.map(|(_, hours)| Token::Zone(hours * 3600))
        .or_else(|| named(&UNITS, word))
        .or_else(|| named(&UNITS, word.strip_suffix('s')?))
        .or_else(|| named(&OTHERS, word))
}
