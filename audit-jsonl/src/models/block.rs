//! Callers who wait for room.

use std::sync::Arc;
use std::time::Duration;

use audit_sink::AuditSink as _;
use audit_sink::BackpressureStrategy::Block;
use audit_sink::Health;

use super::support::{Dying, Ids, Reached, assert_adds_up, event, long_event, sink, spawn};
use super::{AWAKE, IMPATIENT, check};
use crate::JsonLinesAuditSink;

const LONG: Duration = Duration::from_secs(1);

/// Nothing is lost, and who stands in line is let in before who comes later, also when
/// there would be room for the latter alone.
#[test]
fn first_come_first_served() {
    static IN_LINE: Reached = Reached::new();
    check(3, AWAKE, || {
        let written = Ids::default();
        let sink = JsonLinesAuditSink::builder()
            .capacity(8)
            .capacity_bytes(4_096)
            .strategy(Block)
            .build(Box::new(written.clone()))
            .map(Arc::new)
            .expect("a model has few threads");
        sink.on_call(&event("a"));
        let other = spawn({
            let sink = Arc::clone(&sink);
            move || sink.on_call(&long_event("b"))
        });
        let other_waits = sink.counters().blocked == 1;
        sink.on_call(&event("c"));
        other.join().expect("it doesn't panic");
        let counters = sink.close(LONG).expect("nothing fails");
        assert_eq!((counters.offered, counters.written), (3, 3));
        let written = written.get();
        assert_eq!(written[0], "a");
        if other_waits {
            assert_eq!(written, ["a", "b", "c"]);
            IN_LINE.mark();
        }
    });
    IN_LINE.check();
}

/// Nobody waits for ever for a writer that dies, and each event is counted.
#[test]
fn beside_a_dying_writer() {
    check(3, AWAKE, || {
        let taken = Ids::default();
        let dying = Dying {
            taken: taken.clone(),
            writes: 0,
        };
        let sink = sink(1, Block, dying);
        let other = spawn({
            let sink = sink.clone();
            move || sink.on_call(&event("a"))
        });
        sink.on_call(&event("b"));
        sink.on_call(&event("c"));
        other.join().expect("it doesn't panic");
        drop(sink.close(LONG));
        let counters = sink.counters();
        assert_adds_up(&counters);
        assert_eq!(counters.written, taken.len());
        assert_eq!((counters.offered, counters.queued), (3, 0));
        assert!(matches!(sink.health(), Health::Failed { .. }));
    });
}

/// Who gives up is counted once, and leaves the other his place.
#[test]
fn until_a_deadline() {
    check(2, IMPATIENT, || {
        let written = Ids::default();
        let sink = JsonLinesAuditSink::builder()
            .capacity(1)
            .strategy(Block)
            .block_timeout(LONG)
            .build(Box::new(written.clone()))
            .map(Arc::new)
            .expect("a model has few threads");
        sink.on_call(&event("a"));
        let other = spawn({
            let sink = sink.clone();
            move || sink.on_call(&event("b"))
        });
        sink.on_call(&event("c"));
        other.join().expect("it doesn't panic");
        let counters = sink.counters();
        assert_adds_up(&counters);
        assert_eq!((counters.offered, counters.blocked), (3, 0));
        assert!(counters.dropped <= 2, "{counters:?}");
        drop(sink.close(LONG));
    });
}
