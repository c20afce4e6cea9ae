use audit_testkit::strategies::call_event;
use proptest::prelude::*;

use super::*;

proptest! {
    #[test]
    fn any_event_gives_the_bytes_that_serde_json_gives(event in call_event()) {
        prop_assert_eq!(encoded(&event), expected(&event));
    }

    #[test]
    fn a_line_is_refused_exactly_when_it_exceeds_the_bound(
        event in call_event(),
        part in 0.0..1.0_f64,
    ) {
        let whole = expected(&event);
        let mut buffer = Vec::new();
        prop_assert_eq!(encode(&event, &mut buffer, whole.len()), Ok(whole.as_slice()));

        let mut buffer = Vec::new();
        prop_assert_eq!(encode(&event, &mut buffer, whole.len() - 1), Err(TooLong));

        let limit = (whole.len() as f64 * part) as usize;
        let mut buffer = Vec::new();
        prop_assert_eq!(encode(&event, &mut buffer, limit), Err(TooLong));
        prop_assert!(buffer.len() <= limit, "{} bytes, not {limit}", buffer.len());
    }
}

#[test]
fn a_buffer_may_hold_anything_before_and_be_of_any_size() {
    let event = base();
    let whole = expected(&event);
    for size in 0..2 * whole.len() {
        let mut buffer = vec![b'\"'; size];
        assert_eq!(
            encode(&event, &mut buffer, usize::MAX),
            Ok(whole.as_slice())
        );
    }
}

#[test]
fn a_buffer_larger_than_the_bound_does_not_widen_it() {
    let event = base();
    let whole = expected(&event);
    for size in [1, whole.len() - 1, whole.len(), whole.len() + 1, 100_000] {
        let mut buffer = vec![b'\"'; size];
        let fits = encode(&event, &mut buffer, whole.len());
        assert_eq!(fits, Ok(whole.as_slice()), "{size}");
        for limit in [0, 1, whole.len() / 2, whole.len() - 1] {
            let mut buffer = vec![b'\"'; size];
            assert_eq!(encode(&event, &mut buffer, limit), Err(TooLong), "{size}");
        }
    }
}

#[test]
fn the_bound_is_exact_wherever_the_buffer_ends() {
    let least = expected(&base()).len();
    let ends = [FIRST_BYTES, 4 * FIRST_BYTES, 16 * FIRST_BYTES];
    for length in ends.into_iter().flat_map(|end| end - 20..end + 20) {
        let event = with(|event| event.call_id += &"x".repeat(length - least));
        let whole = expected(&event);
        assert_eq!(whole.len(), length);
        let fits = encode(&event, &mut Vec::new(), length).map(<[u8]>::to_vec);
        assert_eq!(fits, Ok(whole), "{length}");
        for limit in [length - 1, length - 2] {
            assert_eq!(
                encode(&event, &mut Vec::new(), limit),
                Err(TooLong),
                "{length}"
            );
        }
    }
}

/// Makes an event that has a text in one place.
type EventWith = fn(String) -> CallEvent;

/// Every place of a record in which a string stands.
const PLACES: [(&str, EventWith); 13] = [
    ("ts", |text| with(|event| event.ts = text)),
    ("call_id", |text| with(|event| event.call_id = text)),
    ("tool_id", |text| with(|event| event.tool_id = text)),
    ("caller_id", |text| base().with_caller_id(Some(text))),
    ("granted_capabilities", |text| {
        base().with_granted_capabilities(vec![text.clone(), text])
    }),
    ("code", |code| {
        ended(Outcome::ExecutionFailed {
            code,
            retryable: true,
        })
    }),
    ("message", |message| ended(Outcome::InvalidArgs { message })),
    ("missing", |text| {
        ended(Outcome::CapabilityDenied {
            missing: vec![text.clone(), text],
        })
    }),
    ("outcome kind", |kind| ended(Outcome::Unknown { kind })),
    ("tier", |text| with(|event| event.tier = text)),
    ("cap", |cap| from(cap, ProvSource::StringAllowList)),
    ("issuer_did", |issuer_did| {
        let source = ProvSource::UcanChain {
            issuer_did,
            chain_depth: 7,
        };
        from("fs.read".into(), source)
    }),
    ("source kind", |kind| {
        from("fs.read".into(), ProvSource::Unknown { kind })
    }),
];

#[test]
fn every_character_of_unicode_may_stand_in_every_string() {
    // The text of each chunk is encoded by serde_json once, and what stands
    // around it in each place is found with a text that needs no escape.
    const MARK: &str = "MARK";
    let mut chars = ('\0'..=char::MAX).peekable();
    while chars.peek().is_some() {
        let chunk: String = chars.by_ref().take(16 * 1024).collect();
        let escaped = serde_json::to_string(&chunk).unwrap();
        for (place, event_with) in PLACES {
            let frame = String::from_utf8(expected(&event_with(MARK.into()))).unwrap();
            let expected = frame.replace("\"MARK\"", &escaped);
            let line = encoded(&event_with(chunk.clone()));
            let first = chunk.chars().next();
            assert!(line == expected.as_bytes(), "{place}, from {first:?} on");
        }
    }
}

#[test]
fn each_character_alone_and_between_others_is_as_serde_json_writes_it() {
    // Those below U+0800 cover every byte that is treated in a way of its own.
    for char in '\0'..'\u{800}' {
        for text in [format!("{char}"), format!("before{char}after, and more")] {
            let event = with(|event| event.call_id = text);
            assert_eq!(encoded(&event), expected(&event), "{char:?}");
        }
    }
}

#[test]
fn a_byte_to_escape_is_found_at_every_offset_of_strings_of_every_length() {
    let escapable = (0..0x20).chain([b'"', b'\\']);
    // Neighbours of those in the table of ASCII, and both ends of it.
    let others = [b' ', b'!', b'#', b'[', b']', 0x7E, 0x7F];
    for byte in escapable.chain(others) {
        for filler in ["a", "\u{7f}"] {
            for length in 0..64 {
                for at in 0..=length {
                    let mut text = filler.repeat(length);
                    text.insert(at, char::from(byte));
                    let mut line = Vec::new();
                    string_alone(&text, &mut line);
                    let expected = serde_json::to_vec(&text).unwrap();
                    assert_eq!(line, expected, "{byte:#04x} at {at} of {length}");
                }
            }
        }
    }
}

#[test]
fn characters_of_several_bytes_hide_no_byte_to_escape() {
    for wide in [
        '\u{80}',
        'é',
        '\u{7ff}',
        '\u{2028}',
        '\u{ffff}',
        '🦀',
        char::MAX,
    ] {
        for before in 0..16 {
            for after in 0..16 {
                for escape in ["", "\"", "\\", "\n", "\0", "\u{1f}"] {
                    let text = format!(
                        "{}{wide}{escape}{wide}{}",
                        "x".repeat(before),
                        "y".repeat(after)
                    );
                    let mut line = Vec::new();
                    string_alone(&text, &mut line);
                    assert_eq!(line, serde_json::to_vec(&text).unwrap(), "{text:?}");
                }
            }
        }
    }
}

#[test]
fn numbers_have_all_their_digits() {
    let powers = (0..20).map(|exponent| 10_u64.pow(exponent));
    let edges = powers.flat_map(|power| [power - 1, power, power + 1, power / 2]);
    let bits = (0..64).flat_map(|bit| [1_u64 << bit, (1 << bit) - 1, u64::MAX >> bit]);
    for number in edges.chain(bits) {
        let mut event = base().with_cursor_page(Some(number as u32));
        event.duration_ms = number;
        event.schema_version = number as u32;
        event.outcome = Outcome::RateLimited {
            retry_after_ms: Some(number),
        };
        assert_eq!(encoded(&event), expected(&event), "{number}");
    }
    for chain_depth in 0..=u8::MAX {
        let issuer_did = String::new();
        let source = ProvSource::UcanChain {
            issuer_did,
            chain_depth,
        };
        let event = from(String::new(), source);
        assert_eq!(encoded(&event), expected(&event), "{chain_depth}");
    }
}

#[test]
fn what_is_absent_or_empty_is_written_as_serde_json_writes_it() {
    let absent = Outcome::RateLimited {
        retry_after_ms: None,
    };
    let empty = Outcome::CapabilityDenied {
        missing: Vec::new(),
    };
    let events = [
        base(),
        base().with_caller_id(Some(String::new())),
        base().with_capability_provenance(Some(Vec::new())),
        base().with_granted_capabilities(vec![String::new(); 3]),
        base().with_dry_run(true).with_secrets_resolved(true),
        ended(absent),
        ended(empty),
        ended(Outcome::ToolNotFound),
        CallEvent::new("", "", "", 0, Outcome::Success, ""),
    ];
    for event in events {
        assert_eq!(encoded(&event), expected(&event));
    }
}

#[test]
fn an_event_far_beyond_the_bound_is_refused_without_being_built() {
    const LIMIT: usize = 1024 * 1024;
    let huge = [
        (
            "100 MB of controls",
            with(|event| event.ts = "\u{1}".repeat(100_000_000)),
        ),
        (
            "100 MB of letters",
            with(|event| event.ts = "x".repeat(100_000_000)),
        ),
        ("controls that fit until they are escaped", {
            with(|event| event.tier = "\u{1}".repeat(LIMIT - 1024))
        }),
        ("a million empty strings", {
            base().with_granted_capabilities(vec![String::new(); 1_000_000])
        }),
        ("a million quotation marks, each in a string", {
            let missing = vec!["\"".to_owned(); 1_000_000];
            ended(Outcome::CapabilityDenied { missing })
        }),
        ("a million empty sources", {
            let cap = CapProvenance {
                cap: String::new(),
                source: ProvSource::StringAllowList,
            };
            base().with_capability_provenance(Some(vec![cap; 1_000_000]))
        }),
    ];
    for (what, event) in huge {
        let mut buffer = Vec::new();
        let refused = encode(&event, &mut buffer, LIMIT);
        assert_eq!(refused, Err(TooLong), "{what}");
        let room = buffer.capacity();
        assert!(room <= LIMIT, "{what}: room for {room}");
    }
}

fn encoded(event: &CallEvent) -> Vec<u8> {
    let mut buffer = Vec::new();
    let line = encode(event, &mut buffer, usize::MAX);
    line.unwrap_or_else(|TooLong| panic!("there is no bound"))
        .to_vec()
}

fn expected(event: &CallEvent) -> Vec<u8> {
    let mut line = serde_json::to_vec(event).unwrap();
    line.push(b'\n');
    line
}

fn string_alone(text: &str, line: &mut Vec<u8>) {
    let mut buffer = vec![0; 6 * text.len() + 2];
    let room = buffer.len();
    let Ok(Rest(rest)) = Rest(&mut buffer)
        .raw(b"\"")
        .and_then(|rest| rest.text(text))
        .and_then(|rest| rest.raw(b"\""))
    else {
        panic!("no character takes more than six bytes for one of its own");
    };
    let used = room - rest.len();
    line.extend_from_slice(&buffer[..used]);
}

fn base() -> CallEvent {
    CallEvent::new("ts", "id", "tool", 12, Outcome::Success, "hot")
}

fn with(change: impl FnOnce(&mut CallEvent)) -> CallEvent {
    let mut event = base();
    change(&mut event);
    event
}

fn ended(outcome: Outcome) -> CallEvent {
    with(|event| event.outcome = outcome)
}

fn from(cap: String, source: ProvSource) -> CallEvent {
    base().with_capability_provenance(Some(vec![CapProvenance { cap, source }]))
}
