//! ULIDs: 48 bits of time in milliseconds and 80 random bits, in 26 characters of
//! Crockford's base 32.

use std::hash::{BuildHasher as _, Hasher as _, RandomState};
use std::time::SystemTime;

pub(crate) fn new() -> String {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    let milliseconds = now.unwrap_or_default().as_millis();
    let random = u128::from(random()) << 64 | u128::from(random());
    text(milliseconds << 80 | random >> 48)
}

/// Unique, which is all that is asked of it: no secret hangs on it.
fn random() -> u64 {
    let mut hasher = RandomState::new().build_hasher();
    hasher.write_u32(std::process::id());
    hasher.finish()
}

fn text(value: u128) -> String {
    const DIGITS: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
    (0..26)
        .rev()
        .map(|place| char::from(DIGITS[(value >> (5 * place)) as usize & 31]))
        .collect()
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    #[test]
    fn ulids_are_unique_and_begin_with_the_time() {
        let all: HashSet<String> = (0..1000).map(|_| super::new()).collect();
        assert_eq!(all.len(), 1000);
        // The example of the specification's text: its time is 1469918176385.
        assert_eq!(&super::text(1_469_918_176_385 << 80)[..10], "01ARYZ6S41");
    }
}
