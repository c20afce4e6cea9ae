//! Names for calls.

use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher, Hasher};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

/// Makes call ids in the form of a ULID: 48 bits of time in milliseconds, then
/// 40 bits that stand for this run, then a count.
#[derive(Debug)]
pub(crate) struct CallIds {
    run: u64,
    next: AtomicU64,
}

impl CallIds {
    pub(crate) fn new() -> Self {
        Self {
            // The one source of random bits in std.
            run: RandomState::new().build_hasher().finish() & FORTY_BITS,
            next: AtomicU64::new(0),
        }
    }

    pub(crate) fn next(&self) -> String {
        let since_1970 = SystemTime::now().duration_since(UNIX_EPOCH);
        let milliseconds = since_1970.map_or(0, |since| since.as_millis());
        let count = self.next.fetch_add(1, Ordering::Relaxed) & FORTY_BITS;
        crockford(milliseconds << 80 | u128::from(self.run) << 40 | u128::from(count))
    }

    /// Whether such an id was made here, and not by another run.
    pub(crate) fn made(&self, id: &str) -> bool {
        id.len() == LENGTH && id.get(RUN) == crockford(u128::from(self.run) << 40).get(RUN)
    }
}

const FORTY_BITS: u64 = (1 << 40) - 1;
const LENGTH: usize = 26;
const RUN: std::ops::Range<usize> = 10..18;

/// Crockford's base 32, five bits a character.
fn crockford(value: u128) -> String {
    const DIGITS: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
    (0..LENGTH)
        .rev()
        .map(|place| char::from(DIGITS[(value >> (5 * place)) as usize % 32]))
        .collect()
}
