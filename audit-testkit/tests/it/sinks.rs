use std::sync::Arc;
use std::thread;
use std::time::Duration;

use audit_schema::{CallEvent, Outcome};
use audit_sink::AuditSink;
use audit_testkit::{DEADLINE, PanickingSink, RecordingSink};

use crate::panic_of;

fn event(call_id: &str) -> CallEvent {
    CallEvent::new(
        "2026-11-20T09:30:00Z",
        call_id,
        "echo",
        0,
        Outcome::Success,
        "hot",
    )
}

#[test]
fn clones_share_what_is_kept() {
    let kept = RecordingSink::new();
    let sink: Arc<dyn AuditSink> = Arc::new(kept.clone());
    assert!(kept.is_empty());
    sink.on_call(&event("1"));
    sink.on_call(&event("2"));
    assert_eq!(kept.events(), [event("1"), event("2")]);
    assert_eq!(format!("{kept:?}"), "RecordingSink { events: 2 }");
    kept.clear();
    assert_eq!(kept.len(), 0);
}

#[test]
fn events_can_be_waited_for() {
    let kept = RecordingSink::new();
    let sink = kept.clone();
    let thread = thread::spawn(move || sink.on_call(&event("1")));
    assert_eq!(kept.wait_for(1, DEADLINE), [event("1")]);
    thread.join().unwrap();
    assert_eq!(
        panic_of(|| kept.wait_for(2, Duration::from_millis(1))),
        "waited 1ms for 2 events; there are 1"
    );
}

#[test]
fn the_panicking_sink_panics() {
    assert_eq!(
        panic_of(|| PanickingSink.on_call(&event("1"))),
        "this sink was made to panic"
    );
}
