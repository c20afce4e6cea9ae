use audit_jsonl::{CallEvent, CapProvenance, Outcome, ProvSource};

/// The event's line on disk, its line feed included.
pub(crate) const LINE_BYTES: usize = 502;

/// The event that every load records: two capabilities, two provenance entries.
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

/// What stands in the file for each event, whoever recorded it.
pub(crate) fn line() -> Vec<u8> {
    let mut line = serde_json::to_vec(&event()).expect("an event is always JSON");
    line.push(b'\n');
    assert_eq!(
        line.len(),
        LINE_BYTES,
        "the benchmark's line has its length"
    );
    line
}
