//! The runtime: takes a call, decides, runs the tool, records how it ended.

use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher, Hasher};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use audit_jsonl::{AuditSink, CapProvenance, Outcome, Recorder};
use serde_json::Value;

use crate::callers::Caller;
use crate::tools::{self, Args, Page, Root, Tool};

/// A call as it comes in.
#[derive(Debug)]
pub(crate) struct Call<'a> {
    pub(crate) caller: &'a Caller,
    pub(crate) tool: &'static str,
    pub(crate) args: Value,
    /// Only say what the call would do.
    pub(crate) dry_run: bool,
}

/// How a call ended, for comparison with the log.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) outcome: Outcome,
    /// How long the call took, without its record.
    pub(crate) took: Duration,
    /// How long the caller's thread took to make the record and hand it to all sinks.
    pub(crate) recording: Duration,
}

pub(crate) struct Runtime {
    root: Root,
    recorder: Recorder,
    /// What the ids of this run's calls begin with.
    run: String,
}

impl Runtime {
    pub(crate) fn new(root: Root, sink: impl AuditSink + 'static) -> Self {
        // The one source of random bits in std.
        let random = RandomState::new().build_hasher().finish();
        let run = format!("{random:016x}-");
        // Not ULIDs, as they would be by default: to find this run's calls in the log.
        let (prefix, next) = (run.clone(), AtomicU64::new(0));
        let next_id = move || format!("{prefix}{}", next.fetch_add(1, Ordering::Relaxed));
        Self {
            root,
            recorder: Recorder::new(sink).with_tier("none").with_call_ids(next_id),
            run,
        }
    }

    /// Whether a call with that id was made here, and not by another run.
    pub(crate) fn made(&self, call_id: &str) -> bool {
        call_id.starts_with(&self.run)
    }

    /// Takes a call to its end. It is recorded however it ends: were a tool to panic,
    /// or somebody to put a `?` here, dropping the guard would do it.
    pub(crate) fn dispatch(&self, call: &Call<'_>) -> Ended {
        let begun = Instant::now();
        let mut record = self.recorder.start(call.tool);
        let starting = begun.elapsed();
        record
            .set_caller_id(Some(call.caller.id.into()))
            .set_capability_provenance(Some(Vec::new()))
            .set_dry_run(call.dry_run);
        let tool = tools::find(call.tool);
        if let Some(tool) = tool {
            record.set_tier(tool.tier);
        }
        let answer = admit(call, tool).and_then(|(tool, granted)| {
            record
                .set_granted_capabilities(granted.iter().map(|grant| grant.cap.clone()).collect())
                .set_capability_provenance(Some(granted));
            self.answer(call, tool)
        });
        let outcome = match answer {
            Ok(page) => {
                record.set_cursor_page(page);
                Outcome::Success
            }
            Err(outcome) => outcome,
        };
        let took = record.elapsed();

        let ending = Instant::now();
        record.finish(outcome.clone());
        Ended {
            recording: starting + ending.elapsed(),
            outcome,
            took,
        }
    }

    /// Runs the tool, unless its arguments are wrong or it is a dry run.
    fn answer(&self, call: &Call<'_>, tool: &Tool) -> Result<Page, Outcome> {
        let args =
            Args::parse(tool, &call.args).map_err(|message| Outcome::InvalidArgs { message })?;
        if call.dry_run {
            return Ok(None);
        }
        match (tool.run)(&self.root, &args) {
            // Here nobody waits for the result.
            Ok((_result, page)) => Ok(page),
            Err(error) => Err(Outcome::ExecutionFailed {
                code: format!("{:?}", error.kind()),
                retryable: tools::is_retryable(error.kind()),
            }),
        }
    }
}

/// The tool, and the rights by which the call may run.
type Admitted = (&'static Tool, Vec<CapProvenance>);

fn admit(call: &Call<'_>, tool: Option<&'static Tool>) -> Result<Admitted, Outcome> {
    call.caller.take_turn().map_err(|wait| {
        // Rounded up: who waits so long is let in.
        let milliseconds = wait.as_nanos().div_ceil(1_000_000) as u64;
        Outcome::RateLimited {
            retry_after_ms: Some(milliseconds),
        }
    })?;
    let tool = tool.ok_or(Outcome::ToolNotFound)?;
    let granted = call.caller.grants_for(tool.needs);
    let granted = granted.map_err(|missing| Outcome::CapabilityDenied { missing })?;
    Ok((tool, granted))
}
