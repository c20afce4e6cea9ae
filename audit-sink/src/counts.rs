//! Counting calls, for a metrics endpoint.

mod openmetrics;
mod snapshot;

use std::collections::HashMap;
use std::fmt;

use audit_schema::{CallEvent, Outcome};
use hdrhistogram::Histogram;
use parking_lot::Mutex;

pub use self::snapshot::{Row, Snapshot};
use crate::AuditSink;

/// How many different keys are told apart unless told otherwise.
const DEFAULT_KEYS: usize = 1_000;

/// Names are cut to this: they come from callers, and stay in memory.
const LONGEST_NAME: usize = 128;

/// Stands for all tools and callers that are one too many.
pub(crate) const OTHERS: &str = "_others";

/// Significant digits of latencies: they are right to one part in a hundred.
const DIGITS: u8 = 2;

/// A longer call counts as one of a day, so that histograms stay small.
const LONGEST_MS: u64 = 24 * 60 * 60 * 1_000;

/// Counts calls by tool, caller and kind of outcome, with their latencies: a member
/// for a [`Tee`](crate::Tee). It records no event.
///
/// At most 1,000 different keys are told apart; calls of any further one count under
/// the tool and the caller `_others`. So what callers make up can't fill the memory,
/// nor the metrics of whoever reads them. Names are cut to 128 bytes. A histogram
/// takes some kilobytes (crate `hdrhistogram`, two significant digits).
///
/// A caller that nobody knew is the empty string.
///
/// ```
/// use audit_sink::{Counts, Recorder, schema::Outcome};
///
/// let counts = std::sync::Arc::new(Counts::new());
/// let recorder = Recorder::with_sink(counts.clone());
/// recorder.start("files:read").finish(Outcome::Success);
/// recorder.start("files:write").finish(Outcome::CapabilityDenied { missing: vec![] });
///
/// let snapshot = counts.snapshot();
/// assert_eq!((snapshot.calls(), snapshot.failures(), snapshot.denials()), (2, 0, 1));
/// assert!(snapshot.openmetrics().contains("audit_calls_total{"));
/// ```
pub struct Counts {
    keys: usize,
    counted: Mutex<Counted>,
}

#[derive(Default)]
struct Counted {
    /// By tool, caller and kind; nested, so that looking up copies no name.
    tools: HashMap<String, HashMap<String, HashMap<String, Cell>>>,
    keys: usize,
    /// Calls that were counted under [`OTHERS`].
    others: u64,
}

struct Cell {
    latency: Histogram<u64>,
    sum_ms: u128,
}

impl Counts {
    /// Tells 1,000 keys apart.
    #[must_use]
    pub fn new() -> Self {
        Self::with_keys(DEFAULT_KEYS)
    }

    /// Tells that many keys apart, and counts the rest together, by kind of outcome.
    #[must_use]
    pub fn with_keys(keys: usize) -> Self {
        Self {
            keys,
            counted: Mutex::default(),
        }
    }

    /// What was counted so far, all at one moment.
    #[must_use]
    pub fn snapshot(&self) -> Snapshot {
        let counted = self.counted.lock();
        let mut rows = Vec::with_capacity(counted.keys);
        for (tool, callers) in &counted.tools {
            for (caller, kinds) in callers {
                for (kind, cell) in kinds {
                    rows.push(Row::of(tool, caller, kind, &cell.latency, cell.sum_ms));
                }
            }
        }
        let others = counted.others;
        drop(counted);
        Snapshot::new(rows, others)
    }
}

impl Counted {
    fn has(&self, tool: &str, caller: &str, kind: &str) -> bool {
        let callers = self.tools.get(tool);
        let kinds = callers.and_then(|callers| callers.get(caller));
        kinds.is_some_and(|kinds| kinds.contains_key(kind))
    }

    fn add(&mut self, tool: &str, caller: &str, kind: &str, duration_ms: u64) {
        let found = self.tools.get_mut(tool);
        let found = found.and_then(|callers| callers.get_mut(caller));
        let cell = match found.and_then(|kinds| kinds.get_mut(kind)) {
            Some(cell) => cell,
            None => {
                // No histogram, no count: there is none for digits that it can't have.
                let Ok(latency) = Histogram::new(DIGITS) else {
                    return;
                };
                let callers = self.tools.entry(tool.to_owned()).or_default();
                let kinds = callers.entry(caller.to_owned()).or_default();
                let sum_ms = 0;
                kinds
                    .entry(kind.to_owned())
                    .or_insert(Cell { latency, sum_ms })
            }
        };
        // It grows up to the longest that is counted; saturating would not grow it.
        if cell.latency.record(duration_ms).is_err() {
            cell.latency.saturating_record(duration_ms);
        }
        cell.sum_ms = cell.sum_ms.saturating_add(duration_ms.into());
    }
}

impl Default for Counts {
    fn default() -> Self {
        Self::new()
    }
}

impl AuditSink for Counts {
    fn on_call(&self, event: &CallEvent) {
        let tool = cut(&event.tool_id);
        let caller = cut(event.caller_id.as_deref().unwrap_or_default());
        let kind = kind(&event.outcome);
        let duration_ms = event.duration_ms.min(LONGEST_MS);
        let mut counted = self.counted.lock();
        if counted.has(tool, caller, kind) {
            counted.add(tool, caller, kind, duration_ms);
        } else if counted.keys < self.keys {
            counted.keys += 1;
            counted.add(tool, caller, kind, duration_ms);
        } else {
            counted.others += 1;
            counted.add(OTHERS, OTHERS, kind, duration_ms);
        }
    }
}

/// One of a few words: a kind that this version doesn't know may be anything.
fn kind(outcome: &Outcome) -> &str {
    match outcome {
        Outcome::Unknown { .. } => "unknown",
        known => known.kind(),
    }
}

fn cut(name: &str) -> &str {
    let mut end = name.len().min(LONGEST_NAME);
    while !name.is_char_boundary(end) {
        end -= 1;
    }
    &name[..end]
}

impl fmt::Debug for Counts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Counts")
            .field("keys", &self.counted.lock().keys)
            .finish_non_exhaustive()
    }
}
