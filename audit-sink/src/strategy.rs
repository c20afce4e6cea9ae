use std::fmt;
use std::sync::Arc;

use crate::AuditSink;

/// What a sink with a bounded queue does with an event when the queue is full.
///
/// ```
/// use std::sync::Arc;
/// use audit_sink::{AuditSink, BackpressureStrategy, schema::CallEvent};
///
/// struct Stderr;
/// impl AuditSink for Stderr {
///     fn on_call(&self, event: &CallEvent) {
///         eprintln!("{event:?}");
///     }
/// }
///
/// let strategy = BackpressureStrategy::FallbackSink(Arc::new(Stderr));
/// assert_eq!(format!("{strategy:?}"), "FallbackSink(..)");
/// ```
#[derive(Clone, Default)]
#[non_exhaustive]
pub enum BackpressureStrategy {
    /// The event is lost, and counted in [`AuditSink::drops`]. The caller never
    /// waits.
    #[default]
    Drop,

    /// The caller waits until there is room. No event is lost while the sink
    /// works; one that stops working for good lets its callers go and counts
    /// their events as lost.
    ///
    /// In an async runtime a waiting caller holds a worker thread.
    Block,

    /// The event goes to another sink at once, on the caller's thread. It is
    /// lost only if that sink loses it, and counted there.
    ///
    /// Best a sink that has no queue of its own.
    FallbackSink(Arc<dyn AuditSink>),
}

/// Names the strategy; of a fallback it prints nothing, for a sink need not be
/// `Debug`.
impl fmt::Debug for BackpressureStrategy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Drop => "Drop",
            Self::Block => "Block",
            Self::FallbackSink(_) => "FallbackSink(..)",
        })
    }
}
