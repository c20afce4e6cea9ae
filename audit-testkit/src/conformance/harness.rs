use std::sync::Arc;
use std::time::Duration;

use audit_schema::CallEvent;
use audit_sink::AuditSink;

use crate::DEADLINE;

/// Opens the sink under test. What else a harness can do is in the traits below
/// this one, each of which is an ability.
///
/// Each test makes a harness of its own and opens one sink with it.
pub trait Harness {
    /// The sink under test.
    type Sink: AuditSink + 'static;

    /// A fresh sink over this harness's destination, which works. The harness
    /// keeps no clone of it: a test drops it and looks at what that did.
    fn open(&self) -> Self::Sink;

    /// The events that the sink has handed to its fallback so far.
    ///
    /// For a sink that has one: best a
    /// [`RecordingSink`](crate::RecordingSink), of which this returns the
    /// [`events`](crate::RecordingSink::events). The default is none.
    fn fallen_back(&self) -> Vec<CallEvent> {
        Vec::new()
    }

    /// How long a call may take before it counts as hanging. It bounds failures
    /// only: no test waits for it while the sink keeps the contract.
    ///
    /// The default is [`DEADLINE`]. It must be more than twice the longest pause
    /// that the sink makes before it tries a failed write again.
    fn deadline(&self) -> Duration {
        DEADLINE
    }
}

/// Ability `reads`: what the sink has recorded can be read.
pub trait Reads: Harness {
    /// What stands at the destination now, in its order. Called while the sink
    /// works, too: what is not whole yet is left out.
    fn recorded(&self) -> Vec<CallEvent>;

    /// Whether the sink promises to record this event as it is.
    ///
    /// `false` for what its documentation says it changes, as what is too large
    /// for it: such an event must still be recorded somehow, handed to the
    /// fallback, or counted. The default is `true` for every event.
    fn keeps(&self, event: &CallEvent) -> bool {
        let _ = event;
        true
    }
}

/// Ability `stalls`: the destination can be made to wait.
///
/// For sinks with a queue, of which clause 3 says that `on_call` doesn't wait. A
/// sink without one waits where it writes, and doesn't have this ability.
pub trait Stalls: Reads {
    /// From now on each write to the destination waits, until
    /// [`resume`](Self::resume). Returns at once.
    fn stall(&self);

    /// The writes that wait go on, and later ones don't wait.
    fn resume(&self);
}

/// Ability `overflows`: the sink's queue is bounded.
pub trait Overflows: Stalls {
    /// A number of small events that don't all fit into the queue while the
    /// destination stalls. Those count that the sink has taken out of the queue
    /// and not yet written.
    ///
    /// A test that sees them all fit fails, for it has tested nothing.
    fn overflow(&self) -> usize;
}

/// Ability `refuses`: the destination can be made to fail, and to work again.
pub trait Refuses: Reads {
    /// From now on each write to the destination fails with an error that the
    /// sink takes for a passing one, as a full disk, until [`heal`](Self::heal).
    fn refuse(&self);

    /// Writes go well again.
    fn heal(&self);
}

/// Ability `dies`: the destination can be made to panic.
pub trait Dies: Reads {
    /// From now on each write to the destination panics and records nothing.
    fn die(&self);
}

/// Ability `calls_back`: the destination can be made to call.
pub trait CallsBack: Reads {
    /// From now on each write to the destination calls `hook`, on the thread
    /// that writes, while the sink waits for the write.
    fn call_back(&self, hook: Arc<dyn Fn() + Send + Sync>);
}
