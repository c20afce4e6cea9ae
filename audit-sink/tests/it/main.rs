//! What sinks made of sinks and the call guard promise, one module per noun.

#![expect(
    clippy::unwrap_used,
    reason = "a helper that can't go on fails its test"
)]

mod below;
mod call;
mod conformance;
#[cfg(feature = "counts")]
mod counts;
mod ends;
mod filter;
mod global;
mod memory;
mod queued;
#[cfg(feature = "redact")]
mod redact;
mod support;
mod tee;
#[cfg(feature = "tracing")]
mod tracing;
mod ulids;

use std::sync::Arc;
use std::thread;

use audit_sink::schema::{CallEvent, Outcome};

/// An event that only its id tells from others.
fn event(call_id: &str) -> CallEvent {
    let ts = "2026-11-20T09:30:00.000000Z";
    CallEvent::new(ts, call_id, "files:read", 12, Outcome::Success, "hot")
}

fn failed(code: &str) -> Outcome {
    Outcome::ExecutionFailed {
        code: code.into(),
        retryable: false,
    }
}

fn ids(events: &[Arc<CallEvent>]) -> Vec<&str> {
    events.iter().map(|event| event.call_id.as_str()).collect()
}

/// Runs `work` on a thread of its own, and says whether it panicked.
fn panics(work: impl FnOnce() + Send + 'static) -> bool {
    thread::spawn(work).join().is_err()
}
