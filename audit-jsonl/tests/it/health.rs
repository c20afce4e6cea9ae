//! What `health` says is so.

use std::sync::Arc;
use std::time::{Duration, Instant};

use audit_jsonl::{
    AuditSink, BuildError, Builder, DirectJsonLinesSink, Health, JsonLinesAuditSink,
};
use audit_testkit::{DEADLINE, Fault, FaultyWriter, SharedBuf, gate, within};

use std::io::ErrorKind::{Other, StorageFull};

use crate::support::{Faulty, Gated, event, fates, settle, until};

#[test]
fn it_tells_the_failures_and_when_they_are_over() {
    within(DEADLINE, || {
        let buf = SharedBuf::new();
        let (gate, writer) = gate::pair(buf.clone());
        let faulty = FaultyWriter::new(writer)
            .during(1..5, Fault::Error(StorageFull))
            .at(7, Fault::Error(Other));
        let sink = builder().build(Box::new(faulty)).unwrap();
        assert_eq!(sink.health(), Health::Healthy);

        sink.on_call(&event(0));
        gate.wait_until_blocked(DEADLINE);
        assert_eq!(sink.health(), Health::degraded(4, 4, "no storage space"));
        gate.allow(1);
        sink.flush(DEADLINE).unwrap();
        // Whoever looks at the last write alone goes on at once.
        assert_eq!(sink.health(), Health::degraded(0, 4, "no storage space"));

        // Good, bad, good: it begins again.
        gate.open();
        sink.on_call(&event(1));
        sink.flush(DEADLINE).unwrap();
        gate.close();
        sink.on_call(&event(2));
        gate.wait_until_blocked(DEADLINE);
        assert_eq!(sink.health(), Health::degraded(1, 5, "other error"));
        gate.open();
        for number in 3..5 {
            sink.flush(DEADLINE).unwrap();
            assert_eq!(sink.health(), Health::degraded(0, 5, "other error"));
            sink.on_call(&event(number));
        }
        sink.flush(DEADLINE).unwrap();
        assert_eq!(sink.health(), Health::Healthy);
    });
}

#[test]
fn lines_that_are_given_up_are_no_success() {
    within(DEADLINE, || {
        let it = Faulty::new(builder(), |writer| writer.from(1, Fault::Error(Other)));
        for failures in [10, 11, 12] {
            it.call([0]);
            settle(&it.sink);
            let expected = Health::degraded(failures, failures, "other error");
            assert_eq!(it.sink.health(), expected);
        }
    });
}

#[test]
fn a_direct_sink_tells_the_same() {
    within(DEADLINE, || {
        let faulty = FaultyWriter::new(SharedBuf::new())
            .during(1..3, Fault::Error(StorageFull))
            .at_flush(1, Fault::Error(Other))
            .at(20, Fault::Panic);
        let sink = DirectJsonLinesSink::new(Box::new(faulty));
        let mut seen = Vec::new();
        for number in 0..7 {
            sink.on_call(&event(number));
            seen.push(sink.health());
        }
        let full = |in_a_row, total| Health::degraded(in_a_row, total, "no storage space");
        let other = |in_a_row| Health::degraded(in_a_row, 3, "other error");
        let expected = [
            full(1, 1),
            full(2, 2),
            other(3),
            other(0),
            other(0),
            Health::Healthy,
            Health::Healthy,
        ];
        assert_eq!(seen, expected);
        for number in 7..30 {
            sink.on_call(&event(number));
        }
        assert_eq!(
            sink.health(),
            Health::failed(1, 4, "the destination panicked")
        );
    });
}

#[test]
fn a_destination_that_hangs_is_told_of_until_it_goes_on() {
    within(DEADLINE, || {
        let it = Gated::new(builder());
        it.call([0]);
        it.wait_until_stuck();
        let begun = Instant::now();
        assert_eq!(it.sink.health(), Health::Healthy);
        until("it is degraded", || !it.sink.health().is_healthy());
        assert!(begun.elapsed() > Duration::from_secs(4));
        match it.sink.health() {
            Health::Degraded {
                consecutive_failures: 0,
                total_failures: 0,
                reason,
                ..
            } => assert!(reason.contains("hangs"), "{reason}"),
            other => panic!("{other:?}"),
        }
        it.gate.open();
        it.sink.flush(DEADLINE).unwrap();
        assert_eq!(it.sink.health(), Health::Healthy);
    });
}

#[test]
fn a_closed_sink_has_failed_and_says_why() {
    within(DEADLINE, || {
        let sink = builder().build(Box::new(std::io::sink())).unwrap();
        sink.close(DEADLINE).unwrap();
        assert_eq!(sink.health(), Health::failed(0, 0, "closed"));
    });
}

#[test]
fn a_sink_that_is_only_full_is_healthy() {
    within(DEADLINE, || {
        let it = Gated::new(builder());
        it.call(0..100);
        assert!(it.sink.drops() > 0);
        assert_eq!(it.sink.health(), Health::Healthy);
    });
}

#[test]
fn looking_at_it_from_many_threads_changes_nothing() {
    within(DEADLINE, || {
        let buf = SharedBuf::new();
        let faulty = FaultyWriter::new(buf.clone()).during(1..4, Fault::Error(Other));
        let sink = Arc::new(builder().build(Box::new(faulty)).unwrap());
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    for _ in 0..1_000 {
                        assert!(!matches!(sink.health(), Health::Failed { .. }));
                    }
                });
            }
            sink.on_call(&event(0));
        });
        sink.flush(DEADLINE).unwrap();
        assert_eq!(sink.health(), Health::degraded(0, 3, "other error"));
    });
}

#[cfg(target_os = "linux")]
#[test]
fn a_sink_whose_thread_could_not_be_started_counts_and_says_so() {
    use std::process::Command;

    use crate::support::{child, lines_of, output_of};
    use audit_jsonl::BackpressureStrategy::FallbackSink;
    use audit_testkit::RecordingSink;

    let name = "health::a_sink_whose_thread_could_not_be_started_counts_and_says_so";
    let Some(child) = child(name) else {
        let id = std::process::id().to_string();
        // No room for another thread's stack.
        let limited = Command::new("prlimit")
            .args(["--pid", &id, "--as=1000000"])
            .status();
        assert!(limited.unwrap().success());
        let kept = RecordingSink::new();
        let error = builder().build(Box::new(std::io::sink())).unwrap_err();
        assert!(matches!(error, BuildError::Thread { .. }), "{error:?}");
        let buf = SharedBuf::new();
        for sink in [
            JsonLinesAuditSink::new(Box::new(buf.clone())),
            JsonLinesAuditSink::with_strategy(
                Box::new(buf.clone()),
                1,
                FallbackSink(Arc::new(kept.clone())),
            ),
        ] {
            for number in 0..3 {
                sink.on_call(&event(number));
            }
            match sink.health() {
                Health::Failed { reason, .. } => {
                    assert!(reason.contains("could not be started"), "{reason}");
                }
                other => panic!("{other:?}"),
            }
            assert_eq!(sink.flush(DEADLINE), Ok(()));
            assert_eq!(sink.close(DEADLINE).unwrap().queued, 0);
            let (written, dropped, fallen_back, queued) = fates(&sink);
            assert_eq!((written, dropped + fallen_back, queued), (0, 3, 0));
        }
        assert_eq!(kept.len(), 3);
        assert_ne!(buf.text(), lines_of([0]));
        return;
    };
    output_of(child);
}

fn builder() -> Builder {
    JsonLinesAuditSink::builder().capacity(8)
}
