use std::time::Duration;

use audit_schema::CallEvent;
use thiserror::Error;

use crate::{BackpressureStrategy, Health};

/// Records tool calls.
///
/// One method is required. It is called on the thread that dispatched the call,
/// once the call has ended.
///
/// # Contract
///
/// What a sink promises. `audit-testkit` tests each clause under its number, by
/// `conformance_suite!`.
///
/// 1. **Threads.** Any number of threads may call any method at once.
/// 2. **No panic.** No method panics, whatever the event holds (empty, huge or
///    hostile strings) and whatever becomes of the destination.
/// 3. **No waiting.** [`on_call`](Self::on_call) doesn't wait for the
///    destination, unless the sink has no queue or
///    [`backpressure_strategy`](Self::backpressure_strategy) says
///    [`Block`](BackpressureStrategy::Block).
/// 4. **No silent loss.** When [`flush`](Self::flush) has returned `Ok`, each
///    event offered before is recorded, handed to the fallback, or counted in
///    [`drops`](Self::drops), in exactly one of the three ways. A flush that
///    fails for a loss tells of it once; a later one may return `Ok`. What a sink
///    leaves out by design, as a filter does, counts as not offered.
/// 5. **Order.** Events offered by one thread are recorded in that order. Those
///    of different threads stand in any order.
/// 6. **Fidelity.** An event is recorded as it was offered, every field of it,
///    unless the sink's own documentation says what it changes.
/// 7. **Drops only grow.** [`drops`](Self::drops) never goes down.
/// 8. **Flush reaches the destination.** When [`flush`](Self::flush) returns
///    `Ok`, what was offered before can be read at the destination.
/// 9. **Flush is bounded.** [`flush`](Self::flush) returns not much later than
///    its timeout, whatever the destination does, and the sink goes on working
///    afterwards. No timeout is too long: [`Duration::MAX`] waits without a limit.
/// 10. **Health is honest.** While the destination refuses what it is given,
///     [`health`](Self::health) is not [`Healthy`](Health::Healthy), and says why
///     without quoting a record. Once the destination has worked for a while it
///     is again, unless it was [`Failed`](Health::Failed), which is for good.
/// 11. **Dropping delivers.** A sink that is dropped while its destination works
///     has delivered each event that was neither counted in
///     [`drops`](Self::drops) nor handed to the fallback when
///     [`on_call`](Self::on_call) returned. It may be dropped on any thread, its
///     own writer's too.
/// 12. **Dying is survived.** When the destination panics, callers neither panic
///     nor wait for ever. From when [`health`](Self::health) says
///     [`Failed`](Health::Failed), what is offered is counted or handed to the
///     fallback.
/// 13. **Any caller.** A call may come from a thread that is ending or unwinding,
///     from a panic hook, or from inside the sink's own destination. It neither
///     panics nor waits for ever, and clause 4 holds for it.
///
/// What a caller does *not* promise: that [`flush`](Self::flush) is ever
/// called; that `ts` grows or is a time at all; that `call_id` is unique.
///
/// Every method but `on_call` has a default, which suits a sink that writes
/// within `on_call` and never fails.
///
/// ```
/// use std::sync::atomic::{AtomicU64, Ordering};
/// use audit_sink::{AuditSink, schema::{CallEvent, Outcome}};
///
/// /// Counts calls that were denied.
/// #[derive(Default)]
/// struct Denials(AtomicU64);
///
/// impl AuditSink for Denials {
///     fn on_call(&self, event: &CallEvent) {
///         if matches!(event.outcome, Outcome::CapabilityDenied { .. }) {
///             self.0.fetch_add(1, Ordering::Relaxed);
///         }
///     }
/// }
///
/// let sink: Box<dyn AuditSink> = Box::new(Denials::default());
/// sink.on_call(&CallEvent::new("2026-11-20T09:30:00Z", "1", "echo", 0, Outcome::Success, "hot"));
/// assert_eq!(sink.drops(), 0);
/// ```
pub trait AuditSink: Send + Sync {
    /// Records one call.
    ///
    /// Gives no result: the caller has a call to answer and can do nothing about
    /// a log. What went wrong shows in [`drops`](Self::drops) and
    /// [`health`](Self::health).
    fn on_call(&self, event: &CallEvent);

    /// How many of the events offered are lost: neither recorded nor handed to a
    /// fallback, and never going to be.
    ///
    /// The default is 0, for sinks that lose nothing.
    fn drops(&self) -> u64 {
        0
    }

    /// What [`on_call`](Self::on_call) does when the sink's queue is full.
    ///
    /// The default is [`BackpressureStrategy::Drop`].
    fn backpressure_strategy(&self) -> BackpressureStrategy {
        BackpressureStrategy::Drop
    }

    /// Waits until every event offered before this call is recorded, for at most
    /// `timeout`. [`Duration::MAX`] waits without a limit.
    ///
    /// The default returns `Ok` at once, for sinks that record within
    /// [`on_call`](Self::on_call).
    ///
    /// # Errors
    ///
    /// The sink stays usable as far as it was before.
    ///
    /// - [`FlushError::Timeout`]: it would have taken longer.
    /// - [`FlushError::Lost`]: some of those events will never be recorded.
    /// - [`FlushError::Unsynced`]: they are recorded, and not as durably as the sink
    ///   was set to.
    /// - [`FlushError::Unusable`]: waiting makes no sense here, as on the
    ///   sink's own writer thread or in a forked child.
    fn flush(&self, timeout: Duration) -> Result<(), FlushError> {
        let _ = timeout;
        Ok(())
    }

    /// Whether the sink records what it is offered, as far as it knows. Cheap
    /// enough for a status page.
    ///
    /// The default is [`Health::Healthy`], for sinks that can't fail.
    fn health(&self) -> Health {
        Health::Healthy
    }
}

/// Why [`AuditSink::flush`] can't say that everything is recorded.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum FlushError {
    /// The timeout passed first. What is left is still on its way.
    #[error("{left} events were not written within {timeout:?}")]
    #[non_exhaustive]
    Timeout {
        /// How long the call waited.
        timeout: Duration,
        /// How many of the events offered before it are not yet recorded.
        left: u64,
    },

    /// Some of the events that were queued when the call began will never be
    /// recorded; they are counted in [`AuditSink::drops`].
    #[error("{events} events that were queued could not be written")]
    #[non_exhaustive]
    Lost {
        /// How many.
        events: u64,
    },

    /// The events are recorded, and what the sink was set to do so that they
    /// survive a power loss has failed.
    #[error("{events} events are written, and could not be synced")]
    #[non_exhaustive]
    Unsynced {
        /// How many.
        events: u64,
    },

    /// The call can't be made here.
    #[error("can't flush here: {reason}")]
    #[non_exhaustive]
    Unusable {
        /// Why, in words.
        reason: &'static str,
    },
}

impl FlushError {
    /// The timeout passed, and that many events were left.
    #[must_use]
    pub fn timeout(timeout: Duration, left: u64) -> Self {
        Self::Timeout { timeout, left }
    }

    /// That many events will never be recorded.
    #[must_use]
    pub fn lost(events: u64) -> Self {
        Self::Lost { events }
    }

    /// That many events are recorded, and may not survive a power loss.
    #[must_use]
    pub fn unsynced(events: u64) -> Self {
        Self::Unsynced { events }
    }

    /// The call can't be made here, for that reason.
    #[must_use]
    pub fn unusable(reason: &'static str) -> Self {
        Self::Unusable { reason }
    }
}
