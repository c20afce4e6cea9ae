//! Clauses 1, 2 and 7: what any harness can test.

use std::time::Duration;

use audit_sink::AuditSink;

use super::Harness;
use super::clause::{DROPS_ONLY_GROW, NO_PANIC, THREADS};
use super::events::{batches, hostile_events, numbered};
use super::subject::check;

/// Clause 1: any number of threads may call any method at once.
///
/// Eight threads call all methods in turn, each beginning with another one.
pub fn clause_01_threads<H: Harness>(harness: &H) {
    check(harness, THREADS, |subject| {
        subject.at_once("calling all methods from 8 threads", 8, |caller, sink| {
            for nth in 0..100 {
                match (caller + nth) % 5 {
                    0 => drop(sink.backpressure_strategy()),
                    1 => drop(sink.health()),
                    2 => drop(sink.flush(Duration::from_millis(nth as u64 % 2))),
                    3 => _ = sink.drops(),
                    _ => {}
                }
                sink.on_call(&numbered(caller, nth));
            }
        });
    });
}

/// Clause 2: no method panics, whatever the event holds.
///
/// Each of the [`hostile_events`], from several threads too, then every method
/// with the timeouts that are easy to get wrong.
pub fn clause_02_no_panic<H: Harness>(harness: &H) {
    check(harness, NO_PANIC, |subject| {
        for (what, event) in hostile_events() {
            let on_call = format!("on_call with {what}");
            subject.run(&on_call, move |sink| sink.on_call(&event));
        }
        // Without the few that are large, which take most of the time.
        let mut small = hostile_events();
        small.retain(|(_, event)| {
            let caller_id = event.caller_id.as_deref().unwrap_or_default();
            caller_id.len().max(event.granted_capabilities.len()) < 1_000
        });
        subject.at_once("on_call with hostile events", 4, move |_, sink| {
            for (_, event) in &small {
                sink.on_call(event);
            }
        });
        // Added to the present moment, the last two overflow.
        let nanosecond = Duration::from_nanos(1);
        for timeout in [
            Duration::ZERO,
            nanosecond,
            Duration::MAX,
            Duration::MAX - nanosecond,
        ] {
            drop(subject.flush(timeout));
        }
        subject.drops();
        subject.run("printing backpressure_strategy", |sink| {
            drop(format!("{:?}", sink.backpressure_strategy()));
        });
        subject.run("health", |sink| drop(sink.health()));
    });
}

/// Clause 7: [`drops`](AuditSink::drops) never goes down.
///
/// One thread watches it while others offer events and look at it, too.
pub fn clause_07_drops_only_grow<H: Harness>(harness: &H) {
    check(harness, DROPS_ONLY_GROW, |subject| {
        let watch = subject.watch_drops();
        subject.offer_all(&batches(0..4, 500));
        subject.settle();
        watch.finish();
    });
}
