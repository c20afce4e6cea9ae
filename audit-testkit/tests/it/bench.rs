//! A harness for any sink that takes a writer.

use std::sync::Arc;
use std::time::Duration;

use audit_schema::CallEvent;
use audit_sink::{AuditSink, BackpressureStrategy};
use audit_testkit::conformance::{CallsBack, Dies, Harness, Overflows, Reads, Refuses, Stalls};
use audit_testkit::{DEADLINE, Destination, RecordingSink};

use crate::queued::Queued;

/// How many events the queues here hold.
pub(crate) const CAPACITY: usize = 64;

pub(crate) struct Bench<S> {
    pub(crate) destination: Destination,
    pub(crate) fallback: RecordingSink,
    pub(crate) deadline: Duration,
    pub(crate) overflow: usize,
    /// Whether the sink promises to record an event as it is.
    pub(crate) keeps: fn(&CallEvent) -> bool,
    pub(crate) calls_back: bool,
    open: Open<S>,
}

type Open<S> = Box<dyn Fn(&Destination, &RecordingSink) -> S>;

impl<S> Bench<S> {
    pub(crate) fn new(open: impl Fn(&Destination, &RecordingSink) -> S + 'static) -> Self {
        Self {
            destination: Destination::new(),
            fallback: RecordingSink::new(),
            deadline: DEADLINE,
            overflow: CAPACITY * 2,
            keeps: |_| true,
            calls_back: true,
            open: Box::new(open),
        }
    }
}

impl Bench<Queued> {
    /// The reference sink, which drops.
    pub(crate) fn dropping() -> Self {
        Self::new(|destination, _| {
            Queued::open(destination.writer(), CAPACITY, BackpressureStrategy::Drop)
        })
    }

    /// The reference sink, which blocks.
    pub(crate) fn blocking() -> Self {
        Self::new(|destination, _| {
            Queued::open(destination.writer(), CAPACITY, BackpressureStrategy::Block)
        })
    }

    /// The reference sink with a fallback.
    pub(crate) fn falling_back() -> Self {
        Self::new(|destination, fallback| {
            let fallback = BackpressureStrategy::FallbackSink(Arc::new(fallback.clone()));
            Queued::open(destination.writer(), CAPACITY, fallback)
        })
    }
}

impl<S: AuditSink + 'static> Harness for Bench<S> {
    type Sink = S;

    fn open(&self) -> S {
        (self.open)(&self.destination, &self.fallback)
    }

    fn fallen_back(&self) -> Vec<CallEvent> {
        self.fallback.events()
    }

    fn deadline(&self) -> Duration {
        self.deadline
    }
}

impl<S: AuditSink + 'static> Reads for Bench<S> {
    fn recorded(&self) -> Vec<CallEvent> {
        let lines = self.destination.buf().lines();
        let parse = |line: &String| serde_json::from_str(line).expect("a record");
        lines.iter().map(parse).collect()
    }

    fn keeps(&self, event: &CallEvent) -> bool {
        (self.keeps)(event)
    }
}

impl<S: AuditSink + 'static> Stalls for Bench<S> {
    fn stall(&self) {
        self.destination.stall();
    }

    fn resume(&self) {
        self.destination.resume();
    }
}

impl<S: AuditSink + 'static> Overflows for Bench<S> {
    fn overflow(&self) -> usize {
        self.overflow
    }
}

impl<S: AuditSink + 'static> Refuses for Bench<S> {
    fn refuse(&self) {
        self.destination.refuse();
    }

    fn heal(&self) {
        self.destination.heal();
    }
}

impl<S: AuditSink + 'static> Dies for Bench<S> {
    fn die(&self) {
        self.destination.die();
    }
}

impl<S: AuditSink + 'static> CallsBack for Bench<S> {
    fn call_back(&self, hook: Arc<dyn Fn() + Send + Sync>) {
        if self.calls_back {
            self.destination.call_back(Some(hook));
        }
    }
}
