//! Lines that are read, for the tests of reading and of the schema.

use audit_schema::{CallEvent, CapProvenance, Outcome, ProvSource};

use super::{MEMBERS, full, object, with, with_source, without};

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
