use std::fmt;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use audit_schema::{CallEvent, CapProvenance, Outcome};

use crate::ToOutcome;
use crate::held::catching;
use crate::recorder::Inner;

/// A call in progress; comes from [`Recorder::start`](crate::Recorder::start).
///
/// Exactly one record is made of it: by [`finish`](Self::finish) or one of its
/// sisters, else when it is dropped. Then the outcome is `execution_failed` with the
/// code `panicked`, if a panic unwinds the thread, or `unfinished`: an early return,
/// a future that was cancelled, timed out, or lost its runtime. Such calls are not
/// marked as retryable, for nobody knows what they have done.
///
/// It may go from thread to thread and be held across `await`.
///
/// [`ts`](CallEvent::ts) is the wall clock at the start;
/// [`duration_ms`](CallEvent::duration_ms) is measured by a clock that never steps
/// back.
#[must_use = "a call that is dropped at once is recorded as unfinished"]
pub struct Call {
    recorder: Arc<Inner>,
    event: CallEvent,
    begun: Instant,
    /// A panic was unwinding this thread when the call began, so it isn't the call's.
    began_unwinding: bool,
    is_recorded: bool,
}

impl Call {
    pub(crate) fn new(recorder: Arc<Inner>, event: CallEvent) -> Self {
        Self {
            begun: recorder.monotonic(),
            recorder,
            event,
            began_unwinding: thread::panicking(),
            is_recorded: false,
        }
    }

    /// Which call this is, to tell it to others: [`CallEvent::call_id`].
    #[must_use]
    pub fn call_id(&self) -> &str {
        &self.event.call_id
    }

    /// The tool that is called.
    #[must_use]
    pub fn tool_id(&self) -> &str {
        &self.event.tool_id
    }

    /// How long the call has taken so far.
    #[must_use]
    pub fn elapsed(&self) -> Duration {
        let now = self.recorder.monotonic();
        now.saturating_duration_since(self.begun)
    }

    /// Who called, if it isn't the recorder's caller: [`CallEvent::caller_id`].
    pub fn set_caller_id(&mut self, caller_id: Option<String>) -> &mut Self {
        self.event.caller_id = caller_id;
        self
    }

    /// The tool's tier, if it isn't the recorder's: [`CallEvent::tier`].
    pub fn set_tier(&mut self, tier: impl Into<String>) -> &mut Self {
        self.event.tier = tier.into();
        self
    }

    /// The capabilities that it runs with: [`CallEvent::granted_capabilities`].
    pub fn set_granted_capabilities(&mut self, granted: Vec<String>) -> &mut Self {
        self.event.granted_capabilities = granted;
        self
    }

    /// Where they came from: [`CallEvent::capability_provenance`].
    pub fn set_capability_provenance(&mut self, from: Option<Vec<CapProvenance>>) -> &mut Self {
        self.event.capability_provenance = from;
        self
    }

    /// Whether it only says what it would do: [`CallEvent::dry_run`].
    pub fn set_dry_run(&mut self, dry_run: bool) -> &mut Self {
        self.event.dry_run = dry_run;
        self
    }

    /// Whether it was given a secret: [`CallEvent::secrets_resolved`].
    pub fn set_secrets_resolved(&mut self, secrets_resolved: bool) -> &mut Self {
        self.event.secrets_resolved = secrets_resolved;
        self
    }

    /// Which page it fetched: [`CallEvent::cursor_page`].
    pub fn set_cursor_page(&mut self, page: Option<u32>) -> &mut Self {
        self.event.cursor_page = page;
        self
    }

    /// Ends the call and records it.
    pub fn finish(mut self, outcome: Outcome) {
        self.record(outcome);
    }

    /// Ends the call as a result says, records it, and gives the result back: a
    /// success, or what the error [is](ToOutcome).
    ///
    /// # Errors
    ///
    /// Those of `result` itself.
    pub fn finish_result<T, E: ToOutcome>(self, result: Result<T, E>) -> Result<T, E> {
        let outcome = match &result {
            Ok(_) => Outcome::Success,
            Err(error) => error.to_outcome(),
        };
        self.finish(outcome);
        result
    }

    /// Ends the call and has `record` see to its event, instead of the recorder's
    /// sink: for one that must be on disk before it is answered.
    ///
    /// What becomes of the event is up to `record`; if that panics, nothing else
    /// records it.
    ///
    /// ```
    /// use audit_sink::{AuditSink, MemorySink, Recorder, schema::Outcome};
    ///
    /// let memory = MemorySink::new();
    /// let call = Recorder::new(memory.clone()).start("bank:pay");
    /// // With a chained log it would be: `|event| log.commit(event, timeout)`.
    /// let receipt = call.finish_with(Outcome::Success, |event| {
    ///     memory.on_call(event);
    ///     memory.total()
    /// });
    /// assert_eq!(receipt, 1);
    /// ```
    pub fn finish_with<R>(mut self, outcome: Outcome, record: impl FnOnce(&CallEvent) -> R) -> R {
        self.end(outcome);
        self.is_recorded = true;
        record(&self.event)
    }

    fn record(&mut self, outcome: Outcome) {
        self.end(outcome);
        self.is_recorded = true;
        self.recorder.record(&self.event);
    }

    fn end(&mut self, outcome: Outcome) {
        self.event.duration_ms = u64::try_from(self.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.event.outcome = outcome;
    }
}

impl Drop for Call {
    fn drop(&mut self) {
        if self.is_recorded {
            return;
        }
        let code = match thread::panicking() && !self.began_unwinding {
            true => "panicked",
            false => "unfinished",
        };
        let outcome = Outcome::ExecutionFailed {
            code: code.into(),
            retryable: false,
        };
        // A user's clock may panic, which would end the process here.
        if catching(|| self.end(outcome.clone())).is_none() {
            self.event.outcome = outcome;
        }
        self.recorder.record(&self.event);
    }
}

/// Names the call; what its record holds is not printed.
impl fmt::Debug for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Call")
            .field("call_id", &self.event.call_id)
            .finish_non_exhaustive()
    }
}
