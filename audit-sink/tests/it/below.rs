//! What is asked of a sink made of sinks is answered by the sink below.

use std::sync::Arc;
use std::time::Duration;

use audit_sink::schema::CallEvent;
use audit_sink::{AuditSink, BackpressureStrategy, Filter, FlushError, Health, MemorySink};
use audit_sink::{Queued, Tee};
use parking_lot::Mutex;

/// Answers what nobody answers by default, and keeps the timeouts that it got.
#[derive(Clone, Default)]
struct Unusual {
    timeouts: Arc<Mutex<Vec<Duration>>>,
}

impl AuditSink for Unusual {
    fn on_call(&self, _: &CallEvent) {}
    fn drops(&self) -> u64 {
        7
    }
    fn backpressure_strategy(&self) -> BackpressureStrategy {
        BackpressureStrategy::Block
    }
    fn flush(&self, timeout: Duration) -> Result<(), FlushError> {
        self.timeouts.lock().push(timeout);
        Err(FlushError::lost(5))
    }
    fn health(&self) -> Health {
        Health::degraded(1, 2, "as it were")
    }
}

#[track_caller]
fn asks_below(stack: impl AuditSink) {
    assert_eq!(stack.drops(), 7);
    let strategy = stack.backpressure_strategy();
    assert!(matches!(strategy, BackpressureStrategy::Block));
    assert_eq!(stack.flush(Duration::MAX), Err(FlushError::lost(5)));
    let health = stack.health().to_string();
    assert!(health.contains("as it were"), "{health}");
}

#[test]
fn by_each_of_them() {
    asks_below(Filter::new(Unusual::default()));
    asks_below(Tee::new().required("unusual", Unusual::default()));
    asks_below(Arc::new(Unusual::default()));
    #[cfg(feature = "redact")]
    asks_below(audit_sink::Redact::new(Unusual::default()));
}

#[test]
fn a_queue_answers_for_itself_how_it_is_full() {
    let queued = Queued::new(Unusual::default(), 1).unwrap();
    let strategy = queued.backpressure_strategy();
    assert!(matches!(strategy, BackpressureStrategy::Drop));
}

/// Whoever of them it is: a caller may have to wait for it.
#[test]
fn a_tee_blocks_if_one_of_its_members_does() {
    let tee = || Tee::new().required("memory", MemorySink::new());
    let tees = [
        tee().required("unusual", Unusual::default()),
        tee().optional("unusual", Unusual::default()),
        Tee::new()
            .required("unusual", Unusual::default())
            .required("memory", MemorySink::new()),
    ];
    for tee in tees {
        let strategy = tee.backpressure_strategy();
        assert!(matches!(strategy, BackpressureStrategy::Block), "{tee:?}");
    }
    let strategy = tee().backpressure_strategy();
    assert!(matches!(strategy, BackpressureStrategy::Drop));
}

/// No limit stays no limit, and of a limit the sink gets what is left.
#[test]
fn a_timeout_is_handed_on() {
    let (queue, tee) = (Unusual::default(), Unusual::default());
    hands_on(&queue, Queued::new(queue.clone(), 1).unwrap());
    hands_on(&tee, Tee::new().required("unusual", tee.clone()));
}

#[track_caller]
fn hands_on(below: &Unusual, stack: impl AuditSink) {
    let limit = Duration::from_secs(3_600);
    for timeout in [Duration::MAX, limit] {
        assert_eq!(stack.flush(timeout), Err(FlushError::lost(5)));
    }
    let timeouts = below.timeouts.lock();
    assert_eq!(timeouts[0], Duration::MAX);
    assert!(timeouts[1] < limit, "{timeouts:?}");
}
