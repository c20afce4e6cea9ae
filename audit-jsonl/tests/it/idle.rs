//! An idle sink costs nothing.

use std::fs;
use std::path::PathBuf;
use std::thread;
use std::time::{Duration, Instant};

use audit_jsonl::{AuditSink, JsonLinesAuditSink};
use audit_testkit::{DEADLINE, SharedBuf};

use crate::support::{child, event, output_of};

const WINDOW: Duration = Duration::from_millis(100);

#[test]
fn the_writer_of_an_idle_sink_is_never_woken() {
    let Some(child) = child("idle::the_writer_of_an_idle_sink_is_never_woken") else {
        let buf = SharedBuf::new();
        let sink = JsonLinesAuditSink::new(Box::new(buf.clone()));
        // Idle from the start, after a call, after a burst, after a flush.
        for round in 0..4 {
            for number in 0..[0, 1, 1_000, 1][round] {
                sink.on_call(&event(number));
            }
            if round == 3 {
                sink.flush(DEADLINE).unwrap();
            }
            wait_until_idle();
            let before = sleeps();
            // That nothing happens in this time is what is tested.
            thread::sleep(3 * WINDOW);
            assert_eq!(sleeps(), before, "it was woken, in round {round}");
        }
        assert_eq!(sink.counters().queued, 0);
        drop(sink);
        return;
    };
    output_of(child);
}

/// Waits until the writer of the only sink of this process sleeps without a
/// timer.
pub(crate) fn wait_until_idle() {
    let begun = Instant::now();
    let mut last = None;
    loop {
        let now = sleeps();
        if now.is_some() && now == last && !has_a_timer() {
            return;
        }
        last = now;
        assert!(begun.elapsed() < DEADLINE, "it never sleeps for good");
        // A thread that falls asleep tells nobody.
        thread::sleep(WINDOW);
    }
}

/// How often the writer went to sleep.
fn sleeps() -> Option<String> {
    let status = fs::read_to_string(writer()?.join("status")).unwrap();
    let field = "voluntary_ctxt_switches:";
    let line = status.lines().find(|line| line.starts_with(field));
    line.map(str::to_owned)
}

/// Whether the writer is in no system call that lasts until somebody wakes it:
/// the fourth argument of `futex` is the time to wait, if there is one.
fn has_a_timer() -> bool {
    // Not every kernel lets one look.
    let Some(Ok(call)) = writer().map(|writer| fs::read_to_string(writer.join("syscall"))) else {
        return false;
    };
    call.split(' ').nth(4) != Some("0x0")
}

/// The writer's thread is found by its name, which it gives itself.
fn writer() -> Option<PathBuf> {
    let tasks = fs::read_dir("/proc/self/task").unwrap();
    let mut writers = tasks.filter_map(|task| {
        let task = task.unwrap().path();
        let name = fs::read_to_string(task.join("comm")).ok()?;
        (name.trim() == "audit-jsonl").then_some(task)
    });
    let writer = writers.next();
    assert_eq!(writers.next(), None, "more than one sink");
    writer
}
