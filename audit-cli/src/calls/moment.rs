//! The times of records, and the hours and days that people think in.

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;

/// A time in nanoseconds since 1970.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Moment(i128);

impl Moment {
    /// The time of a record; `None` when it is none.
    pub(crate) fn of_record(ts: &str) -> Option<Self> {
        Self::of_usual(ts.as_bytes()).or_else(|| {
            // Whatever else RFC 3339 allows: another zone, more digits.
            ts.parse().ok().map(Self::of)
        })
    }

    pub(crate) fn of(timestamp: Timestamp) -> Self {
        Self(timestamp.as_nanosecond())
    }

    /// `2026-11-20T09:30:00.000000Z`, as nearly all are written.
    fn of_usual(ts: &[u8]) -> Option<Self> {
        let ts: &[u8; 27] = ts.try_into().ok()?;
        for (at, mark) in [
            (4, b'-'),
            (7, b'-'),
            (10, b'T'),
            (13, b':'),
            (16, b':'),
            (19, b'.'),
            (26, b'Z'),
        ] {
            if ts[at] != mark {
                return None;
            }
        }
        let number = |from: usize, to: usize| {
            ts[from..to].iter().try_fold(0_i64, |number, digit| {
                digit
                    .is_ascii_digit()
                    .then(|| number * 10 + i64::from(digit - b'0'))
            })
        };
        let (year, month, day) = (number(0, 4)?, number(5, 7)?, number(8, 10)?);
        let (hour, minute, second) = (number(11, 13)?, number(14, 16)?, number(17, 19)?);
        // What is rare is left to who knows: late days of months, leap seconds.
        if !(1..=12).contains(&month)
            || !(1..=28).contains(&day)
            || hour > 23
            || minute > 59
            || second > 59
        {
            return None;
        }
        // Days since 1 March of the year 0, for years that begin in March.
        let (year, month) = if month > 2 {
            (year, month - 3)
        } else {
            (year - 1, month + 9)
        };
        let leap_days = year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400);
        let days = year * 365 + leap_days + (month * 153 + 2) / 5 + day - 1 - 719_468;
        let seconds = ((days * 24 + hour) * 60 + minute) * 60 + second;
        Some(Self(
            i128::from(seconds) * 1_000_000_000 + i128::from(number(20, 26)?) * 1_000,
        ))
    }

    /// Whole seconds since 1970.
    pub(crate) fn second(self) -> i64 {
        self.0.div_euclid(1_000_000_000) as i64
    }

    pub(crate) fn timestamp(self) -> Timestamp {
        Timestamp::from_nanosecond(self.0).unwrap_or_default()
    }
}

/// The hours or the days of the local time zone.
#[derive(Debug, Clone)]
pub(crate) struct Calendar {
    zone: TimeZone,
    by: Unit,
    /// The quarter of an hour that was last looked at: clocks are changed at their
    /// ends alone.
    last: Option<(i64, Bucket)>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unit {
    Hour,
    Day,
}

/// An hour or a day. The hour that comes twice when clocks are set back is two.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Bucket {
    /// By which they are put in order.
    begin: i64,
    local: DateTime,
    offset_seconds: i32,
}

/// Before, zones were minutes and seconds apart.
const QUARTERS_SINCE: i64 = 1_972;

impl Calendar {
    pub(crate) fn new(by: Unit) -> Self {
        Self {
            zone: TimeZone::system(),
            by,
            last: None,
        }
    }

    pub(crate) fn bucket(&mut self, moment: Moment) -> Bucket {
        let quarter = moment.second().div_euclid(15 * 60);
        if let Some((last, bucket)) = self.last
            && last == quarter
        {
            return bucket;
        }
        let bucket = self.look_up(moment);
        if i64::from(bucket.local.year()) > QUARTERS_SINCE {
            self.last = Some((quarter, bucket));
        }
        bucket
    }

    fn look_up(&self, moment: Moment) -> Bucket {
        let zoned = moment.timestamp().to_zoned(self.zone.clone());
        let civil = zoned.datetime();
        let offset_seconds = zoned.offset().seconds();
        let (local, since) = match self.by {
            Unit::Hour => {
                let since = i64::from(civil.minute()) * 60 + i64::from(civil.second());
                (civil.date().at(civil.hour(), 0, 0, 0), since)
            }
            // Days may have other lengths: their number alone puts them in order.
            Unit::Day => {
                let local = civil.date().at(0, 0, 0, 0);
                return Bucket {
                    begin: local
                        .to_zoned(TimeZone::UTC)
                        .map(|zoned| zoned.timestamp().as_second())
                        .unwrap_or_default(),
                    local,
                    offset_seconds: 0,
                };
            }
        };
        Bucket {
            begin: moment.second() - since,
            local,
            offset_seconds,
        }
    }

    /// What people call it.
    pub(crate) fn name(&self, bucket: &Bucket) -> String {
        match self.by {
            Unit::Hour => bucket.local.strftime("%Y-%m-%d %H:00").to_string(),
            Unit::Day => bucket.local.strftime("%Y-%m-%d %a").to_string(),
        }
    }

    /// What programs call it: with the offset of its zone, so that no two hours
    /// have one name.
    pub(crate) fn exact_name(&self, bucket: &Bucket) -> String {
        match self.by {
            Unit::Day => bucket.local.date().to_string(),
            Unit::Hour => {
                let minutes = bucket.offset_seconds / 60;
                let sign = if minutes < 0 { '-' } else { '+' };
                let (hours, minutes) = (minutes.abs() / 60, minutes.abs() % 60);
                let local = bucket.local.strftime("%Y-%m-%dT%H:%M");
                format!("{local}{sign}{hours:02}:{minutes:02}")
            }
        }
    }
}

/// Shows times in the local zone, as `2026-11-20 18:12:57.857`.
#[derive(Debug)]
pub(crate) struct Clock {
    zone: TimeZone,
    /// As in [`Calendar`]: the quarter, its date and hour, and its minute.
    last: Option<(i64, String, i64)>,
}

impl Clock {
    pub(crate) fn new() -> Self {
        Self {
            zone: TimeZone::system(),
            last: None,
        }
    }

    pub(crate) fn show(&mut self, moment: Moment) -> String {
        let quarter = moment.second().div_euclid(15 * 60);
        let is_last = matches!(self.last, Some((last, ..)) if last == quarter);
        if !is_last {
            let local = moment.timestamp().to_zoned(self.zone.clone()).datetime();
            if i64::from(local.year()) <= QUARTERS_SINCE {
                return local.strftime("%Y-%m-%d %H:%M:%S%.3f").to_string();
            }
            let minute = i64::from(local.minute()) / 15 * 15;
            self.last = Some((quarter, local.strftime("%Y-%m-%d %H").to_string(), minute));
        }
        let Some((_, date_and_hour, minute)) = &self.last else {
            return String::new();
        };
        let second = moment.second() - quarter * 15 * 60;
        let milliseconds = moment.0.rem_euclid(1_000_000_000) / 1_000_000;
        let (minute, second) = (minute + second / 60, second % 60);
        format!("{date_and_hour}:{minute:02}:{second:02}.{milliseconds:03}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_usual_form_is_read_as_any_other() {
        for year in [
            0, 1, 4, 100, 400, 1600, 1899, 1900, 1970, 1999, 2000, 2024, 2100, 2400, 9999,
        ] {
            for month in 1..=12 {
                for day in [1, 2, 15, 27, 28, 29, 30, 31] {
                    let ts = format!("{year:04}-{month:02}-{day:02}T23:59:58.000001Z");
                    let known: Option<Timestamp> = ts.parse().ok();
                    assert_eq!(Moment::of_record(&ts), known.map(Moment::of), "{ts}");
                    if day < 29 {
                        assert!(Moment::of_usual(ts.as_bytes()).is_some(), "{ts}");
                    }
                }
            }
        }
    }

    #[test]
    fn what_is_no_time_is_none() {
        for ts in [
            "",
            "2026-11-20",
            "2026-11-20T09:30:00.00000xZ",
            "2026-13-01T00:00:00.000000Z",
            "２０２６",
        ] {
            assert_eq!(Moment::of_record(ts), None, "{ts}");
        }
        let (one, other) = ("2026-11-20T10:30:00+01:00", "2026-11-20T09:30:00.000000Z");
        assert_eq!(Moment::of_record(one), Moment::of_record(other));
    }

    fn in_zone(zone: &str, by: Unit) -> Calendar {
        Calendar {
            zone: TimeZone::get(zone).unwrap(),
            by,
            last: None,
        }
    }

    #[test]
    fn the_hour_that_comes_twice_is_two() {
        let mut calendar = in_zone("Europe/Berlin", Unit::Hour);
        let names: Vec<String> = [
            "2026-10-25T00:59:59Z",
            "2026-10-25T01:00:00Z",
            "2026-10-25T02:00:00Z",
        ]
        .iter()
        .map(|ts| {
            let bucket = calendar.bucket(Moment::of_record(ts).unwrap());
            calendar.exact_name(&bucket)
        })
        .collect();
        assert_eq!(
            names,
            [
                "2026-10-25T02:00+02:00",
                "2026-10-25T02:00+01:00",
                "2026-10-25T03:00+01:00"
            ]
        );
    }

    #[test]
    fn a_clock_shows_local_time() {
        for (zone, ts, wanted) in [
            (
                "Europe/Berlin",
                "2026-11-20T17:12:57.857385Z",
                "2026-11-20 18:12:57.857",
            ),
            (
                "Asia/Kathmandu",
                "2026-11-20T17:12:57.000999Z",
                "2026-11-20 22:57:57.000",
            ),
            (
                "Asia/Kathmandu",
                "2026-11-20T17:29:59.999Z",
                "2026-11-20 23:14:59.999",
            ),
            (
                "Europe/Berlin",
                "1890-01-01T00:00:00.5Z",
                "1890-01-01 00:53:28.500",
            ),
        ] {
            let mut clock = Clock {
                zone: TimeZone::get(zone).unwrap(),
                last: None,
            };
            let moment = Moment::of_record(ts).unwrap();
            assert_eq!(clock.show(moment), wanted);
            assert_eq!(clock.show(moment), wanted, "again");
        }
    }

    #[test]
    fn days_begin_at_midnight_where_the_user_is() {
        for (zone, ts, day) in [
            ("Asia/Kathmandu", "2026-11-20T18:14:59Z", "2026-11-20"),
            ("Asia/Kathmandu", "2026-11-20T18:15:00Z", "2026-11-21"),
            ("America/New_York", "2026-11-20T04:59:59Z", "2026-11-19"),
            ("UTC", "2026-11-20T00:00:00Z", "2026-11-20"),
            ("UTC", "0000-01-01T00:00:00Z", "0000-01-01"),
        ] {
            let mut calendar = in_zone(zone, Unit::Day);
            let bucket = calendar.bucket(Moment::of_record(ts).unwrap());
            assert_eq!(calendar.exact_name(&bucket), day, "{zone} {ts}");
        }
    }
}
