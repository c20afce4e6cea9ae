//! Lines that are refused, for the tests of reading and of the schema.

use super::{MEMBERS, OPTIONAL, object, with, with_source, without};

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
pub(crate) fn wrong_text() -> Vec<(String, String)> {
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
