use audit_schema::{CallEvent, CapProvenance, Outcome, ProvSource, SCHEMA_VERSION};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

use super::{call_id, edge_u8, edge_u32, edge_u64, nasty_string, timestamp};

/// The kinds of outcome that the schema knows.
pub(super) const OUTCOME_KINDS: &[&str] = &[
    "success",
    "execution_failed",
    "invalid_args",
    "capability_denied",
    "rate_limited",
    "tool_not_found",
];

/// The kinds of source that the schema knows.
pub(super) const SOURCE_KINDS: &[&str] = &["string_allow_list", "ucan_chain"];

/// Whole events, each field from its own strategy.
///
/// Favours well-formed `ts`, `call_id`, `tool_id` and `tier`, for most code sees
/// little else; one in ten is a [`nasty_string`], as nobody promises a form.
/// `caller_id` and what lists hold is nasty throughout. `schema_version` is
/// nearly always this library's, at times an earlier or later one. Each optional
/// field is there about as often as not; lists are often empty and at times
/// longer than a hundred.
pub fn call_event() -> BoxedStrategy<CallEvent> {
    let required = (
        mostly(timestamp()),
        mostly(call_id()),
        mostly("[a-z]{1,8}:[a-z_]{1,12}"),
        edge_u64(),
        outcome(),
        mostly(select(vec!["hot", "warm", "cold"]).prop_map(str::to_owned)),
    );
    let rest = (
        prop::option::of(nasty_string()),
        list(capability()),
        any::<bool>(),
        any::<bool>(),
        prop::option::of(edge_u32()),
        prop::option::of(list(cap_provenance())),
        prop_oneof![20 => Just(SCHEMA_VERSION), 1 => edge_u32()],
    );
    (required, rest)
        .prop_map(|(required, rest)| {
            let (ts, call_id, tool_id, duration_ms, outcome, tier) = required;
            let (caller_id, granted, dry_run, secrets_resolved, page, provenance, version) = rest;
            let mut event = CallEvent::new(ts, call_id, tool_id, duration_ms, outcome, tier)
                .with_caller_id(caller_id)
                .with_granted_capabilities(granted)
                .with_dry_run(dry_run)
                .with_secrets_resolved(secrets_resolved)
                .with_cursor_page(page)
                .with_capability_provenance(provenance);
            event.schema_version = version;
            event
        })
        .boxed()
}

/// Outcomes of every kind, about equally often, with nasty contents.
///
/// Favours `retry_after_ms: None`, which is written as `null`, and an empty
/// `missing`, which is written all the same. One in eight is of an
/// [`unknown_kind`]; such a one is never equal to a known kind, as it would not
/// come back from the wire.
///
/// Shrinks to success.
pub fn outcome() -> BoxedStrategy<Outcome> {
    let unknown = prop_oneof![4 => unknown_kind(), 1 => one_of(SOURCE_KINDS)];
    prop_oneof![
        2 => Just(Outcome::Success),
        1 => Just(Outcome::ToolNotFound),
        1 => (nasty_string(), any::<bool>())
            .prop_map(|(code, retryable)| Outcome::ExecutionFailed { code, retryable }),
        1 => nasty_string().prop_map(|message| Outcome::InvalidArgs { message }),
        1 => list(capability()).prop_map(|missing| Outcome::CapabilityDenied { missing }),
        1 => prop::option::of(edge_u64())
            .prop_map(|retry_after_ms| Outcome::RateLimited { retry_after_ms }),
        1 => unknown.prop_map(|kind| Outcome::Unknown { kind }),
    ]
    .boxed()
}

/// A nasty capability with one of [`prov_source`].
pub fn cap_provenance() -> BoxedStrategy<CapProvenance> {
    (capability(), prov_source())
        .prop_map(|(cap, source)| CapProvenance { cap, source })
        .boxed()
}

/// Sources of every kind, with nasty contents and each end of `chain_depth`.
///
/// One in five is of an [`unknown_kind`]. Shrinks to the allow list.
pub fn prov_source() -> BoxedStrategy<ProvSource> {
    let issuer = prop_oneof!["did:key:z6Mk[1-9A-HJ-NP-Za-km-z]{44}", nasty_string()];
    let unknown = prop_oneof![4 => unknown_kind(), 1 => one_of(OUTCOME_KINDS)];
    prop_oneof![
        2 => Just(ProvSource::StringAllowList),
        2 => (issuer, edge_u8()).prop_map(|(issuer_did, chain_depth)| ProvSource::UcanChain {
            issuer_did,
            chain_depth,
        }),
        1 => unknown.prop_map(|kind| ProvSource::Unknown { kind }),
    ]
    .boxed()
}

/// Kinds that no version of the schema knows, neither of an outcome nor of a
/// source.
///
/// Favours those that a sloppy comparison takes for a known one (another case, a
/// blank, a letter less), the empty one, and names of the type itself.
pub fn unknown_kind() -> BoxedStrategy<String> {
    let near = select(vec![
        "",
        "unknown",
        "Unknown",
        "kind",
        "Success",
        "SUCCESS",
        "succes",
        "success ",
        " success",
        "success\0",
        "execution-failed",
        "executionFailed",
        "ToolNotFound",
        "ucan_chain_v2",
        "string_allow_lists",
    ]);
    prop_oneof![near.prop_map(str::to_owned), nasty_string()]
        .prop_filter("a known kind", |kind| {
            !OUTCOME_KINDS.contains(&kind.as_str()) && !SOURCE_KINDS.contains(&kind.as_str())
        })
        .boxed()
}

/// Capabilities: words as programs use them, and nasty ones.
fn capability() -> BoxedStrategy<String> {
    prop_oneof!["[a-z]{1,6}\\.[a-z]{1,6}", nasty_string()].boxed()
}

/// Nine in ten from that strategy, the rest nasty.
fn mostly(usual: impl Strategy<Value = String> + 'static) -> BoxedStrategy<String> {
    prop_oneof![9 => usual, 1 => nasty_string()].boxed()
}

/// Lists: a third empty, a few longer than a hundred.
fn list<T>(item: BoxedStrategy<T>) -> BoxedStrategy<Vec<T>>
where
    T: Clone + std::fmt::Debug + 'static,
{
    let long = (vec(item.clone(), 1..4), 30..90_usize)
        .prop_map(|(items, times)| std::iter::repeat_n(items, times).flatten().collect());
    prop_oneof![
        10 => Just(Vec::new()),
        20 => vec(item, 1..4),
        1 => long,
    ]
    .boxed()
}

fn one_of(kinds: &'static [&'static str]) -> impl Strategy<Value = String> {
    select(kinds).prop_map(str::to_owned)
}
