//! What is read, what is refused, and what is said about it.

pub(crate) mod readable;
pub(crate) mod refused;

use audit_schema::{CallEvent, CapProvenance, Outcome, ProvSource};
use serde::de::IntoDeserializer;
use serde::de::value::{Error, MapDeserializer};
use serde::{Deserialize, Serialize};

use self::readable::readable;
use self::refused::{wrong_shapes, wrong_text};

/// A record with every member, each beside the JSON of its value.
const MEMBERS: [(&str, &str); 13] = [
    ("ts", r#""2026-11-20T09:30:00.000000Z""#),
    ("call_id", r#""01JD4Z8W3K9V2N7Q5T1R6Y0XBC""#),
    ("tool_id", r#""files:read""#),
    ("caller_id", r#""agent-7""#),
    ("granted_capabilities", r#"["fs.read"]"#),
    ("duration_ms", "12"),
    ("outcome", r#"{"kind":"success"}"#),
    ("tier", r#""hot""#),
    ("dry_run", "true"),
    ("schema_version", "3"),
    ("secrets_resolved", "true"),
    ("cursor_page", "2"),
    (
        "capability_provenance",
        r#"[{"cap":"fs.read","source":{"kind":"string_allow_list"}}]"#,
    ),
];

/// The members that may be missing.
const OPTIONAL: [&str; 4] = [
    "caller_id",
    "secrets_resolved",
    "cursor_page",
    "capability_provenance",
];

/// What stands in the rows' wrong values, and must not stand in an error.
const CONTENTS: &str = "hunter2";

fn full() -> CallEvent {
    CallEvent::new(
        "2026-11-20T09:30:00.000000Z",
        "01JD4Z8W3K9V2N7Q5T1R6Y0XBC",
        "files:read",
        12,
        Outcome::Success,
        "hot",
    )
    .with_caller_id(Some("agent-7".into()))
    .with_granted_capabilities(vec!["fs.read".into()])
    .with_dry_run(true)
    .with_secrets_resolved(true)
    .with_cursor_page(Some(2))
    .with_capability_provenance(Some(vec![CapProvenance {
        cap: "fs.read".into(),
        source: ProvSource::StringAllowList,
    }]))
}

/// The full record, but for one member.
fn without(member: &str) -> String {
    let others = MEMBERS.iter().filter(|(name, _)| *name != member);
    object(others.copied())
}

/// The full record with another value for one member.
fn with(member: &str, value: &str) -> String {
    object(MEMBERS.map(|(name, usual)| (name, if name == member { value } else { usual })))
}

fn object<'a>(members: impl IntoIterator<Item = (&'a str, &'a str)>) -> String {
    let members = members
        .into_iter()
        .map(|(name, value)| format!(r#""{name}":{value}"#));
    format!("{{{}}}", members.collect::<Vec<_>>().join(","))
}

/// The full record with that as the source of its capability.
fn with_source(source: &str) -> String {
    let provenance = format!(r#"[{{"cap":"fs.read","source":{source}}}]"#);
    with("capability_provenance", &provenance)
}

#[test]
fn readers_are_tolerant() {
    for (line, event) in readable() {
        match serde_json::from_str::<CallEvent>(&line) {
            Ok(read) => assert_eq!(read, event, "{line}"),
            Err(error) => panic!("{error}: {line}"),
        }
    }
}

#[test]
fn a_wrong_line_is_refused_with_the_name_of_the_member() {
    for (line, error) in wrong_shapes().into_iter().chain(wrong_text()) {
        let Err(said) = serde_json::from_str::<CallEvent>(&line) else {
            panic!("is read: {line}");
        };
        let said = said.to_string();
        assert!(
            said.starts_with(&error),
            "\"{said}\" instead of \"{error}\": {line}"
        );
        assert!(!said.contains(CONTENTS), "\"{said}\" quotes the record");
        assert!(
            said.contains(" at line 1 column "),
            "\"{said}\" doesn't say where"
        );
    }
}

/// A member that means nothing to a kind may also stand there twice, like one
/// that nobody knows.
#[test]
fn what_means_nothing_spoils_nothing() {
    for outcome in [
        r#"{"kind":"success","code":1,"code":2}"#,
        r#"{"code":1,"code":2,"kind":"success"}"#,
        r#"{"kind":"success","x":1,"x":2}"#,
        // It isn't looked at, so it needn't even be a number or text that fits a type.
        r#"{"kind":"success","code":1e400}"#,
        r#"{"kind":"success","code":"\ud800"}"#,
    ] {
        let read: Outcome = serde_json::from_str(outcome).unwrap();
        assert_eq!(read, Outcome::Success, "{outcome}");
    }
}

#[test]
fn members_may_be_nested_as_deeply_as_anybody_likes() {
    let depth = 100_000;
    for (open, close) in [("[", "]"), (r#"{"x":"#, "}"), (r#"[{"x":"#, "}]")] {
        let deep = format!("{}0{}", open.repeat(depth), close.repeat(depth));

        let top = object(MEMBERS).replacen('{', &format!(r#"{{"x":{deep},"#), 1);
        assert_eq!(serde_json::from_str::<CallEvent>(&top).unwrap(), full());

        for outcome in [
            format!(r#"{{"kind":"later","x":{deep},"code":{deep},"missing":[{deep}]}}"#),
            format!(r#"{{"x":{deep},"code":{deep},"missing":[{deep}],"kind":"later"}}"#),
        ] {
            let read: Outcome = serde_json::from_str(&outcome).unwrap();
            let kind = "later".to_owned();
            assert_eq!(read, Outcome::Unknown { kind });
        }

        // Where it is no good it is refused, without overflowing the stack.
        for (member, _) in MEMBERS {
            assert!(serde_json::from_str::<CallEvent>(&with(member, &deep)).is_err());
        }
    }
}

/// Not all formats give a number, a string or a null as JSON does.
#[test]
fn a_tree_reads_as_text_does() {
    for (line, event) in readable() {
        let tree: serde_json::Value = serde_json::from_str(&line).unwrap();
        assert_eq!(
            serde_json::from_value::<CallEvent>(tree).unwrap(),
            event,
            "{line}"
        );
    }
    for (line, _) in wrong_shapes() {
        let tree: serde_json::Value = serde_json::from_str(&line).unwrap();
        assert!(serde_json::from_value::<CallEvent>(tree).is_err(), "{line}");
    }
}

/// Other formats have bytes, and names that are no text.
#[test]
fn what_json_does_not_have_is_refused() {
    fn refused<'de>(
        name: impl IntoDeserializer<'de, Error>,
        value: impl IntoDeserializer<'de, Error>,
    ) -> String {
        let object = MapDeserializer::new([(name, value)].into_iter());
        CallEvent::deserialize(object).unwrap_err().to_string()
    }
    let bytes = CONTENTS.as_bytes();
    for (said, error) in [
        (
            refused("ts", bytes),
            "invalid type: byte array, expected a value that JSON has",
        ),
        (
            refused("granted_capabilities", vec![bytes]),
            "invalid type: byte array, expected a value that JSON has",
        ),
        (
            refused(bytes, 7),
            "invalid type: byte array, expected the name of a member",
        ),
    ] {
        assert_eq!(said, error);
    }
}

/// A log may hold more than the event on a line.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Line {
    #[serde(flatten)]
    event: CallEvent,
    seq: u64,
}

#[test]
fn a_record_may_be_part_of_a_larger_object() {
    let line = Line {
        event: full(),
        seq: 7,
    };
    let text = format!("{},\"seq\":7}}", object(MEMBERS).trim_end_matches('}'));
    assert_eq!(serde_json::to_string(&line).unwrap(), text);
    assert_eq!(serde_json::from_str::<Line>(&text).unwrap(), line);
}
