//! What `flush` says is so.

use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use audit_jsonl::BackpressureStrategy::{Block, FallbackSink};
use audit_jsonl::{
    AuditSink, BackpressureStrategy, Builder, CallEvent, FlushError, Health, JsonLinesAuditSink,
};
use audit_testkit::{DEADLINE, Fault, RecordingSink, SharedBuf, within};

use std::io::ErrorKind::Other;

use crate::support::{Faulty, Gated, event, fates, lines_of, numbers};

#[test]
fn what_was_offered_before_it_can_be_read_after_it() {
    within(DEADLINE, || {
        let buf = SharedBuf::new();
        let sink = JsonLinesAuditSink::new(Box::new(buf.clone()));
        sink.flush(DEADLINE).unwrap();
        for number in 0..100 {
            sink.on_call(&event(number));
            sink.flush(DEADLINE).unwrap();
            assert_eq!(numbers(&buf.text()).last(), Some(&number));
        }
    });
}

#[test]
fn it_gives_up_in_time_and_tells_how_many_are_left() {
    within(DEADLINE, || {
        let it = Gated::new(holding(10));
        it.call(0..3);
        let timeout = Duration::from_millis(40);
        let begun = Instant::now();
        assert_eq!(it.sink.flush(timeout), Err(FlushError::timeout(timeout, 3)));
        assert!(begun.elapsed() >= timeout);
        it.call(3..5);
        assert_eq!(
            it.sink.flush(Duration::ZERO),
            Err(FlushError::timeout(Duration::ZERO, 5))
        );

        it.gate.open();
        it.sink.flush(DEADLINE).unwrap();
        assert_eq!(it.buf.text(), lines_of(0..5));
    });
}

#[test]
fn without_any_time_it_still_tells_whether_all_is_written() {
    within(DEADLINE, || {
        let it = Gated::new(holding(10));
        it.sink.flush(Duration::ZERO).unwrap();
        it.call([0]);
        it.sink.flush(Duration::ZERO).unwrap_err();
        it.gate.open();
        it.sink.flush(DEADLINE).unwrap();
        it.sink.flush(Duration::ZERO).unwrap();
    });
}

#[test]
fn it_may_wait_without_end() {
    within(DEADLINE, || {
        for endless in [
            Duration::MAX,
            Duration::from_secs(u64::MAX / 2),
            Duration::from_secs(i64::MAX as u64 - 10_000_000_000),
        ] {
            let it = Gated::new(holding(10));
            it.call([0]);
            thread::scope(|scope| {
                let flush = scope.spawn(|| it.sink.flush(endless));
                it.wait_until_stuck();
                it.gate.open();
                assert_eq!(flush.join().unwrap(), Ok(()));
            });
        }
    });
}

#[test]
fn many_threads_may_flush_at_once_and_each_finds_its_own() {
    within(DEADLINE, || {
        let buf = SharedBuf::new();
        let sink = JsonLinesAuditSink::with_strategy(Box::new(buf.clone()), 4, Block);
        thread::scope(|scope| {
            for thread in 0..8 {
                let (sink, buf) = (&sink, &buf);
                scope.spawn(move || {
                    for nth in 0..50 {
                        let number = thread * 1_000 + nth;
                        sink.on_call(&event(number));
                        sink.flush(DEADLINE).unwrap();
                        assert!(numbers(&buf.text()).contains(&number));
                    }
                });
            }
        });
        assert_eq!(fates(&sink), (400, 0, 0, 0));
    });
}

#[test]
fn it_is_silent_about_what_was_dropped_before_it_was_queued() {
    within(DEADLINE, || {
        let it = Gated::new(holding(1));
        it.call(0..3);
        it.gate.open();
        assert_eq!(it.sink.flush(DEADLINE), Ok(()));
        assert_eq!(it.sink.drops(), 2);
    });
}

#[test]
fn one_that_timed_out_leaves_the_others_waiting() {
    within(DEADLINE, || {
        let it = Gated::new(holding(10));
        it.call([0]);
        thread::scope(|scope| {
            let patient: Vec<_> = (0..4)
                .map(|_| scope.spawn(|| it.sink.flush(DEADLINE)))
                .collect();
            for _ in 0..10 {
                it.sink.flush(Duration::from_millis(1)).unwrap_err();
            }
            it.gate.open();
            for flush in patient {
                assert_eq!(flush.join().unwrap(), Ok(()));
            }
        });
    });
}

#[test]
fn it_waits_for_the_fallback_too() {
    within(DEADLINE, || {
        let second = Gated::new(holding(10));
        let first = Gated::new(holding(1).strategy(FallbackSink(second.sink.clone())));
        first.gate.open();
        first.sink.flush(DEADLINE).unwrap();
        first.gate.close();
        first.call(0..3);
        first.gate.open();
        let timeout = Duration::from_millis(30);
        let error = first.sink.flush(timeout).unwrap_err();
        assert!(
            matches!(error, FlushError::Timeout { left: 2, .. }),
            "{error:?}"
        );
        second.gate.open();
        first.sink.flush(DEADLINE).unwrap();
        assert_eq!(second.buf.text(), lines_of(1..3));
    });
}

#[test]
fn given_up_events_that_the_fallback_took_are_not_lost() {
    within(DEADLINE, || {
        let kept = RecordingSink::new();
        let strategy = FallbackSink(Arc::new(kept.clone()));
        let it = Faulty::new(holding(10).strategy(strategy), |writer| {
            writer.from(1, Fault::Error(Other))
        });
        it.call(0..3);
        assert_eq!(it.sink.flush(DEADLINE), Ok(()));
        assert_eq!(kept.events(), Vec::from_iter((0..3).map(event)));
        assert_eq!(fates(&it.sink), (0, 0, 3, 0));
    });
}

/// A fallback that panics at one event, and when it is flushed.
struct Panics {
    at: u64,
    kept: RecordingSink,
}

impl AuditSink for Panics {
    fn on_call(&self, event: &CallEvent) {
        assert_ne!(event.call_id, self.at.to_string(), "made to panic");
        self.kept.on_call(event);
    }

    fn flush(&self, _: Duration) -> Result<(), FlushError> {
        panic!("this flush was made to panic");
    }

    fn health(&self) -> Health {
        panic!("this health was made to panic");
    }

    fn backpressure_strategy(&self) -> BackpressureStrategy {
        panic!("this strategy was made to panic");
    }
}

#[test]
fn a_fallback_whose_flush_panics_is_an_error_and_no_panic() {
    within(DEADLINE, || {
        let fallback = Panics {
            at: u64::MAX,
            kept: RecordingSink::new(),
        };
        let strategy = FallbackSink(Arc::new(fallback));
        let buf = SharedBuf::new();
        let sink = JsonLinesAuditSink::with_strategy(Box::new(buf.clone()), 10, strategy);
        sink.on_call(&event(0));
        let error = sink.flush(DEADLINE).unwrap_err();
        assert!(matches!(error, FlushError::Unusable { .. }), "{error:?}");
        assert_eq!(sink.health(), Health::Healthy);
        assert_eq!(buf.text(), lines_of([0]));
    });
}

#[cfg(target_os = "linux")]
mod waiting {
    use super::*;
    use crate::support::Caller;
    use audit_testkit::FaultyWriter;

    fn flush(it: &Gated) -> Caller<Result<(), FlushError>> {
        let sink = Arc::clone(&it.sink);
        Caller::waiting(move || sink.flush(DEADLINE))
    }

    #[test]
    fn it_says_how_many_the_destination_gave_up() {
        within(DEADLINE, || {
            let buf = SharedBuf::new();
            let writer = FaultyWriter::new(buf.clone()).from(1, Fault::Error(Other));
            let faults = writer.handle();
            let it = Gated::over(holding(10), writer, buf);
            it.call(0..3);
            let first = flush(&it);
            it.gate.open();
            assert_eq!(first.join(), Err(FlushError::lost(3)));
            // What was lost before the call is not told again.
            assert_eq!(it.sink.flush(DEADLINE), Ok(()));
            it.gate.close();
            it.call(3..5);
            let second = flush(&it);
            it.gate.open();
            assert_eq!(second.join(), Err(FlushError::lost(2)));
            assert_eq!(it.sink.drops(), 5);

            faults.heal();
            it.call(5..6);
            assert_eq!(it.sink.flush(DEADLINE), Ok(()));
            assert_eq!(it.buf.text(), lines_of([5]));
        });
    }

    #[test]
    fn it_does_not_wait_for_what_comes_after_it() {
        within(DEADLINE, || {
            let it = Gated::new(holding(10));
            it.call([0]);
            it.wait_until_stuck();
            let flush = flush(&it);
            it.call(1..4);
            it.gate.allow(1);
            // The gate is closed for the others.
            assert_eq!(flush.join(), Ok(()));
            assert_eq!(it.buf.text(), lines_of([0]));
        });
    }

    #[test]
    fn it_counts_the_losses_among_its_own_events_alone() {
        within(DEADLINE, || {
            let buf = SharedBuf::new();
            let writer = FaultyWriter::new(buf.clone()).from(2, Fault::Panic);
            let it = Gated::over(holding(10), writer, buf);
            it.call([0]);
            it.wait_until_stuck();
            let none = flush(&it);
            it.call([1, 2]);
            let two = flush(&it);
            it.call([3]);
            let three = flush(&it);
            it.gate.open();
            assert_eq!(none.join(), Ok(()));
            assert_eq!(two.join(), Err(FlushError::lost(2)));
            assert_eq!(three.join(), Err(FlushError::lost(3)));
        });
    }

    #[test]
    fn it_finds_the_loss_wherever_in_the_segment_it_is() {
        within(DEADLINE, || {
            let fallback = Panics {
                at: 1,
                kept: RecordingSink::new(),
            };
            let kept = fallback.kept.clone();
            let buf = SharedBuf::new();
            let writer = FaultyWriter::new(buf.clone()).from(2, Fault::Panic);
            let builder = holding(10).strategy(FallbackSink(Arc::new(fallback)));
            let it = Gated::over(builder, writer, buf);
            it.call([0]);
            it.wait_until_stuck();
            // Of what it waits for, the first is lost; the fallback takes the rest.
            it.call([1, 2]);
            let flush = flush(&it);
            it.call([3]);
            it.gate.open();
            assert_eq!(flush.join(), Err(FlushError::lost(1)));
            assert_eq!(fates(&it.sink), (1, 1, 2, 0));
            assert_eq!(kept.events(), [event(2), event(3)]);
        });
    }
}

fn holding(events: usize) -> Builder {
    JsonLinesAuditSink::builder().capacity(events)
}
