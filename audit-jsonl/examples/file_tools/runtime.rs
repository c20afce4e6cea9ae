//! The runtime: takes a call, decides, runs the tool, records how it ended.

use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher, Hasher};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use audit_jsonl::{AuditSink, CallEvent, CapProvenance, Outcome, now_rfc3339};
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
    /// How long the caller's thread spent in the sink.
    pub(crate) in_on_call: Duration,
}

pub(crate) struct Runtime {
    root: Root,
    sink: Arc<dyn AuditSink>,
    /// What the ids of this run's calls begin with.
    run: String,
    next: AtomicU64,
}

impl Runtime {
    pub(crate) fn new(root: Root, sink: Arc<dyn AuditSink>) -> Self {
        // The one source of random bits in std.
        let random = RandomState::new().build_hasher().finish();
        Self {
            root,
            sink,
            run: format!("{random:016x}-"),
            next: AtomicU64::new(0),
        }
    }

    /// Whether a call with that id was made here, and not by another run.
    pub(crate) fn made(&self, call_id: &str) -> bool {
        call_id.starts_with(&self.run)
    }

    /// Takes a call to its end, and records it, however it ended.
    pub(crate) fn dispatch(&self, call: &Call<'_>) -> Ended {
        let ts = now_rfc3339();
        let begun = Instant::now();
        let tool = tools::find(call.tool);
        let (granted, answer) = match admit(call, tool) {
            Ok((tool, granted)) => (granted, self.answer(call, tool)),
            Err(refusal) => (Vec::new(), Err(refusal)),
        };
        let took = begun.elapsed();

        let (outcome, page) = match answer {
            Ok(page) => (Outcome::Success, page),
            Err(outcome) => (outcome, None),
        };
        let event = CallEvent::new(
            ts,
            format!("{}{}", self.run, self.next.fetch_add(1, Ordering::Relaxed)),
            call.tool,
            took.as_millis() as u64,
            outcome,
            tool.map_or("none", |tool| tool.tier),
        )
        .with_caller_id(Some(call.caller.id.into()))
        .with_granted_capabilities(granted.iter().map(|grant| grant.cap.clone()).collect())
        .with_capability_provenance(Some(granted))
        .with_cursor_page(page)
        .with_dry_run(call.dry_run);

        let recording = Instant::now();
        self.sink.on_call(&event);
        Ended {
            in_on_call: recording.elapsed(),
            outcome: event.outcome,
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
