//! Times as people write them.

use std::time::Duration;

use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Span, Timestamp, Zoned};

/// For the help of options that take a time.
pub(crate) const FORMS: &str =
    "2026-11-20T09:30:00Z, 2026-11-20, 90m, 2h, 3d, now, today or yesterday";

/// A moment, as an argument of clap's: RFC 3339; a day or a time without a zone,
/// both in the local one (`TZ`); how long ago; `now`; the beginning of `today` or
/// `yesterday`.
pub(crate) fn moment(text: &str) -> Result<Timestamp, String> {
    moment_at(text, &Zoned::now())
}

fn moment_at(text: &str, now: &Zoned) -> Result<Timestamp, String> {
    let wrong = |reason: String| format!("{reason}; write a time as {FORMS}");
    let zone = now.time_zone();
    let day = |date: Date| start_of(date, zone).map_err(wrong);
    match text {
        "now" => return Ok(now.timestamp()),
        "today" => return day(now.date()),
        "yesterday" => return day(now.date().yesterday().map_err(|_| wrong(FAR.into()))?),
        _ => {}
    }
    if let Ok(timestamp) = text.parse::<Timestamp>() {
        return Ok(timestamp);
    }
    if is_date(text) {
        let date = text.parse::<Date>();
        return day(date.map_err(|_| wrong("there is no such day".into()))?);
    }
    if let Ok(local) = text.parse::<DateTime>() {
        let zoned = local.to_zoned(zone.clone());
        return zoned
            .map(|zoned| zoned.timestamp())
            .map_err(|_| wrong(FAR.into()));
    }
    let span = match text.parse::<Span>() {
        Ok(span) if !text.starts_with(['P', 'p', '-', '+']) => span,
        _ => return Err(wrong("that is no time".into())),
    };
    let then = now.checked_sub(span.abs());
    then.map(|then| then.timestamp())
        .map_err(|_| wrong(FAR.into()))
}

const FAR: &str = "that time is too far away";

fn start_of(date: Date, zone: &TimeZone) -> Result<Timestamp, String> {
    let start = date.to_zoned(zone.clone());
    start
        .map(|start| start.timestamp())
        .map_err(|_| FAR.to_owned())
}

/// `2026-11-20` and the like; the day itself may not exist.
fn is_date(text: &str) -> bool {
    let digit = |(at, byte): (usize, u8)| match at {
        4 | 7 => byte == b'-',
        _ => byte.is_ascii_digit(),
    };
    text.len() == 10 && text.bytes().enumerate().all(digit)
}

/// A duration, as an argument of clap's: `250ms`, `2s`, `1m30s`.
pub(crate) fn duration(text: &str) -> Result<Duration, String> {
    let wrong = || "write a duration with its unit, as 250ms, 2s, 1m30s or 1h".to_owned();
    if text.starts_with(['P', 'p', '-', '+']) {
        return Err(wrong());
    }
    let duration: SignedDuration = text.parse().map_err(|_| wrong())?;
    duration.try_into().map_err(|_| wrong())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Friday, half past nine in the morning in Berlin, after a change of clocks.
    fn now() -> Zoned {
        "2026-10-30T09:30:00+01:00[Europe/Berlin]".parse().unwrap()
    }

    #[test]
    fn times_are_read_as_people_write_them() {
        for (text, wanted) in [
            ("2026-11-20T09:30:00Z", "2026-11-20T09:30:00Z"),
            ("2026-11-20T09:30:00.123456Z", "2026-11-20T09:30:00.123456Z"),
            ("2026-11-20T09:30:00+02:00", "2026-11-20T07:30:00Z"),
            ("2026-11-20 09:30:00Z", "2026-11-20T09:30:00Z"),
            ("2026-11-20", "2026-11-19T23:00:00Z"),
            ("2026-07-20", "2026-07-19T22:00:00Z"),
            ("2026-11-20T09:30:00", "2026-11-20T08:30:00Z"),
            ("2026-11-20 09:30", "2026-11-20T08:30:00Z"),
            ("now", "2026-10-30T08:30:00Z"),
            ("today", "2026-10-29T23:00:00Z"),
            ("yesterday", "2026-10-28T23:00:00Z"),
            ("2h", "2026-10-30T06:30:00Z"),
            ("90m", "2026-10-30T07:00:00Z"),
            ("45s", "2026-10-30T08:29:15Z"),
            ("1h30m", "2026-10-30T07:00:00Z"),
            ("2h ago", "2026-10-30T06:30:00Z"),
            // By the calendar: the clocks went back in between.
            ("7d", "2026-10-23T07:30:00Z"),
            ("1w", "2026-10-23T07:30:00Z"),
        ] {
            let read = moment_at(text, &now()).map(|moment| moment.to_string());
            assert_eq!(read.as_deref(), Ok(wanted), "{text}");
        }
    }

    #[test]
    fn what_is_no_time_is_told_what_is() {
        for text in [
            "",
            "2",
            "-2h",
            "P2D",
            "soon",
            "2026-02-30",
            "2026-11",
            "99999999d",
            "25:00",
            "2h3",
            "tomorrow",
        ] {
            let error = moment_at(text, &now()).unwrap_err();
            assert!(error.contains("yesterday"), "{text}: {error}");
        }
    }

    #[test]
    fn durations_have_a_unit() {
        for (text, milliseconds) in [("250ms", 250), ("2s", 2_000), ("1m30s", 90_000)] {
            assert_eq!(duration(text), Ok(Duration::from_millis(milliseconds)));
        }
        for text in ["", "250", "-2s", "PT2S", "2 apples"] {
            assert!(duration(text).unwrap_err().contains("250ms"), "{text}");
        }
    }
}
