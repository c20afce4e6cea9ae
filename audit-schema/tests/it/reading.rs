//! What is read, what is refused, and what is said about it.

use audit_schema::{CallEvent, CapProvenance, Outcome, ProvSource};

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

/// Lines that are read, with what they say.
pub(crate) fn readable() -> Vec<(String, CallEvent)> {
    let mut rows = vec![(object(MEMBERS), full())];

    let mut no_secrets = full();
    no_secrets.secrets_resolved = false;
    rows.push((without("secrets_resolved"), no_secrets));
    for line in [without("caller_id"), with("caller_id", "null")] {
        rows.push((line, full().with_caller_id(None)));
    }
    for line in [without("cursor_page"), with("cursor_page", "null")] {
        rows.push((line, full().with_cursor_page(None)));
    }
    for line in [
        without("capability_provenance"),
        with("capability_provenance", "null"),
    ] {
        rows.push((line, full().with_capability_provenance(None)));
    }

    let mut backwards = MEMBERS;
    backwards.reverse();
    rows.push((object(backwards), full()));

    // Members that nobody knows, at every level.
    for unknown in [
        r#""chain":{"stream":"00","seq":7}"#,
        r#""x":{"ts":1,"outcome":{"kind":"success"},"kind":[[],{}]}"#,
        r#""":null"#,
        r#""TS":-1.5e30"#,
    ] {
        let line = object(MEMBERS);
        rows.push((line.replacen('{', &format!("{{{unknown},"), 1), full()));
        let inner = line.replacen(r#"{"kind""#, &format!(r#"{{{unknown},"kind""#), 2);
        rows.push((
            inner.replace(r#"{"cap""#, &format!(r#"{{{unknown},"cap""#)),
            full(),
        ));
    }

    for (outcome, expected) in outcomes() {
        let mut event = full();
        event.outcome = expected;
        rows.push((with("outcome", outcome), event));
    }
    for (source, expected) in sources() {
        let mut event = full();
        event.capability_provenance = Some(vec![CapProvenance {
            cap: "fs.read".into(),
            source: expected,
        }]);
        rows.push((with_source(source), event));
    }
    rows
}

/// Outcomes as other programs may write them.
fn outcomes() -> Vec<(&'static str, Outcome)> {
    let unknown = |kind: &str| Outcome::Unknown { kind: kind.into() };
    let failed = || Outcome::ExecutionFailed {
        code: "E1".into(),
        retryable: true,
    };
    vec![
        // `kind` at the end, in the middle.
        (
            r#"{"code":"E1","retryable":true,"kind":"execution_failed"}"#,
            failed(),
        ),
        (
            r#"{"code":"E1","kind":"execution_failed","retryable":true}"#,
            failed(),
        ),
        (
            r#"{"missing":["a","b"],"kind":"capability_denied"}"#,
            Outcome::CapabilityDenied {
                missing: vec!["a".into(), "b".into()],
            },
        ),
        (
            r#"{"retry_after_ms":18446744073709551615,"kind":"rate_limited"}"#,
            Outcome::RateLimited {
                retry_after_ms: Some(u64::MAX),
            },
        ),
        (
            r#"{"retry_after_ms":null,"kind":"rate_limited"}"#,
            Outcome::RateLimited {
                retry_after_ms: None,
            },
        ),
        // Members of another kind mean nothing here, whatever they are.
        (
            r#"{"kind":"success","code":7,"missing":{"a":1}}"#,
            Outcome::Success,
        ),
        (
            r#"{"code":[1,[2]],"retryable":"no","kind":"success"}"#,
            Outcome::Success,
        ),
        (
            r#"{"message":null,"kind":"execution_failed","code":"E1","retryable":true}"#,
            failed(),
        ),
        // Kinds that nobody knows, and members that are wrong for all kinds.
        (r#"{"kind":"deferred"}"#, unknown("deferred")),
        (
            r#"{"kind":"deferred","until":{"noon":[1,2,{}]}}"#,
            unknown("deferred"),
        ),
        (
            r#"{"kind":"deferred","code":7,"retryable":"maybe"}"#,
            unknown("deferred"),
        ),
        (
            r#"{"kind":"deferred","missing":[1,{"a":[]}],"retry_after_ms":-1}"#,
            unknown("deferred"),
        ),
        (
            r#"{"code":{"n":7},"message":1.5,"kind":"later","missing":{},"retryable":null}"#,
            unknown("later"),
        ),
        (
            r#"{"code":[["a"],"b"],"retry_after_ms":"soon","kind":"zz"}"#,
            unknown("zz"),
        ),
        (r#"{"kind":""}"#, unknown("")),
        (r#"{"kind":"Success"}"#, unknown("Success")),
        (r#"{"kind":"ucan_chain"}"#, unknown("ucan_chain")),
    ]
}

/// Sources as other programs may write them.
fn sources() -> Vec<(&'static str, ProvSource)> {
    let unknown = |kind: &str| ProvSource::Unknown { kind: kind.into() };
    vec![
        (
            r#"{"chain_depth":255,"issuer_did":"did:x","kind":"ucan_chain"}"#,
            ProvSource::UcanChain {
                issuer_did: "did:x".into(),
                chain_depth: 255,
            },
        ),
        (
            r#"{"chain_depth":"deep","issuer_did":1,"kind":"string_allow_list"}"#,
            ProvSource::StringAllowList,
        ),
        (
            r#"{"kind":"oauth","issuer_did":{"a":1},"chain_depth":256}"#,
            unknown("oauth"),
        ),
        (
            r#"{"chain_depth":-1,"kind":"oauth","scopes":["a"]}"#,
            unknown("oauth"),
        ),
        (r#"{"kind":"success"}"#, unknown("success")),
    ]
}

/// Objects of the wrong shape, with what the error says.
pub(crate) fn wrong_shapes() -> Vec<(String, String)> {
    let mut rows = Vec::new();

    for (member, _) in MEMBERS {
        if !OPTIONAL.contains(&member) {
            rows.push((without(member), format!("missing field `{member}`")));
        }
    }

    let string = ["null", "true", "7", "[]", r#"["hunter2"]"#, "{}"].as_slice();
    let boolean = ["null", "0", r#""hunter2""#, r#""true""#, "[]", "{}"].as_slice();
    let strings = [
        "null",
        "true",
        r#""hunter2""#,
        "{}",
        "[7]",
        r#"["hunter2",null]"#,
        "[[]]",
    ]
    .as_slice();
    let number = [
        "true",
        r#""hunter2""#,
        r#""7""#,
        "[]",
        "[7]",
        "{}",
        "-1",
        "1.5",
        "1e30",
    ]
    .as_slice();
    let u64s = "an integer from 0 to 2^64 - 1";
    let u32s = "an integer from 0 to 2^32 - 1";
    for (member, wrong, expected) in [
        ("ts", string, "a string"),
        ("call_id", string, "a string"),
        ("tool_id", string, "a string"),
        ("caller_id", &string[1..], "a string or null"),
        ("tier", string, "a string"),
        ("granted_capabilities", strings, "an array of strings"),
        ("dry_run", boolean, "true or false"),
        ("secrets_resolved", boolean, "true or false"),
        ("duration_ms", number, u64s),
        ("duration_ms", &["null"], u64s),
        ("schema_version", number, u32s),
        ("schema_version", &["null", "4294967296"], u32s),
        (
            "cursor_page",
            number,
            "an integer from 0 to 2^32 - 1 or null",
        ),
        (
            "cursor_page",
            &["4294967296"],
            "an integer from 0 to 2^32 - 1 or null",
        ),
    ] {
        for value in wrong {
            rows.push((
                with(member, value),
                format!("member `{member}` must be {expected}"),
            ));
        }
    }

    for (outcome, error) in [
        (r#""hunter2""#, "invalid type: string, expected an outcome"),
        ("null", "invalid type: null, expected an outcome"),
        ("7", "invalid type: number, expected an outcome"),
        ("-7", "invalid type: number, expected an outcome"),
        ("7.5", "invalid type: number, expected an outcome"),
        ("true", "invalid type: boolean, expected an outcome"),
        (
            r#"["success"]"#,
            "invalid type: sequence, expected an outcome",
        ),
        ("{}", "missing field `kind`"),
        (r#"{"code":"hunter2"}"#, "missing field `kind`"),
        (r#"{"kind":7}"#, "member `kind` must be a string"),
        (r#"{"kind":null}"#, "member `kind` must be a string"),
        (r#"{"kind":["hunter2"]}"#, "member `kind` must be a string"),
        (
            r#"{"kind":{"hunter2":1}}"#,
            "member `kind` must be a string",
        ),
        (
            r#"{"kind":"execution_failed","retryable":true}"#,
            "kind `execution_failed` lacks its member `code`",
        ),
        (
            r#"{"kind":"execution_failed","code":"hunter2"}"#,
            "kind `execution_failed` lacks its member `retryable`",
        ),
        (
            r#"{"kind":"execution_failed","code":7,"retryable":true}"#,
            "kind `execution_failed`: member `code` must be a string",
        ),
        (
            r#"{"code":["hunter2"],"kind":"execution_failed","retryable":true}"#,
            "kind `execution_failed`: member `code` must be a string",
        ),
        (
            r#"{"kind":"execution_failed","code":"E1","retryable":"hunter2"}"#,
            "kind `execution_failed`: member `retryable` must be true or false",
        ),
        (
            r#"{"kind":"invalid_args"}"#,
            "kind `invalid_args` lacks its member `message`",
        ),
        (
            r#"{"kind":"invalid_args","message":null}"#,
            "kind `invalid_args`: member `message` must be a string",
        ),
        (
            r#"{"kind":"capability_denied"}"#,
            "kind `capability_denied` lacks its member `missing`",
        ),
        (
            r#"{"kind":"capability_denied","missing":"hunter2"}"#,
            "kind `capability_denied`: member `missing` must be an array of strings",
        ),
        (
            r#"{"kind":"capability_denied","missing":["hunter2",7]}"#,
            "kind `capability_denied`: member `missing` must be an array of strings",
        ),
        (
            r#"{"kind":"rate_limited"}"#,
            "kind `rate_limited` lacks its member `retry_after_ms`",
        ),
        (
            r#"{"kind":"rate_limited","retry_after_ms":"hunter2"}"#,
            "kind `rate_limited`: member `retry_after_ms` must be an integer from 0 to 2^64 - 1 or null",
        ),
        (
            r#"{"kind":"rate_limited","retry_after_ms":-1}"#,
            "kind `rate_limited`: member `retry_after_ms` must be an integer",
        ),
        (
            r#"{"kind":"rate_limited","retry_after_ms":1.5}"#,
            "kind `rate_limited`: member `retry_after_ms` must be an integer",
        ),
    ] {
        rows.push((with("outcome", outcome), error.to_owned()));
    }

    for (provenance, error) in [
        (
            r#""hunter2""#,
            "invalid type: string, expected the capability_provenance",
        ),
        (
            "{}",
            "invalid type: map, expected the capability_provenance",
        ),
        (
            "true",
            "invalid type: boolean, expected the capability_provenance",
        ),
        (
            r#"["hunter2"]"#,
            "invalid type: string, expected an object with the members `cap`",
        ),
        (
            "[null]",
            "invalid type: null, expected an object with the members `cap`",
        ),
        (
            r#"[["hunter2",{"kind":"string_allow_list"}]]"#,
            "invalid type: sequence, expected an object with the members `cap`",
        ),
        (
            r#"[{"source":{"kind":"string_allow_list"}}]"#,
            "missing field `cap`",
        ),
        (r#"[{"cap":"hunter2"}]"#, "missing field `source`"),
        (
            r#"[{"cap":7,"source":{"kind":"string_allow_list"}}]"#,
            "member `cap` must be a string",
        ),
    ] {
        rows.push((with("capability_provenance", provenance), error.to_owned()));
    }

    let depth = "kind `ucan_chain`: member `chain_depth` must be an integer from 0 to 255";
    for (source, error) in [
        (r#""hunter2""#, "invalid type: string, expected a source"),
        (
            r#"["ucan_chain","hunter2",1]"#,
            "invalid type: sequence, expected a source",
        ),
        ("{}", "missing field `kind`"),
        (r#"{"kind":false}"#, "member `kind` must be a string"),
        (
            r#"{"kind":"ucan_chain","chain_depth":1}"#,
            "kind `ucan_chain` lacks its member `issuer_did`",
        ),
        (
            r#"{"kind":"ucan_chain","issuer_did":"hunter2"}"#,
            "kind `ucan_chain` lacks its member `chain_depth`",
        ),
        (
            r#"{"kind":"ucan_chain","issuer_did":null,"chain_depth":1}"#,
            "kind `ucan_chain`: member `issuer_did` must be a string",
        ),
        (
            r#"{"kind":"ucan_chain","issuer_did":"did:x","chain_depth":256}"#,
            depth,
        ),
        (
            r#"{"kind":"ucan_chain","issuer_did":"did:x","chain_depth":-1}"#,
            depth,
        ),
        (
            r#"{"kind":"ucan_chain","issuer_did":"did:x","chain_depth":0.5}"#,
            depth,
        ),
        (
            r#"{"kind":"ucan_chain","issuer_did":"did:x","chain_depth":null}"#,
            depth,
        ),
        (
            r#"{"chain_depth":"hunter2","issuer_did":"did:x","kind":"ucan_chain"}"#,
            depth,
        ),
    ] {
        rows.push((with_source(source), error.to_owned()));
    }

    // The whole record.
    let values = MEMBERS.map(|(_, value)| value).join(",");
    rows.extend([
        (
            format!("[{values}]"),
            "invalid type: sequence, expected a record".into(),
        ),
        (
            format!("[{}]", object(MEMBERS)),
            "invalid type: sequence, expected a record".into(),
        ),
        (
            "null".into(),
            "invalid type: null, expected a record".into(),
        ),
        (
            r#""hunter2""#.into(),
            "invalid type: string, expected a record".into(),
        ),
        ("7".into(), "invalid type: number, expected a record".into()),
        ("{}".into(), "missing field `ts`".into()),
    ]);
    rows
}

/// What is wrong, though a JSON Schema can't say so: members that stand twice,
/// and numbers that are integers to JSON, but not as they are written.
fn wrong_text() -> Vec<(String, String)> {
    let mut rows = Vec::new();
    for (member, value) in MEMBERS {
        let twice = MEMBERS.into_iter().chain([(member, value)]);
        rows.push((object(twice), format!("duplicate field `{member}`")));
    }
    for (outcome, member) in [
        (r#"{"kind":"success","kind":"success"}"#, "kind"),
        (r#"{"kind":"later","kind":"later"}"#, "kind"),
        (
            r#"{"kind":"invalid_args","message":"hunter2","message":"b"}"#,
            "message",
        ),
        (
            r#"{"message":"hunter2","message":7,"kind":"invalid_args"}"#,
            "message",
        ),
        (
            r#"{"retry_after_ms":1,"kind":"rate_limited","retry_after_ms":1}"#,
            "retry_after_ms",
        ),
    ] {
        rows.push((
            with("outcome", outcome),
            format!("duplicate field `{member}`"),
        ));
    }
    rows.push((
        with_source(r#"{"kind":"ucan_chain","issuer_did":"a","issuer_did":"a","chain_depth":0}"#),
        "duplicate field `issuer_did`".into(),
    ));
    rows.push((
        with(
            "capability_provenance",
            r#"[{"cap":"a","source":{"kind":"string_allow_list"},"cap":"a"}]"#,
        ),
        "duplicate field `cap`".into(),
    ));
    for number in ["1.0", "1e2", "18446744073709551616"] {
        let error = "member `duration_ms` must be an integer from 0 to 2^64 - 1";
        rows.push((with("duration_ms", number), error.into()));
        let outcome = format!(r#"{{"kind":"rate_limited","retry_after_ms":{number}}}"#);
        let error = "kind `rate_limited`: member `retry_after_ms` must be an integer";
        rows.push((with("outcome", &outcome), error.into()));
    }
    rows.push((with("duration_ms", "1e400"), "number out of range".into()));
    rows
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
