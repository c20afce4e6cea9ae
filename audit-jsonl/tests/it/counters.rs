//! The counters always add up.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use audit_jsonl::BackpressureStrategy::{Block, FallbackSink};
use audit_jsonl::{AuditSink, Builder, Counters, JsonLinesAuditSink};
use audit_testkit::{DEADLINE, Fault, FaultyWriter, PanickingSink, RecordingSink, within};

use std::io::ErrorKind::{Other, StorageFull};

use crate::support::{Faulty, Gated, SetAtEnd, assert_adds_up, event, event_of, line_of, until};

const CAPACITY: usize = 16;

#[test]
fn they_add_up_while_calls_are_dropped() {
    add_up_under_load(small(), |writer| writer);
}

#[test]
fn they_add_up_while_callers_wait() {
    let counters = add_up_under_load(small().strategy(Block), |writer| writer);
    assert_eq!(counters.written, counters.offered);
}

#[test]
fn they_add_up_while_callers_give_up_waiting() {
    let impatient = small()
        .strategy(Block)
        .block_timeout(Duration::from_micros(20));
    add_up_under_load(impatient, |writer| writer.from(1, Fault::Short(100)));
}

#[test]
fn they_add_up_while_calls_fall_back() {
    let kept = RecordingSink::new();
    let builder = small().strategy(FallbackSink(Arc::new(kept.clone())));
    let counters = add_up_under_load(builder, |writer| writer);
    assert_eq!(counters.fallen_back, kept.len() as u64);
    assert_eq!(counters.dropped, 0);
}

#[test]
fn they_add_up_while_the_fallback_panics() {
    let builder = small().strategy(FallbackSink(Arc::new(PanickingSink)));
    let counters = add_up_under_load(builder, |writer| writer);
    assert_eq!(counters.fallen_back, 0);
}

#[test]
fn they_add_up_while_the_destination_fails() {
    let counters = add_up_under_load(small().strategy(Block), |writer| {
        writer.from(5, Fault::Error(Other))
    });
    assert!(counters.dropped > 0, "{counters}");
}

#[test]
fn they_add_up_while_the_destination_fails_and_calls_fall_back() {
    let kept = RecordingSink::new();
    let builder = small().strategy(FallbackSink(Arc::new(kept.clone())));
    let counters = add_up_under_load(builder, |writer| writer.from(5, Fault::Error(Other)));
    assert_eq!(counters.fallen_back, kept.len() as u64);
    assert_eq!(counters.dropped, 0);
}

#[test]
fn they_add_up_when_the_destination_panics() {
    for strategy in [
        small(),
        small().strategy(Block),
        small().strategy(FallbackSink(Arc::new(RecordingSink::new()))),
    ] {
        add_up_under_load(strategy, |writer| writer.at(5, Fault::Panic));
    }
}

#[test]
fn they_add_up_while_the_sink_is_closed() {
    within(DEADLINE, || {
        for strategy in [small(), small().strategy(Block)] {
            let sink = strategy.build(Box::new(std::io::sink())).unwrap();
            thread::scope(|scope| {
                for _ in 0..3 {
                    scope.spawn(|| {
                        for number in 0..1_000 {
                            sink.on_call(&event(number));
                            assert_adds_up(sink.counters());
                        }
                    });
                }
                scope.spawn(|| {
                    until("some are written", || sink.counters().written > 0);
                    let at_the_end = sink.close(DEADLINE).unwrap();
                    assert_eq!(at_the_end.queued, 0);
                });
            });
            assert_eq!(sink.counters().offered, 3_000);
        }
    });
}

#[test]
fn bytes_are_counted_as_they_are_queued_and_as_they_are_written() {
    within(DEADLINE, || {
        let it = Gated::new(small());
        let lines: String = (0..5).map(|number| line_of(&event(number))).collect();
        it.call(0..5);
        let now = it.sink.counters();
        assert_eq!((now.queued, now.queued_bytes), (5, lines.len() as u64));
        assert_eq!((now.written, now.bytes_written), (0, 0));

        it.gate.open();
        it.sink.flush(DEADLINE).unwrap();
        let now = it.sink.counters();
        assert_eq!((now.queued, now.queued_bytes), (0, 0));
        assert_eq!((now.written, now.bytes_written), (5, lines.len() as u64));
        assert_eq!(it.buf.text(), lines);
    });
}

#[test]
fn failures_are_counted_and_words_say_it_all() {
    within(DEADLINE, || {
        let it = Faulty::new(small(), |writer| {
            writer
                .during(1..4, Fault::Error(StorageFull))
                .at_flush(1, Fault::Error(Other))
        });
        it.call([1]);
        it.sink.flush(DEADLINE).unwrap();
        let counters = it.sink.counters();
        assert_eq!(counters.write_errors, 4);
        assert_eq!(
            counters.to_string(),
            "1 offered = 1 written + 0 dropped + 0 fallen back + 0 queued",
        );
    });
}

fn small() -> Builder {
    JsonLinesAuditSink::builder().capacity(CAPACITY)
}

/// Several threads call while another looks at the counters all the time.
#[track_caller]
fn add_up_under_load(
    builder: Builder,
    script: impl FnOnce(
        FaultyWriter<audit_testkit::SharedBuf>,
    ) -> FaultyWriter<audit_testkit::SharedBuf>
    + Send
    + 'static,
) -> Counters {
    const THREADS: u64 = 3;
    const EACH: u64 = 1_000;
    within(DEADLINE, move || {
        let it = Faulty::new(builder, script);
        let done = AtomicBool::new(false);
        thread::scope(|scope| {
            let end = SetAtEnd(&done);
            let sampler = scope.spawn(|| {
                let mut last = Counters::default();
                while !done.load(Ordering::Relaxed) {
                    let now = it.sink.counters();
                    assert_follows(last, now);
                    last = now;
                }
            });
            let callers: Vec<_> = (0..THREADS)
                .map(|_| {
                    scope.spawn(|| {
                        for number in 0..EACH {
                            it.sink.on_call(&event_of(number, 300));
                        }
                    })
                })
                .collect();
            for caller in callers {
                caller.join().unwrap();
            }
            // Ok, or Lost when the destination fails.
            drop(it.sink.flush(DEADLINE));
            drop(end);
            sampler.join().unwrap();
        });
        let end = it.sink.counters();
        assert_adds_up(end);
        assert_eq!((end.offered, end.queued), (THREADS * EACH, 0), "{end}");
        assert_eq!(end.dropped, it.sink.drops());
        end
    })
}

#[track_caller]
fn assert_follows(last: Counters, now: Counters) {
    assert_adds_up(now);
    assert!(now.queued <= CAPACITY as u64, "{now}");
    assert_eq!(now.queued == 0, now.queued_bytes == 0, "{now:?}");
    for (before, after) in [
        (last.offered, now.offered),
        (last.written, now.written),
        (last.dropped, now.dropped),
        (last.fallen_back, now.fallen_back),
        (last.bytes_written, now.bytes_written),
        (last.write_errors, now.write_errors),
    ] {
        assert!(before <= after, "{last:?}, then {now:?}");
    }
}
