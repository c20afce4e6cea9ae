use audit_schema::CallEvent;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

use super::json::{Dice, Json, Members, Order, Style};
use super::{call_event, edge_u64, nasty_string};

/// A line as another program may have written it, from [`wire_line`].
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct WireLine {
    /// One JSON object on one line, without an LF.
    pub line: String,
    /// What it means.
    pub event: CallEvent,
}

/// Lines of JSON in all the forms that mean the same event, for readers.
///
/// Each of these is done about half the time, alone and with others:
/// - members in the order of the schema, sorted by name (as `jq -S` leaves them:
///   `kind` then comes late), or shuffled, at every level;
/// - members that the schema doesn't know, nested ones too, at every level: with
///   names near known ones, with values that known members may not have, and
///   members that another kind has. A reader that searches the text for `"ts":`
///   finds the wrong one. None is called `chain`, none stands twice;
/// - `caller_id`, `cursor_page` and `capability_provenance` as `null` where there
///   is none; `secrets_resolved` left out where it is `false`;
/// - blanks and tabs between tokens;
/// - escapes in place of plain characters, in names and values, with surrogate
///   pairs and either case of hex digits.
///
/// Shrinks to the very line that `serde_json` writes.
#[expect(clippy::missing_panics_doc, reason = "it never does")]
pub fn wire_line() -> BoxedStrategy<WireLine> {
    (call_event(), form())
        .prop_map(|(event, form)| {
            let mut json = Json::from(&event);
            let bytes = form.apply(&mut json);
            let line = String::from_utf8(bytes).expect("made of strings");
            WireLine { line, event }
        })
        .boxed()
}

/// How a line departs from what the library would write.
#[derive(Debug, Clone)]
pub(super) struct Form {
    style: Style,
    nulls: bool,
    left_out: bool,
    unknown: Members,
    seed: u64,
}

pub(super) fn form() -> BoxedStrategy<Form> {
    let order = select(vec![Order::AsWritten, Order::Sorted, Order::Shuffled]);
    let unknown = prop_oneof![Just(Vec::new()), vec((unknown_member(), any_json()), 1..5),];
    let flags = (any::<bool>(), any::<bool>(), any::<bool>(), any::<bool>());
    (order, flags, unknown, any::<u64>())
        .prop_map(
            |(order, (blanks, escapes, nulls, left_out), unknown, seed)| Form {
                style: Style {
                    order,
                    blanks,
                    escapes,
                },
                nulls,
                left_out,
                unknown,
                seed,
            },
        )
        .boxed()
}

impl Form {
    pub(super) fn dice(&self) -> Dice {
        Dice::new(self.seed)
    }

    /// This form, but for members left out: those might be the broken ones.
    pub(super) fn with_all_members(self) -> Self {
        Self {
            left_out: false,
            ..self
        }
    }

    /// Changes an event into this form, and writes it.
    pub(super) fn apply(&self, event: &mut Json) -> Vec<u8> {
        let dice = &mut self.dice();
        if let Json::Object(members) = event {
            for name in ["caller_id", "cursor_page", "capability_provenance"] {
                let there = members.iter().any(|(member, _)| member == name);
                if self.nulls && !there && dice.one_in(2) {
                    members.push((name.to_owned(), Json::bare("null")));
                }
            }
            if self.left_out {
                members.retain(|(name, value)| {
                    let unset = matches!(value, Json::Bare(bare) if bare == b"false");
                    name != "secrets_resolved" || !unset
                });
            }
        }
        if !self.unknown.is_empty() {
            self.add_unknown(event, dice);
        }
        event.render(self.style, dice)
    }

    fn add_unknown(&self, json: &mut Json, dice: &mut Dice) {
        match json {
            Json::Array(items) => {
                for item in items {
                    self.add_unknown(item, dice);
                }
            }
            Json::Object(members) => {
                for (_, value) in members.iter_mut() {
                    self.add_unknown(value, dice);
                }
                for (name, value) in &self.unknown {
                    if dice.one_in(2) {
                        add(members, name, value.clone(), dice);
                    }
                }
                for name in foreign_members(members) {
                    if dice.one_in(2) {
                        let value = dice.pick(&self.unknown).1.clone();
                        add(members, name, value, dice);
                    }
                }
            }
            Json::Bare(_) | Json::Text(_) => {}
        }
    }
}

fn add(members: &mut Members, name: &str, value: Json, dice: &mut Dice) {
    if members.iter().all(|(taken, _)| taken != name) {
        let place = dice.below(members.len() + 1);
        members.insert(place, (name.to_owned(), value));
    }
}

/// The members that other kinds have: `code` means nothing in a success.
fn foreign_members(members: &Members) -> Vec<&'static str> {
    const OUTCOME: &[&str] = &["code", "retryable", "message", "missing", "retry_after_ms"];
    const SOURCE: &[&str] = &["issuer_did", "chain_depth"];
    let kind = members.iter().find_map(|(name, value)| match value {
        Json::Text(kind) if name == "kind" => Some(kind.as_str()),
        _ => None,
    });
    let own: &[&str] = match kind {
        None => return Vec::new(),
        Some("execution_failed") => &["code", "retryable"],
        Some("invalid_args") => &["message"],
        Some("capability_denied") => &["missing"],
        Some("rate_limited") => &["retry_after_ms"],
        Some("ucan_chain") => SOURCE,
        Some(_) => &[],
    };
    let all = OUTCOME.iter().chain(SOURCE).copied();
    all.filter(|name| !own.contains(name)).collect()
}

/// Names that no object of the schema has, many of them nearly so.
fn unknown_member() -> impl Strategy<Value = String> {
    const KNOWN: &[&str] = &[
        "ts",
        "call_id",
        "tool_id",
        "caller_id",
        "granted_capabilities",
        "duration_ms",
        "outcome",
        "tier",
        "dry_run",
        "schema_version",
        "secrets_resolved",
        "cursor_page",
        "capability_provenance",
        "kind",
        "code",
        "retryable",
        "message",
        "missing",
        "retry_after_ms",
        "cap",
        "source",
        "issuer_did",
        "chain_depth",
        "chain",
    ];
    let near = select(vec![
        "",
        "Ts",
        "ts ",
        "\"ts\":\"",
        "TS",
        "call-id",
        "callId",
        "outcome.kind",
        "kinds",
        "Kind",
        "trace_id",
        "caller",
        "$schema",
        "__proto__",
    ]);
    prop_oneof![near.prop_map(str::to_owned), nasty_string()]
        .prop_filter("a known member", |name| !KNOWN.contains(&name.as_str()))
}

/// Any JSON, at most a few levels deep; its objects have members named as the
/// schema's.
fn any_json() -> BoxedStrategy<Json> {
    let leaf = prop_oneof![
        2 => select(vec![
            "null", "true", "false", "-1", "-0", "1.5", "1e30", "-2.5E-3", "18446744073709551616",
        ])
        .prop_map(Json::bare),
        2 => edge_u64().prop_map(Json::bare),
        3 => nasty_string().prop_map(Json::Text),
    ];
    let name = select(vec!["ts", "kind", "outcome", "schema_version", "x", ""]);
    leaf.prop_recursive(4, 16, 4, move |inner| {
        prop_oneof![
            vec(inner.clone(), 0..4).prop_map(Json::Array),
            prop::collection::btree_map(name.clone().prop_map(str::to_owned), inner, 0..4)
                .prop_map(|members| Json::Object(members.into_iter().collect())),
        ]
    })
    .boxed()
}
