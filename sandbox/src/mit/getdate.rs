//! Dates in the syntax of MIT's kadmin: `2030-01-01 12:00 UTC`, `tomorrow`, `3 days ago`, `next
//! monday`, in any order.

use jiff::civil::{Date, Time, Weekday};
use jiff::tz::{Offset, TimeZone};
use jiff::{Span, Timestamp};

use super::getdate_words::{Meridian, Token, tokens};

/// The parsed parts of a text.
#[derive(Default)]
struct Said {
    date: Option<(i64, i64, Option<i64>)>,
    time: Option<(i64, i64, i64, Option<Meridian>)>,
    zone: Option<Offset>,
    day: Option<(i64, Weekday)>,
    seconds: i64,
    months: i64,
    relative: bool,
}

/// Returns the time that a text describes. `here` is the zone for times without one. `never` is the
/// epoch.
pub(super) fn get_date(text: &str, now: Timestamp, here: &TimeZone) -> Option<Timestamp> {
    let tokens = tokens(text)?;
    if tokens == [Token::Never] {
        return Some(Timestamp::UNIX_EPOCH);
    }
    let mut said = Said::default();
    let mut rest = tokens.as_slice();
    while !rest.is_empty() {
        rest = said.take(rest)?;
    }
    said.resolve(now, here)
}

impl Said {
    /// Parses the next part and returns the remaining tokens. `None` if there is no such part, or
    /// if it was already given.
    fn take<'a>(&mut self, tokens: &'a [Token]) -> Option<&'a [Token]> {
        use Token::{Ago, Char, Day, MonthUnit, SecondUnit, Signed, Unsigned, Zone};
        let used = match tokens {
            [Unsigned(_), Char(':') | Token::Meridian(_), ..] => self.take_time(tokens),
            [Zone(_), ..] => self.take_zone(tokens),
            [Day(_), ..] | [Unsigned(_), Day(_), ..] => self.take_day(tokens),
            [Ago | SecondUnit(_) | MonthUnit(_), ..]
            | [Unsigned(_) | Signed(_), SecondUnit(_) | MonthUnit(_), ..] => {
                self.take_relative(tokens)
            }
            _ => self.take_date(tokens),
        };
        tokens.get(used?..)
    }

    /// Parses a time of day. Returns the number of its tokens, as the other parts do.
    fn take_time(&mut self, tokens: &[Token]) -> Option<usize> {
        use Token::{Char, Meridian, MonthUnit, SecondUnit, Signed, Unsigned};
        let (hour, minute, rest) = match *tokens {
            [Unsigned(hour), Meridian(meridian), ..] => {
                self.set_time(hour, 0, 0, Some(meridian))?;
                return Some(2);
            }
            [Unsigned(hour), Char(':'), Unsigned(minute), ref rest @ ..] => (hour, minute, rest),
            _ => return None,
        };
        let (second, rest) = match rest {
            [Char(':'), Unsigned(second), rest @ ..] => (*second, rest),
            _ => (0, rest),
        };
        let (meridian, rest) = match rest {
            [Meridian(meridian), rest @ ..] => (Some(*meridian), rest),
            _ => (None, rest),
        };
        let rest = match rest {
            // A signed number is an offset from UTC, unless a unit follows.
            [Signed(offset), rest @ ..]
                if meridian.is_none() && !matches!(rest, [SecondUnit(_) | MonthUnit(_), ..]) =>
            {
                let minutes = offset / 100 * 60 + offset % 100;
                self.set_zone(i32::try_from(minutes.checked_mul(60)?).ok()?)?;
                rest
            }
            rest => rest,
        };
        self.set_time(hour, minute, second, meridian)?;
        Some(tokens.len() - rest.len())
    }

    fn take_zone(&mut self, tokens: &[Token]) -> Option<usize> {
        match *tokens {
            [Token::Zone(seconds), Token::Dst, ..] => {
                self.set_zone(seconds + 3600)?;
                Some(2)
            }
            [Token::Zone(seconds), ..] => {
                self.set_zone(seconds)?;
                Some(1)
            }
            _ => None,
        }
    }

    /// Parses a day of the week.
    fn take_day(&mut self, tokens: &[Token]) -> Option<usize> {
        use Token::{Char, Day, Unsigned};
        let (ordinal, weekday, used) = match *tokens {
            [Day(weekday), Char(','), ..] => (1, weekday, 2),
            [Day(weekday), ..] => (1, weekday, 1),
            [Unsigned(ordinal), Day(weekday), ..] => (ordinal, weekday, 2),
            _ => return None,
        };
        self.set_day(ordinal, weekday)?;
        Some(used)
    }

    fn take_date(&mut self, tokens: &[Token]) -> Option<usize> {
        use Token::{Char, Month, Signed, Unsigned};
        let (year, month, day, used) = match *tokens {
            [
                Unsigned(month),
                Char('/'),
                Unsigned(day),
                Char('/'),
                Unsigned(year),
                ..,
            ] => (Some(year), month, day, 5),
            [Unsigned(month), Char('/'), Unsigned(day), ..] => (None, month, day, 3),
            [Unsigned(year), Signed(month), Signed(day), ..] => {
                (Some(year), month.checked_neg()?, day.checked_neg()?, 3)
            }
            [Unsigned(day), Month(month), Signed(year), ..] => {
                (Some(year.checked_neg()?), month, day, 3)
            }
            [Month(month), Unsigned(day), Char(','), Unsigned(year), ..] => {
                (Some(year), month, day, 4)
            }
            [Month(month), Unsigned(day), ..] => (None, month, day, 2),
            [Unsigned(day), Month(month), ref rest @ ..] => {
                let year = year_of(rest);
                (year, month, day, 2 + usize::from(year.is_some()))
            }
            _ => return None,
        };
        self.set_date(year, month, day)?;
        Some(used)
    }

    /// Parses a distance from now.
    fn take_relative(&mut self, tokens: &[Token]) -> Option<usize> {
        use Token::{Ago, MonthUnit, SecondUnit, Signed, Unsigned};
        match *tokens {
            [Ago, ..] if self.relative => {
                self.seconds = self.seconds.checked_neg()?;
                self.months = self.months.checked_neg()?;
                Some(1)
            }
            [Unsigned(count) | Signed(count), SecondUnit(seconds), ..] => {
                self.add_seconds(count, seconds)?;
                Some(2)
            }
            [Unsigned(count) | Signed(count), MonthUnit(months), ..] => {
                self.add_months(count, months)?;
                Some(2)
            }
            [SecondUnit(seconds), ..] => {
                self.add_seconds(1, seconds)?;
                Some(1)
            }
            [MonthUnit(months), ..] => {
                self.add_months(1, months)?;
                Some(1)
            }
            _ => None,
        }
    }

    fn set_time(&mut self, h: i64, m: i64, s: i64, meridian: Option<Meridian>) -> Option<()> {
        self.time
            .replace((h, m, s, meridian))
            .is_none()
            .then_some(())
    }

    fn set_zone(&mut self, seconds: i32) -> Option<()> {
        let offset = Offset::from_seconds(seconds).ok()?;
        self.zone.replace(offset).is_none().then_some(())
    }

    fn set_day(&mut self, ordinal: i64, weekday: Weekday) -> Option<()> {
        self.day.replace((ordinal, weekday)).is_none().then_some(())
    }

    fn set_date(&mut self, year: Option<i64>, month: i64, day: i64) -> Option<()> {
        self.date
            .replace((month, day, year))
            .is_none()
            .then_some(())
    }

    fn add_seconds(&mut self, count: i64, unit: i64) -> Option<()> {
        self.relative = true;
        self.seconds = self.seconds.checked_add(count.checked_mul(unit)?)?;
        Some(())
    }

    fn add_months(&mut self, count: i64, unit: i64) -> Option<()> {
        self.relative = true;
        self.months = self.months.checked_add(count.checked_mul(unit)?)?;
        Some(())
    }

    fn resolve(self, now: Timestamp, here: &TimeZone) -> Option<Timestamp> {
        let local = here.to_datetime(now);
        let zone = self.zone.map_or_else(|| here.clone(), TimeZone::fixed);
        let at = |date: Date, time: Time, zone: &TimeZone| {
            zone.to_timestamp(date.to_datetime(time)).ok()
        };
        let mut start = if self.date.is_some() || self.time.is_some() || self.day.is_some() {
            let date = match self.date {
                Some((month, day, year)) => date(month, day, year, local.date())?,
                None => local.date(),
            };
            let time = self.time.map_or(Some(Time::midnight()), time)?;
            at(date, time, &zone)?
        } else if self.relative {
            now
        } else {
            at(local.date(), Time::midnight(), here)?
        };
        let seconds = Span::new().try_seconds(self.seconds).ok()?;
        start = start.checked_add(seconds).ok()?;
        if self.months != 0 {
            let months = Span::new().try_months(self.months).ok()?;
            let later = here.to_datetime(start).checked_add(months).ok()?;
            start = here.to_timestamp(later).ok()?;
        }
        if let (Some((ordinal, weekday)), None) = (self.day, self.date) {
            let from = here.to_datetime(start);
            let ahead = i64::from(from.weekday().until(weekday));
            let weeks = if ordinal <= 0 { ordinal } else { ordinal - 1 };
            let days = Span::new()
                .try_days(weeks.checked_mul(7)?.checked_add(ahead)?)
                .ok()?;
            start = here.to_timestamp(from.checked_add(days).ok()?).ok()?;
        }
        Some(start)
    }
}

/// Years below 1900 are counted from 1900, as in MIT's programs.
fn date(month: i64, day: i64, year: Option<i64>, today: Date) -> Option<Date> {
    let year = match year {
        Some(year) if year.checked_abs()? < 1900 => year.abs() + 1900,
        Some(year) => year,
        None => i64::from(today.year()),
    };
    Date::new(
        i16::try_from(year).ok()?,
        i8::try_from(month).ok()?,
        i8::try_from(day).ok()?,
    )
    .ok()
}

fn time((hour, minute, second, meridian): (i64, i64, i64, Option<Meridian>)) -> Option<Time> {
    let hour = match meridian {
        None => hour,
        Some(_) if !(1..=12).contains(&hour) => return None,
        Some(Meridian::Am) => hour % 12,
        Some(Meridian::Pm) => hour % 12 + 12,
    };
    Time::new(
        i8::try_from(hour).ok()?,
        i8::try_from(minute).ok()?,
        i8::try_from(second).ok()?,
        0,
    )
    .ok()
}

/// Returns the year after a day and a month. A number that begins a time or counts units is not a
/// year.
fn year_of(rest: &[Token]) -> Option<i64> {
    use Token::{Char, Meridian, MonthUnit, SecondUnit};
    match rest {
        [
            _,
            Char(':') | SecondUnit(_) | MonthUnit(_) | Meridian(_),
            ..,
        ] => None,
        [Token::Unsigned(year), ..] => Some(*year),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Parses relative to Sunday 2026-11-22 06:55:01 UTC.
    fn read(text: &str) -> Option<String> {
        let now = "2026-11-22T06:55:01Z".parse().expect("a time");
        get_date(text, now, &TimeZone::UTC).map(|time| time.to_string())
    }

    #[test]
    fn dates_and_times_are_read_in_each_form() {
        for (text, expected) in [
            ("never", "1970-01-01T00:00:00Z"),
            ("now", "2026-11-22T06:55:01Z"),
            ("yesterday", "2026-11-21T06:55:01Z"),
            ("2030-01-01", "2030-01-01T00:00:00Z"),
            ("2030-01-01 12:30", "2030-01-01T12:30:00Z"),
            ("12/31/2029 11:59:59 pm", "2029-12-31T23:59:59Z"),
            ("2/3", "2026-02-03T00:00:00Z"),
            ("1/2/99", "1999-01-02T00:00:00Z"),
            ("17-JUN-2030", "2030-06-17T00:00:00Z"),
            ("Mar 1, 2031", "2031-03-01T00:00:00Z"),
            ("5 sept. 2031 4pm", "2031-09-05T16:00:00Z"),
            ("Jan 1, 2030 13:00 EST", "2030-01-01T18:00:00Z"),
            ("2030-06-01 13:00 EDT", "2030-06-01T17:00:00Z"),
            ("2030-01-01 13:00 +0130", "2030-01-01T11:30:00Z"),
            ("12am", "2026-11-22T00:00:00Z"),
            ("UTC", "2026-11-22T00:00:00Z"),
            ("monday", "2026-11-23T00:00:00Z"),
            ("next monday", "2026-11-30T00:00:00Z"),
            ("5pm friday", "2026-11-27T17:00:00Z"),
            ("1 month", "2026-12-22T06:55:01Z"),
            ("2 years ago", "2024-11-22T06:55:01Z"),
            ("2030-01-31 1 month", "2030-02-28T00:00:00Z"),
            ("2030-01-01 3 days ago", "2029-12-29T00:00:00Z"),
            ("(noon) 12:00 tomorrow", "2026-11-23T12:00:00Z"),
            ("3 day ago 4 weeks 8 hours", "2026-12-17T14:55:01Z"),
            ("", "2026-11-22T00:00:00Z"),
        ] {
            assert_eq!(read(text).as_deref(), Some(expected), "{text:?}");
        }
    }

    #[test]
    fn what_is_no_date_is_none() {
        for text in [
            "soon",
            "2030-13-01",
            "2030-02-30",
            "1/2/2030 3/4/2031",
            "25:00",
            "13pm",
            "12:00 13:00",
            "ago",
            "99999999999999999999 days",
            "9223372036854775807 weeks",
            "(",
            "1;2",
        ] {
            assert_eq!(read(text), None, "{text:?}");
        }
    }
}
