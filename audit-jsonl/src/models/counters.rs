//! `offered = written + dropped + fallen back + queued` in every snapshot.

use std::sync::Arc;
use std::time::Duration;

use audit_sink::AuditSink as _;
use audit_sink::BackpressureStrategy::{Drop, FallbackSink};

use super::support::{Failing, Ids, assert_adds_up, event, sink, spawn};
use super::{AWAKE, check};

const LONG: Duration = Duration::from_secs(1);

#[test]
fn of_a_queue_that_drops() {
    check(3, AWAKE, || {
        let written = Ids::default();
        let sink = sink(1, Drop, written.clone());
        let other = spawn({
            let sink = sink.clone();
            move || sink.on_call(&event("a"))
        });
        sink.on_call(&event("b"));
        assert_adds_up(&sink.counters());
        other.join().expect("it doesn't panic");
        assert_adds_up(&sink.counters());
        let counters = sink.close(LONG).expect("nothing fails");
        assert_adds_up(&counters);
        assert_eq!(counters.offered, 2);
        assert_eq!(counters.written, written.len());
        assert_eq!(counters.queued, 0);
    });
}

#[test]
fn of_a_queue_with_a_fallback() {
    check(3, AWAKE, || {
        let (written, elsewhere) = (Ids::default(), Ids::default());
        let fallback = FallbackSink(Arc::new(elsewhere.clone()));
        let sink = sink(1, fallback, written.clone());
        let other = spawn({
            let sink = sink.clone();
            move || sink.on_call(&event("a"))
        });
        sink.on_call(&event("b"));
        assert_adds_up(&sink.counters());
        other.join().expect("it doesn't panic");
        let counters = sink.close(LONG).expect("nothing fails");
        assert_adds_up(&counters);
        assert_eq!(counters.written, written.len());
        assert_eq!(counters.fallen_back, elsewhere.len());
        assert_eq!(counters.written + counters.fallen_back, 2);
    });
}

/// What the writer gives up goes to the fallback too.
#[test]
fn of_a_destination_that_fails() {
    check(3, AWAKE, || {
        let elsewhere = Ids::default();
        let fallback = FallbackSink(Arc::new(elsewhere.clone()));
        let sink = sink(1, fallback, Failing);
        let other = spawn({
            let sink = sink.clone();
            move || sink.on_call(&event("a"))
        });
        sink.on_call(&event("b"));
        assert_adds_up(&sink.counters());
        other.join().expect("it doesn't panic");
        let counters = sink.close(LONG).expect("the fallback has them");
        assert_adds_up(&counters);
        assert_eq!((counters.fallen_back, elsewhere.len()), (2, 2));
    });
}
