//! How a call ended, by the shape of its answer. The table stands in docs/mcp.md.
//!
//! Servers say the same thing in many ways, and only some of them by a code. Texts
//! are looked at for fixed words; what goes into the record is made of codes and of
//! words of our own, unless texts were asked for.

use audit_jsonl::Outcome;

use crate::wrap::redact::redact;
use crate::wrap::scan::message::{Reply, RpcError};

const PARSE_ERROR: i64 = -32700;
const INVALID_REQUEST: i64 = -32600;
const METHOD_NOT_FOUND: i64 = -32601;
const INVALID_PARAMS: i64 = -32602;
const INTERNAL_ERROR: i64 = -32603;
const MISSING_CLIENT_CAPABILITY: i64 = -32021;
const REQUEST_CANCELLED: i64 = -32800;

/// Codes of calls that ended otherwise than by an answer, and of some that did.
pub(crate) mod code {
    /// The tool says that it failed.
    pub(crate) const TOOL_ERROR: &str = "tool_error";
    /// The client took the call back.
    pub(crate) const CANCELLED: &str = "cancelled";
    /// The client closed its end before there was an answer.
    pub(crate) const CLIENT_GONE: &str = "client_gone";
    /// `audit wrap` was told to end before there was an answer.
    pub(crate) const STOPPED: &str = "stopped";
    /// The server asked for input, and the client never came back with it.
    pub(crate) const INPUT_REQUIRED: &str = "input_required";
    /// The task failed, and the client never asked how.
    pub(crate) const TASK_FAILED: &str = "task_failed";
    /// The task had not ended.
    pub(crate) const TASK_UNFINISHED: &str = "task_unfinished";
    /// The log could not be written, and `refuse` was asked for.
    pub(crate) const REFUSED: &str = "refused_log_unavailable";
    /// More calls were open than are kept track of.
    pub(crate) const TOO_MANY_OPEN: &str = "too_many_open";
}

/// What is known of the tools that the server has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Listed {
    /// The server's list has it, or there is no full list.
    YesOrUnknown,
    Yes,
    No,
}

/// Whether the outcome shall say what the server said, redacted and cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Texts(pub(crate) bool);

impl Texts {
    fn with(self, words: String, text: &str) -> String {
        let text = if self.0 { redact(text) } else { String::new() };
        if text.is_empty() {
            words
        } else {
            format!("{words}: {text}")
        }
    }
}

pub(crate) fn failed(code: &str) -> Outcome {
    Outcome::ExecutionFailed {
        code: code.into(),
        retryable: false,
    }
}

/// Of a JSON-RPC error.
pub(crate) fn of_error(error: &RpcError, listed: Listed, texts: Texts) -> Outcome {
    let text = error.message.as_str();
    let number = error
        .code
        .map_or("without a code".into(), |code| code.to_string());
    let words = |prefix: &str| texts.with(format!("{prefix}{number}"), text);
    let invalid = || Outcome::InvalidArgs {
        message: words("json-rpc "),
    };
    match error.code {
        Some(PARSE_ERROR | INVALID_REQUEST) => invalid(),
        Some(MISSING_CLIENT_CAPABILITY) => Outcome::CapabilityDenied {
            missing: error.required.iter().map(|name| (*name).into()).collect(),
        },
        Some(0 | REQUEST_CANCELLED) if contains(text, &["cancel"]) => failed(code::CANCELLED),
        // Some answer so when the parameters are malformed.
        Some(METHOD_NOT_FOUND) if listed == Listed::Yes => invalid(),
        Some(METHOD_NOT_FOUND) => Outcome::ToolNotFound,
        Some(INVALID_PARAMS | INTERNAL_ERROR) if says_not_found(text) || listed == Listed::No => {
            Outcome::ToolNotFound
        }
        Some(INVALID_PARAMS) => invalid(),
        Some(INTERNAL_ERROR) if says_invalid(text) => invalid(),
        _ if says_rate_limited(text) => Outcome::RateLimited {
            retry_after_ms: error.retry_after_ms,
        },
        Some(401 | 403) => denied(),
        _ if says_denied(text) => denied(),
        _ => failed(&words("json-rpc ")),
    }
}

/// Of a result that ends the call.
pub(crate) fn of_result(reply: &Reply, listed: Listed, texts: Texts) -> Outcome {
    let text = reply.text.as_str();
    if !reply.is_error {
        Outcome::Success
    } else if says_not_found(text) || listed == Listed::No {
        Outcome::ToolNotFound
    } else if says_invalid(text) {
        Outcome::InvalidArgs {
            message: texts.with("tool error: invalid arguments".into(), text),
        }
    } else if says_rate_limited(text) {
        Outcome::RateLimited {
            retry_after_ms: None,
        }
    } else if says_denied(text) {
        denied()
    } else {
        failed(&texts.with(code::TOOL_ERROR.into(), text))
    }
}

fn denied() -> Outcome {
    // Which right was lacking no server says in a form of its own.
    Outcome::CapabilityDenied {
        missing: Vec::new(),
    }
}

fn says_not_found(text: &str) -> bool {
    let text = core(text).to_ascii_lowercase();
    let line = text.lines().next().unwrap_or_default().trim_end();
    line.starts_with("unknown tool")
        || line == "tool not found"
        || line.starts_with("tool ")
            && (line.ends_with(" not found") || line.ends_with(" disabled"))
}

/// Each as a validator of an SDK begins.
fn says_invalid(text: &str) -> bool {
    let text = core(text).to_ascii_lowercase();
    const BEGINNINGS: [&str; 5] = [
        "input validation error",
        "invalid arguments",
        "invalid parameters",
        "failed to deserialize parameters",
        "invalid tools/call request",
    ];
    BEGINNINGS
        .iter()
        .any(|beginning| text.starts_with(beginning))
        || says_validation_errors(&text)
        || is_list_of_issues(&text)
}

/// As pydantic: `2 validation errors for …`.
fn says_validation_errors(text: &str) -> bool {
    let rest = text.trim_start_matches(|letter: char| letter.is_ascii_digit());
    rest.len() < text.len()
        && (rest.starts_with(" validation error for ")
            || rest.starts_with(" validation errors for "))
}

/// As zod: a list of issues as JSON.
fn is_list_of_issues(text: &str) -> bool {
    text.starts_with('[') && text.contains("\"code\"") && text.contains("\"path\"")
}

fn says_rate_limited(text: &str) -> bool {
    contains(
        text,
        &[
            "rate limit",
            "rate-limit",
            "ratelimit",
            "too many requests",
            "quota exceeded",
        ],
    )
}

fn says_denied(text: &str) -> bool {
    contains(
        text,
        &[
            "access denied",
            "permission denied",
            "not permitted",
            "outside allowed director",
            "is outside the allowed",
            "refused to fetch",
            "forbidden",
            "unauthorized",
            "not authorized",
        ],
    )
}

/// Whether one of the words stands at the beginning, before a server quotes others.
fn contains(text: &str, words: &[&str]) -> bool {
    let head: String = text.chars().take(256).collect();
    let head = head.to_ascii_lowercase();
    words.iter().any(|word| head.contains(word))
}

/// The text without what SDKs and servers put before that of somebody else.
fn core(text: &str) -> &str {
    let mut text = text.trim_start();
    loop {
        let rest = strip_rpc(text)
            .or_else(|| strip(text, "Error executing tool ", ": "))
            .or_else(|| strip(text, "Error calling tool ", ": "))
            .or_else(|| strip(text, "Error processing ", " query: "))
            .or_else(|| text.strip_prefix("Error: "));
        match rest {
            Some(rest) => text = rest.trim_start(),
            None => return text,
        }
    }
}

/// Without `MCP error -32602: `.
fn strip_rpc(text: &str) -> Option<&str> {
    let rest = text.strip_prefix("MCP error ")?;
    let (number, rest) = rest.split_once(": ")?;
    number.parse::<i64>().is_ok().then_some(rest)
}

/// Without a beginning that names the tool or the server.
fn strip<'a>(text: &'a str, prefix: &str, end: &str) -> Option<&'a str> {
    let (name, rest) = text.strip_prefix(prefix)?.split_once(end)?;
    (name.len() <= 256 && !name.contains('\n')).then_some(rest)
}

#[cfg(test)]
mod tests;
