//! What a harness can get wrong, and what it may allow its sink.

use std::time::Duration;

use audit_schema::CallEvent;
use audit_sink::{AuditSink, BackpressureStrategy};
use audit_testkit::conformance::{self, Harness, Shared, hostile_events};

use crate::bench::{Bench, CAPACITY};
use crate::panic_of;
use crate::queued::Queued;
use crate::spoilt::Spoilt;

#[test]
fn an_overflow_that_fits_has_tested_nothing() {
    for mut bench in [Bench::dropping(), Bench::blocking(), Bench::falling_back()] {
        bench.overflow = CAPACITY / 2;
        assert_eq!(
            panic_of(|| conformance::clause_04_no_silent_loss_when_full(&bench)),
            "clause 4 (no silent loss): can't be tested: Overflows::overflow says that 32 events \
             don't fit in the queue, and they did"
        );
    }
}

#[test]
fn a_destination_that_never_calls_has_tested_nothing() {
    let mut bench = Bench::dropping();
    bench.calls_back = false;
    assert_eq!(
        panic_of(|| conformance::clause_13_any_caller_inside_the_destination(&bench)),
        "clause 13 (any caller: the destination): can't be tested: CallsBack::call_back was told to call, \
         and never did"
    );
}

#[test]
fn a_call_that_hangs_is_told_after_the_deadline_of_the_harness() {
    let mut bench = Bench::blocking();
    bench.deadline = Duration::from_millis(200);
    bench.destination.stall();
    assert_eq!(
        panic_of(|| conformance::clause_05_order(&bench)),
        "clause 5 (order): on_call didn't return within 200ms"
    );
}

const LONGEST: usize = 1_000;

fn fits(event: &CallEvent) -> bool {
    event
        .caller_id
        .as_ref()
        .is_none_or(|id| id.len() <= LONGEST)
}

/// A sink that does `with_large` with what is too large for it.
fn bounded(with_large: fn(&Queued, &CallEvent)) -> Bench<Spoilt> {
    let mut bench = Bench::new(move |destination, _| {
        let strategy = BackpressureStrategy::Block;
        let inner = Queued::open(destination.writer(), CAPACITY, strategy.clone());
        let mut sink = Spoilt::over(inner, strategy);
        sink.on_call = Box::new(move |inner, event| {
            if fits(event) {
                inner.on_call(event);
            } else {
                with_large(inner, event);
            }
        });
        sink
    });
    bench.keeps = fits;
    bench
}

#[test]
fn a_sink_may_change_what_it_says_it_changes() {
    let cut = |inner: &Queued, event: &CallEvent| {
        let event = event.clone();
        inner.on_call(&event.with_caller_id(Some("cut".into())));
    };
    conformance::clause_06_fidelity(&bounded(cut));
    conformance::clause_06_fidelity(&Shared(bounded(cut)));
}

#[test]
fn it_may_not_lose_it() {
    let said = panic_of(|| conformance::clause_06_fidelity(&bounded(|_, _| {})));
    assert_eq!(
        said,
        "clause 6 (fidelity): an event with a mebibyte of text was offered once and came 0 times"
    );
}

#[test]
fn hostile_events_are_different_and_can_be_recorded() {
    let events = hostile_events();
    for (nth, (what, event)) in events.iter().enumerate() {
        let line = serde_json::to_string(event).expect("an event is plain data");
        let read: CallEvent = serde_json::from_str(&line).expect("a record");
        assert_eq!(&read, event, "{what}");
        for (earlier, other) in &events[..nth] {
            assert!(what != earlier && event != other, "{what}, {earlier}");
        }
    }
}

#[test]
fn each_harness_opens_its_own_sink() {
    let bench = Bench::dropping();
    bench.open().on_call(&hostile_events()[0].1);
    assert_eq!(bench.destination.buf().lines().len(), 1);
    assert!(Bench::dropping().destination.buf().lines().is_empty());
}
