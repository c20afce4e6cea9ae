//! Durations, counted in little memory.

/// Below this, each number of milliseconds has a bucket of its own; above, each
/// doubling has half as many.
const EXACT: u64 = 2_048;
const EXACT_BITS: u32 = EXACT.ilog2();

/// How many calls took how long: exactly up to 2 s, and above with a bucket for
/// each 0.1 %. Most groups have few buckets that aren't empty, and only those are
/// kept.
#[derive(Debug, Clone, Default)]
pub(crate) struct Durations {
    /// By bucket, in order.
    counts: Vec<(u16, u64)>,
    max_ms: u64,
}

impl Durations {
    pub(crate) fn add(&mut self, ms: u64) {
        self.add_many(bucket(ms), 1);
        self.max_ms = self.max_ms.max(ms);
    }

    fn add_many(&mut self, bucket: u16, calls: u64) {
        match self.counts.binary_search_by_key(&bucket, |(own, _)| *own) {
            Ok(at) => self.counts[at].1 += calls,
            Err(at) => self.counts.insert(at, (bucket, calls)),
        }
    }

    pub(crate) fn merge(&mut self, other: &Self) {
        for (bucket, calls) in &other.counts {
            self.add_many(*bucket, *calls);
        }
        self.max_ms = self.max_ms.max(other.max_ms);
    }

    /// The least duration that so many of a thousand calls took or less; above 2 s,
    /// up to 0.1 % more than that. 0 without calls.
    pub(crate) fn quantile_ms(&self, per_mille: u64) -> u64 {
        let calls: u64 = self.counts.iter().map(|(_, calls)| calls).sum();
        let rank = (u128::from(calls) * u128::from(per_mille)).div_ceil(1_000);
        let mut seen = 0;
        for (bucket, calls) in &self.counts {
            seen += u128::from(*calls);
            if seen >= rank.max(1) {
                return last_of(*bucket).min(self.max_ms);
            }
        }
        0
    }

    pub(crate) fn max_ms(&self) -> u64 {
        self.max_ms
    }

    /// How many calls took so long or longer.
    pub(crate) fn calls_from(&self, from_ms: u64) -> u64 {
        let counts = self.counts.iter();
        let counts = counts.filter(|(bucket, _)| first_of(*bucket) >= from_ms);
        counts.map(|(_, calls)| calls).sum()
    }

    /// How many calls took from one duration up to another, which is not among
    /// them: above 2 s to 0.1 %, for a bucket counts where it begins.
    pub(crate) fn calls_between(&self, from_ms: u64, to_ms: u64) -> u64 {
        let inside = |bucket: u16| (from_ms..to_ms).contains(&first_of(bucket));
        let counts = self.counts.iter().filter(|(bucket, _)| inside(*bucket));
        counts.map(|(_, calls)| calls).sum()
    }
}

fn bucket(ms: u64) -> u16 {
    if ms < EXACT {
        return ms as u16;
    }
    let shift = ms.ilog2() - EXACT_BITS + 1;
    (u64::from(shift) * (EXACT / 2) + (ms >> shift)) as u16
}

/// The least number of milliseconds in a bucket.
fn first_of(bucket: u16) -> u64 {
    let bucket = u64::from(bucket);
    if bucket < EXACT {
        return bucket;
    }
    let shift = bucket / (EXACT / 2) - 1;
    (bucket - shift * (EXACT / 2)) << shift
}

/// The greatest one.
fn last_of(bucket: u16) -> u64 {
    let shift = (u64::from(bucket) / (EXACT / 2)).saturating_sub(1);
    first_of(bucket) + ((1 << shift) - 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buckets_are_exact_or_narrow() {
        let mut values: Vec<u64> = (0..5_000).collect();
        values.extend(
            (11..64)
                .flat_map(|bits| [-1_i64, 0, 1].map(|by| (1_u64 << bits).wrapping_add_signed(by))),
        );
        values.push(u64::MAX);
        for value in values {
            let bucket = bucket(value);
            let (first, last) = (first_of(bucket), last_of(bucket));
            assert!(
                (first..=last).contains(&value),
                "{value}: {first} to {last}"
            );
            assert!(
                (last - first) as f64 <= value as f64 * 0.001,
                "{value}: {first} to {last}"
            );
            if value < EXACT {
                assert_eq!((first, last), (value, value));
            }
        }
    }

    #[test]
    fn quantiles_are_those_of_the_sorted_list() {
        let mut durations = Durations::default();
        assert_eq!(durations.quantile_ms(500), 0);
        let mut values: Vec<u64> = (0..1_000).map(|nth| nth * nth % 1_999).collect();
        values.iter().for_each(|value| durations.add(*value));
        values.sort_unstable();
        for per_mille in [1, 10, 500, 950, 990, 999, 1_000] {
            let rank = (per_mille as usize).max(1) - 1;
            assert_eq!(
                durations.quantile_ms(per_mille),
                values[rank],
                "{per_mille}"
            );
        }
        durations.add(u64::MAX);
        assert_eq!(durations.quantile_ms(1_000), u64::MAX);
        assert_eq!(durations.max_ms(), u64::MAX);
    }

    #[test]
    fn merged_is_as_counted_at_once() {
        let (mut one, mut other, mut both) = (
            Durations::default(),
            Durations::default(),
            Durations::default(),
        );
        for nth in 0..500_u64 {
            let ms = nth.pow(3) % 70_001;
            if nth % 3 == 0 {
                one.add(ms);
            } else {
                other.add(ms);
            }
            both.add(ms);
        }
        one.merge(&other);
        assert_eq!(one.counts, both.counts);
        assert_eq!(one.max_ms(), both.max_ms());
        assert_eq!(one.calls_between(0, u64::MAX), 500);
    }
}
