//! No wake-up is lost.

use audit_sink::AuditSink as _;
use audit_sink::BackpressureStrategy::Drop;

use super::support::{Arrivals, Ids, event, sink, spawn};
use super::{AWAKE, DOZING, check};
use crate::sync::coins::{Timer, Timers};

/// Nobody but the callers themselves wakes the writer, be it just awake, dozing,
/// falling asleep or asleep for good.
#[test]
fn of_a_writer_that_falls_asleep() {
    check(3, AWAKE, || {
        let arrivals = Arrivals::new();
        let sink = sink(8, Drop, arrivals.clone());
        let other = spawn({
            let sink = sink.clone();
            move || sink.on_call(&event("a"))
        });
        sink.on_call(&event("b"));
        arrivals.wait_for(2);
        other.join().expect("it doesn't panic");
    });
}

/// No timer wakes it.
#[test]
fn of_a_writer_that_dozes_beside_a_queue_half_full() {
    let timers = Timers {
        parks: Timer::Rests,
        deadlines: Timer::Rests,
    };
    check(3, timers, || {
        let arrivals = Arrivals::new();
        let sink = sink(2, Drop, arrivals.clone());
        sink.on_call(&event("a"));
        arrivals.wait_for(1);
        sink.on_call(&event("b"));
        arrivals.wait_for(2);
    });
}

#[test]
fn of_a_writer_that_dozes_when_the_sink_is_closed() {
    check(3, DOZING, || {
        let written = Ids::default();
        let sink = sink(8, Drop, written.clone());
        let other = spawn({
            let sink = sink.clone();
            move || sink.on_call(&event("a"))
        });
        sink.on_call(&event("b"));
        other.join().expect("it doesn't panic");
        drop(sink);
        assert_eq!(written.len(), 2);
    });
}
