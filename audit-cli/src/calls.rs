//! Calls, as lines of a log tell of them.

pub(crate) mod filter;
pub(crate) mod glob;
pub(crate) mod moment;
pub(crate) mod outcome;

use std::borrow::Cow;

use audit_jsonl::form::{self, Chain, Line, Record};
use audit_jsonl::{CallEvent, LogLine, Outcome, RecordError};

/// A call, by the line that tells of it. Nothing is copied out of a line that is
/// written as the library writes it.
#[derive(Debug)]
#[expect(
    clippy::large_enum_variant,
    reason = "one stands on the stack at a time, and the large one is rare"
)]
pub(crate) enum Call<'a> {
    Record(&'a Record<'a>),
    Event(Cow<'a, CallEvent>),
}

/// What an outcome says besides its kind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Detail<'a> {
    None,
    Failed { code: Cow<'a, str>, retryable: bool },
    Invalid { message: Cow<'a, str> },
    Denied { missing: Vec<Cow<'a, str>> },
    Limited { retry_after_ms: Option<u64> },
}

impl<'a> Call<'a> {
    /// The call that a line tells of; `None` when it is the log's own record.
    pub(crate) fn of(line: &'a LogLine<'a>) -> Result<Option<Self>, RecordError> {
        if line.is_own() {
            return Ok(None);
        }
        Ok(Some(match line.form() {
            Ok(Line::Record(record)) => Self::Record(record),
            Ok(Line::Loose(event)) => Self::Event(Cow::Borrowed(event)),
            Err(_) => Self::Event(Cow::Owned(line.event()?)),
        }))
    }

    pub(crate) fn ts(&self) -> Cow<'_, str> {
        match self {
            Self::Record(record) => record.ts.unescaped(),
            Self::Event(event) => Cow::Borrowed(&event.ts),
        }
    }

    pub(crate) fn call_id(&self) -> Cow<'_, str> {
        match self {
            Self::Record(record) => record.call_id.unescaped(),
            Self::Event(event) => Cow::Borrowed(&event.call_id),
        }
    }

    pub(crate) fn tool(&self) -> Cow<'_, str> {
        match self {
            Self::Record(record) => record.tool_id.unescaped(),
            Self::Event(event) => Cow::Borrowed(&event.tool_id),
        }
    }

    pub(crate) fn caller(&self) -> Option<Cow<'_, str>> {
        match self {
            Self::Record(record) => record.caller_id.map(|caller| caller.unescaped()),
            Self::Event(event) => event.caller_id.as_deref().map(Cow::Borrowed),
        }
    }

    pub(crate) fn tier(&self) -> Cow<'_, str> {
        match self {
            Self::Record(record) => record.tier.unescaped(),
            Self::Event(event) => Cow::Borrowed(&event.tier),
        }
    }

    pub(crate) fn duration_ms(&self) -> u64 {
        match self {
            Self::Record(record) => record.duration_ms,
            Self::Event(event) => event.duration_ms,
        }
    }

    pub(crate) fn dry_run(&self) -> bool {
        match self {
            Self::Record(record) => record.dry_run,
            Self::Event(event) => event.dry_run,
        }
    }

    /// The kind of its outcome, as it stands in the line.
    pub(crate) fn kind(&self) -> Cow<'_, str> {
        match self {
            Self::Record(record) => record.outcome.kind().unescaped(),
            Self::Event(event) => Cow::Borrowed(event.outcome.kind()),
        }
    }

    pub(crate) fn outcome(&self) -> outcome::Kind {
        use outcome::Kind;
        match self {
            Self::Record(record) => match record.outcome {
                form::Outcome::Success => Kind::Success,
                form::Outcome::ExecutionFailed { .. } => Kind::ExecutionFailed,
                form::Outcome::InvalidArgs { .. } => Kind::InvalidArgs,
                form::Outcome::CapabilityDenied { .. } => Kind::CapabilityDenied,
                form::Outcome::RateLimited { .. } => Kind::RateLimited,
                form::Outcome::ToolNotFound => Kind::ToolNotFound,
                _ => Kind::Unknown,
            },
            Self::Event(event) => match event.outcome {
                Outcome::Success => Kind::Success,
                Outcome::ExecutionFailed { .. } => Kind::ExecutionFailed,
                Outcome::InvalidArgs { .. } => Kind::InvalidArgs,
                Outcome::CapabilityDenied { .. } => Kind::CapabilityDenied,
                Outcome::RateLimited { .. } => Kind::RateLimited,
                Outcome::ToolNotFound => Kind::ToolNotFound,
                _ => Kind::Unknown,
            },
        }
    }

    pub(crate) fn detail(&self) -> Detail<'_> {
        match self {
            Self::Record(record) => match record.outcome {
                form::Outcome::ExecutionFailed { code, retryable } => Detail::Failed {
                    code: code.unescaped(),
                    retryable,
                },
                form::Outcome::InvalidArgs { message } => Detail::Invalid {
                    message: message.unescaped(),
                },
                form::Outcome::CapabilityDenied { missing } => Detail::Denied {
                    missing: missing.iter().map(|text| text.unescaped()).collect(),
                },
                form::Outcome::RateLimited { retry_after_ms } => Detail::Limited { retry_after_ms },
                _ => Detail::None,
            },
            Self::Event(event) => match &event.outcome {
                Outcome::ExecutionFailed { code, retryable } => Detail::Failed {
                    code: Cow::Borrowed(code),
                    retryable: *retryable,
                },
                Outcome::InvalidArgs { message } => Detail::Invalid {
                    message: Cow::Borrowed(message),
                },
                Outcome::CapabilityDenied { missing } => Detail::Denied {
                    missing: missing.iter().map(|text| Cow::Borrowed(&**text)).collect(),
                },
                Outcome::RateLimited { retry_after_ms } => Detail::Limited {
                    retry_after_ms: *retry_after_ms,
                },
                _ => Detail::None,
            },
        }
    }

    /// Whether one of the capabilities that it ran with, or that it lacked, is
    /// among those looked for.
    pub(crate) fn has_capability(&self, is_looked_for: impl Fn(&str) -> bool) -> bool {
        match self {
            Self::Record(record) => {
                let granted = record.granted_capabilities.iter();
                let missing = match record.outcome {
                    form::Outcome::CapabilityDenied { missing } => Some(missing.iter()),
                    _ => None,
                };
                let mut all = granted.chain(missing.into_iter().flatten());
                all.any(|text| is_looked_for(&text.unescaped()))
            }
            Self::Event(event) => {
                let missing = match &event.outcome {
                    Outcome::CapabilityDenied { missing } => &missing[..],
                    _ => &[],
                };
                let mut all = event.granted_capabilities.iter().chain(missing);
                all.any(|text| is_looked_for(text))
            }
        }
    }

    /// The whole of it, in values of its own.
    pub(crate) fn to_event(&self) -> Cow<'_, CallEvent> {
        match self {
            Self::Record(record) => Cow::Owned(record.to_event()),
            Self::Event(event) => Cow::Borrowed(event),
        }
    }

    /// Its place in a chain, if it has one and is in form.
    pub(crate) fn chain(&self) -> Option<&Chain<'a>> {
        match self {
            Self::Record(record) => record.chain.as_ref(),
            Self::Event(_) => None,
        }
    }
}
