use std::fmt;

use audit_schema::{CallEvent, Outcome};
use tracing::Level;

use crate::AuditSink;

/// Emits a `tracing` event for each call, with a field for each field of the record,
/// under the target `audit`.
///
/// | outcome | level |
/// |---|---|
/// | `success` | `INFO` |
/// | any other | `WARN` |
///
/// Fields are `ts`, `call_id`, `tool_id`, `caller_id` (absent when nobody knew),
/// `outcome` (its kind), `duration_ms`, `tier`, `dry_run`, `secrets_resolved`,
/// `granted_capabilities` and `capability_provenance` (printed as a list; the latter
/// absent when nobody tracked it), `cursor_page`, and of the outcome `code`,
/// `retryable`, `args_message`, `missing`, `retry_after_ms` where there are such.
///
/// The event goes to the subscriber that is set on the thread that made the call. What
/// that does with it, whether it waits, and whether it panics is its own: a tee holds
/// it apart from other sinks. What it isn't interested in counts as not offered, and
/// nothing says so; don't take it for a log.
///
/// # The other direction
///
/// A program that has `tracing` spans around its calls makes records from them by the
/// guard, not by a layer: a [`Call`](crate::Call) knows its outcome, and a span
/// doesn't. Start both at once, and put the id into the span to find one by the other:
///
/// ```
/// use audit_sink::{Recorder, TracingSink, schema::Outcome};
///
/// let recorder = Recorder::new(TracingSink::new());
/// let call = recorder.start("files:read");
/// let span = tracing::info_span!("call", call_id = call.call_id());
/// let answer = span.in_scope(|| 6 * 7);
/// call.finish(Outcome::Success);
/// # assert_eq!(answer, 42);
/// ```
#[derive(Clone, Copy, Default)]
pub struct TracingSink {
    _private: (),
}

impl TracingSink {
    /// A sink to whatever subscriber a thread has.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }
}

impl AuditSink for TracingSink {
    fn on_call(&self, event: &CallEvent) {
        match event.outcome {
            Outcome::Success => emit::<true>(event),
            _ => emit::<false>(event),
        }
    }
}

fn emit<const SUCCESS: bool>(event: &CallEvent) {
    // A level is part of what is made once for each place in the program.
    macro_rules! emit {
        ($level:expr) => {{
            let details = Details::of(&event.outcome);
            tracing::event!(
                target: "audit",
                $level,
                ts = event.ts,
                call_id = event.call_id,
                tool_id = event.tool_id,
                caller_id = event.caller_id.as_deref(),
                outcome = event.outcome.kind(),
                duration_ms = event.duration_ms,
                tier = event.tier,
                dry_run = event.dry_run,
                secrets_resolved = event.secrets_resolved,
                granted_capabilities = ?event.granted_capabilities,
                capability_provenance = event.capability_provenance.as_ref().map(tracing::field::debug),
                cursor_page = event.cursor_page,
                code = details.code,
                retryable = details.retryable,
                args_message = details.message,
                missing = details.missing.map(tracing::field::debug),
                retry_after_ms = details.retry_after_ms,
            );
        }};
    }
    if SUCCESS {
        emit!(Level::INFO);
    } else {
        emit!(Level::WARN);
    }
}

/// What an outcome has besides its kind.
#[derive(Default)]
struct Details<'a> {
    code: Option<&'a str>,
    retryable: Option<bool>,
    message: Option<&'a str>,
    missing: Option<&'a [String]>,
    retry_after_ms: Option<u64>,
}

impl<'a> Details<'a> {
    fn of(outcome: &'a Outcome) -> Self {
        let none = Self::default();
        match outcome {
            Outcome::ExecutionFailed { code, retryable } => Self {
                code: Some(code),
                retryable: Some(*retryable),
                ..none
            },
            Outcome::InvalidArgs { message } => Self {
                message: Some(message),
                ..none
            },
            Outcome::CapabilityDenied { missing } => Self {
                missing: Some(missing),
                ..none
            },
            Outcome::RateLimited { retry_after_ms } => Self {
                retry_after_ms: *retry_after_ms,
                ..none
            },
            _ => none,
        }
    }
}

impl fmt::Debug for TracingSink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TracingSink")
    }
}
