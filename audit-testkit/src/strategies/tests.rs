//! That the strategies reach what their docs say they favour.

use std::collections::BTreeSet;

use audit_schema::{CallEvent, Outcome, ProvSource, SCHEMA_VERSION};
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;

use super::event::{OUTCOME_KINDS, SOURCE_KINDS};
use super::json::{Dice, Json, PLAIN};
use super::*;
use crate::properties;

/// The same values in every run.
fn sample<T: std::fmt::Debug>(strategy: &BoxedStrategy<T>, count: usize) -> Vec<T> {
    let mut runner = TestRunner::deterministic();
    (0..count)
        .map(|_| strategy.new_tree(&mut runner).unwrap().current())
        .collect()
}

#[test]
fn strings_reach_their_edges() {
    let strings = sample(&nasty_string(), 10_000);
    let any = |check: &dyn Fn(&str) -> bool| strings.iter().any(|text| check(text));

    assert!(any(&str::is_empty));
    for control in (0..0x20_u8).chain([0x7f, b'"', b'\\']).map(char::from) {
        assert!(any(&|text| text == control.to_string()), "{control:?}");
    }
    for odd in "\u{85}\u{2028}\u{2029}\u{feff}\u{202e}\u{2066}\u{301}\u{10ffff}🦀".chars() {
        assert!(any(&|text| text.contains(odd)), "{odd:?}");
    }
    for length in [7, 8, 9, 15, 16, 17, 31, 32, 33, 63, 64, 65] {
        assert!(
            any(&|text| text.len() == length && text.contains('\\')),
            "{length}"
        );
    }
    assert!(any(&|text| text.contains("\u{1b}[2J")));
    assert!(any(&|text| text.contains(r#"","chain":"#)));
    assert!(any(&|text| text.len() > 1024));
    assert!(any(&|text| text.len() > 60 * 1024));
    assert!(strings.iter().all(|text| text.len() <= 100 * 1024));
}

#[test]
fn every_length_and_place_is_listed() {
    let strings: Vec<String> = escapes_at_every_position().collect();
    let distinct: BTreeSet<&String> = strings.iter().collect();

    assert_eq!(distinct.len(), 72 * 73 / 2 * 11);
    assert!(strings.iter().all(|text| (1..=72).contains(&text.len())));
    assert!(strings.contains(&"abcdefg\"ijklmnop".to_owned()));
}

#[test]
fn numbers_reach_their_edges() {
    let numbers = sample(&edge_u64(), 3_000);
    for edge in [
        0,
        1,
        9,
        10,
        99,
        100,
        101,
        255,
        256,
        u32::MAX.into(),
        u64::MAX - 1,
        u64::MAX,
    ] {
        assert!(numbers.contains(&edge), "{edge}");
    }
    assert!(sample(&edge_u32(), 1_000).contains(&u32::MAX));
    assert!(sample(&edge_u8(), 1_000).contains(&u8::MAX));
}

#[test]
fn identifiers_have_their_form() {
    let ids = sample(&call_id(), 200);
    assert!(ids.iter().all(|id| id.len() == 26 && id.is_ascii()));

    let times = sample(&timestamp(), 500);
    assert!(
        times
            .iter()
            .all(|ts| ts.ends_with('Z') || ts.ends_with("+00:00"))
    );
    for length in [20, 25, 27, 32, 35] {
        assert!(times.iter().any(|ts| ts.len() == length), "{length}");
    }
}

#[test]
fn events_reach_every_kind() {
    let events = sample(&call_event(), 1_000);
    let provenance = || {
        events
            .iter()
            .filter_map(|event| event.capability_provenance.as_ref())
    };
    let outcomes: BTreeSet<&str> = events.iter().map(|event| kind_of(&event.outcome)).collect();
    let sources: BTreeSet<&str> = provenance()
        .flatten()
        .map(|entry| source_kind_of(&entry.source))
        .collect();

    assert!(
        OUTCOME_KINDS
            .iter()
            .chain(&[""])
            .all(|kind| outcomes.contains(kind))
    );
    assert!(
        SOURCE_KINDS
            .iter()
            .chain(&[""])
            .all(|kind| sources.contains(kind))
    );
    assert!(provenance().any(Vec::is_empty));
    assert!(provenance().any(|entries| entries.len() > 100));
    assert!(
        events
            .iter()
            .any(|event| event.capability_provenance.is_none())
    );
    assert!(
        events
            .iter()
            .any(|event| event.granted_capabilities.is_empty())
    );
    assert!(events.iter().any(|event| event.caller_id.is_none()));
    assert!(events.iter().any(|event| event.cursor_page.is_none()));
    assert!(
        events
            .iter()
            .any(|event| event.schema_version != SCHEMA_VERSION)
    );
}

#[test]
fn unknown_kinds_are_unknown() {
    let known: Vec<&&str> = OUTCOME_KINDS.iter().chain(SOURCE_KINDS).collect();
    let kinds = sample(&unknown_kind(), 1_000);

    assert!(
        kinds
            .iter()
            .all(|kind| known.iter().all(|known| kind != **known))
    );
    assert!(kinds.contains(&String::new()));
    assert!(kinds.contains(&"Success".to_owned()));
}

#[test]
fn a_plain_line_is_serde_jsons() {
    for event in sample(&call_event(), 500) {
        let plain = Json::from(&event).render(PLAIN, &mut Dice::new(0));
        assert_eq!(
            String::from_utf8(plain).unwrap(),
            serde_json::to_string(&event).unwrap()
        );
    }
}

#[test]
fn lines_reach_every_form() {
    let lines = sample(&wire_line(), 1_000);
    let any = |check: &dyn Fn(&WireLine) -> bool| lines.iter().any(check);
    let plain = |wire: &WireLine| serde_json::to_string(&wire.event).unwrap();
    let lacks = |wire: &WireLine, member| {
        let tree: serde_json::Value = serde_json::from_str(&wire.line).unwrap();
        tree.get(member).is_none()
    };

    for wire in &lines {
        assert!(!wire.line.contains('\n'));
        properties::reads(wire, |line| serde_json::from_slice(line)).unwrap();
    }
    assert!(any(&|wire| wire.line == plain(wire)));
    // Sorted, and in an order of their own.
    assert!(any(&|wire| wire.line.starts_with(r#"{"call_id":"#)));
    assert!(any(&|wire| wire.line.starts_with(r#"{"tier":"#)));
    assert!(any(&|wire| wire.line.contains(r#""cursor_page":null"#)));
    assert!(any(&|wire| lacks(wire, "secrets_resolved")));
    assert!(any(&|wire| wire.line.contains("\t:")));
    for pair in [r"\ud83e\udd80", r"\uD83E\uDD80"] {
        assert!(any(&|wire| wire.line.contains(pair)), "{pair}");
    }
    assert!(any(&|wire| wire.line.contains(r#""__proto__":{"#)));
    assert!(any(
        &|wire| wire.event.outcome == Outcome::Success && wire.line.contains(r#""code":"#)
    ));
}

#[test]
fn broken_lines_are_no_records() {
    let broken = sample(&broken_wire_line(), 1_200);
    let what: BTreeSet<&str> = broken.iter().map(|broken| broken.what).collect();

    assert_eq!(what.len(), 8, "{what:?}");
    for broken in broken.iter().chain(&sample(&lone_surrogate_line(), 200)) {
        assert!(!broken.line.contains(&b'\n'));
        properties::refuses(broken, |line| serde_json::from_slice::<CallEvent>(line)).unwrap();
    }
}

/// The kind on the wire, an empty string for those that the schema doesn't know.
fn kind_of(outcome: &Outcome) -> &'static str {
    match outcome {
        Outcome::Success => "success",
        Outcome::ExecutionFailed { .. } => "execution_failed",
        Outcome::InvalidArgs { .. } => "invalid_args",
        Outcome::CapabilityDenied { .. } => "capability_denied",
        Outcome::RateLimited { .. } => "rate_limited",
        Outcome::ToolNotFound => "tool_not_found",
        _ => "",
    }
}

fn source_kind_of(source: &ProvSource) -> &'static str {
    match source {
        ProvSource::StringAllowList => "string_allow_list",
        ProvSource::UcanChain { .. } => "ucan_chain",
        _ => "",
    }
}
