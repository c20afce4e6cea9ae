use serde::de::{Deserializer, MapAccess};
use serde::{Deserialize, Serialize};

use crate::provenance::Provenance;
use crate::reading::{Shape, Slot, next_name, shape, skip};
use crate::{CapProvenance, Outcome};

/// The version of the record that this crate writes.
///
/// | version | what it added |
/// |---|---|
/// | 1 | the record |
/// | 2 | `cursor_page` |
/// | 3 | `capability_provenance` |
///
/// Versions only ever add optional members, so any reader reads any record: an
/// older one passes over what it doesn't know.
pub const SCHEMA_VERSION: u32 = 3;

/// One tool call: who called what, when, with which rights, and how it ended.
///
/// On the wire it is one JSON object, its members in the order of the fields
/// here. It holds no argument and no result of the call.
///
/// Made by [`CallEvent::new`] and the `with_*` setters, so that a later version
/// can add a field without breaking whoever makes events:
///
/// ```
/// use audit_schema::{CallEvent, Outcome};
///
/// let event = CallEvent::new(
///     "2026-11-20T09:30:00.000000Z",
///     "01JD4Z8W3K9V2N7Q5T1R6Y0XBC",
///     "files:read",
///     12,
///     Outcome::Success,
///     "hot",
/// )
/// .with_caller_id(Some("claude-desktop 1.4".into()))
/// .with_granted_capabilities(vec!["fs.read".into()]);
///
/// let line = serde_json::to_string(&event)?;
/// assert!(line.starts_with(r#"{"ts":"2026-11-20T09:30:00.000000Z","call_id":"#));
/// assert_eq!(serde_json::from_str::<CallEvent>(&line)?, event);
/// # Ok::<(), serde_json::Error>(())
/// ```
// `Deserialize` is written out below. `default` says here, to the generator of the
// JSON Schema among others, which members it lets be missing.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize)]
#[non_exhaustive]
pub struct CallEvent {
    /// When the call began: RFC 3339, UTC, as `"2026-11-20T09:30:00.000000Z"`.
    ///
    /// Since version 1. The wall clock of the recording machine, which may step
    /// back. The form is the producer's promise; reading doesn't check it.
    pub ts: String,

    /// Which call this was: unique among calls, by custom a ULID, as
    /// `"01JD4Z8W3K9V2N7Q5T1R6Y0XBC"`. Since version 1.
    pub call_id: String,

    /// Which tool was called, as `"files:read"`. Since version 1.
    ///
    /// For a tool that doesn't exist it is the name that the caller asked for.
    pub tool_id: String,

    /// Who called, as `"claude-desktop 1.4"`; absent when nobody knew. Since
    /// version 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub caller_id: Option<String>,

    /// The capabilities that the call ran with, as `["fs.read"]`; always
    /// there, empty when there were none. Since version 1.
    pub granted_capabilities: Vec<String>,

    /// How long the call took, in milliseconds, as `12`; `0` for anything below
    /// one. Since version 1.
    pub duration_ms: u64,

    /// How the call ended, as `{"kind":"success"}`. Since version 1.
    pub outcome: Outcome,

    /// The class of service that the runtime put the tool in, as `"hot"`,
    /// `"warm"` or `"cold"`; the runtime's own word. Since version 1.
    pub tier: String,

    /// `true` when the call only said what it would do. Since version 1.
    pub dry_run: bool,

    /// The version of this record, as `3`: that of the library which wrote it.
    /// Since version 1. See [`SCHEMA_VERSION`].
    pub schema_version: u32,

    /// `true` when the call was given a secret (a token, a password); which one
    /// is never recorded. Since version 1; early records lack it, which reads as
    /// `false`.
    #[serde(default)]
    pub secrets_resolved: bool,

    /// Which page of a paged result this call fetched, counted from `1`; absent
    /// when the result has no pages. Since version 2; a reader of version 1
    /// passes over it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cursor_page: Option<u32>,

    /// Where each granted capability came from, as
    /// `[{"cap":"fs.read","source":{"kind":"string_allow_list"}}]`; absent when
    /// the runtime doesn't track it. Since version 3; older readers pass over
    /// it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub capability_provenance: Option<Vec<CapProvenance>>,
}

impl CallEvent {
    /// An event with what every call has. The rest is: nobody known to have
    /// called, no capabilities, no dry run, no secrets, no page, no provenance.
    #[must_use]
    pub fn new(
        ts: impl Into<String>,
        call_id: impl Into<String>,
        tool_id: impl Into<String>,
        duration_ms: u64,
        outcome: Outcome,
        tier: impl Into<String>,
    ) -> Self {
        Self {
            ts: ts.into(),
            call_id: call_id.into(),
            tool_id: tool_id.into(),
            caller_id: None,
            granted_capabilities: Vec::new(),
            duration_ms,
            outcome,
            tier: tier.into(),
            dry_run: false,
            schema_version: SCHEMA_VERSION,
            secrets_resolved: false,
            cursor_page: None,
            capability_provenance: None,
        }
    }

    /// Sets [`caller_id`](Self::caller_id).
    #[must_use]
    pub fn with_caller_id(mut self, caller_id: Option<String>) -> Self {
        self.caller_id = caller_id;
        self
    }

    /// Sets [`granted_capabilities`](Self::granted_capabilities).
    #[must_use]
    pub fn with_granted_capabilities(mut self, granted_capabilities: Vec<String>) -> Self {
        self.granted_capabilities = granted_capabilities;
        self
    }

    /// Sets [`dry_run`](Self::dry_run).
    #[must_use]
    pub fn with_dry_run(mut self, dry_run: bool) -> Self {
        self.dry_run = dry_run;
        self
    }

    /// Sets [`secrets_resolved`](Self::secrets_resolved).
    #[must_use]
    pub fn with_secrets_resolved(mut self, secrets_resolved: bool) -> Self {
        self.secrets_resolved = secrets_resolved;
        self
    }

    /// Sets [`cursor_page`](Self::cursor_page).
    #[must_use]
    pub fn with_cursor_page(mut self, cursor_page: Option<u32>) -> Self {
        self.cursor_page = cursor_page;
        self
    }

    /// Sets [`capability_provenance`](Self::capability_provenance).
    #[must_use]
    pub fn with_capability_provenance(
        mut self,
        capability_provenance: Option<Vec<CapProvenance>>,
    ) -> Self {
        self.capability_provenance = capability_provenance;
        self
    }
}

impl<'de> Deserialize<'de> for CallEvent {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        shape(deserializer)
    }
}

const MEMBERS: &[&str] = &[
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
];

impl Shape for CallEvent {
    const EXPECTED: &'static str = "a record: an object";

    fn from_object<'de, A: MapAccess<'de>>(mut map: A) -> Result<Self, A::Error> {
        let mut ts = Slot::new("ts");
        let mut call_id = Slot::new("call_id");
        let mut tool_id = Slot::new("tool_id");
        let mut caller_id = Slot::new("caller_id");
        let mut granted_capabilities = Slot::new("granted_capabilities");
        let mut duration_ms = Slot::new("duration_ms");
        let mut outcome = Slot::new("outcome");
        let mut tier = Slot::new("tier");
        let mut dry_run = Slot::new("dry_run");
        let mut schema_version = Slot::new("schema_version");
        let mut secrets_resolved = Slot::new("secrets_resolved");
        let mut cursor_page = Slot::new("cursor_page");
        let mut provenance: Slot<Provenance> = Slot::new("capability_provenance");
        let map = &mut map;
        while let Some(name) = next_name(map, MEMBERS)? {
            match name {
                "ts" => ts.read(map)?,
                "call_id" => call_id.read(map)?,
                "tool_id" => tool_id.read(map)?,
                "caller_id" => caller_id.read(map)?,
                "granted_capabilities" => granted_capabilities.read(map)?,
                "duration_ms" => duration_ms.read(map)?,
                "outcome" => outcome.read_nested(map)?,
                "tier" => tier.read(map)?,
                "dry_run" => dry_run.read(map)?,
                "schema_version" => schema_version.read(map)?,
                "secrets_resolved" => secrets_resolved.read(map)?,
                "cursor_page" => cursor_page.read(map)?,
                "capability_provenance" => provenance.read_nested(map)?,
                _ => skip(map)?,
            }
        }
        Ok(Self {
            ts: ts.required()?,
            call_id: call_id.required()?,
            tool_id: tool_id.required()?,
            caller_id: caller_id.or_default(),
            granted_capabilities: granted_capabilities.required()?,
            duration_ms: duration_ms.required()?,
            outcome: outcome.required()?,
            tier: tier.required()?,
            dry_run: dry_run.required()?,
            schema_version: schema_version.required()?,
            secrets_resolved: secrets_resolved.or_default(),
            cursor_page: cursor_page.or_default(),
            capability_provenance: provenance.or_default().0,
        })
    }
}
