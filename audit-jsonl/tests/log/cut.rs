//! Events that are too long for a line.

use std::path::Path;

use audit_jsonl::{AuditSink, CallEvent, CapProvenance, JsonLinesAuditSink, Outcome, ProvSource};
use audit_testkit::{DEADLINE, within};

use crate::checker::{Row, check};
use crate::support::{Dir, close, event, event_of, line_of, open};

const LONGEST_EVENT: usize = 60_416;
const LONGEST_LINE: usize = 61_440;

/// Records one event; its row, checked.
#[track_caller]
fn recorded(path: &Path, event: &CallEvent) -> Row {
    let sink = open(path);
    sink.on_call(event);
    close(&sink);
    check(path).assert_whole().rows.remove(0)
}

#[track_caller]
fn alone(event: &CallEvent) -> Row {
    let (_dir, path) = Dir::with_log();
    recorded(&path, event)
}

fn length(event: &CallEvent) -> usize {
    line_of(event).len() - 1
}

#[test]
fn the_longest_event_is_whole_and_one_byte_more_is_cut() {
    within(DEADLINE, || {
        for bytes in [LONGEST_EVENT - 1, LONGEST_EVENT] {
            let event = event_of(0, bytes + 1);
            let row = alone(&event);
            assert_eq!((row.event, row.chain.contains_key("cut")), (event, false));
        }
        for more in 1..10 {
            let event = event_of(0, LONGEST_EVENT + more + 1);
            let row = alone(&event);
            // The ellipsis takes three of the bytes that were cut.
            assert_eq!(row.number("cut"), more as u64 + 3);
            assert_eq!(length(&row.event), LONGEST_EVENT);
            assert!(row.event.tool_id.ends_with("x…"));
            assert_eq!(row.event.call_id, "0");
        }
    });
}

#[test]
fn without_a_queue_it_is_the_same() {
    within(DEADLINE, || {
        let (_dir, path) = Dir::with_log();
        let builder = JsonLinesAuditSink::builder().path(&path);
        let sink = builder.open_direct().unwrap();
        for bytes in [LONGEST_EVENT, LONGEST_EVENT + 1] {
            sink.write(&event_of(0, bytes + 1), DEADLINE).unwrap();
        }
        sink.close(DEADLINE).unwrap();
        let found = check(&path).assert_whole();
        assert!(!found.rows[0].chain.contains_key("cut"));
        assert_eq!(found.rows[1].number("cut"), 4);
    });
}

#[test]
fn the_longest_strings_are_cut_and_short_ones_stay() {
    within(DEADLINE, || {
        let mut long = event(1).with_caller_id(Some("c".repeat(300_000)));
        long.tool_id = "t".repeat(200_000);
        long.tier = "r".repeat(100);
        let row = alone(
            &long
                .clone()
                .with_granted_capabilities(vec!["fs.read".into()]),
        );
        let (tool, caller) = (&row.event.tool_id, row.event.caller_id.unwrap());
        assert!(tool.ends_with("t…") && caller.ends_with("c…"));
        // Each to the same length.
        assert_eq!(tool.len(), caller.len());
        assert_eq!(row.event.tier, long.tier);
        assert_eq!(row.event.granted_capabilities, ["fs.read"]);
        let kept = tool.len() + caller.len() - 6;
        assert_eq!(row.chain["cut"], 500_000 - kept);
    });
}

#[test]
fn characters_and_escapes_are_never_torn() {
    within(DEADLINE, || {
        for char in ['é', '€', '𝄞', '\n', '\u{0}', '"', '\\', '\u{2028}'] {
            for shift in 0..4 {
                let text = "x".repeat(shift) + &char.to_string().repeat(100_000);
                let row = alone(&event(1).with_caller_id(Some(text.clone())));
                let caller = row.event.caller_id.clone().unwrap();
                let kept = caller.strip_suffix('…').unwrap();
                assert!(text.starts_with(kept));
                assert_eq!(row.number("cut"), (text.len() - kept.len()) as u64);
                // Little room is left unused: less than an escape.
                assert!(length(&row.event) > LONGEST_EVENT - 13, "{char:?}");
            }
        }
    });
}

#[test]
fn list_elements_go_when_short_strings_are_not_enough() {
    within(DEADLINE, || {
        let capabilities: Vec<String> = (0..1_000_000).map(|nth| format!("cap.{nth}")).collect();
        let event = event(1).with_granted_capabilities(capabilities.clone());
        let row = alone(&event);
        let kept = &row.event.granted_capabilities;
        assert!((2000..10_000).contains(&kept.len()), "{}", kept.len());
        // From the end.
        assert_eq!(kept[..], capabilities[..kept.len()]);
        assert!(row.number("cut") > 6_000_000);

        let missing = vec![String::new(); 1_000_000];
        let mut event = event.with_granted_capabilities(Vec::new());
        event.outcome = Outcome::CapabilityDenied { missing };
        let row = alone(&event);
        let Outcome::CapabilityDenied { missing } = &row.event.outcome else {
            panic!("{:?}", row.event.outcome);
        };
        assert!(missing.len() > 10_000);
        assert!(row.has("cut"), "elements went, and nothing tells");
    });
}

#[test]
fn all_that_may_be_long_is_cut_at_once() {
    within(DEADLINE, || {
        let long = |char: char| char.to_string().repeat(50_000);
        let provenance: Vec<_> = (0..600)
            .map(|nth| CapProvenance {
                cap: format!("cap.{nth}").repeat(20),
                source: match nth % 3 {
                    0 => ProvSource::StringAllowList,
                    1 => ProvSource::UcanChain {
                        issuer_did: long('d'),
                        chain_depth: 255,
                    },
                    _ => ProvSource::Unknown { kind: long('k') },
                },
            })
            .collect();
        for outcome in [
            Outcome::InvalidArgs { message: long('m') },
            Outcome::ExecutionFailed {
                code: long('e'),
                retryable: true,
            },
            Outcome::Unknown { kind: long('u') },
            Outcome::CapabilityDenied {
                missing: vec![long('g'); 100],
            },
        ] {
            let event = CallEvent::new(
                long('t'),
                long('i'),
                long('o'),
                u64::MAX,
                outcome,
                long('r'),
            )
            .with_caller_id(Some(long('c')))
            .with_granted_capabilities(vec![long('g'); 100])
            .with_dry_run(true)
            .with_secrets_resolved(true)
            .with_cursor_page(Some(u32::MAX))
            .with_capability_provenance(Some(provenance.clone()));
            let row = alone(&event);
            assert!(row.number("cut") > 20_000_000);
            assert!(length(&row.event) > LONGEST_EVENT - 1_000);
            assert!(row.event.dry_run && row.event.secrets_resolved);
            assert_eq!(row.event.cursor_page, Some(u32::MAX));
        }
    });
}

fn provenance_of(event: CallEvent, count: usize) -> CallEvent {
    let item = CapProvenance {
        cap: String::new(),
        source: ProvSource::StringAllowList,
    };
    event.with_capability_provenance(Some(vec![item; count]))
}

#[test]
fn elements_without_text_are_told_of_too() {
    within(DEADLINE, || {
        let row = alone(&provenance_of(event(1), 100_000));
        let kept = row.event.capability_provenance.as_ref().unwrap().len();
        assert!(kept > 1_000);
        assert!(row.number("cut") >= 100_000 - kept as u64);
    });
}

#[test]
fn a_hundred_megabytes_are_never_built() {
    within(DEADLINE, || {
        let (_dir, path) = Dir::with_log();
        let huge = event(1).with_caller_id(Some("\n".repeat(100_000_000)));
        let sink = open(&path);
        let used = allocation_counter::measure(|| sink.on_call(&huge));
        close(&sink);
        let row = check(&path).assert_whole().rows.remove(0);
        assert!(row.number("cut") > 99_000_000);
        assert!(used.bytes_max < 1_000_000, "{used:?}");
    });
}

#[test]
fn a_full_line_has_room_for_all_that_is_told() {
    within(DEADLINE, || {
        let (_dir, path) = Dir::with_log();
        // The first line tells of the opening, a tear, plain lines and a cut.
        recorded(&path, &event(0));
        crate::support::append(&path, crate::support::lines_of(0..100) + "torn");
        let sink = open(&path);
        sink.on_call(&event_of(1, 100_000));
        close(&sink);
        let found = check(&path).assert_whole();
        let row = &found.rows[2];
        for member in ["opened", "torn", "plain", "cut"] {
            assert!(row.has(member), "{member} of {:?}", row.chain);
        }
        let text = std::fs::read_to_string(&path).unwrap();
        let longest = text.lines().map(|line| line.len() + 1).max().unwrap();
        assert!(
            (LONGEST_EVENT..LONGEST_LINE).contains(&longest),
            "{longest}"
        );
    });
}

#[test]
fn a_small_queue_cuts_at_its_own_bound() {
    within(DEADLINE, || {
        let (_dir, path) = Dir::with_log();
        let sink = JsonLinesAuditSink::builder()
            .capacity_bytes(4096)
            .path(&path)
            .open()
            .unwrap();
        sink.on_call(&event_of(1, 10_000));
        sink.on_call(&provenance_of(event(2), 10_000));
        let counters = sink.close(DEADLINE).unwrap();
        let found = check(&path).assert_whole();
        let cut = found.with("cut").len() as u64;
        assert_eq!((cut, cut), (counters.written, found.numbers().len() as u64));
        assert_eq!(counters.written + counters.dropped, 2);
    });
}
