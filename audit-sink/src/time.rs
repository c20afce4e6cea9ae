//! Times as records have them: RFC 3339, UTC, microseconds.

use std::time::{Duration, SystemTime};

const DAY: i64 = 86_400;

/// Days in 400 years.
const ERA: i64 = 146_097;

/// Seconds since 1970 of the first and of the last moment that has four digits for
/// the year.
const FIRST: i64 = -62_167_219_200;
const LAST: i64 = 253_402_300_799;

/// As `"2026-11-20T09:30:00.000000Z"`, always 27 characters. A time outside of the
/// years 0 to 9999 is the nearest one inside.
pub(crate) fn rfc3339(time: SystemTime) -> String {
    let (seconds, nanos) = since_1970(time);
    let (seconds, micros) = match seconds {
        ..FIRST => (FIRST, 0),
        FIRST..=LAST => (seconds, nanos / 1_000),
        _ => (LAST, 999_999),
    };
    let (year, month, day) = date(seconds.div_euclid(DAY));
    let second = seconds.rem_euclid(DAY) as u32;

    let mut text = *b"0000-00-00T00:00:00.000000Z";
    let mut put = |from: usize, digits: usize, mut number: u32| {
        for place in text[from..from + digits].iter_mut().rev() {
            *place = b'0' + (number % 10) as u8;
            number /= 10;
        }
    };
    put(0, 4, year);
    put(5, 2, month);
    put(8, 2, day);
    put(11, 2, second / 3_600);
    put(14, 2, second / 60 % 60);
    put(17, 2, second % 60);
    put(20, 6, micros);
    text.iter().map(|&byte| char::from(byte)).collect()
}

/// Microseconds since 1970.
pub(crate) fn microseconds(time: SystemTime) -> i128 {
    let (seconds, nanos) = since_1970(time);
    i128::from(seconds) * 1_000_000 + i128::from(nanos / 1_000)
}

/// Microseconds since 1970 of a time in any form that RFC 3339 allows; what is finer
/// is cut off. `None` for anything else.
pub(crate) fn parse(text: &str) -> Option<i128> {
    // Fields are split off by their places, so none may stand inside a character.
    let (head, tail) = text.is_ascii().then_some(text)?.split_at_checked(19)?;
    let marks = [(4, "-"), (7, "-"), (13, ":"), (16, ":")];
    let in_place = marks.iter().all(|&(at, mark)| head[at..].starts_with(mark));
    if !in_place || !matches!(&head[10..11], "T" | "t" | " ") {
        return None;
    }
    let year = number(&head[..4])?;
    let (month, day) = (number(&head[5..7])?, number(&head[8..10])?);
    let (hour, minute) = (number(&head[11..13])?, number(&head[14..16])?);
    let second = number(&head[17..])?;
    // A leap second is the beginning of the next one.
    if hour > 23 || minute > 59 || second > 60 {
        return None;
    }
    let days = days(year, month, day)?;

    let (micros, zone) = match tail.strip_prefix('.') {
        None => (0, tail),
        Some(tail) => {
            let digits = tail.find(|c: char| !c.is_ascii_digit())?;
            let (fraction, zone) = tail.split_at(digits);
            number(fraction)?;
            let six: String = fraction.chars().chain("000000".chars()).take(6).collect();
            (number(&six)?, zone)
        }
    };
    let east = match zone.split_at_checked(1)? {
        ("Z" | "z", "") => 0,
        (sign @ ("+" | "-"), offset) => {
            let (hours, minutes) = offset.split_once(':')?;
            let is_short = hours.len() == 2 && minutes.len() == 2;
            let (hours, minutes) = (number(hours)?, number(minutes)?);
            if !is_short || hours > 23 || minutes > 59 {
                return None;
            }
            let seconds = hours * 3_600 + minutes * 60;
            if sign == "+" { seconds } else { -seconds }
        }
        _ => return None,
    };
    let seconds = days * DAY + hour * 3_600 + minute * 60 + second - east;
    Some(i128::from(seconds) * 1_000_000 + i128::from(micros))
}

/// Of digits alone, some at least. As many as overflow are cut short: they stand only
/// where their first few count.
fn number(digits: &str) -> Option<i64> {
    let is_number = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    let first = &digits[..digits.len().min(18)];
    is_number.then(|| first.parse().ok()).flatten()
}

/// Days since 1970; `None` for a date that isn't in the calendar.
fn days(year: i64, month: i64, day: i64) -> Option<i64> {
    let (from_march, year_of_march) = match month {
        1..=2 => (month + 9, year - 1),
        3..=12 => (month - 3, year),
        _ => return None,
    };
    let era = year_of_march.div_euclid(400);
    let in_era = year_of_march.rem_euclid(400);
    let in_year = (153 * from_march + 2) / 5 + day - 1;
    let days = era * ERA + in_era * 365 + in_era / 4 - in_era / 100 + in_year - 719_468;
    // A day too many is one of the next month.
    (date(days) == (year as u32, month as u32, day as u32)).then_some(days)
}

/// Whole seconds since 1970, and nanoseconds on top.
fn since_1970(time: SystemTime) -> (i64, u32) {
    let seconds = |since: Duration| i64::try_from(since.as_secs()).unwrap_or(i64::MAX);
    match time.duration_since(SystemTime::UNIX_EPOCH) {
        Ok(after) => (seconds(after), after.subsec_nanos()),
        Err(error) => {
            let before = error.duration();
            match before.subsec_nanos() {
                0 => (-seconds(before), 0),
                nanos => (-seconds(before) - 1, 1_000_000_000 - nanos),
            }
        }
    }
}

/// Year, month and day, of days since 1970. Years begin in March here, so that the
/// leap day is the last one; 400 of them are an era.
fn date(days: i64) -> (u32, u32, u32) {
    let days = days + 719_468;
    let (era, day) = (days.div_euclid(ERA), days.rem_euclid(ERA));
    let year = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day + 2) / 153;
    let day = day - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    let year = year + 400 * era + i64::from(month <= 2);
    (year as u32, month as u32, day as u32)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(seconds: i64, nanos: u32) -> SystemTime {
        let nanos = Duration::from_nanos(nanos.into());
        let whole = Duration::from_secs(seconds.unsigned_abs());
        match seconds {
            0.. => SystemTime::UNIX_EPOCH + whole + nanos,
            _ => SystemTime::UNIX_EPOCH - whole + nanos,
        }
    }

    #[test]
    fn the_edges() {
        for (seconds, nanos, text) in [
            (0, 0, "1970-01-01T00:00:00.000000Z"),
            (-1, 999_999_999, "1969-12-31T23:59:59.999999Z"),
            (951_782_399, 0, "2000-02-28T23:59:59.000000Z"),
            (951_782_400, 0, "2000-02-29T00:00:00.000000Z"),
            (FIRST, 0, "0000-01-01T00:00:00.000000Z"),
            (FIRST - 1, 5_000, "0000-01-01T00:00:00.000000Z"),
            (LAST, 1_999, "9999-12-31T23:59:59.000001Z"),
            (LAST + 1, 0, "9999-12-31T23:59:59.999999Z"),
        ] {
            assert_eq!(rfc3339(at(seconds, nanos)), text, "{seconds}");
        }
    }

    #[test]
    fn now_is_between_two_looks_at_another_clock() {
        let before = audit_schema::now_rfc3339();
        let now = rfc3339(SystemTime::now());
        let after = audit_schema::now_rfc3339();
        assert!(before <= now && now <= after, "{before} {now} {after}");
    }

    #[test]
    fn reads_what_is_a_time_and_nothing_else() {
        let moment = Some(1_795_167_000_000_000);
        for (text, time) in [
            ("2026-11-20T09:30:00.000000Z", moment),
            ("2026-11-20T09:30:00Z", moment),
            ("2026-11-20t09:30:00z", moment),
            ("2026-11-20 09:30:00.0000009999999999999999999999Z", moment),
            ("2026-11-20T11:30:00+02:00", moment),
            ("2026-11-20T04:00:00.5-05:30", moment.map(|at| at + 500_000)),
            ("1969-12-31T23:59:59.999999Z", Some(-1)),
            ("2024-02-29T00:00:00Z", Some(1_709_164_800_000_000)),
            ("2023-02-29T00:00:00Z", None),
            ("2026-13-01T00:00:00Z", None),
            ("2026-11-00T00:00:00Z", None),
            ("2026-11-20T24:00:00Z", None),
            ("2026-11-20T09:29:60Z", moment),
            ("2026-11-20T09:29:61Z", None),
            ("2026-11-20T09:60:00Z", None),
            ("2026-11-21T09:29:00+23:59", moment),
            ("2026-11-20T09:30:00+24:00", None),
            ("2026-11-20T09:30:00-00:60", None),
            ("2026-11-20T09:30:00+2:00", None),
            ("2026-11-20T09:30:00+02:0", None),
            ("2026/11/20T09:30:00Z", None),
            ("2026-11-20_09:30:00Z", None),
            ("2026-11-20T09:30:00", None),
            ("2026-11-20T09:30:00.Z", None),
            ("2026-11-20T09:30:00+0200", None),
            ("2026-11-20T09:30:00+1:000", None),
            ("2026-11-20T09:30:00Z ", None),
            ("+026-11-20T09:30:00Z", None),
            ("2026-11-20T09:30:0é", None),
            ("", None),
        ] {
            assert_eq!(parse(text), time, "{text}");
        }
    }

    proptest! {
        #[test]
        fn reads_what_it_writes(seconds in FIRST..=LAST, nanos in 0..1_000_000_000_u32) {
            let time = at(seconds, nanos);
            prop_assert_eq!(parse(&rfc3339(time)), Some(microseconds(time)));
        }

        /// Held to chrono.
        #[test]
        fn as_chrono_writes_it(seconds in FIRST..=LAST, nanos in 0..1_000_000_000_u32) {
            let expected = chrono::DateTime::from_timestamp(seconds, nanos).unwrap();
            let expected = expected.to_rfc3339_opts(chrono::SecondsFormat::Micros, true);
            prop_assert_eq!(rfc3339(at(seconds, nanos)), expected);
        }
    }
}
