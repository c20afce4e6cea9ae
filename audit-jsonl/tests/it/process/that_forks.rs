//! A process that forks: it keeps its log, and its child is told.

use super::*;
use std::fs::OpenOptions;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::support::SetAtEnd;
use audit_jsonl::{CloseError, FlushError, Health};
use fork::{Fork, fork, waitpid_nohang};

use crate::support::{Caller, until};

#[test]
fn keeps_its_log_and_the_child_is_told() {
    let Some(test) = child("process::that_forks::keeps_its_log_and_the_child_is_told") else {
        let path = std::env::var_os("AUDIT_JSONL_PATH").unwrap();
        let sink = JsonLinesAuditSink::file(path.as_ref()).unwrap();
        for number in 0..100 {
            sink.on_call(&event(number));
        }
        let child = in_a_fork(|| {
            for number in 1_000..1_100 {
                sink.on_call(&event(number));
            }
            let here = sink.flush(Duration::MAX);
            assert!(matches!(here, Err(FlushError::Unusable { .. })), "{here:?}");
            let here = sink.close(Duration::MAX);
            assert!(matches!(here, Err(CloseError::Unusable { .. })), "{here:?}");
            // The fork is noticed at the latest when the queue is full.
            for number in 1_100..4_000 {
                sink.on_call(&event(number));
            }
            assert!(sink.drops() > 0);
            assert!(matches!(sink.health(), Health::Failed { .. }));
            assert!(matches!(
                sink.flush(DEADLINE),
                Err(FlushError::Unusable { .. })
            ));
        });
        child.wait();
        for number in 100..200 {
            sink.on_call(&event(number));
        }
        assert_eq!(sink.close(DEADLINE).unwrap().written, 200);
        return;
    };
    each_line_is_there_once(test, 200);
}

#[test]
fn while_it_is_idle_leaves_the_child_a_sink_that_counts() {
    let name = "process::that_forks::while_it_is_idle_leaves_the_child_a_sink_that_counts";
    let Some(test) = child(name) else {
        let path = std::env::var_os("AUDIT_JSONL_PATH").unwrap();
        let sink = JsonLinesAuditSink::file(path.as_ref()).unwrap();
        sink.on_call(&event(0));
        sink.flush(DEADLINE).unwrap();
        crate::idle::wait_until_idle();
        let child = in_a_fork(|| {
            // It would have to wake the writer.
            for number in 1_000..1_010 {
                sink.on_call(&event(number));
            }
            assert_eq!(fates(&sink), (0, 10, 0, 0));
            assert!(matches!(sink.health(), Health::Failed { .. }));
            drop(sink.flush(Duration::MAX));
        });
        child.wait();
        sink.on_call(&event(1));
        sink.close(DEADLINE).unwrap();
        return;
    };
    each_line_is_there_once(test, 2);
}

#[test]
fn with_a_full_queue_leaves_no_child_waiting() {
    let name = "process::that_forks::with_a_full_queue_leaves_no_child_waiting";
    let Some(test) = child(name) else {
        let path = std::env::var_os("AUDIT_JSONL_PATH").unwrap();
        let file = OpenOptions::new()
            .create(true)
            .append(true)
            .open(path)
            .unwrap();
        let (gate, writer) = gate::pair(file);
        let sink = JsonLinesAuditSink::with_strategy(Box::new(writer), 2, Block);
        let sink = std::sync::Arc::new(sink);
        for number in 0..2 {
            sink.on_call(&event(number));
        }
        // One stands in line when it forks.
        let waits = std::sync::Arc::clone(&sink);
        let caller = Caller::waiting(move || waits.on_call(&event(2)));
        let child = in_a_fork(|| {
            for number in 1_000..1_005 {
                sink.on_call(&event(number));
            }
            assert_eq!(fates(&sink), (0, 5, 0, 0));
            sink.flush(Duration::MAX).unwrap_err();
            sink.close(Duration::MAX).unwrap_err();
            drop(std::sync::Arc::try_unwrap(sink));
        });
        child.wait();
        gate.open();
        // With it the last handle goes, and the sink is closed.
        caller.join();
        return;
    };
    each_line_is_there_once(test, 3);
}

#[test]
fn in_the_midst_of_calls_leaves_no_child_hanging() {
    let name = "process::that_forks::in_the_midst_of_calls_leaves_no_child_hanging";
    let Some(test) = child(name) else {
        let path = std::env::var_os("AUDIT_JSONL_PATH").unwrap();
        let file = OpenOptions::new()
            .create(true)
            .append(true)
            .open(path)
            .unwrap();
        let sink = JsonLinesAuditSink::with_strategy(Box::new(file), 16, Block);
        let done = AtomicBool::new(false);
        let mut offered = 0;
        thread::scope(|scope| {
            let end = SetAtEnd(&done);
            let callers: Vec<_> = (0..3)
                .map(|caller| {
                    let (sink, done) = (&sink, &done);
                    scope.spawn(move || {
                        let mut nth = 0;
                        while !done.load(Ordering::Relaxed) {
                            sink.on_call(&event(caller + 3 * nth));
                            nth += 1;
                        }
                        nth
                    })
                })
                .collect();
            for _ in 0..100 {
                let child = in_a_fork(|| {
                    for number in 0..100 {
                        sink.on_call(&event(number));
                    }
                    drop(format!("{sink:?} {} {}", sink.health(), sink.drops()));
                    sink.flush(Duration::MAX).unwrap_err();
                    sink.close(Duration::MAX).unwrap_err();
                });
                child.wait();
            }
            drop(end);
            for caller in callers {
                offered += caller.join().unwrap();
            }
        });
        let counters = sink.close(DEADLINE).unwrap();
        assert_eq!(counters.written, offered);
        return;
    };
    let text = the_log_of(test);
    // Each caller's own are all there, once and in order.
    let mut next = [0, 1, 2];
    for number in numbers(&text) {
        let next = &mut next[(number % 3) as usize];
        assert_eq!(number, *next);
        *next += 3;
    }
}

struct Forked(i32);

impl Forked {
    #[track_caller]
    fn wait(self) {
        let (begun, mut status) = (Instant::now(), None);
        until("the child has ended", || {
            status = waitpid_nohang(self.0).unwrap();
            status.is_some() || begun.elapsed() > DEADLINE / 2
        });
        if status.is_none() {
            let id = self.0.to_string();
            process::Command::new("kill")
                .args(["-9", &id])
                .status()
                .ok();
        }
        assert_eq!(status, Some(0), "the child failed, or hangs");
    }
}

/// Does the work in a child of this process, in which no other thread is.
fn in_a_fork(work: impl FnOnce()) -> Forked {
    match fork().unwrap() {
        Fork::Parent(pid) => Forked(pid),
        Fork::Child => {
            let work = std::panic::AssertUnwindSafe(work);
            let ended = std::panic::catch_unwind(work);
            process::exit(i32::from(ended.is_err()));
        }
    }
}

#[track_caller]
fn each_line_is_there_once(test: process::Command, events: u64) {
    assert_eq!(the_log_of(test), lines_of(0..events));
}

#[track_caller]
fn the_log_of(mut test: process::Command) -> String {
    let scratch = Scratch::new();
    let path = scratch.path("audit.jsonl");
    test.env("AUDIT_JSONL_PATH", &path);
    output_of(test);
    fs::read_to_string(path).unwrap()
}
