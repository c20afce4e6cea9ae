//! Whatever an event holds, it comes back from the wire as it went.

use audit_schema::{CallEvent, CapProvenance, Outcome, ProvSource};
use audit_testkit::properties::{reads, refuses, round_trips, stays_one_line};
use audit_testkit::strategies::{
    broken_wire_line, call_event, cap_provenance, lone_surrogate_line, outcome, prov_source,
    wire_line,
};
use proptest::prelude::*;
use serde::Serialize;

fn encode<T: Serialize>(value: &T) -> Vec<u8> {
    serde_json::to_vec(value).expect("nothing here can't be JSON")
}

fn from_slice(line: &[u8]) -> serde_json::Result<CallEvent> {
    serde_json::from_slice(line)
}

/// Unlike a slice, a reader lends no strings.
fn from_reader(line: &[u8]) -> serde_json::Result<CallEvent> {
    serde_json::from_reader(line)
}

/// By way of a tree, whose members are sorted by name.
fn from_value(line: &[u8]) -> serde_json::Result<CallEvent> {
    serde_json::from_value(serde_json::from_slice(line)?)
}

proptest! {
    #[test]
    fn a_kind_is_the_one_on_the_wire(outcome in outcome(), source in prov_source()) {
        let written = |bytes: Vec<u8>| -> serde_json::Value {
            serde_json::from_slice(&bytes).unwrap()
        };
        prop_assert_eq!(&written(encode(&outcome))["kind"], outcome.kind());
        prop_assert_eq!(&written(encode(&source))["kind"], source.kind());
    }

    #[test]
    fn events(event in call_event()) {
        let line = encode(&event);
        stays_one_line(&line)?;
        round_trips(&event, encode, from_slice)?;
        round_trips(&event, encode, from_reader)?;
        round_trips(&event, encode, from_value)?;
        // What is read is written as the same bytes again.
        prop_assert_eq!(encode(&from_slice(&line).unwrap()), line);
    }

    #[test]
    fn outcomes(outcome in outcome()) {
        round_trips(&outcome, encode, |bytes| serde_json::from_slice::<Outcome>(bytes))?;
    }

    #[test]
    fn sources(source in prov_source()) {
        round_trips(&source, encode, |bytes| serde_json::from_slice::<ProvSource>(bytes))?;
    }

    #[test]
    fn provenance(entry in cap_provenance()) {
        round_trips(&entry, encode, |bytes| serde_json::from_slice::<CapProvenance>(bytes))?;
    }

    #[test]
    fn lines_of_other_programs_are_read(wire in wire_line()) {
        reads(&wire, from_slice)?;
        reads(&wire, from_reader)?;
        reads(&wire, from_value)?;
    }

    #[test]
    fn broken_lines_are_refused_and_not_quoted(broken in broken_wire_line()) {
        refuses(&broken, from_slice)?;
        refuses(&broken, from_reader)?;
    }

    #[test]
    fn half_a_surrogate_pair_is_refused(broken in lone_surrogate_line()) {
        refuses(&broken, from_slice)?;
        refuses(&broken, from_reader)?;
    }
}
