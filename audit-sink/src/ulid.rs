use std::fmt;
use std::hash::{BuildHasher, RandomState};
use std::time::SystemTime;

use parking_lot::Mutex;

/// The random part of a ULID: 80 bits.
const RANDOM_BITS: u32 = 80;
const RANDOM: u128 = (1 << RANDOM_BITS) - 1;

/// The time of a ULID: 48 bits of milliseconds, enough until the year 10889.
const MOST_MILLISECONDS: u128 = (1 << 48) - 1;

/// Makes ULIDs, for [`CallEvent::call_id`](audit_schema::CallEvent::call_id): 26
/// characters of Crockford's base 32, 48 bits of time in milliseconds and 80 random
/// bits.
///
/// Those of one generator grow: as text, each is greater than the one before,
/// whichever thread asked for it and even when the wall clock steps back. Two
/// generators, in one process or in two, share nothing and give different ones.
///
/// The random bits come from the operating system by way of [`RandomState`]. They
/// keep ids apart, and are no secret: who has seen one id can guess the next.
///
/// ```
/// use audit_sink::Ulids;
///
/// let ids = Ulids::new();
/// let (first, second) = (ids.generate(), ids.generate());
/// assert_eq!(first.len(), 26);
/// assert!(first < second);
/// ```
pub struct Ulids {
    keys: [RandomState; 2],
    /// The last one that was given.
    last: Mutex<u128>,
}

impl Ulids {
    /// A generator with random bits of its own.
    #[must_use]
    pub fn new() -> Self {
        Self {
            keys: [RandomState::new(), RandomState::new()],
            last: Mutex::new(0),
        }
    }

    /// The next one, with the present time.
    #[must_use]
    pub fn generate(&self) -> String {
        self.generate_at(SystemTime::now())
    }

    /// The next one, with that time, or with the last one's if that is later.
    #[must_use]
    pub fn generate_at(&self, time: SystemTime) -> String {
        let since = time.duration_since(SystemTime::UNIX_EPOCH);
        let since = since.unwrap_or_default();
        let milliseconds = since.as_millis().min(MOST_MILLISECONDS);
        let mut last = self.last.lock();
        let next = if milliseconds > *last >> RANDOM_BITS {
            // With the nanoseconds, so that a forked child goes another way than its
            // parent, which has the same keys.
            milliseconds << RANDOM_BITS | self.random(since.as_nanos())
        } else {
            // At the very end of time ids repeat; nobody will see it.
            last.saturating_add(1)
        };
        *last = next;
        drop(last);
        text(next)
    }

    /// Bits that only who knows the keys can foretell: a keyed hash.
    fn random(&self, of: u128) -> u128 {
        let [low, high] = &self.keys;
        (u128::from(high.hash_one(of)) << 64 | u128::from(low.hash_one(of))) & RANDOM
    }
}

impl Default for Ulids {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Ulids {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ulids").finish_non_exhaustive()
    }
}

fn text(value: u128) -> String {
    const DIGITS: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
    let mut text = String::with_capacity(26);
    for place in (0..26).rev() {
        text.push(char::from(DIGITS[(value >> (5 * place)) as usize & 31]));
    }
    text
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn at(milliseconds: u64) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_millis(milliseconds)
    }

    #[test]
    fn begins_with_the_time() {
        // From the specification of ULIDs, which shows that time so.
        let id = Ulids::new().generate_at(at(1_469_918_176_385));
        assert_eq!(id[..10], *"01ARYZ6S41");
        assert_eq!(text(u128::MAX >> 2), "1ZZZZZZZZZZZZZZZZZZZZZZZZZ");
        assert_eq!(text(31), "0000000000000000000000000Z");
    }

    #[test]
    fn grows_whatever_the_clock_does() {
        let ids = Ulids::new();
        let mut last = String::new();
        for milliseconds in [7, 7, 7, 8, 3, 0, 9, u64::MAX / 2_000, 9] {
            let next = ids.generate_at(at(milliseconds));
            assert!(next > last, "{next} after {last}");
            assert_eq!(next.len(), 26);
            last = next;
        }
        let before_1970 = SystemTime::UNIX_EPOCH - Duration::from_secs(1);
        assert!(ids.generate_at(before_1970) > last);
    }

    #[test]
    fn two_generators_go_different_ways() {
        let [one, other] = [Ulids::new(), Ulids::new()];
        assert_ne!(one.generate_at(at(5)), other.generate_at(at(5)));
        // A forked child has the keys of its parent, and another moment.
        let nanosecond = Duration::from_nanos(100);
        assert_ne!(
            one.random(5_000_000),
            one.random(5_000_000 + nanosecond.as_nanos())
        );
    }
}
