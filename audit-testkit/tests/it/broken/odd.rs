//! Sinks that were made without a thought of clause 13.

use std::cell::RefCell;
use std::io::Write;
use std::process::Command;
use std::{env, thread};

use audit_schema::CallEvent;
use audit_sink::AuditSink;
use audit_sink::BackpressureStrategy::Drop as Dropping;
use audit_testkit::{DEADLINE, within};
use parking_lot::Mutex;

use super::{ENDING, HOOK, INSIDE, LOSS_ODD, UNWINDING, hang};
use crate::bench::Bench;
use crate::spoilt::{Spoilt, spoilt};
use crate::verdict::Broken;

thread_local! {
    static BUFFER: RefCell<Vec<u8>> = RefCell::new(vec![0]);
}

#[test]
fn a_buffer_of_the_thread_that_is_gone() {
    let said = spoilt(Dropping, |sink| {
        sink.on_call = Box::new(|inner, event| {
            BUFFER.with_borrow_mut(Vec::clear);
            inner.on_call(event);
        });
    })
    .caught_by(&[ENDING, LOSS_ODD]);
    assert!(said[ENDING].starts_with(
        "clause 13 (any caller: a thread that is ending): a call panicked: cannot access"
    ));
}

#[test]
fn a_thread_that_unwinds_kept_waiting() {
    let said = kept_waiting().caught_by_alone(&[UNWINDING]);
    assert_eq!(
        said[UNWINDING],
        "clause 13 (any caller: a thread that unwinds): a call didn't return within 3s"
    );
}

/// A sink on which threads that panic wait for ever.
fn kept_waiting() -> Broken<Spoilt> {
    let sink = spoilt(Dropping, |sink| {
        sink.on_call = Box::new(|inner, event| {
            if thread::panicking() {
                hang();
            }
            inner.on_call(event);
        });
    });
    sink.hangs()
}

/// A hook that hangs keeps the process from ending, so this takes one of its own:
/// the same test again, told to go on by a variable.
#[test]
fn a_panic_hook_kept_waiting() {
    const AGAIN: &str = "AUDIT_TESTKIT_HANG_IN_HOOK";
    if env::var_os(AGAIN).is_some() {
        kept_waiting().caught_by_alone(&[HOOK]);
        return;
    }
    let ended = within(DEADLINE, || {
        let this = env::current_exe().expect("a test binary");
        let mut again = Command::new(this);
        again.args(["--exact", "broken::odd::a_panic_hook_kept_waiting"]);
        again.env(AGAIN, "1").output().expect("a test binary runs")
    });
    assert_eq!(ended.status.code(), Some(101));
    assert_eq!(
        String::from_utf8_lossy(&ended.stderr),
        "clause 13 (any caller: a panic hook): in a panic hook a call didn't return within 3s, so the \
         process can't go on\n"
    );
}

#[test]
fn a_panic_while_unwinding() {
    spoilt(Dropping, |sink| {
        sink.on_call = Box::new(|inner, event| {
            // In the hook this would abort the process.
            assert!(
                !thread::panicking() || event.call_id != "12-0",
                "one panic is enough"
            );
            inner.on_call(event);
        });
    })
    .caught_by(&[UNWINDING, LOSS_ODD]);
}

/// Writes under a lock that the same thread can't take twice.
struct Direct(Mutex<Box<dyn Write + Send>>);

impl AuditSink for Direct {
    fn on_call(&self, event: &CallEvent) {
        let mut line = serde_json::to_vec(event).expect("an event is plain data");
        line.push(b'\n');
        drop(self.0.lock().write_all(&line));
    }
}

#[test]
fn a_lock_that_its_holder_waits_for() {
    let said =
        Broken::new(|| Bench::new(|destination, _| Direct(Mutex::new(destination.writer()))))
            .hangs()
            // No others, for it has no queue, counts nothing and knows of no failure.
            .caught_by_alone(&[INSIDE]);
    assert_eq!(
        said[INSIDE],
        "clause 13 (any caller: the destination): on_call didn't return within 3s"
    );
}
