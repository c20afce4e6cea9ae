use serde::{Deserialize, Serialize};

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
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
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
