//! Calls that an async runtime ends: one record each, whatever happens.

use std::future;
use std::time::Duration;

use audit_sink::schema::Outcome;
use audit_sink::{Call, Recorder};
use audit_testkit::{DEADLINE, RecordingSink, within};
use tokio::runtime::{Builder, Runtime};
use tokio::sync::oneshot;

use crate::failed;

/// A tool that waits without end once it has said that it is running.
async fn hangs(_call: Call, running: oneshot::Sender<()>) {
    running.send(()).unwrap();
    future::pending::<()>().await;
}

/// The one outcome that `test` leaves, on a runtime of each kind.
fn outcome_of(test: fn(Runtime, Recorder)) -> Outcome {
    let mut outcomes =
        [Builder::new_current_thread(), Builder::new_multi_thread()].map(|mut builder| {
            let kept = RecordingSink::new();
            let recorder = Recorder::new(kept.clone());
            let runtime = builder.enable_time().build().unwrap();
            within(DEADLINE, move || test(runtime, recorder));
            let mut events = kept.wait_for(1, DEADLINE);
            assert_eq!(events.len(), 1, "{events:?}");
            events.remove(0).outcome
        });
    assert_eq!(outcomes[0], outcomes[1]);
    outcomes.swap(0, 1);
    let [outcome, _] = outcomes;
    outcome
}

#[test]
fn by_finishing_after_an_await() {
    let outcome = outcome_of(|runtime, recorder| {
        runtime.block_on(async {
            let task = tokio::spawn(async move {
                let call = recorder.start("echo");
                tokio::task::yield_now().await;
                call.finish(Outcome::Success);
            });
            task.await.unwrap();
        });
    });
    assert_eq!(outcome, Outcome::Success);
}

#[test]
fn by_panic() {
    let outcome = outcome_of(|runtime, recorder| {
        runtime.block_on(async {
            let task = tokio::spawn(async move {
                let _call = recorder.start("echo");
                tokio::task::yield_now().await;
                panic!("the tool panics");
            });
            assert!(task.await.unwrap_err().is_panic());
        });
    });
    assert_eq!(outcome, failed("panicked"));
}

#[test]
fn by_dropping_the_future() {
    let outcome = outcome_of(|runtime, recorder| {
        runtime.block_on(async {
            let (running, started) = oneshot::channel();
            let task = tokio::spawn(hangs(recorder.start("echo"), running));
            started.await.unwrap();
            task.abort();
            assert!(task.await.unwrap_err().is_cancelled());
        });
    });
    assert_eq!(outcome, failed("unfinished"));
}

#[test]
fn by_dropping_a_future_that_was_never_polled() {
    let outcome = outcome_of(|_runtime, recorder| {
        let (running, _started) = oneshot::channel();
        drop(hangs(recorder.start("echo"), running));
    });
    assert_eq!(outcome, failed("unfinished"));
}

#[test]
fn by_timeout() {
    let outcome = outcome_of(|runtime, recorder| {
        runtime.block_on(async {
            let (running, _started) = oneshot::channel();
            let call = hangs(recorder.start("echo"), running);
            let ended = tokio::time::timeout(Duration::from_millis(1), call).await;
            assert!(ended.is_err());
        });
    });
    assert_eq!(outcome, failed("unfinished"));
}

#[test]
fn by_shutting_the_runtime_down() {
    let outcome = outcome_of(|runtime, recorder| {
        let (running, started) = oneshot::channel();
        runtime.spawn(hangs(recorder.start("echo"), running));
        runtime.block_on(started).unwrap();
        runtime.shutdown_timeout(DEADLINE);
    });
    assert_eq!(outcome, failed("unfinished"));
}

#[test]
fn by_a_runtime_that_is_shut_down_in_the_background() {
    let outcome = outcome_of(|runtime, recorder| {
        let (running, started) = oneshot::channel();
        runtime.spawn(hangs(recorder.start("echo"), running));
        runtime.block_on(started).unwrap();
        runtime.shutdown_background();
    });
    assert_eq!(outcome, failed("unfinished"));
}
