//! What the runtime knows of its calls, for comparison with the log.

use std::collections::BTreeMap;
use std::time::Duration;

use audit_jsonl::Outcome;

use crate::runtime::Ended;

/// The six ways in which a call ends, as the log names them.
pub(crate) const KINDS: [&str; 6] = [
    "success",
    "execution_failed",
    "invalid_args",
    "capability_denied",
    "rate_limited",
    "tool_not_found",
];

pub(crate) fn kind_of(outcome: &Outcome) -> &'static str {
    match outcome {
        Outcome::Success => "success",
        Outcome::ExecutionFailed { .. } => "execution_failed",
        Outcome::InvalidArgs { .. } => "invalid_args",
        Outcome::CapabilityDenied { .. } => "capability_denied",
        Outcome::RateLimited { .. } => "rate_limited",
        Outcome::ToolNotFound => "tool_not_found",
        _ => "unknown",
    }
}

/// How many calls of each tool ended in each way.
pub(crate) type Counts = BTreeMap<(String, &'static str), u64>;

#[derive(Debug, Default)]
pub(crate) struct Tally {
    pub(crate) counts: Counts,
    pub(crate) took: BTreeMap<String, Vec<Duration>>,
    pub(crate) in_on_call: Vec<Duration>,
}

impl Tally {
    pub(crate) fn add(&mut self, tool: &str, ended: &Ended) {
        let kind = match &ended.answer {
            Ok(_) => "success",
            Err(outcome) => kind_of(outcome),
        };
        *self.counts.entry((tool.into(), kind)).or_default() += 1;
        self.took.entry(tool.into()).or_default().push(ended.took);
        self.in_on_call.push(ended.in_on_call);
    }

    pub(crate) fn merge(&mut self, other: Self) {
        for (key, count) in other.counts {
            *self.counts.entry(key).or_default() += count;
        }
        for (tool, took) in other.took {
            self.took.entry(tool).or_default().extend(took);
        }
        self.in_on_call.extend(other.in_on_call);
    }
}
