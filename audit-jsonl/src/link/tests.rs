use proptest::collection::vec;
use proptest::prelude::*;

use super::*;
use crate::leaf::LeafHash;

fn head(seq: u64) -> Head {
    Head {
        stream: StreamId::from_digits([b'a'; 32]),
        seq,
        hash: LeafHash::of(b"before"),
    }
}

/// The lines by themselves, one after the other, and their heads.
fn one_by_one(mut tip: Tip, events: &str) -> (Vec<u8>, Vec<Head>) {
    let mut bytes = Vec::new();
    let heads = events
        .split_inclusive('\n')
        .map(|line| {
            let event = Event {
                line: line.as_bytes(),
                notes: None,
            };
            let [head] = tip.link([event], &mut bytes);
            head
        })
        .collect();
    (bytes, heads)
}

fn events() -> impl Strategy<Value = String> {
    let event = "\\{\"ts\":\"[a-z]{0,300}\"\\}\n";
    vec(event, 0..6).prop_map(|events| events.concat())
}

proptest! {
    #[test]
    fn drafts_become_the_lines_that_the_events_would(events in events(), seq in 0..12_u64) {
        let after = head(seq);
        let (bytes, heads) = one_by_one(Tip::After(after), &events);
        let mut drafts = Drafts::default();
        drafts.write(&after, events.as_bytes());
        // And once more, as after a write that failed.
        for _ in 0..2 {
            let (mut tip, mut linked) = (Tip::After(after), Vec::new());
            prop_assert!(drafts.link(&mut tip, |head| linked.push(*head)));
            prop_assert_eq!(drafts.bytes(), &bytes);
            prop_assert_eq!(&linked, &heads);
            prop_assert_eq!(tip, Tip::After(heads.last().copied().unwrap_or(after)));
        }
    }
}

#[test]
fn drafts_for_another_place_are_left_alone() {
    let after = head(4);
    let other = StreamId::from_digits([b'b'; 32]);
    let elsewhere = [
        Tip::New(after.stream),
        Tip::After(head(3)),
        Tip::After(head(5)),
        Tip::After(Head {
            stream: other,
            ..after
        }),
    ];
    for tip in elsewhere {
        let mut drafts = Drafts::default();
        drafts.write(&after, b"{\"a\":1}\n{\"b\":2}\n");
        let before = drafts.bytes().to_vec();
        let mut now = tip;
        assert!(!drafts.link(&mut now, |_| panic!("linked")));
        assert_eq!(now, tip);
        assert_eq!(drafts.bytes(), before);
    }
    let mut none = Drafts::default();
    assert!(!none.link(&mut Tip::After(after), |_| panic!("linked")));
}
