//! The runtime: takes a call, decides, runs the tool, records how it ended.

use std::sync::Arc;
use std::time::{Duration, Instant};

use audit_jsonl::{AuditSink, CallEvent, CapProvenance, Outcome, now_rfc3339};
use serde_json::{Map, Value, json};

use crate::callers::Caller;
use crate::ids::CallIds;
use crate::tools::{self, Args, Reply, Root, Tool};

/// A call as it comes in.
#[derive(Debug)]
pub(crate) struct Call<'a> {
    pub(crate) caller: &'a Caller,
    pub(crate) tool: &'a str,
    pub(crate) args: Map<String, Value>,
    /// Only say what the call would do.
    pub(crate) dry_run: bool,
}

/// How a call ended.
#[derive(Debug)]
pub(crate) struct Ended {
    /// What the tool gave, or why there is nothing.
    pub(crate) answer: Result<Reply, Outcome>,
    /// How long the call took, without its record.
    pub(crate) took: Duration,
    /// How long the caller's thread spent in the sink.
    pub(crate) in_on_call: Duration,
}

pub(crate) struct Runtime {
    root: Root,
    ids: CallIds,
    sink: Arc<dyn AuditSink>,
}

impl Runtime {
    pub(crate) fn new(root: Root, sink: Arc<dyn AuditSink>) -> Self {
        Self {
            root,
            ids: CallIds::new(),
            sink,
        }
    }

    pub(crate) fn ids(&self) -> &CallIds {
        &self.ids
    }

    /// Takes a call to its end, and records it, however it ended.
    pub(crate) fn dispatch(&self, call: &Call<'_>) -> Ended {
        let ts = now_rfc3339();
        let begun = Instant::now();
        let tool = tools::find(call.tool);
        let admitted = admit(call, tool);
        let (granted, answer) = match admitted {
            Ok(admitted) => {
                let answer = self.answer(call, &admitted);
                (admitted.granted, answer)
            }
            Err(refusal) => (Vec::new(), Err(refusal)),
        };
        let took = begun.elapsed();

        let (outcome, page) = match &answer {
            Ok(reply) => (Outcome::Success, reply.page),
            Err(outcome) => (outcome.clone(), None),
        };
        let event = CallEvent::new(
            ts,
            self.ids.next(),
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
        let in_on_call = recording.elapsed();
        Ended {
            answer,
            took,
            in_on_call,
        }
    }

    /// Runs the tool, unless its arguments are wrong or it is a dry run.
    fn answer(&self, call: &Call<'_>, admitted: &Admitted) -> Result<Reply, Outcome> {
        let tool = admitted.tool;
        let args =
            Args::parse(tool, &call.args).map_err(|message| Outcome::InvalidArgs { message })?;
        if call.dry_run {
            return Ok(Reply::new(json!({ "would_run": tool.id })));
        }
        (tool.run)(&self.root, &args).map_err(|error| Outcome::ExecutionFailed {
            code: format!("{:?}", error.kind()),
            retryable: tools::is_retryable(error.kind()),
        })
    }
}

/// A call that may run.
struct Admitted {
    tool: &'static Tool,
    granted: Vec<CapProvenance>,
}

fn admit(call: &Call<'_>, tool: Option<&'static Tool>) -> Result<Admitted, Outcome> {
    call.caller.take_turn().map_err(|wait| {
        // Rounded up: who waits so long is let in.
        let milliseconds = wait.as_nanos().div_ceil(1_000_000) as u64;
        Outcome::RateLimited {
            retry_after_ms: Some(milliseconds),
        }
    })?;
    let tool = tool.ok_or(Outcome::ToolNotFound)?;
    let granted = call
        .caller
        .grants_for(tool.needs)
        .map_err(|missing| Outcome::CapabilityDenied { missing })?;
    Ok(Admitted { tool, granted })
}
