//! Recording a call allocates nothing once the sink is warm.
//!
//! A test binary of its own, for it counts what every thread allocates.
#![allow(
    clippy::unwrap_used,
    reason = "a test that can't go on says where, in its helpers too"
)]

use std::io::{self, Write};
use std::sync::Arc;
use std::time::Duration;

use allocation_counter::{AllocationInfo, measure};
use audit_jsonl::BackpressureStrategy::{self, Block, Drop, FallbackSink};
use audit_jsonl::{
    AuditSink, CallEvent, CapProvenance, DirectJsonLinesSink, JsonLinesAuditSink, Outcome,
    ProvSource,
};
use audit_testkit::{DEADLINE, within};

#[test]
fn a_call_that_is_queued_allocates_nothing() {
    for strategy in [Drop, Block, fallback()] {
        within(DEADLINE, move || {
            let name = format!("{strategy:?}");
            let events = events();
            let sink = warm(1_024, strategy, &events, 5);
            let info = measure(|| offer(&sink, &events, 5));
            assert_nothing(info, &name);
            sink.flush(DEADLINE).unwrap();
            assert_eq!(sink.drops(), 0);
        });
    }
}

#[test]
fn nor_does_one_that_changes_segments_again_and_again() {
    for strategy in [Drop, Block, fallback()] {
        within(DEADLINE, move || {
            let name = format!("{strategy:?}");
            let events = events();
            let sink = warm(10_000, strategy, &events, 300);
            let before = sink.counters().bytes_written;
            // A round fills two segments of the queue. However slow the writer is,
            // there are never more at once than there were before.
            let info = measure(|| {
                for _ in 0..30 {
                    offer(&sink, &events, 100);
                    sink.flush(DEADLINE).unwrap();
                }
            });
            assert_nothing(info, &name);
            let written = sink.counters().bytes_written - before;
            assert!(written > 60 * 256 * 1024, "{written} bytes");
        });
    }
}

#[test]
fn nor_does_one_that_waits_for_room() {
    within(DEADLINE, || {
        // Of one length, as which of them has to wait is a matter of speed.
        let events = &events()[..1];
        let sink = warm(4, Block, events, 2);
        offer(&sink, events, 200);
        let info = measure(|| offer(&sink, events, 1_000));
        assert_nothing(info, "Block");
    });
}

#[test]
fn nor_does_one_that_finds_the_queue_full() {
    within(DEADLINE, || {
        for strategy in [Drop, fallback()] {
            let (gate, writer) = audit_testkit::gate::pair(io::sink());
            let sink = JsonLinesAuditSink::with_strategy(Box::new(writer), 10, strategy);
            let events = events();
            offer(&sink, &events, 10);
            let info = measure(|| offer(&sink, &events, 10));
            assert_nothing(info, "full");
            drop(gate);
        }
    });
}

#[test]
fn nor_does_one_that_comes_after_the_end() {
    within(DEADLINE, || {
        let sink = sink(10, Block);
        let events = events();
        offer(&sink, &events, 1);
        sink.close(DEADLINE).unwrap();
        assert_nothing(measure(|| offer(&sink, &events, 10)), "closed");
    });
}

#[test]
fn nor_does_a_direct_sink() {
    let sink = DirectJsonLinesSink::new(Box::new(Nothing));
    let events = events();
    offer(&sink, &events, 1);
    assert_nothing(measure(|| offer(&sink, &events, 20)), "direct");
}

#[test]
fn nor_does_one_with_a_long_line() {
    // What is kept for a thread may have 64 KiB.
    for bytes in [5_000, 16_000, 17_000, 40_000, 65_000] {
        let long = event(Outcome::InvalidArgs {
            message: "x".repeat(bytes),
        });
        let sink = DirectJsonLinesSink::new(Box::new(Nothing));
        sink.on_call(&long);
        let info = measure(|| sink.on_call(&long));
        assert_nothing(info, &format!("{bytes} bytes"));
    }
}

#[test]
fn nor_does_looking_at_the_counters() {
    let sink = sink(10, Drop);
    offer(&sink, &events(), 1);
    sink.flush(DEADLINE).unwrap();
    let info = measure(|| {
        assert_eq!(sink.drops(), sink.counters().dropped);
        assert!(sink.health().is_healthy());
        drop(sink.backpressure_strategy());
        sink.flush(DEADLINE).unwrap();
    });
    assert_nothing(info, "looking");
}

#[test]
fn the_memory_for_a_large_line_is_given_back() {
    const LARGE: usize = 1_000_000;
    within(DEADLINE, || {
        let large = event(Outcome::InvalidArgs {
            message: "x".repeat(LARGE),
        });
        let direct = DirectJsonLinesSink::new(Box::new(Nothing));
        direct.on_call(&event(Outcome::Success));
        let info = measure(|| direct.on_call(&large));
        assert!(info.bytes_max >= LARGE as u64, "{info:?}");
        // A buffer of the usual size may have been there before.
        assert!(info.bytes_current <= 0, "{info:?}");

        // Here the queue holds the line, but nothing more.
        let (gate, writer) = audit_testkit::gate::pair(io::sink());
        let sink = JsonLinesAuditSink::with_strategy(Box::new(writer), 10, Drop);
        let info = measure(|| sink.on_call(&large));
        let held = LARGE as i64..LARGE as i64 + 2_000;
        assert!(held.contains(&info.bytes_current), "{info:?}");

        // And one that is refused leaves no more than a buffer of the usual size.
        let small = JsonLinesAuditSink::builder().capacity_bytes(100_000);
        let small = small.build(Box::new(Nothing)).unwrap();
        let info = measure(|| small.on_call(&large));
        assert!(info.bytes_current <= 64 * 1024, "{info:?}");
        assert!(info.bytes_max <= 300_000, "{info:?}");
        drop(gate);
    });
}

fn fallback() -> BackpressureStrategy {
    FallbackSink(Arc::new(DirectJsonLinesSink::new(Box::new(Nothing))))
}

fn sink(capacity: usize, strategy: BackpressureStrategy) -> JsonLinesAuditSink {
    JsonLinesAuditSink::with_strategy(Box::new(Nothing), capacity, strategy)
}

/// A sink that has had that many rounds of events in its queue at once, and has
/// written them.
fn warm(
    capacity: usize,
    strategy: BackpressureStrategy,
    events: &[CallEvent],
    rounds: usize,
) -> JsonLinesAuditSink {
    let (gate, writer) = audit_testkit::gate::pair(Nothing);
    let sink = JsonLinesAuditSink::with_strategy(Box::new(writer), capacity, strategy);
    offer(&sink, events, 1);
    gate.wait_until_blocked(DEADLINE);
    offer(&sink, events, rounds);
    sink.flush(Duration::ZERO).unwrap_err();
    gate.open();
    sink.flush(DEADLINE).unwrap();
    sink
}

fn offer(sink: &dyn AuditSink, events: &[CallEvent], rounds: usize) {
    for _ in 0..rounds {
        for event in events {
            sink.on_call(event);
        }
    }
}

/// Takes everything and keeps nothing.
struct Nothing;

impl Write for Nothing {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[track_caller]
fn assert_nothing(info: AllocationInfo, what: &str) {
    assert_eq!(info.count_total, 0, "{what}: {info:?}");
}

/// One of each kind, with all that an event can have.
fn events() -> Vec<CallEvent> {
    let text = || "with \"escapes\"\n and é".to_owned();
    let outcomes = [
        Outcome::Success,
        Outcome::ExecutionFailed {
            code: text(),
            retryable: true,
        },
        Outcome::InvalidArgs { message: text() },
        Outcome::CapabilityDenied {
            missing: vec![text(), text()],
        },
        Outcome::RateLimited {
            retry_after_ms: Some(u64::MAX),
        },
        Outcome::RateLimited {
            retry_after_ms: None,
        },
        Outcome::ToolNotFound,
        Outcome::Unknown { kind: text() },
    ];
    let sources = [
        ProvSource::StringAllowList,
        ProvSource::UcanChain {
            issuer_did: text(),
            chain_depth: 3,
        },
        ProvSource::Unknown { kind: text() },
    ];
    let provenance = sources.map(|source| CapProvenance {
        cap: text(),
        source,
    });
    outcomes
        .map(|outcome| {
            event(outcome)
                .with_caller_id(Some(text()))
                .with_granted_capabilities(vec![text(); 3])
                .with_cursor_page(Some(7))
                .with_capability_provenance(Some(provenance.to_vec()))
        })
        .to_vec()
}

fn event(outcome: Outcome) -> CallEvent {
    CallEvent::new(
        "2026-11-20T09:30:00.000000Z",
        "1",
        "files:read",
        3,
        outcome,
        "hot",
    )
}
