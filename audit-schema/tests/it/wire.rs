//! The bytes of a record: they are what other programs parse, so they don't
//! change.

use std::fmt::Debug;

use audit_schema::{CallEvent, CapProvenance, Outcome, ProvSource, SCHEMA_VERSION};
use serde::Serialize;
use serde::de::DeserializeOwned;

/// A value is written as these bytes, and they read back as it.
#[track_caller]
fn check<T: Serialize + DeserializeOwned + PartialEq + Debug>(value: &T, bytes: &str) {
    assert_eq!(serde_json::to_string(value).expect("is written"), bytes);
    assert_eq!(&serde_json::from_str::<T>(bytes).expect("is read"), value);
}

fn dull() -> CallEvent {
    CallEvent::new(
        "2026-11-20T09:30:00.000000Z",
        "1",
        "echo",
        3,
        Outcome::Success,
        "hot",
    )
}

#[test]
fn outcomes() {
    let rows = [
        (Outcome::Success, r#"{"kind":"success"}"#),
        (
            Outcome::ExecutionFailed {
                code: "ENOENT".into(),
                retryable: true,
            },
            r#"{"kind":"execution_failed","code":"ENOENT","retryable":true}"#,
        ),
        (
            Outcome::ExecutionFailed {
                code: String::new(),
                retryable: false,
            },
            r#"{"kind":"execution_failed","code":"","retryable":false}"#,
        ),
        (
            Outcome::InvalidArgs {
                message: "path: missing".into(),
            },
            r#"{"kind":"invalid_args","message":"path: missing"}"#,
        ),
        (
            Outcome::CapabilityDenied {
                missing: vec!["fs.write".into(), "net".into()],
            },
            r#"{"kind":"capability_denied","missing":["fs.write","net"]}"#,
        ),
        (
            Outcome::CapabilityDenied { missing: vec![] },
            r#"{"kind":"capability_denied","missing":[]}"#,
        ),
        (
            Outcome::RateLimited {
                retry_after_ms: Some(u64::MAX),
            },
            r#"{"kind":"rate_limited","retry_after_ms":18446744073709551615}"#,
        ),
        (
            Outcome::RateLimited {
                retry_after_ms: None,
            },
            r#"{"kind":"rate_limited","retry_after_ms":null}"#,
        ),
        (Outcome::ToolNotFound, r#"{"kind":"tool_not_found"}"#),
        (
            Outcome::Unknown {
                kind: "deferred".into(),
            },
            r#"{"kind":"deferred"}"#,
        ),
    ];
    for (outcome, bytes) in rows {
        check(&outcome, bytes);
    }
}

#[test]
fn provenance() {
    let rows = [
        (
            ProvSource::StringAllowList,
            r#"{"kind":"string_allow_list"}"#,
        ),
        (
            ProvSource::UcanChain {
                issuer_did: "did:web:example.com".into(),
                chain_depth: 0,
            },
            r#"{"kind":"ucan_chain","issuer_did":"did:web:example.com","chain_depth":0}"#,
        ),
        (
            ProvSource::UcanChain {
                issuer_did: String::new(),
                chain_depth: u8::MAX,
            },
            r#"{"kind":"ucan_chain","issuer_did":"","chain_depth":255}"#,
        ),
        (
            ProvSource::Unknown {
                kind: "oauth".into(),
            },
            r#"{"kind":"oauth"}"#,
        ),
    ];
    for (source, bytes) in rows {
        check(&source, bytes);
        let entry = CapProvenance {
            cap: "fs.read".into(),
            source,
        };
        check(&entry, &format!(r#"{{"cap":"fs.read","source":{bytes}}}"#));
    }
}

#[test]
fn an_event_with_nothing_optional() {
    check(
        &dull(),
        concat!(
            r#"{"ts":"2026-11-20T09:30:00.000000Z","call_id":"1","tool_id":"echo","#,
            r#""granted_capabilities":[],"duration_ms":3,"outcome":{"kind":"success"},"#,
            r#""tier":"hot","dry_run":false,"schema_version":3,"secrets_resolved":false}"#,
        ),
    );
    assert_eq!(SCHEMA_VERSION, 3);
}

#[test]
fn an_event_with_everything() {
    let event = dull()
        .with_caller_id(Some("claude-desktop 1.4".into()))
        .with_granted_capabilities(vec!["fs.read".into(), "net".into()])
        .with_dry_run(true)
        .with_secrets_resolved(true)
        .with_cursor_page(Some(2))
        .with_capability_provenance(Some(vec![CapProvenance {
            cap: "fs.read".into(),
            source: ProvSource::StringAllowList,
        }]));
    check(
        &event,
        concat!(
            r#"{"ts":"2026-11-20T09:30:00.000000Z","call_id":"1","tool_id":"echo","#,
            r#""caller_id":"claude-desktop 1.4","granted_capabilities":["fs.read","net"],"#,
            r#""duration_ms":3,"outcome":{"kind":"success"},"tier":"hot","dry_run":true,"#,
            r#""schema_version":3,"secrets_resolved":true,"cursor_page":2,"#,
            r#""capability_provenance":[{"cap":"fs.read","source":{"kind":"string_allow_list"}}]}"#,
        ),
    );
}

#[test]
fn what_is_there_but_empty_is_written() {
    let event = dull()
        .with_caller_id(Some(String::new()))
        .with_cursor_page(Some(0))
        .with_capability_provenance(Some(vec![]));
    check(
        &event,
        concat!(
            r#"{"ts":"2026-11-20T09:30:00.000000Z","call_id":"1","tool_id":"echo","#,
            r#""caller_id":"","granted_capabilities":[],"duration_ms":3,"#,
            r#""outcome":{"kind":"success"},"tier":"hot","dry_run":false,"schema_version":3,"#,
            r#""secrets_resolved":false,"cursor_page":0,"capability_provenance":[]}"#,
        ),
    );
}

#[test]
fn a_setter_takes_back() {
    let event = dull()
        .with_caller_id(Some("a".into()))
        .with_caller_id(None)
        .with_cursor_page(Some(1))
        .with_cursor_page(None)
        .with_capability_provenance(Some(vec![]))
        .with_capability_provenance(None)
        .with_dry_run(true)
        .with_dry_run(false);
    assert_eq!(event, dull());
}

#[test]
fn strings_have_serde_jsons_escapes() {
    let message: String = (0..=0x20_u8)
        .chain([b'"', b'/', b'\\', 0x7f])
        .map(char::from)
        .chain("\u{80}\u{2028}\u{2029}\u{feff}é🦀".chars())
        .collect();
    check(
        &Outcome::InvalidArgs { message },
        concat!(
            r#"{"kind":"invalid_args","message":""#,
            r"\u0000\u0001\u0002\u0003\u0004\u0005\u0006\u0007\b\t\n\u000b\f\r\u000e\u000f",
            r"\u0010\u0011\u0012\u0013\u0014\u0015\u0016\u0017\u0018\u0019\u001a\u001b\u001c",
            r#"\u001d\u001e\u001f \"/\\"#,
            "\u{7f}\u{80}\u{2028}\u{2029}\u{feff}é🦀",
            r#""}"#,
        ),
    );
}
