//! In a tokio runtime.

use std::sync::Arc;
use std::time::Duration;

use audit_jsonl::{BackpressureStrategy, CommitError, JsonLinesAuditSink};
use audit_testkit::{DEADLINE, within};
use tokio::runtime::{Builder, Runtime};

use crate::support::{Scratch, child, event, output_of};

fn current_thread() -> Runtime {
    Builder::new_current_thread().enable_time().build().unwrap()
}

fn log(scratch: &Scratch) -> Arc<JsonLinesAuditSink> {
    let log = JsonLinesAuditSink::builder().path(scratch.path("audit.jsonl"));
    Arc::new(log.open().unwrap())
}

#[test]
fn many_tasks_on_one_thread_commit_at_once() {
    let scratch = Scratch::new();
    let log = log(&scratch);
    let mut seqs = within(DEADLINE, {
        let log = Arc::clone(&log);
        move || {
            let runtime = current_thread();
            runtime.block_on(async {
                let commit = |number| tokio::spawn(log.commit_async(event(number), DEADLINE));
                let tasks: Vec<_> = (0..50).map(commit).collect();
                let mut seqs = Vec::new();
                for task in tasks {
                    seqs.push(task.await.unwrap().unwrap().seq);
                }
                seqs
            })
        }
    });
    seqs.sort_unstable();
    assert_eq!(seqs, (0..50).collect::<Vec<_>>());
    assert_eq!(log.counters().written, 50);
}

#[test]
fn the_runtime_goes_on_while_a_commit_waits() {
    let scratch = Scratch::new();
    let path = scratch.path("audit.jsonl");
    let log = log(&scratch);
    // The head file is the lock that a log's writers share.
    let head = std::fs::File::open(path.with_file_name("audit.jsonl.head")).unwrap();
    fs4::FileExt::lock(&head).unwrap();
    within(DEADLINE, {
        let log = Arc::clone(&log);
        move || {
            current_thread().block_on(async {
                let commit = tokio::spawn(log.commit_async(event(1), DEADLINE));
                // On the one thread there is: it would never come here again.
                for _ in 0..100 {
                    tokio::task::yield_now().await;
                }
                assert!(!commit.is_finished());
                drop(head);
                commit.await.unwrap().unwrap();
            });
        }
    });
}

#[test]
fn a_future_that_is_dropped_doesnt_take_the_event_back() {
    let scratch = Scratch::new();
    let log = log(&scratch);
    let runtime = current_thread();
    runtime.block_on(async {
        let commit = log.commit_async(event(1), DEADLINE);
        // Polled once, and dropped.
        drop(tokio::time::timeout(Duration::ZERO, commit).await);
    });
    drop(runtime);
    log.close(DEADLINE).unwrap();
    assert_eq!(log.counters().written, 1);
}

#[test]
fn a_future_that_is_never_polled_doesnt_lose_the_event() {
    let scratch = Scratch::new();
    let log = log(&scratch);
    drop(log.commit_async(event(1), DEADLINE));
    log.close(DEADLINE).unwrap();
    assert_eq!(log.counters().written, 1);
}

#[test]
fn a_runtime_that_shuts_down_before_the_commit_begins_loses_nothing() {
    let scratch = Scratch::new();
    let log = log(&scratch);
    let runtime = Builder::new_current_thread()
        .max_blocking_threads(1)
        .build()
        .unwrap();
    let (release, held) = std::sync::mpsc::channel::<()>();
    runtime.block_on(async {
        // The one thread for blocking work is taken.
        let (begun, has_begun) = std::sync::mpsc::channel();
        tokio::task::spawn_blocking(move || {
            begun.send(()).unwrap();
            held.recv()
        });
        has_begun.recv().unwrap();
        let commit = tokio::spawn(log.commit_async(event(1), DEADLINE));
        tokio::task::yield_now().await;
        assert!(!commit.is_finished());
        // Neither is this one polled.
        drop(tokio::spawn(log.commit_async(event(2), DEADLINE)));
    });
    runtime.shutdown_background();
    release.send(()).unwrap();
    // The pool's thread lets go of what it never began.
    let begun = std::time::Instant::now();
    while Arc::strong_count(&log) > 1 {
        assert!(begun.elapsed() < DEADLINE, "somebody holds the log");
        std::thread::yield_now();
    }
    log.close(DEADLINE).unwrap();
    assert_eq!(log.counters().written, 2);
}

#[test]
fn without_a_runtime_it_is_an_error_and_the_event_is_queued() {
    let scratch = Scratch::new();
    let log = log(&scratch);
    let commit = log.commit_async(event(1), DEADLINE);
    let mut commit = Box::pin(commit);
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    let std::task::Poll::Ready(result) = commit.as_mut().poll(&mut context) else {
        panic!("there is nothing to wait for");
    };
    assert!(
        matches!(result, Err(CommitError::Unusable { .. })),
        "{result:?}"
    );
    log.close(DEADLINE).unwrap();
    assert_eq!(log.counters().written, 1);
}

#[test]
fn what_commit_refuses_is_refused() {
    let plain = Arc::new(JsonLinesAuditSink::new(Box::new(std::io::sink())));
    let result = current_thread().block_on(plain.commit_async(event(1), DEADLINE));
    let error = result.unwrap_err().to_string();
    assert!(error.contains("plain lines"), "{error}");
}

#[test]
fn block_in_a_current_thread_runtime_is_warned_of() {
    let Some(child) = child("tokio::block_in_a_current_thread_runtime_is_warned_of") else {
        let open = |strategy| {
            let builder = JsonLinesAuditSink::builder().strategy(strategy);
            drop(builder.build(Box::new(std::io::sink())).unwrap());
        };
        open(BackpressureStrategy::Block);
        current_thread().block_on(async { open(BackpressureStrategy::Drop) });
        let multi = Builder::new_multi_thread()
            .worker_threads(1)
            .build()
            .unwrap();
        multi.block_on(async { open(BackpressureStrategy::Block) });
        eprintln!("only now:");
        current_thread().block_on(async { open(BackpressureStrategy::Block) });
        return;
    };
    let (_, stderr) = output_of(child);
    let (before, after) = stderr.split_once("only now:").unwrap();
    assert!(!before.contains("current-thread"), "{stderr}");
    assert_eq!(
        after
            .matches("opened in a current-thread tokio runtime")
            .count(),
        1,
        "{stderr}"
    );
}
