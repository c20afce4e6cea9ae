//! Ids of calls.

use std::collections::BTreeSet;
use std::time::{Duration, SystemTime};

use audit_sink::Ulids;

/// The ten characters of the time.
fn time_of(id: &str) -> &str {
    &id[..10]
}

#[test]
fn begin_with_the_time() {
    let at = |milliseconds| SystemTime::UNIX_EPOCH + Duration::from_millis(milliseconds);
    let ids = Ulids::new();
    for (milliseconds, time) in [
        (0, "0000000000"),
        (31, "000000000Z"),
        (32, "0000000010"),
        // The example of the ULID's specification.
        (1_469_922_850_259, "01ARZ3NDEK"),
        (281_474_976_710_655, "7ZZZZZZZZZ"),
    ] {
        assert_eq!(time_of(&ids.generate_at(at(milliseconds))), time);
    }
}

#[test]
fn have_the_present_time() {
    let ids = || Ulids::new();
    let before = ids().generate_at(SystemTime::now());
    let now = ids().generate();
    let after = ids().generate_at(SystemTime::now());
    assert!(time_of(&before) <= time_of(&now) && time_of(&now) <= time_of(&after));
}

#[test]
fn are_random_from_the_first_bit_after_the_time_to_the_last() {
    let ids: Vec<String> = (0..64)
        .map(|_| Ulids::new().generate_at(SystemTime::UNIX_EPOCH + Duration::from_secs(1)))
        .collect();
    for place in 10..26 {
        let characters: BTreeSet<&str> = ids.iter().map(|id| &id[place..=place]).collect();
        assert!(characters.len() > 8, "{place}: {characters:?}");
    }
}
