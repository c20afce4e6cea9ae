//! The members of an event.

use std::iter;

use audit_schema::{CallEvent, CapProvenance, ProvSource};

use crate::form::cursor::{Cursor, Names, Step};
use crate::form::{Chain, Text, Texts};

/// A record, as it stands in a line. The members are those of [`CallEvent`].
#[derive(Debug, Clone, Copy, PartialEq, Default)]
#[expect(missing_docs, reason = "said by the fields of `CallEvent`")]
pub struct Record<'a> {
    pub ts: Text<'a>,
    pub call_id: Text<'a>,
    pub tool_id: Text<'a>,
    pub caller_id: Option<Text<'a>>,
    pub granted_capabilities: Texts<'a>,
    pub duration_ms: u64,
    pub outcome: Outcome<'a>,
    pub tier: Text<'a>,
    pub dry_run: bool,
    pub schema_version: u32,
    pub secrets_resolved: bool,
    pub cursor_page: Option<u32>,
    pub capability_provenance: Option<Provenances<'a>>,
    /// Its place in the chain; none in a plain line.
    pub chain: Option<Chain<'a>>,
}

/// How a call ended: [`audit_schema::Outcome`], as it stands in a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[expect(
    missing_docs,
    reason = "said by the variants of `audit_schema::Outcome`"
)]
#[non_exhaustive]
pub enum Outcome<'a> {
    #[default]
    Success,
    ExecutionFailed {
        code: Text<'a>,
        retryable: bool,
    },
    InvalidArgs {
        message: Text<'a>,
    },
    CapabilityDenied {
        missing: Texts<'a>,
    },
    RateLimited {
        retry_after_ms: Option<u64>,
    },
    ToolNotFound,
    /// A kind that this version doesn't know.
    Unknown {
        kind: Text<'a>,
    },
}

impl<'a> Outcome<'a> {
    /// The `kind` as it stands in the line, as `"rate_limited"`.
    #[must_use]
    pub fn kind(&self) -> Text<'a> {
        Text(match self {
            Self::Success => "success",
            Self::ExecutionFailed { .. } => "execution_failed",
            Self::InvalidArgs { .. } => "invalid_args",
            Self::CapabilityDenied { .. } => "capability_denied",
            Self::RateLimited { .. } => "rate_limited",
            Self::ToolNotFound => "tool_not_found",
            Self::Unknown { kind } => return *kind,
        })
    }
}

/// The list of where capabilities came from, as it stands in a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Provenances<'a>(&'a str);

/// One granted capability and where it came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Provenance<'a> {
    /// The capability.
    pub cap: Text<'a>,
    /// Where it came from.
    pub source: Source<'a>,
}

/// Where a capability came from: [`ProvSource`], as it stands in a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "said by the variants of `ProvSource`")]
#[non_exhaustive]
pub enum Source<'a> {
    StringAllowList,
    UcanChain {
        issuer_did: Text<'a>,
        chain_depth: u8,
    },
    /// A kind that this version doesn't know.
    Unknown {
        kind: Text<'a>,
    },
}

impl<'a> Provenances<'a> {
    /// Each of them, in order.
    pub fn iter(&self) -> impl Iterator<Item = Provenance<'a>> + use<'a> {
        let mut cursor = Cursor::new(self.0);
        iter::from_fn(move || {
            cursor.passes(b",");
            provenance(&mut cursor).ok()
        })
    }
}

/// The names of an event's members, and `chain`.
const KNOWN: [&str; 14] = [
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
    "chain",
];

impl<'a> Record<'a> {
    /// Reads up to the brace or the comma behind the last member.
    #[inline]
    pub(super) fn read_event(&mut self, cursor: &mut Cursor<'a>, later: bool) -> Step<()> {
        if later {
            return self.read_later_event(cursor);
        }
        cursor.expect(b"{\"ts\":\"", "expected a record, `ts` first")?;
        self.ts = cursor.text()?;
        cursor.expect(b",\"call_id\":\"", "expected `call_id`")?;
        self.call_id = cursor.text()?;
        cursor.expect(b",\"tool_id\":\"", "expected `tool_id`")?;
        self.tool_id = cursor.text()?;
        if cursor.passes(b",\"caller_id\":\"") {
            self.caller_id = Some(cursor.text()?);
        }
        cursor.expect(
            b",\"granted_capabilities\":[",
            "expected `granted_capabilities`",
        )?;
        self.granted_capabilities = texts(cursor)?;
        cursor.expect(b",\"duration_ms\":", "expected `duration_ms`")?;
        self.duration_ms = cursor.number(u64::MAX)?;
        cursor.expect(b",\"outcome\":", "expected `outcome`")?;
        self.outcome = outcome(cursor)?;
        cursor.expect(b",\"tier\":\"", "expected `tier`")?;
        self.tier = cursor.text()?;
        cursor.expect(b",\"dry_run\":", "expected `dry_run`")?;
        self.dry_run = cursor.bool()?;
        cursor.expect(b",\"schema_version\":", "expected `schema_version`")?;
        self.schema_version = cursor.number(u32::MAX.into())? as u32;
        cursor.expect(b",\"secrets_resolved\":", "expected `secrets_resolved`")?;
        self.secrets_resolved = cursor.bool()?;
        if cursor.passes(b",\"cursor_page\":") {
            self.cursor_page = Some(cursor.number(u32::MAX.into())? as u32);
        }
        if cursor.passes(b",\"capability_provenance\":[") {
            self.capability_provenance = Some(provenances(cursor)?);
        }
        Ok(())
    }

    /// As above; members of other names may stand among those that are known.
    #[cold]
    fn read_later_event(&mut self, cursor: &mut Cursor<'a>) -> Step<()> {
        cursor.expect(b"{", "expected a record")?;
        let mut names = Names::of(&KNOWN);
        let mut next = 0;
        let mut first = true;
        loop {
            let before = cursor.clone();
            if cursor.starts_with(b",\"chain\":") || cursor.starts_with(b"}") {
                break;
            }
            if !first {
                cursor.expect(b",", "expected another member")?;
            }
            first = false;
            cursor.expect(b"\"", "expected the name of a member")?;
            let known = {
                let Text(name) = cursor.clone().text()?;
                KNOWN.iter().position(|known| *known == name)
            };
            let Some(place) = known else {
                cursor.unknown_member(&mut names, 100)?;
                continue;
            };
            if place < next {
                *cursor = before;
                return Err("a member that stands twice, or not in its place");
            }
            let skipped = &KNOWN[next..place];
            if skipped
                .iter()
                .any(|name| *name != "caller_id" && *name != "cursor_page")
            {
                *cursor = before;
                return Err("a member is missing before this one");
            }
            next = place + 1;
            cursor.text()?;
            cursor.expect(b":", "expected a colon")?;
            self.read_member(place, cursor)?;
        }
        if next <= 10 {
            return Err("a member is missing");
        }
        Ok(())
    }

    fn read_member(&mut self, place: usize, cursor: &mut Cursor<'a>) -> Step<()> {
        if matches!(place, 0..=3 | 7) {
            cursor.expect(b"\"", "expected a string")?;
        }
        match place {
            0 => self.ts = cursor.text()?,
            1 => self.call_id = cursor.text()?,
            2 => self.tool_id = cursor.text()?,
            3 => self.caller_id = Some(cursor.text()?),
            4 => {
                cursor.expect(b"[", "expected a list")?;
                self.granted_capabilities = texts(cursor)?;
            }
            5 => self.duration_ms = cursor.number(u64::MAX)?,
            6 => self.outcome = outcome(cursor)?,
            7 => self.tier = cursor.text()?,
            8 => self.dry_run = cursor.bool()?,
            9 => self.schema_version = cursor.number(u32::MAX.into())? as u32,
            10 => self.secrets_resolved = cursor.bool()?,
            11 => self.cursor_page = Some(cursor.number(u32::MAX.into())? as u32),
            _ => {
                cursor.expect(b"[", "expected a list")?;
                self.capability_provenance = Some(provenances(cursor)?);
            }
        }
        Ok(())
    }

    /// The event, in values of its own.
    #[must_use]
    pub fn to_event(&self) -> CallEvent {
        let own = |text: Text<'_>| text.unescaped().into_owned();
        let owns = |texts: Texts<'_>| texts.iter().map(own).collect();
        let outcome = match self.outcome {
            Outcome::Success => audit_schema::Outcome::Success,
            Outcome::ExecutionFailed { code, retryable } => {
                audit_schema::Outcome::ExecutionFailed {
                    code: own(code),
                    retryable,
                }
            }
            Outcome::InvalidArgs { message } => audit_schema::Outcome::InvalidArgs {
                message: own(message),
            },
            Outcome::CapabilityDenied { missing } => audit_schema::Outcome::CapabilityDenied {
                missing: owns(missing),
            },
            Outcome::RateLimited { retry_after_ms } => {
                audit_schema::Outcome::RateLimited { retry_after_ms }
            }
            Outcome::ToolNotFound => audit_schema::Outcome::ToolNotFound,
            Outcome::Unknown { kind } => audit_schema::Outcome::Unknown { kind: own(kind) },
        };
        let provenance = |one: Provenance<'_>| CapProvenance {
            cap: own(one.cap),
            source: match one.source {
                Source::StringAllowList => ProvSource::StringAllowList,
                Source::UcanChain {
                    issuer_did,
                    chain_depth,
                } => ProvSource::UcanChain {
                    issuer_did: own(issuer_did),
                    chain_depth,
                },
                Source::Unknown { kind } => ProvSource::Unknown { kind: own(kind) },
            },
        };
        let mut event = CallEvent::new(
            own(self.ts),
            own(self.call_id),
            own(self.tool_id),
            self.duration_ms,
            outcome,
            own(self.tier),
        )
        .with_caller_id(self.caller_id.map(own))
        .with_granted_capabilities(owns(self.granted_capabilities))
        .with_dry_run(self.dry_run)
        .with_secrets_resolved(self.secrets_resolved)
        .with_cursor_page(self.cursor_page)
        .with_capability_provenance(
            self.capability_provenance
                .map(|list| list.iter().map(provenance).collect()),
        );
        event.schema_version = self.schema_version;
        event
    }
}

/// From behind the opening bracket to behind the other.
#[inline]
fn texts<'a>(cursor: &mut Cursor<'a>) -> Step<Texts<'a>> {
    let start = cursor.at();
    if cursor.passes(b"]") {
        return Ok(Texts(""));
    }
    loop {
        cursor.expect(b"\"", "expected a string")?;
        cursor.text()?;
        if cursor.passes(b"]") {
            return Ok(Texts(cursor.between(start, cursor.at() - 1)));
        }
        cursor.expect(b",", "expected a comma or the list's end")?;
    }
}

#[inline]
fn outcome<'a>(cursor: &mut Cursor<'a>) -> Step<Outcome<'a>> {
    if cursor.passes(b"{\"kind\":\"success\"}") {
        return Ok(Outcome::Success);
    }
    cursor.expect(b"{\"kind\":\"", "expected an outcome")?;
    let kind = cursor.text()?;
    if cursor.passes(b"}") {
        return Ok(match kind.0 {
            "tool_not_found" => Outcome::ToolNotFound,
            // Known or not, this is what is written of `Unknown`.
            _ => Outcome::Unknown { kind },
        });
    }
    let outcome = match kind.0 {
        "success" | "tool_not_found" => return Err("expected the outcome's end"),
        "execution_failed" => {
            cursor.expect(b",\"code\":\"", "expected `code`")?;
            let code = cursor.text()?;
            cursor.expect(b",\"retryable\":", "expected `retryable`")?;
            let retryable = cursor.bool()?;
            Outcome::ExecutionFailed { code, retryable }
        }
        "invalid_args" => {
            cursor.expect(b",\"message\":\"", "expected `message`")?;
            let message = cursor.text()?;
            Outcome::InvalidArgs { message }
        }
        "capability_denied" => {
            cursor.expect(b",\"missing\":[", "expected `missing`")?;
            let missing = texts(cursor)?;
            Outcome::CapabilityDenied { missing }
        }
        "rate_limited" => {
            cursor.expect(b",\"retry_after_ms\":", "expected `retry_after_ms`")?;
            let retry_after_ms = if cursor.passes(b"null") {
                None
            } else {
                Some(cursor.number(u64::MAX)?)
            };
            Outcome::RateLimited { retry_after_ms }
        }
        _ => {
            rest_of_unknown(cursor)?;
            Outcome::Unknown { kind }
        }
    };
    cursor.expect(b"}", "expected the outcome's end")?;
    Ok(outcome)
}

/// From behind the opening bracket to behind the other.
#[inline]
fn provenances<'a>(cursor: &mut Cursor<'a>) -> Step<Provenances<'a>> {
    let start = cursor.at();
    if cursor.passes(b"]") {
        return Ok(Provenances(""));
    }
    loop {
        provenance(cursor)?;
        if cursor.passes(b"]") {
            return Ok(Provenances(cursor.between(start, cursor.at() - 1)));
        }
        cursor.expect(b",", "expected a comma or the list's end")?;
    }
}

#[inline]
fn provenance<'a>(cursor: &mut Cursor<'a>) -> Step<Provenance<'a>> {
    cursor.expect(b"{\"cap\":\"", "expected `cap`")?;
    let cap = cursor.text()?;
    cursor.expect(b",\"source\":{\"kind\":\"", "expected `source`")?;
    let kind = cursor.text()?;
    if cursor.passes(b"}}") {
        let source = match kind.0 {
            "string_allow_list" => Source::StringAllowList,
            _ => Source::Unknown { kind },
        };
        return Ok(Provenance { cap, source });
    }
    let source = match kind.0 {
        "string_allow_list" => return Err("expected the end of `source`"),
        "ucan_chain" => {
            cursor.expect(b",\"issuer_did\":\"", "expected `issuer_did`")?;
            let issuer_did = cursor.text()?;
            cursor.expect(b",\"chain_depth\":", "expected `chain_depth`")?;
            let chain_depth = cursor.number(u8::MAX.into())? as u8;
            Source::UcanChain {
                issuer_did,
                chain_depth,
            }
        }
        _ => {
            rest_of_unknown(cursor)?;
            Source::Unknown { kind }
        }
    };
    cursor.expect(b"}}", "expected the end of `source`")?;
    Ok(Provenance { cap, source })
}

/// The members that a kind has which is not known.
#[cold]
fn rest_of_unknown(cursor: &mut Cursor<'_>) -> Step<()> {
    if cursor.starts_with(b",\"") {
        let mut names = Names::of(&["kind"]);
        while cursor.passes(b",\"") {
            cursor.unknown_member(&mut names, 100)?;
        }
    }
    Ok(())
}
