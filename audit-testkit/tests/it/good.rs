//! Sinks that keep the contract pass.

use audit_schema::CallEvent;
use audit_testkit::conformance::{Harness, Reads};
use audit_testkit::{RecordingSink, conformance_suite};

use crate::bench::Bench;

#[derive(Default)]
struct InMemory(RecordingSink);

impl Harness for InMemory {
    type Sink = RecordingSink;

    fn open(&self) -> RecordingSink {
        self.0.clone()
    }
}

impl Reads for InMemory {
    fn recorded(&self) -> Vec<CallEvent> {
        self.0.events()
    }
}

conformance_suite!(in_memory, InMemory::default(), [reads]);

conformance_suite!(
    dropping,
    Bench::dropping(),
    [reads, stalls, overflows, refuses, dies, calls_back]
);

conformance_suite!(
    blocking,
    Bench::blocking(),
    [reads, stalls, overflows, refuses, dies, calls_back]
);

conformance_suite!(
    falling_back,
    Bench::falling_back(),
    [reads, stalls, overflows, refuses, dies, calls_back]
);
