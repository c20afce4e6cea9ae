//! A queue before a sink that has none.

use std::thread;

use audit_sink::schema::CallEvent;
use audit_sink::{AuditSink, MemorySink, Queued};
use audit_testkit::{DEADLINE, Destination, within};

use crate::event;
use crate::support::Direct;

fn large(id: &str) -> CallEvent {
    event(id).with_caller_id(Some("x".repeat(200_000)))
}

#[test]
fn says_how_many_it_holds() {
    let destination = Destination::new();
    let queued = Queued::new(Direct::new(&destination), 64).unwrap();
    assert_eq!(queued.queued(), 0);
    destination.stall();
    for id in ["1", "2", "3"] {
        queued.on_call(&event(id));
    }
    assert_eq!(queued.queued(), 3, "with the one that the sink is taking");
    destination.resume();
    queued.flush(DEADLINE).unwrap();
    assert_eq!((queued.queued(), queued.drops()), (0, 0));
}

#[test]
fn is_bounded_in_bytes_too() {
    let destination = Destination::new();
    let queued = Queued::new(Direct::new(&destination), 64).unwrap();
    destination.stall();
    for nth in 0..8 {
        queued.on_call(&large(&nth.to_string()));
    }
    assert_eq!((queued.queued(), queued.drops()), (5, 3), "of 1 MiB");
    // A small one still has room.
    queued.on_call(&event("small"));
    assert_eq!((queued.queued(), queued.drops()), (6, 3));
    // One that has been handed on leaves its own room, and no more.
    destination.gate().allow(1);
    let queued = within(DEADLINE, move || {
        while queued.queued() == 6 {
            thread::yield_now();
        }
        queued
    });
    queued.on_call(&large("one more"));
    queued.on_call(&large("too much"));
    assert_eq!((queued.queued(), queued.drops()), (6, 4));
    destination.resume();
    queued.flush(DEADLINE).unwrap();
    assert_eq!(destination.buf().lines().len(), 7);
}

#[test]
fn what_it_has_handed_on_takes_no_room() {
    let memory = MemorySink::new();
    let queued = Queued::new(memory.clone(), 64).unwrap();
    for nth in 0..50 {
        queued.on_call(&large(&nth.to_string()));
        queued.flush(DEADLINE).unwrap();
    }
    assert_eq!((memory.total(), queued.drops()), (50, 0));
}
