use std::time::Duration;

use hdrhistogram::Histogram;

use super::{OTHERS, openmetrics};

/// What a [`Counts`](crate::Counts) had counted at one moment.
#[derive(Debug, Clone, PartialEq)]
pub struct Snapshot {
    rows: Vec<Row>,
    others: u64,
}

/// The calls of one tool by one caller that ended in one way.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Row {
    /// The tool, or `_others`.
    pub tool: String,
    /// The caller, or `_others`; empty when nobody knew.
    pub caller: String,
    /// The outcome's [kind](audit_schema::Outcome::kind); `unknown` for one that this
    /// version doesn't know.
    pub outcome: String,
    /// How many calls.
    pub calls: u64,
    /// How long they took in all.
    pub time: Duration,
    /// What half of them took at most.
    pub p50: Duration,
    /// What nine in ten of them took at most.
    pub p90: Duration,
    /// What ninety-nine in a hundred of them took at most.
    pub p99: Duration,
    /// What the longest took.
    pub max: Duration,
}

impl Row {
    pub(super) fn of(
        tool: &str,
        caller: &str,
        outcome: &str,
        latency: &Histogram<u64>,
        sum_ms: u128,
    ) -> Self {
        let at = |quantile| Duration::from_millis(latency.value_at_quantile(quantile));
        Self {
            tool: tool.into(),
            caller: caller.into(),
            outcome: outcome.into(),
            calls: latency.len(),
            time: Duration::from_millis(u64::try_from(sum_ms).unwrap_or(u64::MAX)),
            p50: at(0.5),
            p90: at(0.9),
            p99: at(0.99),
            max: Duration::from_millis(latency.max()),
        }
    }

    /// Whether the calls ran and failed.
    #[must_use]
    pub fn is_failure(&self) -> bool {
        self.outcome == "execution_failed"
    }

    /// Whether the calls were not let run: for want of a right, or because there were
    /// too many.
    #[must_use]
    pub fn is_denial(&self) -> bool {
        matches!(self.outcome.as_str(), "capability_denied" | "rate_limited")
    }
}

impl Snapshot {
    pub(super) fn new(mut rows: Vec<Row>, others: u64) -> Self {
        let key = |row: &Row| {
            let is_rest = row.tool == OTHERS;
            (
                is_rest,
                row.tool.clone(),
                row.caller.clone(),
                row.outcome.clone(),
            )
        };
        rows.sort_by_cached_key(key);
        Self { rows, others }
    }

    /// One for each tool, caller and kind of outcome, sorted by these, the rest last.
    #[must_use]
    pub fn rows(&self) -> &[Row] {
        &self.rows
    }

    /// All calls.
    #[must_use]
    pub fn calls(&self) -> u64 {
        self.sum(|_| true)
    }

    /// The calls that [failed](Row::is_failure).
    #[must_use]
    pub fn failures(&self) -> u64 {
        self.sum(Row::is_failure)
    }

    /// The calls that were [denied](Row::is_denial).
    #[must_use]
    pub fn denials(&self) -> u64 {
        self.sum(Row::is_denial)
    }

    /// How many calls are counted under `_others`, for there were too many keys.
    #[must_use]
    pub fn others(&self) -> u64 {
        self.others
    }

    /// The snapshot as OpenMetrics text, version 1.0, for a scraper; its media type is
    /// `application/openmetrics-text; version=1.0.0; charset=utf-8`.
    ///
    /// | metric | type | labels |
    /// |---|---|---|
    /// | `audit_calls_total` | counter | `tool`, `caller`, `outcome` |
    /// | `audit_failures_total`, `audit_denials_total` | counter | `tool`, `caller` |
    /// | `audit_call_duration_seconds` | summary with the quantiles 0.5, 0.9, 0.99 | `tool`, `caller`, `outcome` |
    /// | `audit_folded_calls_total` | counter of what counts under `_others` | |
    #[must_use]
    pub fn openmetrics(&self) -> String {
        openmetrics::text(self)
    }

    fn sum(&self, of: impl Fn(&Row) -> bool) -> u64 {
        let rows = self.rows.iter().filter(|row| of(row));
        rows.map(|row| row.calls).sum()
    }
}
