use audit_jsonl::{CallEvent, CapProvenance, Outcome, ProvSource};

/// The event that every bench records: two capabilities, two provenance entries. Its
/// line has 502 bytes, the line feed included.
pub(crate) fn event() -> CallEvent {
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
