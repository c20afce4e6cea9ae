//! When calls were, in little memory whatever the span.

use std::collections::BTreeMap;

use jiff::tz::TimeZone;

use crate::calls::moment::Moment;
use crate::calls::outcome::Sort;

/// Steps in seconds that people think in. From the third on, each is a multiple of
/// the one at which counting may have arrived.
const FINE: [i64; 8] = [1, 10, 60, 600, 3_600, 21_600, 86_400, 864_000];
const NICE: [i64; 24] = [
    1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 1_200, 1_800, 3_600, 7_200, 10_800, 21_600, 43_200,
    86_400, 172_800, 432_000, 864_000, 2_592_000, 8_640_000, 31_104_000,
];

/// With more steps, they become coarser.
const MOST_STEPS: usize = 4_096;

/// How many calls there were at which time.
#[derive(Debug, Clone)]
pub(crate) struct Timeline {
    /// By step since 1970 in the local time zone as it is now.
    counts: BTreeMap<i64, Calls>,
    step: i64,
    offset: i64,
    first: Option<Moment>,
    last: Option<Moment>,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Calls {
    pub(crate) all: u64,
    pub(crate) not_good: u64,
}

/// The calls in equal steps.
#[derive(Debug)]
pub(crate) struct Steps {
    pub(crate) seconds: i64,
    pub(crate) calls: Vec<Calls>,
}

impl Timeline {
    pub(crate) fn new() -> Self {
        let now = jiff::Zoned::now();
        let offset = TimeZone::system().to_offset(now.timestamp());
        Self {
            counts: BTreeMap::new(),
            step: FINE[0],
            offset: offset.seconds().into(),
            first: None,
            last: None,
        }
    }

    pub(crate) fn add(&mut self, moment: Moment, sort: Sort) {
        self.first = Some(self.first.map_or(moment, |first| first.min(moment)));
        self.last = Some(self.last.map_or(moment, |last| last.max(moment)));
        let step = (moment.second() + self.offset).div_euclid(self.step);
        let calls = self.counts.entry(step).or_default();
        calls.all += 1;
        calls.not_good += u64::from(sort != Sort::Good);
        while self.counts.len() > MOST_STEPS {
            self.coarsen();
        }
    }

    pub(crate) fn merge(&mut self, other: &Self) {
        while self.step < other.step {
            self.coarsen();
        }
        for (step, calls) in &other.counts {
            let step = (step * other.step).div_euclid(self.step);
            self.counts.entry(step).or_default().merge(calls);
        }
        while self.counts.len() > MOST_STEPS {
            self.coarsen();
        }
        self.first = [self.first, other.first].into_iter().flatten().min();
        self.last = self.last.max(other.last);
    }

    fn coarsen(&mut self) {
        let known = FINE.iter().copied().find(|step| *step > self.step);
        let step = known.unwrap_or(self.step * 2);
        let fine = std::mem::take(&mut self.counts);
        for (nth, calls) in fine {
            let nth = (nth * self.step).div_euclid(step);
            self.counts.entry(nth).or_default().merge(&calls);
        }
        self.step = step;
    }

    /// The first moment and the last; `None` without calls.
    pub(crate) fn span(&self) -> Option<(Moment, Moment)> {
        self.first.zip(self.last)
    }

    /// The calls in at most so many steps.
    pub(crate) fn steps(&self, most: usize) -> Option<Steps> {
        let (first, _) = self.counts.first_key_value()?;
        let (last, _) = self.counts.last_key_value()?;
        let (first, last) = (first * self.step, last * self.step);
        let count = |seconds: i64| last.div_euclid(seconds) - first.div_euclid(seconds) + 1;
        let fits = |seconds: i64| seconds % self.step == 0 && count(seconds) <= most.max(1) as i64;
        let mut coarser = self.step.max(NICE[NICE.len() - 1]);
        coarser -= coarser % self.step;
        let seconds = NICE.into_iter().find(|seconds| fits(*seconds));
        let seconds = seconds.unwrap_or_else(|| {
            while !fits(coarser) {
                coarser *= 2;
            }
            coarser
        });
        let mut steps = vec![Calls::default(); count(seconds) as usize];
        let begin = first.div_euclid(seconds);
        for (nth, calls) in &self.counts {
            let at = (nth * self.step).div_euclid(seconds) - begin;
            steps[at as usize].merge(calls);
        }
        Some(Steps {
            seconds,
            calls: steps,
        })
    }
}

impl Calls {
    fn merge(&mut self, other: &Self) {
        self.all += other.all;
        self.not_good += other.not_good;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn timeline(seconds: impl Iterator<Item = i64>) -> Timeline {
        let mut timeline = Timeline::new();
        timeline.offset = 0;
        for second in seconds {
            let timestamp = jiff::Timestamp::from_second(second).unwrap();
            timeline.add(Moment::of(timestamp), Sort::Failed);
        }
        timeline
    }

    fn all(steps: &Steps) -> u64 {
        steps.calls.iter().map(|calls| calls.all).sum()
    }

    #[test]
    fn steps_are_those_that_people_think_in() {
        for (seconds, most, step, count) in [
            (0..1, 60, 1, 1),
            (0..60, 60, 1, 60),
            (0..61, 60, 2, 31),
            (0..3_600, 60, 60, 60),
            (0..86_400, 60, 1_800, 48),
            (50..70, 2, 10, 2),
        ] {
            let steps = timeline(seconds.clone()).steps(most).unwrap();
            assert_eq!(
                (steps.seconds, steps.calls.len()),
                (step, count),
                "{seconds:?}"
            );
            assert_eq!(all(&steps), (seconds.end - seconds.start) as u64);
        }
        assert!(Timeline::new().steps(60).is_none());
    }

    #[test]
    fn any_span_takes_bounded_memory() {
        let least = jiff::Timestamp::MIN.as_second();
        let most = jiff::Timestamp::MAX.as_second();
        let by = (most - least) / 20_000;
        let timeline = timeline((0..20_000).map(|nth| least + nth * by));
        assert!(timeline.counts.len() <= MOST_STEPS);
        let steps = timeline.steps(60).unwrap();
        assert!(steps.calls.len() <= 60 && all(&steps) == 20_000);
    }

    #[test]
    fn merged_is_as_counted_at_once() {
        let (fine, coarse) = (0..100, (0..50_000).map(|nth| nth * 977));
        let both = timeline(fine.clone().chain(coarse.clone()));
        for (mut one, other) in [
            (timeline(fine.clone()), timeline(coarse.clone())),
            (timeline(coarse), timeline(fine)),
        ] {
            one.merge(&other);
            assert_eq!(one.counts, both.counts);
            assert_eq!(one.span(), both.span());
        }
    }
}
