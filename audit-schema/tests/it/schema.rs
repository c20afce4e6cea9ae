//! `call-event.schema.json` says what reading does: a line is read exactly when
//! the schema admits it, as far as a schema can tell.

use std::sync::LazyLock;

use audit_schema::{CallEvent, JSON_SCHEMA, SCHEMA_VERSION};
use audit_testkit::strategies::{BrokenLine, broken_wire_line, call_event, wire_line};
use jsonschema::{Validator, draft202012};
use proptest::prelude::*;
use serde_json::Value;

use crate::golden;
use crate::reading::{readable::readable, refused::wrong_shapes};

static SCHEMA: LazyLock<Value> =
    LazyLock::new(|| serde_json::from_str(JSON_SCHEMA).expect("the schema is JSON"));

static VALIDATOR: LazyLock<Validator> =
    LazyLock::new(|| draft202012::new(&SCHEMA).expect("the schema is a schema"));

fn tree(line: &str) -> Value {
    serde_json::from_str(line).expect("the line is JSON")
}

#[track_caller]
fn admits(line: &str) {
    if let Err(error) = VALIDATOR.validate(&tree(line)) {
        panic!("{error}, at {}: {line}", error.instance_path());
    }
}

/// Whether what is wrong shows in a tree of values at all: a member that stood
/// twice doesn't, and 2^64 is there a float that a maximum of 2^64 - 1 lets pass.
fn shows(broken: &BrokenLine, tree: &Value) -> bool {
    let too_large = b"18446744073709551616";
    let has_it = |line: &[u8]| line.windows(too_large.len()).any(|part| part == too_large);
    serde_json::from_value::<CallEvent>(tree.clone()).is_err() && !has_it(&broken.line)
}

#[test]
fn the_schema_is_one_of_draft_2020_12() {
    if let Err(error) = draft202012::meta::validate(&SCHEMA) {
        panic!("{error}, at {}", error.instance_path());
    }
    assert_eq!(
        SCHEMA["$schema"],
        "https://json-schema.org/draft/2020-12/schema"
    );
    assert!(SCHEMA["$defs"].is_object());
    let id = SCHEMA["$id"].as_str().unwrap();
    assert!(id.ends_with(&SCHEMA_VERSION.to_string()), "{id}");
}

#[test]
fn golden_lines_are_admitted() {
    for (_, line) in golden::lines() {
        admits(line);
    }
}

#[test]
fn what_is_read_is_admitted() {
    for (line, _) in readable() {
        admits(&line);
    }
}

#[test]
fn what_has_the_wrong_shape_is_refused() {
    for (line, error) in wrong_shapes() {
        assert!(
            !VALIDATOR.is_valid(&tree(&line)),
            "admitted, though \"{error}\": {line}"
        );
    }
}

proptest! {
    #[test]
    fn events_are_admitted(event in call_event()) {
        admits(&serde_json::to_string(&event).unwrap());
    }

    #[test]
    fn lines_of_other_programs_are_admitted(wire in wire_line()) {
        admits(&wire.line);
    }

    #[test]
    fn broken_lines_are_refused(broken in broken_wire_line()) {
        if let Ok(tree) = serde_json::from_slice(&broken.line)
            && shows(&broken, &tree)
        {
            prop_assert!(!VALIDATOR.is_valid(&tree), "{broken:?}");
        }
    }
}
