use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use audit_schema::CallEvent;
use audit_sink::AuditSink;
use parking_lot::{Condvar, Mutex};

/// A sink that keeps every event in memory, for tests of whoever calls a sink,
/// and as a fallback.
///
/// All clones share what is kept.
///
/// ```
/// use std::sync::Arc;
/// use audit_schema::{CallEvent, Outcome};
/// use audit_sink::{AuditSink, BackpressureStrategy};
/// use audit_testkit::RecordingSink;
///
/// let kept = RecordingSink::new();
/// let strategy = BackpressureStrategy::FallbackSink(Arc::new(kept.clone()));
/// # let _ = strategy;
///
/// kept.on_call(&CallEvent::new("2026-11-20T09:30:00Z", "1", "echo", 0, Outcome::Success, "hot"));
/// assert_eq!(kept.events()[0].tool_id, "echo");
/// ```
#[derive(Clone, Default)]
pub struct RecordingSink {
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    events: Mutex<Vec<CallEvent>>,
    grown: Condvar,
}

impl RecordingSink {
    /// A sink that has recorded nothing yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// A copy of what was recorded, in the order in which it came.
    #[must_use]
    pub fn events(&self) -> Vec<CallEvent> {
        self.shared.events.lock().clone()
    }

    /// How many events were recorded.
    #[must_use]
    pub fn len(&self) -> usize {
        self.shared.events.lock().len()
    }

    /// Whether none was recorded.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Forgets what was recorded.
    pub fn clear(&self) {
        self.shared.events.lock().clear();
    }

    /// Waits until `count` events are recorded, and returns all there are, which
    /// may be more.
    ///
    /// # Panics
    ///
    /// When that takes longer than `deadline`.
    #[expect(clippy::must_use_candidate, reason = "waiting alone is a use")]
    #[track_caller]
    pub fn wait_for(&self, count: usize, deadline: Duration) -> Vec<CallEvent> {
        let start = Instant::now();
        let mut events = self.shared.events.lock();
        while events.len() < count {
            let left = deadline.saturating_sub(start.elapsed());
            let late = self.shared.grown.wait_for(&mut events, left).timed_out();
            if late && events.len() < count && start.elapsed() >= deadline {
                let len = events.len();
                drop(events);
                panic!("waited {deadline:?} for {count} events; there are {len}");
            }
        }
        events.clone()
    }
}

impl AuditSink for RecordingSink {
    fn on_call(&self, event: &CallEvent) {
        self.shared.events.lock().push(event.clone());
        self.shared.grown.notify_all();
    }
}

/// Prints how many events there are, not what they hold.
impl fmt::Debug for RecordingSink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RecordingSink")
            .field("events", &self.len())
            .finish()
    }
}

/// A sink whose `on_call` panics, against the contract: for tests of whoever
/// hands events on to sinks that others wrote.
///
/// ```should_panic
/// use audit_schema::{CallEvent, Outcome};
/// use audit_sink::AuditSink;
/// use audit_testkit::PanickingSink;
///
/// let event = CallEvent::new("2026-11-20T09:30:00Z", "1", "echo", 0, Outcome::Success, "hot");
/// PanickingSink.on_call(&event);
/// ```
#[derive(Debug, Clone, Copy, Default)]
pub struct PanickingSink;

impl AuditSink for PanickingSink {
    fn on_call(&self, _: &CallEvent) {
        panic!("this sink was made to panic");
    }
}
