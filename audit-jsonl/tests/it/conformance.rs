//! The sinks keep the contract of `AuditSink`, clause by clause.

use std::sync::Arc;

use audit_jsonl::BackpressureStrategy::{self, Block, Drop, FallbackSink};
use audit_jsonl::{CallEvent, DirectJsonLinesSink, JsonLinesAuditSink};
use audit_testkit::conformance::{CallsBack, Dies, Harness, Overflows, Reads, Refuses, Stalls};
use audit_testkit::{Destination, RecordingSink, conformance_suite};

use crate::support::line_of;

const CAPACITY: usize = 64;

/// What the bound in bytes is for so small a capacity.
const LONGEST_LINE: usize = 1024 * 1024;

/// The longest line of a sink without a queue.
const LONGEST_DIRECT_LINE: usize = 4 * 1024 * 1024;

struct Queued {
    destination: Destination,
    strategy: BackpressureStrategy,
    kept: RecordingSink,
}

impl Queued {
    fn with(strategy: BackpressureStrategy) -> Self {
        Self {
            destination: Destination::new(),
            strategy,
            kept: RecordingSink::new(),
        }
    }

    fn with_fallback() -> Self {
        let kept = RecordingSink::new();
        Self {
            kept: kept.clone(),
            ..Self::with(FallbackSink(Arc::new(kept)))
        }
    }
}

impl Harness for Queued {
    type Sink = JsonLinesAuditSink;

    fn open(&self) -> JsonLinesAuditSink {
        let writer = self.destination.writer();
        JsonLinesAuditSink::with_strategy(writer, CAPACITY, self.strategy.clone())
    }

    fn fallen_back(&self) -> Vec<CallEvent> {
        self.kept.events()
    }
}

impl Reads for Queued {
    fn recorded(&self) -> Vec<CallEvent> {
        recorded(&self.destination)
    }

    fn keeps(&self, event: &CallEvent) -> bool {
        line_of(event).len() <= LONGEST_LINE
    }
}

impl Overflows for Queued {
    fn overflow(&self) -> usize {
        CAPACITY + 10
    }
}

struct Direct(Destination);

impl Harness for Direct {
    type Sink = DirectJsonLinesSink;

    fn open(&self) -> DirectJsonLinesSink {
        DirectJsonLinesSink::new(self.0.writer())
    }
}

impl Reads for Direct {
    fn recorded(&self) -> Vec<CallEvent> {
        recorded(&self.0)
    }

    fn keeps(&self, event: &CallEvent) -> bool {
        line_of(event).len() <= LONGEST_DIRECT_LINE
    }
}

fn recorded(destination: &Destination) -> Vec<CallEvent> {
    let lines = destination.buf().lines();
    let read = lines.iter().map(|line| serde_json::from_str(line).unwrap());
    read.collect()
}

impl Stalls for Queued {
    fn stall(&self) {
        self.destination.stall();
    }

    fn resume(&self) {
        self.destination.resume();
    }
}

macro_rules! commanded {
    ($harness:ty, $destination:tt) => {
        impl Refuses for $harness {
            fn refuse(&self) {
                self.$destination.refuse();
            }

            fn heal(&self) {
                self.$destination.heal();
            }
        }

        impl Dies for $harness {
            fn die(&self) {
                self.$destination.die();
            }
        }

        impl CallsBack for $harness {
            fn call_back(&self, hook: Arc<dyn Fn() + Send + Sync>) {
                self.$destination.call_back(Some(hook));
            }
        }
    };
}

commanded!(Queued, destination);
commanded!(Direct, 0);

conformance_suite!(
    dropping,
    Queued::with(Drop),
    [reads, stalls, overflows, refuses, dies, calls_back]
);
conformance_suite!(
    blocking,
    Queued::with(Block),
    [reads, stalls, overflows, refuses, dies, calls_back]
);
conformance_suite!(
    falling_back,
    Queued::with_fallback(),
    [reads, stalls, overflows, refuses, dies, calls_back]
);
conformance_suite!(
    direct,
    Direct(Destination::new()),
    [reads, refuses, dies, calls_back]
);
