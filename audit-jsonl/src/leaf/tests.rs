use proptest::collection::vec;
use proptest::prelude::*;
use sha2::{Digest, Sha256};

use super::*;

/// As docs/log-format.md says it.
fn expected(line: &[u8]) -> LeafHash {
    let hash = Sha256::new().chain_update([0]).chain_update(line);
    LeafHash(hash.finalize().into())
}

fn line() -> impl Strategy<Value = Vec<u8>> {
    vec(any::<u8>(), 0..400)
}

proptest! {
    #[test]
    fn lines_hashed_together_have_the_hashes_that_they_have_alone(
        lines in [line(), line(), line()],
    ) {
        let [first, second, third] = lines.each_ref().map(Vec::as_slice);
        let all = [first, second, third].map(expected);
        prop_assert_eq!(LeafHash::of(first), all[0]);
        prop_assert_eq!(LeafHash::of_each([first, second]), [all[0], all[1]]);
        prop_assert_eq!(LeafHash::of_each([first, second, third]), all);
    }

    #[test]
    fn a_hash_may_be_begun_before_the_end_is_known(
        lines in [line(), line()],
        known in [0.0..=1.0_f64, 0.0..=1.0_f64],
    ) {
        let [first, second] = lines.each_ref().map(Vec::as_slice);
        let mut begun = [Begun::NOTHING; 2];
        let part = |line: &[u8], share: f64| (line.len() as f64 * share) as usize;
        let beginnings = [&first[..part(first, known[0])], &second[..part(second, known[1])]];
        Begun::advance(&mut begun, beginnings);
        let hashes = Begun::finish(begun, [first, second]);
        prop_assert_eq!(hashes, [first, second].map(expected));
    }
}

#[test]
fn lines_of_every_length_around_a_block() {
    let bytes: Vec<u8> = (0..=255).collect();
    for length in 0..bytes.len() {
        let line = &bytes[..length];
        assert_eq!(LeafHash::of(line), expected(line), "{length} bytes");
    }
}
