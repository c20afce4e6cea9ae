//! Clauses 1, 2, 4, 5, 6 and 7.

use std::io::{self, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::Instant;

use audit_schema::{CallEvent, SCHEMA_VERSION};
use audit_sink::AuditSink;
use audit_sink::BackpressureStrategy::{Block, Drop as Dropping, FallbackSink};
use audit_testkit::RecordingSink;
use parking_lot::Mutex;

use super::{
    DROPPING, DROPS, DROPS_FULL, DYING, ENDING, FIDELITY, FLUSH, FLUSH_BOUNDED, HEALTH, INSIDE,
    LOSS, LOSS_FULL, LOSS_ODD, LOSS_REFUSED, NO_PANIC, ORDER, ORDER_FULL, THREADS,
};
use crate::bench::{Bench, CAPACITY};
use crate::queued::Queued;
use crate::spoilt::spoilt;
use crate::verdict::Broken;

// 1. Threads

#[test]
fn health_that_can_not_be_asked_during_a_flush() {
    spoilt(Dropping, |sink| {
        let flushing = Arc::new(AtomicU64::new(0));
        let asked = Arc::clone(&flushing);
        sink.flush = Box::new(move |inner, timeout| {
            flushing.fetch_add(1, Ordering::SeqCst);
            // Until someone asks, for a moment at most.
            let start = Instant::now();
            while flushing.load(Ordering::SeqCst) > 0 && start.elapsed().as_millis() < 5 {
                thread::yield_now();
            }
            flushing.store(0, Ordering::SeqCst);
            inner.flush(timeout)
        });
        sink.health = Box::new(move |inner| {
            assert_eq!(asked.load(Ordering::SeqCst), 0, "not now");
            inner.health()
        });
    })
    .perhaps_by(&[ENDING, LOSS_ODD, INSIDE])
    .caught_by(&[THREADS]);
}

// 2. No panic

#[test]
fn a_panic_over_a_control_character() {
    let said = spoilt(Dropping, |sink| {
        sink.on_call = Box::new(|inner, event| {
            assert!(!event.tool_id.contains('\u{1b}'), "what a strange tool");
            inner.on_call(event);
        });
    })
    .caught_by(&[NO_PANIC, FIDELITY]);
    assert_eq!(
        said[NO_PANIC],
        "clause 2 (no panic): on_call with every control character panicked: what a strange tool"
    );
}

#[test]
fn a_timeout_that_overflows_the_clock() {
    spoilt(Dropping, |sink| {
        sink.flush = Box::new(|inner, timeout| {
            let deadline = Instant::now() + timeout;
            inner.flush(deadline.saturating_duration_since(Instant::now()))
        });
    })
    .caught_by(&[NO_PANIC, FLUSH_BOUNDED]);
}

// 4. No silent loss

#[test]
fn every_tenth_event_lost() {
    let said = spoilt(Block, |sink| {
        sink.on_call = Box::new(|inner, event| {
            if !event.call_id.ends_with('7') {
                inner.on_call(event);
            }
        });
    })
    .caught_by(&[
        LOSS,
        LOSS_FULL,
        LOSS_REFUSED,
        FLUSH,
        FLUSH_BOUNDED,
        DROPPING,
        DYING,
        INSIDE,
    ]);
    assert_eq!(
        said[LOSS],
        "clause 4 (no silent loss): offered 2000, recorded 1800, drops 0, fallback 0"
    );
}

#[test]
fn drops_that_are_not_counted() {
    spoilt(Dropping, |sink| sink.drops = Box::new(|_| 0))
        .perhaps_by(&[LOSS, FLUSH, DROPPING])
        .caught_by(&[LOSS_FULL, DYING]);
}

#[test]
fn an_event_that_comes_twice_in_the_place_of_another() {
    let said = spoilt(Block, |sink| {
        sink.on_call = Box::new(|inner, event| {
            if event.call_id != "0-5" {
                inner.on_call(event);
            }
            if event.call_id == "0-6" {
                inner.on_call(event);
            }
        });
    })
    .caught_by(&[LOSS, LOSS_FULL, ORDER, ORDER_FULL, FLUSH, INSIDE]);
    assert_eq!(
        said[LOSS],
        "clause 4 (no silent loss): the event \"0-6\" came more often than it was offered"
    );
}

#[test]
fn an_event_that_nobody_offered() {
    let said = spoilt(Block, |sink| {
        sink.on_call = Box::new(|inner, event| {
            let mut event = event.clone();
            event.call_id = event.call_id.replace("3-9", "?");
            inner.on_call(&event);
        });
    })
    .caught_by_alone(&[LOSS]);
    assert_eq!(
        said[LOSS],
        "clause 4 (no silent loss): the event \"?\" came and was never offered"
    );
}

/// A writer that takes an error for a success.
struct Careless(Box<dyn Write + Send>);

impl Write for Careless {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        Ok(self.0.write(bytes).unwrap_or(bytes.len()))
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

#[test]
fn errors_that_are_ignored() {
    Broken::new(|| {
        Bench::new(|destination, _| {
            let writer = Box::new(Careless(destination.writer()));
            Queued::open(writer, CAPACITY, Dropping)
        })
    })
    .hangs()
    .caught_by(&[LOSS_REFUSED, HEALTH]);
}

#[test]
fn a_fallback_of_which_the_harness_does_not_tell() {
    let said = Broken::new(|| {
        Bench::new(|destination, _| {
            let elsewhere = RecordingSink::new();
            let strategy = FallbackSink(Arc::new(elsewhere));
            Queued::open(destination.writer(), CAPACITY, strategy)
        })
    })
    .perhaps_by(&[LOSS, FLUSH, DROPPING, DYING])
    .caught_by(&[LOSS_FULL]);
    assert!(said[LOSS_FULL].ends_with(
        "fallback 0; the sink has a fallback, of which Harness::fallen_back should tell"
    ));
}

// 5. Order

#[test]
fn neighbours_that_change_places() {
    let said = spoilt(Block, |sink| {
        // Each caller's event 5 waits for its event 6, or for a flush.
        let held = Arc::new(Mutex::new(Vec::<CallEvent>::new()));
        let flushed = Arc::clone(&held);
        sink.on_call = Box::new(move |inner, event| match event.call_id.split_once('-') {
            Some((_, "5")) => held.lock().push(event.clone()),
            Some((caller, "6")) => {
                inner.on_call(event);
                let fifth = format!("{caller}-5");
                let fifths = held
                    .lock()
                    .extract_if(.., |held| held.call_id == fifth)
                    .collect();
                offer_all(inner, fifths);
            }
            _ => inner.on_call(event),
        });
        sink.flush = Box::new(move |inner, timeout| {
            let held = std::mem::take(&mut *flushed.lock());
            offer_all(inner, held);
            inner.flush(timeout)
        });
    })
    .caught_by(&[ORDER, ORDER_FULL]);
    assert!(
        said[ORDER].contains("event 5 of thread "),
        "{}",
        said[ORDER]
    );
}

fn offer_all(sink: &Queued, events: Vec<CallEvent>) {
    for event in events {
        sink.on_call(&event);
    }
}

// 6. Fidelity

type Change = fn(&mut CallEvent);

#[test]
fn fields_that_are_changed() {
    let cases: [(Change, &str); 6] = [
        (
            |event| {
                if let Some(caller_id) = &mut event.caller_id {
                    *caller_id = caller_id.replace(char::is_control, "?");
                }
            },
            "an event with line ends was changed: caller_id was",
        ),
        (
            |event| {
                if let Some((end, _)) = event.tool_id.char_indices().nth(5) {
                    event.tool_id.truncate(end);
                }
            },
            "an event with a quote and a backslash was changed: tool_id was",
        ),
        (
            |event| event.schema_version = SCHEMA_VERSION,
            "an event with the largest numbers was changed: \
             schema_version was 4294967295 and is 3",
        ),
        (
            |event| event.duration_ms = event.duration_ms as f64 as u64 & !1,
            "an event with a quote and a backslash was changed: duration_ms was 1 and is 0",
        ),
        (
            |event| {
                event.cursor_page.take_if(|page| *page == 0);
            },
            "an event with an early version was changed: cursor_page was Some(0) and is None",
        ),
        (
            |event| {
                event.capability_provenance.take_if(|list| list.is_empty());
            },
            "an event with empty strings and lists was changed: \
             capability_provenance was Some([]) and is None",
        ),
    ];
    for (change, expected) in cases {
        let said = spoilt(Dropping, move |sink| {
            sink.on_call = Box::new(move |inner, event| {
                let mut event = event.clone();
                change(&mut event);
                inner.on_call(&event);
            });
        })
        .caught_by(&[FIDELITY]);
        assert!(said[FIDELITY].contains(expected), "{}", said[FIDELITY]);
    }
}

#[test]
fn an_event_that_is_taken_for_one_seen_before() {
    let said = spoilt(Block, |sink| {
        let seen = Mutex::new(Vec::new());
        sink.on_call = Box::new(move |inner, event| {
            // The others are counted by the clauses on loss.
            let no_time = event.call_id == "no time";
            if !no_time || !seen.lock().contains(&event.call_id) {
                seen.lock().push(event.call_id.clone());
                inner.on_call(event);
            }
        });
    })
    .caught_by(&[FIDELITY]);
    assert_eq!(
        said[FIDELITY],
        "clause 6 (fidelity): an event with a call_id that isn't unique was offered once and \
         came 0 times"
    );
}

// 7. Drops only grow

#[test]
fn drops_since_they_were_last_asked_for() {
    let said = spoilt(Dropping, |sink| {
        let told = AtomicU64::new(0);
        sink.drops = Box::new(move |inner| {
            let now = inner.drops();
            now.saturating_sub(told.swap(now, Ordering::Relaxed))
        });
    })
    .perhaps_by(&[LOSS, LOSS_FULL, DROPS, FLUSH, DROPPING])
    .caught_by(&[DROPS_FULL, DYING]);
    assert!(said[DROPS_FULL].starts_with("clause 7 (drops only grow): drops went from "));
}

#[test]
fn drops_that_begin_again() {
    spoilt(Dropping, |sink| {
        let asked = AtomicU64::new(0);
        sink.drops = Box::new(move |_| asked.fetch_add(1, Ordering::Relaxed) % 3);
    })
    // No others, for there is nothing that such a number wouldn't spoil.
    .caught_by_alone(&[DROPS, DROPS_FULL]);
}
