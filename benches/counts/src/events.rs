//! The events and lines that are counted.

use audit_jsonl::{CallEvent, CapProvenance, Outcome, ProvSource};

/// Every case does its work for so many events, so that what comes once hardly counts.
pub(crate) const EVENTS: u64 = 1_000;

/// A usual one: 502 bytes as a plain line.
pub(crate) fn usual() -> CallEvent {
    let provenance = |cap: &str, source| CapProvenance {
        cap: cap.into(),
        source,
    };
    CallEvent::new(
        "2026-11-20T09:30:00.000000Z",
        "01JD4Z8W3K9V2N7Q5T1R6Y0XBC",
        "fs:read",
        12,
        Outcome::Success,
        "hot",
    )
    .with_caller_id(Some("agent-7".into()))
    .with_granted_capabilities(vec!["fs.read".into(), "net.read".into()])
    .with_secrets_resolved(true)
    .with_capability_provenance(Some(vec![
        provenance("fs.read", ProvSource::StringAllowList),
        provenance(
            "net.read",
            ProvSource::UcanChain {
                issuer_did: "did:key:z6MkhaXgBZDvotDkL5257faiztiGiC2QtKLGpbnnEGta2doK".into(),
                chain_depth: 1,
            },
        ),
    ]))
}

/// With a message that is full of what JSON escapes.
pub(crate) fn escaped() -> CallEvent {
    with_message("expected \"path\",\n\tgot C:\\temp\u{1b}[0m; ".repeat(8))
}

/// With a message of 16 KiB that has nothing to escape.
pub(crate) fn long() -> CallEvent {
    with_message("expected a path, got a number; ".repeat(529))
}

fn with_message(message: String) -> CallEvent {
    let mut event = usual();
    event.outcome = Outcome::InvalidArgs { message };
    event
}

/// A line as a writer of ours leaves it, without its line feed.
pub(crate) const CHAINED_LINE: &str = concat!(
    r#"{"ts":"2026-11-20T09:30:00.000000Z","call_id":"01JD4Z8W3K9V2N7Q5T1R6Y0XBC","#,
    r#""tool_id":"fs:read","caller_id":"agent-7","#,
    r#""granted_capabilities":["fs.read","net.read"],"duration_ms":12,"#,
    r#""outcome":{"kind":"success"},"tier":"hot","dry_run":false,"schema_version":3,"#,
    r#""secrets_resolved":true,"capability_provenance":["#,
    r#"{"cap":"fs.read","source":{"kind":"string_allow_list"}},"#,
    r#"{"cap":"net.read","source":{"kind":"ucan_chain","#,
    r#""issuer_did":"did:key:z6MkhaXgBZDvotDkL5257faiztiGiC2QtKLGpbnnEGta2doK","#,
    r#""chain_depth":1}}],"#,
    r#""chain":{"stream":"4f4dfa546bc181d578acefc85e701a73","seq":1000,"#,
    r#""prev":"0f1e2d3c4b5a69788796a5b4c3d2e1f00f1e2d3c4b5a69788796a5b4c3d2e1f0"}}"#,
);
