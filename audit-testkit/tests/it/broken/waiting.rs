//! Clauses 3, 8, 9 and 11.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use audit_schema::CallEvent;
use audit_sink::AuditSink;
use audit_sink::BackpressureStrategy::{Block, Drop as Dropping};
use parking_lot::Mutex;

use super::{
    DROPPING, DROPS_FULL, DYING, FLUSH, FLUSH_BOUNDED, FLUSH_STALLED, HEALTH, INSIDE, LOSS,
    LOSS_FULL, LOSS_ODD, LOSS_REFUSED, NO_WAITING, NO_WAITING_FULL, ORDER_FULL, hang,
};
use crate::spoilt::spoilt;
use crate::verdict::ALL;

// 3. No waiting

#[test]
fn on_call_that_waits_for_the_destination() {
    let said = spoilt(Dropping, |sink| {
        sink.on_call = Box::new(|inner, event| {
            inner.on_call(event);
            drop(inner.flush(Duration::MAX));
        });
    })
    .hangs()
    .caught_by(&[
        NO_WAITING,
        NO_WAITING_FULL,
        LOSS_FULL,
        ORDER_FULL,
        DROPS_FULL,
        FLUSH_STALLED,
        FLUSH_BOUNDED,
        HEALTH,
    ]);
    assert_eq!(
        said[NO_WAITING],
        "clause 3 (no waiting): while the destination stalled, on_call didn't return within 3s"
    );
}

#[test]
fn a_sink_that_blocks_and_does_not_say_so() {
    spoilt(Block, |sink| sink.strategy = Dropping)
        .hangs()
        .caught_by(&[NO_WAITING_FULL, LOSS_FULL, ORDER_FULL, DROPS_FULL]);
}

#[test]
fn callers_that_wait_for_ever_once_they_have_waited() {
    let said = spoilt(Block, |sink| {
        sink.on_call = Box::new(|inner, event| {
            let start = Instant::now();
            inner.on_call(event);
            if start.elapsed() > Duration::from_millis(50) {
                hang();
            }
        });
    })
    .hangs()
    // Some may be held up by a busy machine alone.
    .caught_by_alone(&[NO_WAITING_FULL]);
    assert_eq!(
        said[NO_WAITING_FULL],
        "clause 3 (no waiting): the destination went on, and callers who waited for room did not \
         within 3s"
    );
}

// 8. Flush reaches the destination

#[test]
fn a_flush_that_does_nothing() {
    spoilt(Dropping, |sink| sink.flush = Box::new(|_, _| Ok(())))
        .perhaps_by(&[
            LOSS,
            LOSS_ODD,
            LOSS_FULL,
            LOSS_REFUSED,
            FLUSH,
            FLUSH_BOUNDED,
            DYING,
            INSIDE,
        ])
        .caught_by(&[FLUSH_STALLED]);
}

#[test]
fn a_flush_that_leaves_the_last_event() {
    let said = spoilt(Block, |sink| {
        let last = Arc::new(Mutex::new(None::<CallEvent>));
        sink.on_call = Box::new(move |inner, event| {
            let before = last.lock().replace(event.clone());
            if let Some(before) = before {
                inner.on_call(&before);
            }
        });
    })
    .caught_by_alone(&[FLUSH, DROPPING]);
    assert_eq!(
        said[FLUSH],
        "clause 8 (flush reaches the destination): flush returned Ok, and the event \"0-0\" \
         offered before it is not there: recorded 0, drops 0, fallback 0"
    );
}

// 9. Flush is bounded

#[test]
fn a_flush_that_does_not_look_at_its_timeout() {
    let said = spoilt(Dropping, |sink| {
        sink.flush = Box::new(|inner, _| inner.flush(Duration::MAX));
    })
    .hangs()
    .caught_by(&[FLUSH_BOUNDED, FLUSH_STALLED, HEALTH, LOSS_REFUSED]);
    assert_eq!(
        said[FLUSH_BOUNDED],
        "clause 9 (flush is bounded): flush(0ns) while the destination stalled didn't return \
         within 3s"
    );
}

#[test]
fn a_flush_without_a_limit_that_has_one() {
    let said = spoilt(Dropping, |sink| {
        sink.flush = Box::new(|inner, timeout| inner.flush(timeout.min(Duration::from_millis(25))));
    })
    // Some flush on a busy machine.
    .caught_by_alone(&[FLUSH_BOUNDED]);
    assert!(said[FLUSH_BOUNDED].contains("flush without a limit gave up"));
}

#[test]
fn a_sink_that_gives_up_after_a_flush_that_was_late() {
    spoilt(Dropping, |sink| {
        let late = Arc::new(AtomicBool::new(false));
        let given_up = Arc::clone(&late);
        sink.flush = Box::new(move |inner, timeout| {
            let result = inner.flush(timeout);
            late.fetch_or(result.is_err(), Ordering::Relaxed);
            result
        });
        sink.on_call = Box::new(move |inner, event| {
            if !given_up.load(Ordering::Relaxed) {
                inner.on_call(event);
            }
        });
    })
    .perhaps_by(&[LOSS_ODD, DYING])
    .caught_by(&[FLUSH_BOUNDED, LOSS_REFUSED, INSIDE]);
}

// 11. Dropping delivers

#[test]
fn the_last_event_left_behind() {
    let said = spoilt(Dropping, |sink| {
        let last = Arc::new(Mutex::new(None::<CallEvent>));
        let flushed = Arc::clone(&last);
        sink.on_call = Box::new(move |inner, event| {
            // Under the lock, so that the order is kept.
            let mut last = last.lock();
            if let Some(before) = last.replace(event.clone()) {
                inner.on_call(&before);
            }
        });
        sink.flush = Box::new(move |inner, timeout| {
            let mut last = flushed.lock();
            if let Some(last) = last.take() {
                inner.on_call(&last);
            }
            drop(last);
            inner.flush(timeout)
        });
    })
    .caught_by(&[DROPPING, DYING]);
    assert!(said[DROPPING].starts_with("clause 11 (dropping delivers): offered 100, recorded "));
}

#[test]
fn a_destructor_that_hangs() {
    // Each clause drops its sink.
    let said = spoilt(Dropping, |sink| sink.when_dropped = Box::new(hang))
        .hangs()
        .caught_by(ALL);
    assert_eq!(
        said[DROPPING],
        "clause 11 (dropping delivers): dropping the sink didn't return within 3s"
    );
}

#[test]
fn a_destructor_that_panics() {
    let said = spoilt(Dropping, |sink| {
        sink.when_dropped = Box::new(|| panic!("so much left to do"));
    })
    .caught_by(ALL);
    assert_eq!(
        said[DROPPING],
        "clause 11 (dropping delivers): dropping the sink panicked: so much left to do"
    );
}
