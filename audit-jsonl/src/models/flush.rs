//! Those who wait for what is queued.

use std::time::Duration;

use audit_sink::AuditSink as _;
use audit_sink::BackpressureStrategy::Drop;

use super::support::{Dying, Ids, Reached, assert_adds_up, event, sink, spawn};
use super::{DOZING, check};
use crate::JsonLinesAuditSink;

const LONG: Duration = Duration::from_secs(1);

/// What was offered before it can be read after it, whatever others do.
#[test]
fn finds_what_was_offered_before() {
    check(2, DOZING, || {
        let written = Ids::default();
        let sink = sink(8, Drop, written.clone());
        let other = spawn({
            let sink = sink.clone();
            move || {
                sink.on_call(&event("a"));
                sink.flush(LONG).expect("nothing fails");
            }
        });
        sink.on_call(&event("b"));
        sink.flush(LONG).expect("nothing fails");
        assert!(written.get().contains(&"b".to_owned()));
        other.join().expect("it doesn't panic");
        assert_eq!(written.len(), 2);
    });
}

/// The writer comes to both, in whatever order they are asked for.
#[test]
fn beside_a_reopening() {
    check(2, DOZING, || {
        let written = Ids::default();
        let sink = sink(8, Drop, written.clone());
        let other = spawn({
            let sink = sink.clone();
            // Plain lines have no name; the writer is asked all the same.
            move || sink.reopen(LONG).expect_err("plain lines").to_string()
        });
        sink.on_call(&event("a"));
        sink.flush(LONG).expect("nothing fails");
        assert_eq!(written.len(), 1);
        let told = other.join().expect("it doesn't panic");
        assert!(told.contains("plain lines"), "{told}");
    });
}

/// It ends, and tells of what was lost while it waited.
#[test]
fn of_a_dying_writer() {
    static TOLD: Reached = Reached::new();
    static KNOWN: Reached = Reached::new();
    check(3, DOZING, || {
        let dying = Dying {
            taken: Ids::default(),
            writes: 0,
        };
        let sink = sink(8, Drop, dying);
        let flush = |sink: &JsonLinesAuditSink| match sink.flush(LONG) {
            Ok(()) => KNOWN.mark(),
            Err(error) => {
                assert!(error.to_string().starts_with("1 "), "{error}");
                TOLD.mark();
            }
        };
        let other = spawn({
            let sink = sink.clone();
            move || flush(&sink)
        });
        sink.on_call(&event("a"));
        flush(&sink);
        let counters = sink.counters();
        assert_adds_up(&counters);
        assert_eq!((counters.dropped, counters.queued), (1, 0));
        other.join().expect("it doesn't panic");
    });
    TOLD.check();
    KNOWN.check();
}
