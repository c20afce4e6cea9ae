use serde::de::{Deserializer, Error};
use serde::{Deserialize, Serialize};

use crate::reading::{Kinded, Members, shape};

/// How a call ended.
///
/// On the wire an object whose `kind` says which, in snake case, with the
/// members of that kind beside it.
///
/// ```
/// use audit_schema::Outcome;
///
/// let limited = Outcome::RateLimited { retry_after_ms: None };
/// assert_eq!(serde_json::to_string(&limited)?, r#"{"kind":"rate_limited","retry_after_ms":null}"#);
///
/// // A kind of a later version spoils nothing.
/// let later: Outcome = serde_json::from_str(r#"{"kind":"deferred","until":"noon"}"#)?;
/// assert_eq!(later, Outcome::Unknown { kind: "deferred".into() });
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Outcome {
    /// The tool ran and gave a result: `{"kind":"success"}`. Since version 1.
    Success,

    /// The tool ran and failed:
    /// `{"kind":"execution_failed","code":"ENOENT","retryable":false}`. Since
    /// version 1.
    ExecutionFailed {
        /// What failed, as a short stable code of the runtime's or the tool's.
        code: String,
        /// `true` when the same call may succeed later.
        retryable: bool,
    },

    /// The tool was not run, for its arguments were wrong:
    /// `{"kind":"invalid_args","message":"path: missing"}`. Since version 1.
    InvalidArgs {
        /// What was wrong with them, without quoting them.
        message: String,
    },

    /// The tool was not run, for the caller lacked a right:
    /// `{"kind":"capability_denied","missing":["fs.write"]}`. Since version 1.
    CapabilityDenied {
        /// The capabilities that were lacking.
        missing: Vec<String>,
    },

    /// The tool was not run, for the caller had called too often:
    /// `{"kind":"rate_limited","retry_after_ms":250}`. Since version 1.
    RateLimited {
        /// After how many milliseconds to try again; `null` when nobody knew.
        retry_after_ms: Option<u64>,
    },

    /// There is no such tool: `{"kind":"tool_not_found"}`. Since version 1.
    ToolNotFound,

    /// A kind that this version of the library doesn't know, written by a later
    /// one: `{"kind":"…"}`. Its other members are not kept.
    #[serde(untagged)]
    Unknown {
        /// The kind as it stood there.
        kind: String,
    },
}

impl Outcome {
    /// The `kind` as it stands on the wire, as `"rate_limited"`; that of
    /// [`Unknown`](Self::Unknown) is whatever stood there.
    ///
    /// ```
    /// use audit_schema::Outcome;
    ///
    /// assert_eq!(Outcome::ToolNotFound.kind(), "tool_not_found");
    /// ```
    #[must_use]
    pub fn kind(&self) -> &str {
        match self {
            Self::Success => "success",
            Self::ExecutionFailed { .. } => "execution_failed",
            Self::InvalidArgs { .. } => "invalid_args",
            Self::CapabilityDenied { .. } => "capability_denied",
            Self::RateLimited { .. } => "rate_limited",
            Self::ToolNotFound => "tool_not_found",
            Self::Unknown { kind } => kind,
        }
    }
}

impl<'de> Deserialize<'de> for Outcome {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        shape(deserializer)
    }
}

impl Kinded for Outcome {
    const EXPECTED: &'static str = "an outcome: an object with a member `kind`";

    const KINDS: &'static [(&'static str, &'static [&'static str])] = &[
        ("success", &[]),
        ("execution_failed", &["code", "retryable"]),
        ("invalid_args", &["message"]),
        ("capability_denied", &["missing"]),
        ("rate_limited", &["retry_after_ms"]),
        ("tool_not_found", &[]),
    ];

    fn from_members<E: Error>(kind: &str, members: &mut Members) -> Result<Self, E> {
        Ok(match kind {
            "success" => Self::Success,
            "execution_failed" => Self::ExecutionFailed {
                code: members.get("code")?,
                retryable: members.get("retryable")?,
            },
            "invalid_args" => Self::InvalidArgs {
                message: members.get("message")?,
            },
            "capability_denied" => Self::CapabilityDenied {
                missing: members.get("missing")?,
            },
            "rate_limited" => Self::RateLimited {
                retry_after_ms: members.get("retry_after_ms")?,
            },
            "tool_not_found" => Self::ToolNotFound,
            _ => Self::Unknown { kind: kind.into() },
        })
    }
}
