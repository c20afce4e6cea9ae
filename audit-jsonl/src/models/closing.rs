//! Ending a sink beside its callers.

use std::time::Duration;

use audit_sink::AuditSink as _;
use audit_sink::BackpressureStrategy::{Block, Drop};

use super::support::{
    Arrivals, Dying, Ending, Hanging, Ids, Reached, assert_adds_up, event, sink, spawn,
};
use super::{AWAKE, DOZING, IMPATIENT, check};
use crate::CloseError;
use crate::sync::coins::{Timer, Timers};

const LONG: Duration = Duration::from_secs(1);

/// What comes before is written, what comes after is counted.
#[test]
fn beside_a_call() {
    check(3, DOZING, || {
        let written = Ids::default();
        let sink = sink(8, Drop, written.clone());
        let other = spawn({
            let sink = sink.clone();
            move || {
                sink.on_call(&event("a"));
                sink.on_call(&event("b"));
            }
        });
        let closed = sink.close(LONG).expect("nothing fails");
        assert_adds_up(&closed);
        assert_eq!(closed.written, written.len());
        other.join().expect("it doesn't panic");
        let counters = sink.counters();
        assert_adds_up(&counters);
        assert_eq!(counters.written, closed.written);
        assert_eq!((counters.offered, counters.queued), (2, 0));
    });
}

/// Callers who stand in line are still let in.
#[test]
fn beside_a_call_that_waits_for_room() {
    check(3, AWAKE, || {
        let written = Ids::default();
        let sink = sink(1, Block, written.clone());
        let other = spawn({
            let sink = sink.clone();
            move || {
                sink.on_call(&event("a"));
                sink.on_call(&event("b"));
            }
        });
        let closed = sink.close(LONG).expect("nothing fails");
        other.join().expect("it doesn't panic");
        let counters = sink.counters();
        assert_adds_up(&counters);
        assert_eq!(counters.written, closed.written);
        assert_eq!(counters.written, written.len());
        assert_eq!((counters.offered, counters.queued), (2, 0));
    });
}

/// Both find everything written.
#[test]
fn twice_at_once() {
    check(3, AWAKE, || {
        let written = Ids::default();
        let sink = sink(8, Drop, written.clone());
        sink.on_call(&event("a"));
        let other = spawn({
            let sink = sink.clone();
            move || sink.close(LONG).expect("nothing fails").written
        });
        assert_eq!(sink.close(LONG).expect("nothing fails").written, 1);
        assert_eq!(other.join().expect("it doesn't panic"), 1);
        assert_eq!(written.len(), 1);
    });
}

/// Whoever gives up waiting says how much was left; every event is settled all the
/// same, and who waits for room is sent away.
#[test]
fn that_takes_too_long() {
    static IN_TIME: Reached = Reached::new();
    static TOO_LATE: Reached = Reached::new();
    check(3, IMPATIENT, || {
        let (written, ended) = (Ids::default(), Arrivals::new());
        let ending = Ending {
            destination: written.clone(),
            ended: ended.clone(),
        };
        let sink = sink(1, Block, ending);
        sink.on_call(&event("a"));
        let other = spawn({
            let sink = sink.clone();
            move || sink.on_call(&event("b"))
        });
        match sink.close(LONG) {
            Ok(closed) => {
                assert_eq!((closed.written, closed.queued), (written.len(), 0));
                IN_TIME.mark();
            }
            Err(CloseError::Timeout { left, .. }) => {
                assert!(left <= 1, "{left}");
                TOO_LATE.mark();
            }
            Err(error) => panic!("{error}"),
        }
        other.join().expect("it doesn't panic");
        ended.wait_for(1);
        let counters = sink.counters();
        assert_adds_up(&counters);
        assert_eq!((counters.offered, counters.queued), (2, 0));
        assert_eq!(counters.written, written.len());
    });
    IN_TIME.check();
    TOO_LATE.check();
}

/// Who waits for room is sent away though the writer hangs, and it begins nothing new
/// when it goes on.
#[test]
fn of_a_destination_that_hangs() {
    let timers = Timers {
        parks: Timer::Fires,
        deadlines: Timer::Fires,
    };
    check(3, timers, || {
        let (gate, begun, ended) = (Arrivals::new(), Arrivals::new(), Arrivals::new());
        let ending = Ending {
            destination: Hanging {
                gate: gate.clone(),
                begun: begun.clone(),
            },
            ended: ended.clone(),
        };
        let sink = sink(2, Block, ending);
        sink.on_call(&event("a"));
        begun.wait_for(1);
        sink.on_call(&event("b"));
        let other = spawn({
            let sink = sink.clone();
            move || sink.on_call(&event("c"))
        });
        let closed = sink.close(LONG);
        assert!(matches!(closed, Err(CloseError::Timeout { left: 2, .. })));
        other.join().expect("it doesn't panic");
        gate.add(1);
        ended.wait_for(1);
        let counters = sink.counters();
        assert_adds_up(&counters);
        assert_eq!((counters.written, counters.dropped), (1, 2));
    });
}

/// The destination panics meanwhile.
#[test]
fn of_a_dying_writer() {
    check(3, AWAKE, || {
        let dying = Dying {
            taken: Ids::default(),
            writes: 0,
        };
        let sink = sink(8, Drop, dying);
        sink.on_call(&event("a"));
        let other = spawn({
            let sink = sink.clone();
            move || sink.on_call(&event("b"))
        });
        // Whether it tells of the loss depends on which was first.
        let closed = sink.close(LONG);
        other.join().expect("it doesn't panic");
        let counters = sink.counters();
        assert_adds_up(&counters);
        assert_eq!((counters.dropped, counters.queued), (2, 0));
        drop(closed);
    });
}

/// Either thread may be the last that has the sink. Then everything is written.
#[test]
fn by_the_last_of_two_owners() {
    use crate::sync::checker::sync::Arc;

    check(3, DOZING, || {
        let written = Ids::default();
        let sink = Arc::new(sink(8, Drop, written.clone()));
        let other = spawn({
            let sink = Arc::clone(&sink);
            move || sink.on_call(&event("a"))
        });
        sink.on_call(&event("b"));
        drop(sink);
        other.join().expect("it doesn't panic");
        assert_eq!(written.len(), 2);
    });
}
