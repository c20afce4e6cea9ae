//! Every sink made of sinks keeps the contract, also when they are stacked oddly.

use std::sync::Arc;
use std::time::Duration;

use audit_sink::schema::CallEvent;
use audit_sink::{AuditSink, Filter, Health, MemorySink, Queued, Tee};
use audit_testkit::conformance::{Harness, Reads};
use audit_testkit::{Destination, conformance_suite};

use crate::support::{CAPACITY, Direct, Stack};

/// What the queue's bound in bytes is for so small a capacity.
const QUEUED_BYTES: usize = 1024 * 1024;

fn fits_in_a_queue(event: &CallEvent) -> bool {
    // Generously: what is near the bound may go either way.
    serde_json::to_vec(event).is_ok_and(|line| line.len() < QUEUED_BYTES / 16)
}

#[derive(Default)]
struct InMemory(MemorySink);

impl Harness for InMemory {
    type Sink = MemorySink;

    fn open(&self) -> MemorySink {
        self.0.clone()
    }
}

impl Reads for InMemory {
    fn recorded(&self) -> Vec<CallEvent> {
        let newest_first = self.0.recent(usize::MAX).into_iter();
        newest_first.rev().map(Arc::unwrap_or_clone).collect()
    }
}

fn queued(destination: &Destination) -> Queued {
    Queued::new(Direct::new(destination), CAPACITY).unwrap()
}

/// A tee that knows its members, so that it is safe in a panic hook.
fn hostile(tee: Tee) -> Tee {
    let tee = tee
        .optional("panics", PanicsAtEverything)
        .optional("memory", MemorySink::with_capacity(0))
        .optional("panics, too", Filter::new(PanicsAtEverything));
    drop(tee.members());
    tee
}

struct PanicsAtEverything;

impl AuditSink for PanicsAtEverything {
    fn on_call(&self, _: &CallEvent) {
        panic!("on_call");
    }
    fn drops(&self) -> u64 {
        panic!("drops")
    }
    fn backpressure_strategy(&self) -> audit_sink::BackpressureStrategy {
        panic!("backpressure_strategy")
    }
    fn flush(&self, _: Duration) -> Result<(), audit_sink::FlushError> {
        panic!("flush")
    }
    fn health(&self) -> Health {
        panic!("health")
    }
}

impl Drop for PanicsAtEverything {
    fn drop(&mut self) {
        panic!("drop");
    }
}

conformance_suite!(memory, InMemory::default(), [reads]);

// What the stacks below stand on.
conformance_suite!(
    direct,
    Stack::new(Direct::new),
    [reads, refuses, dies, calls_back]
);

conformance_suite!(
    tee,
    Stack::new(|destination| {
        let tee = Tee::new().optional("memory", MemorySink::new());
        tee.required("direct", Direct::new(destination))
    }),
    [reads, refuses, dies, calls_back]
);

conformance_suite!(
    filter,
    Stack::new(|destination| Filter::new(Direct::new(destination)).only_tools(["*"])),
    [reads, refuses, dies, calls_back]
);

conformance_suite!(
    queue,
    Stack::new(queued).keeping(fits_in_a_queue),
    [reads, stalls, overflows, refuses, dies, calls_back]
);

// A healthy sink can't be told from among these, so there is no `refuses` and no
// `dies`: members that panic make a tee degraded.
conformance_suite!(
    tee_with_hostile_members,
    Stack::new(|destination| { hostile(Tee::new().required("queue", queued(destination))) })
        .keeping(fits_in_a_queue),
    [reads, stalls, overflows, calls_back]
);

conformance_suite!(
    queue_before_a_filter_before_a_tee,
    Stack::new(|destination| {
        let tee = Tee::new().required("direct", Direct::new(destination));
        let tee = tee.optional("memory", MemorySink::new());
        Queued::new(Filter::new(tee).without_tools(["none such"]), CAPACITY).unwrap()
    })
    .keeping(fits_in_a_queue),
    [reads, stalls, overflows, refuses, dies, calls_back]
);

conformance_suite!(
    filter_before_a_tee_before_a_queue_before_a_filter,
    Stack::new(|destination| {
        let inner = Filter::new(Direct::new(destination)).without_callers(["none such"]);
        let queue = Queued::new(inner, CAPACITY).unwrap();
        let tee = Tee::new().required("queue", queue).slow_after(None);
        Filter::new(Arc::new(tee)).successes_one_in(1)
    })
    .keeping(fits_in_a_queue),
    [reads, stalls, overflows, refuses, dies, calls_back]
);

conformance_suite!(
    tee_in_a_tee_in_a_tee,
    Stack::new(|destination| {
        let inner = Tee::new().required("direct", Direct::new(destination));
        let middle = Tee::new().required("inner", inner);
        Tee::new()
            .required("middle", middle)
            .optional("memory", MemorySink::new())
    }),
    [reads, refuses, dies, calls_back]
);

#[cfg(feature = "redact")]
mod redact {
    use audit_sink::Redact;
    use audit_sink::redact::{Action, Pattern};

    use super::*;

    // Nothing in the events of the suite looks like a secret, so all are kept.
    conformance_suite!(
        redact_before_a_tee,
        Stack::new(|destination| {
            let tee = Tee::new().required("direct", Direct::new(destination));
            let tee = tee.optional("memory", MemorySink::new());
            Redact::new(tee).patterns(Pattern::ALL, Action::Mask)
        }),
        [reads, refuses, dies, calls_back]
    );
}

#[cfg(feature = "counts")]
mod counts {
    use audit_sink::Counts;

    use super::*;

    struct Counting;

    impl Harness for Counting {
        type Sink = Counts;

        fn open(&self) -> Counts {
            Counts::with_keys(20)
        }
    }

    conformance_suite!(counts, Counting, []);
}

#[cfg(feature = "tracing")]
mod tracing {
    use audit_sink::TracingSink;

    use super::*;

    struct Tracing;

    impl Harness for Tracing {
        type Sink = TracingSink;

        fn open(&self) -> TracingSink {
            TracingSink::new()
        }
    }

    conformance_suite!(tracing, Tracing, []);
}
