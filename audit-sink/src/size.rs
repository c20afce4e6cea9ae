//! How much memory an event takes, nearly.

use audit_schema::{CallEvent, CapProvenance, Outcome, ProvSource};

/// The bytes of its strings and lists, and of itself.
pub(crate) fn of(event: &CallEvent) -> usize {
    let strings = |list: &[String]| -> usize {
        let lengths: usize = list.iter().map(String::len).sum();
        lengths + size_of_val(list)
    };
    let outcome = match &event.outcome {
        Outcome::ExecutionFailed { code: text, .. }
        | Outcome::InvalidArgs { message: text }
        | Outcome::Unknown { kind: text } => text.len(),
        Outcome::CapabilityDenied { missing } => strings(missing),
        _ => 0,
    };
    let source = |from: &CapProvenance| {
        let source = match &from.source {
            ProvSource::UcanChain { issuer_did, .. } => issuer_did.len(),
            ProvSource::Unknown { kind } => kind.len(),
            _ => 0,
        };
        from.cap.len() + source
    };
    let provenance = event.capability_provenance.as_deref().unwrap_or_default();
    let sources: usize = provenance.iter().map(source).sum();
    size_of_val(event)
        + event.ts.len()
        + event.call_id.len()
        + event.tool_id.len()
        + event.caller_id.as_ref().map_or(0, String::len)
        + event.tier.len()
        + strings(&event.granted_capabilities)
        + outcome
        + sources
        + size_of_val(provenance)
}
