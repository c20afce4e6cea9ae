//! What the golden files say, file by file and line by line.

use audit_schema::{CallEvent, CapProvenance, Outcome, ProvSource};

pub(super) fn v1_outcomes() -> Vec<CallEvent> {
    let agent = || Some("agent-7".to_owned());
    vec![
        record(
            1,
            "2026-05-29T00:00:00+00:00",
            "01JWCXQ8M00000000000000001",
            "files:read",
            12,
            Outcome::Success,
            "hot",
        )
        .with_caller_id(agent())
        .with_granted_capabilities(strings(&["fs.read"])),
        record(
            1,
            "2026-05-29T00:00:01.250+00:00",
            "01JWCXQ8M00000000000000002",
            "files:read",
            3,
            failed("ENOENT", false),
            "hot",
        )
        .with_granted_capabilities(strings(&["fs.read", "fs.stat"])),
        record(
            1,
            "2026-05-29T00:00:02.123456789+00:00",
            "01JWCXQ8M00000000000000003",
            "http:get",
            30_001,
            failed("timeout", true),
            "warm",
        )
        .with_caller_id(agent())
        .with_granted_capabilities(strings(&["net.fetch"]))
        .with_secrets_resolved(true),
        record(
            1,
            "2026-05-29T00:00:03.000000001+00:00",
            "01JWCXQ8M00000000000000004",
            "files:write",
            0,
            Outcome::InvalidArgs {
                message: "path: missing".into(),
            },
            "warm",
        )
        .with_dry_run(true),
        record(
            1,
            "2026-05-29T00:00:04+00:00",
            "01JWCXQ8M00000000000000005",
            "files:delete",
            0,
            denied(&["fs.write", "fs.delete"]),
            "warm",
        )
        .with_caller_id(agent())
        .with_granted_capabilities(strings(&["fs.read"])),
        record(
            1,
            "2026-05-29T00:00:05+00:00",
            "01JWCXQ8M00000000000000006",
            "http:get",
            0,
            Outcome::RateLimited {
                retry_after_ms: Some(250),
            },
            "cold",
        )
        .with_granted_capabilities(strings(&["net.fetch"])),
        record(
            1,
            "2026-05-29T00:00:06+00:00",
            "01JWCXQ8M00000000000000007",
            "http:get",
            0,
            Outcome::RateLimited {
                retry_after_ms: None,
            },
            "cold",
        )
        .with_granted_capabilities(strings(&["net.fetch"])),
        record(
            1,
            "2026-05-29T00:00:07+00:00",
            "01JWCXQ8M00000000000000008",
            "files:raed",
            0,
            Outcome::ToolNotFound,
            "cold",
        )
        .with_caller_id(agent()),
    ]
}

pub(super) fn v1_before_secrets() -> Vec<CallEvent> {
    vec![
        record(
            1,
            "2026-05-28T23:59:59+00:00",
            "01JWCXPGC00000000000000001",
            "files:read",
            12,
            Outcome::Success,
            "hot",
        )
        .with_caller_id(Some("agent-7".into()))
        .with_granted_capabilities(strings(&["fs.read"])),
        record(
            1,
            "2026-05-28T23:59:59.999999999+00:00",
            "01JWCXPGC00000000000000002",
            "files:write",
            0,
            denied(&[]),
            "warm",
        )
        .with_dry_run(true),
    ]
}

pub(super) fn v1_strings() -> Vec<CallEvent> {
    vec![
        record(
            1,
            "2026-05-29T08:00:00+00:00",
            "01JWDRGH800000000000000001",
            "db:query",
            7,
            Outcome::InvalidArgs {
                message: "line 1\nline 2\r\t\0\u{1b}[31m\u{7f}\u{2028}/\u{8}\u{c}".into(),
            },
            "hot",
        )
        .with_caller_id(Some("тестировщик 🦀".into()))
        .with_granted_capabilities(strings(&["db.read:\"sales\"", "path:C:\\data"])),
    ]
}

pub(super) fn v2_pages() -> Vec<CallEvent> {
    vec![
        record(
            2,
            "2026-06-30T12:00:00.000000500+00:00",
            "01JZ0F4XM00000000000000001",
            "mail:list",
            41,
            Outcome::Success,
            "warm",
        )
        .with_caller_id(Some("agent-7".into()))
        .with_granted_capabilities(strings(&["mail.read"]))
        .with_secrets_resolved(true)
        .with_cursor_page(Some(1)),
        record(
            2,
            "2026-06-30T12:00:01+00:00",
            "01JZ0F4XM00000000000000002",
            "mail:list",
            38,
            failed("upstream_503", true),
            "warm",
        )
        .with_caller_id(Some("agent-7".into()))
        .with_granted_capabilities(strings(&["mail.read"]))
        .with_secrets_resolved(true)
        .with_cursor_page(Some(u32::MAX)),
        record(
            2,
            "2026-06-30T12:00:02+00:00",
            "01JZ0F4XM00000000000000003",
            "mail:send",
            0,
            denied(&["mail.send"]),
            "warm",
        ),
    ]
}

pub(super) fn v3_provenance() -> Vec<CallEvent> {
    vec![
        record(
            3,
            "2026-09-01T06:00:00.1+00:00",
            "01K41S2Y000000000000000001",
            "files:read",
            2,
            Outcome::Success,
            "hot",
        )
        .with_caller_id(Some("agent-7".into()))
        .with_granted_capabilities(strings(&["fs.read"]))
        .with_capability_provenance(Some(vec![from("fs.read", ProvSource::StringAllowList)])),
        record(
            3,
            "2026-09-01T06:00:01.123456789+00:00",
            "01K41S2Y000000000000000002",
            "mail:list",
            55,
            Outcome::Success,
            "warm",
        )
        .with_granted_capabilities(strings(&["mail.read", "net.fetch"]))
        .with_secrets_resolved(true)
        .with_cursor_page(Some(2))
        .with_capability_provenance(Some(vec![
            from(
                "mail.read",
                ucan(
                    "did:key:z6MkhaXgBZDvotDkL5257faiztiGiC2QtKLGpbnnEGta2doK",
                    1,
                ),
            ),
            from("net.fetch", ucan("did:web:example.com", 0)),
        ])),
        record(
            3,
            "2026-09-01T06:00:02+00:00",
            "01K41S2Y000000000000000003",
            "echo",
            0,
            Outcome::Success,
            "hot",
        ),
    ]
}

pub(super) fn v3_outcomes() -> Vec<CallEvent> {
    vec![
        record(
            3,
            "2026-11-20T09:30:00.000000Z",
            "01JD4Z8W3K9V2N7Q5T1R6Y0XB1",
            "files:read",
            12,
            Outcome::Success,
            "hot",
        )
        .with_caller_id(Some("agent-7".into()))
        .with_granted_capabilities(strings(&["fs.read"])),
        record(
            3,
            "2026-11-20T09:30:00.000001Z",
            "01JD4Z8W3K9V2N7Q5T1R6Y0XB2",
            "files:read",
            3,
            failed("ENOENT", false),
            "hot",
        )
        .with_granted_capabilities(strings(&["fs.read"])),
        record(
            3,
            "2026-11-20T09:30:01.999999Z",
            "01JD4Z8W3K9V2N7Q5T1R6Y0XB3",
            "files:write",
            0,
            Outcome::InvalidArgs {
                message: "path: missing".into(),
            },
            "warm",
        )
        .with_dry_run(true),
        record(
            3,
            "2026-11-20T09:30:02.000000Z",
            "01JD4Z8W3K9V2N7Q5T1R6Y0XB4",
            "files:delete",
            0,
            denied(&["fs.write"]),
            "warm",
        )
        .with_caller_id(Some("agent-7".into()))
        .with_granted_capabilities(strings(&["fs.read"]))
        .with_capability_provenance(Some(vec![from("fs.read", ProvSource::StringAllowList)])),
        record(
            3,
            "2026-11-20T09:30:03.000000Z",
            "01JD4Z8W3K9V2N7Q5T1R6Y0XB5",
            "http:get",
            0,
            Outcome::RateLimited {
                retry_after_ms: Some(250),
            },
            "cold",
        )
        .with_granted_capabilities(strings(&["net.fetch"])),
        record(
            3,
            "2026-11-20T09:30:04.000000Z",
            "01JD4Z8W3K9V2N7Q5T1R6Y0XB6",
            "http:get",
            0,
            Outcome::RateLimited {
                retry_after_ms: None,
            },
            "cold",
        )
        .with_granted_capabilities(strings(&["net.fetch"])),
        record(
            3,
            "2026-11-20T09:30:05.000000Z",
            "01JD4Z8W3K9V2N7Q5T1R6Y0XB7",
            "files:raed",
            0,
            Outcome::ToolNotFound,
            "cold",
        ),
    ]
}

pub(super) fn v3_edges() -> Vec<CallEvent> {
    vec![
        record(
            3,
            "",
            "",
            "",
            u64::MAX,
            Outcome::RateLimited {
                retry_after_ms: Some(u64::MAX),
            },
            "",
        )
        .with_caller_id(Some(String::new()))
        .with_granted_capabilities(strings(&[""]))
        .with_dry_run(true)
        .with_secrets_resolved(true)
        .with_cursor_page(Some(0))
        .with_capability_provenance(Some(vec![])),
        record(
            3,
            "9999-12-31T23:59:59.999999Z",
            "7ZZZZZZZZZZZZZZZZZZZZZZZZZ",
            "a",
            0,
            denied(&[""]),
            "hot",
        )
        .with_cursor_page(Some(u32::MAX))
        .with_capability_provenance(Some(vec![from("", ucan("", 255))])),
    ]
}

fn record(
    schema_version: u32,
    ts: &str,
    call_id: &str,
    tool_id: &str,
    duration_ms: u64,
    outcome: Outcome,
    tier: &str,
) -> CallEvent {
    let mut event = CallEvent::new(ts, call_id, tool_id, duration_ms, outcome, tier);
    event.schema_version = schema_version;
    event
}

fn failed(code: &str, retryable: bool) -> Outcome {
    Outcome::ExecutionFailed {
        code: code.into(),
        retryable,
    }
}

fn denied(missing: &[&str]) -> Outcome {
    Outcome::CapabilityDenied {
        missing: strings(missing),
    }
}

fn ucan(issuer_did: &str, chain_depth: u8) -> ProvSource {
    ProvSource::UcanChain {
        issuer_did: issuer_did.into(),
        chain_depth,
    }
}

fn from(cap: &str, source: ProvSource) -> CapProvenance {
    CapProvenance {
        cap: cap.into(),
        source,
    }
}

fn strings(items: &[&str]) -> Vec<String> {
    items.iter().copied().map(String::from).collect()
}
