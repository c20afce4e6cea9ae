//! What happens when the queue is full.

use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use audit_jsonl::BackpressureStrategy::{Block, Drop, FallbackSink};
use audit_jsonl::{AuditSink, BuildError, Builder, JsonLinesAuditSink};
use audit_testkit::{DEADLINE, PanickingSink, RecordingSink, SharedBuf, within};

use crate::support::{Gated, event, event_of, fates, line_of, lines_of, number_of, numbers};

#[test]
fn what_does_not_fit_is_dropped_and_counted() {
    within(DEADLINE, || {
        let it = Gated::new(holding(4));
        it.call(0..4);
        assert_eq!(it.sink.drops(), 0);
        it.call(4..7);
        assert_eq!(it.sink.drops(), 3);
        // What the writer holds and can't write counts as queued.
        it.wait_until_stuck();
        it.call(7..9);
        assert_eq!(fates(&it.sink), (0, 5, 0, 4));

        it.gate.open();
        it.sink.flush(DEADLINE).unwrap();
        it.call(9..11);
        it.sink.flush(DEADLINE).unwrap();
        assert_eq!(fates(&it.sink), (6, 5, 0, 0));
        assert_eq!(it.buf.text(), lines_of([0, 1, 2, 3, 9, 10]));
    });
}

#[test]
fn the_fallback_gets_exactly_what_does_not_fit() {
    within(DEADLINE, || {
        let kept = RecordingSink::new();
        let it = Gated::new(holding(4).strategy(FallbackSink(Arc::new(kept.clone()))));
        it.call(0..4);
        assert!(kept.is_empty());
        it.call(4..7);
        // At once, on the caller's thread, and unchanged.
        assert_eq!(kept.events(), Vec::from_iter((4..7).map(event)));
        assert_eq!(fates(&it.sink), (0, 0, 3, 4));

        it.gate.open();
        it.sink.flush(DEADLINE).unwrap();
        assert_eq!(it.buf.text(), lines_of(0..4));
        assert_eq!((kept.len(), it.sink.drops()), (3, 0));
    });
}

#[test]
fn a_fallback_that_panics_costs_its_event_and_nothing_else() {
    within(DEADLINE, || {
        let it = Gated::new(holding(1).strategy(FallbackSink(Arc::new(PanickingSink))));
        it.call(0..3);
        assert_eq!(fates(&it.sink), (0, 2, 0, 1));
        it.gate.open();
        it.sink.flush(DEADLINE).unwrap();
        assert_eq!(it.buf.text(), lines_of([0]));
    });
}

#[test]
fn a_fallback_may_be_a_queued_sink_with_a_fallback_of_its_own() {
    within(DEADLINE, || {
        let last = RecordingSink::new();
        let second = Gated::new(holding(2).strategy(FallbackSink(Arc::new(last.clone()))));
        let first = Gated::new(holding(2).strategy(FallbackSink(second.sink.clone())));
        first.call(0..6);
        assert_eq!(last.events(), [event(4), event(5)]);
        first.gate.open();
        second.gate.open();
        first.sink.flush(DEADLINE).unwrap();
        assert_eq!(first.buf.text(), lines_of(0..2));
        assert_eq!(second.buf.text(), lines_of(2..4));
        assert_eq!(fates(&first.sink), (2, 0, 4, 0));
        assert_eq!(fates(&second.sink), (2, 0, 2, 0));
    });
}

#[test]
fn callers_that_wait_lose_nothing() {
    within(DEADLINE, || {
        for capacity in [1, 2, 7] {
            let it = Gated::new(holding(capacity).strategy(Block));
            thread::scope(|scope| {
                for thread in 0..20 {
                    let sink = &it.sink;
                    scope.spawn(move || {
                        for nth in 0..20 {
                            sink.on_call(&event(thread * 20 + nth));
                        }
                    });
                }
                it.wait_until_stuck();
                it.gate.allow(5);
                it.wait_until_stuck();
                it.gate.open();
            });
            it.sink.flush(DEADLINE).unwrap();
            let mut written = numbers(&it.buf.text());
            written.sort_unstable();
            assert_eq!(written, Vec::from_iter(0..400));
            assert_eq!(fates(&it.sink), (400, 0, 0, 0));
        }
    });
}

#[test]
fn a_caller_whose_patience_ends_is_counted_and_goes_on() {
    within(DEADLINE, || {
        let patience = Duration::from_millis(60);
        let it = Gated::new(holding(1).strategy(Block).block_timeout(patience));
        it.call([0]);
        let begun = Instant::now();
        it.call([1]);
        assert!(begun.elapsed() >= patience);
        assert_eq!(fates(&it.sink), (0, 1, 0, 1));

        it.gate.open();
        it.sink.flush(DEADLINE).unwrap();
        it.call([2]);
        it.sink.flush(DEADLINE).unwrap();
        assert_eq!(it.buf.text(), lines_of([0, 2]));
        assert_eq!(fates(&it.sink), (2, 1, 0, 0));
    });
}

#[test]
fn patience_may_be_none_or_without_end() {
    within(DEADLINE, || {
        let it = Gated::new(holding(1).strategy(Block).block_timeout(Duration::ZERO));
        it.call(0..3);
        assert_eq!(fates(&it.sink), (0, 2, 0, 1));
        drop(it);

        for endless in [
            Duration::MAX,
            Duration::from_secs(u64::MAX / 2),
            Duration::from_secs(i64::MAX as u64 - 10_000_000_000),
        ] {
            let it = Gated::new(holding(1).strategy(Block).block_timeout(endless));
            it.call([0]);
            thread::scope(|scope| {
                let caller = scope.spawn(|| it.call([1]));
                it.wait_until_stuck();
                it.gate.open();
                caller.join().unwrap();
            });
            it.sink.flush(DEADLINE).unwrap();
            assert_eq!(it.buf.text(), lines_of(0..2));
        }
    });
}

#[cfg(target_os = "linux")]
mod in_line {
    use super::*;
    use crate::support::{Caller, until};

    fn caller(it: &Gated, number: u64) -> Caller {
        let sink = Arc::clone(&it.sink);
        Caller::waiting(move || sink.on_call(&event(number)))
    }

    #[test]
    fn first_come_first_served() {
        within(DEADLINE, || {
            let it = Gated::new(holding(2).strategy(Block));
            it.call(0..2);
            let callers: Vec<_> = (2..42).map(|number| caller(&it, number)).collect();
            // Those who wait are not yet counted: their fate is open.
            assert_eq!(fates(&it.sink), (0, 0, 0, 2));
            assert_eq!(it.sink.counters().blocked, 40);
            it.gate.open();
            for caller in callers {
                caller.join();
            }
            assert_eq!(it.sink.counters().blocked, 0);
            it.sink.flush(DEADLINE).unwrap();
            assert_eq!(it.buf.text(), lines_of(0..42));
        });
    }

    #[test]
    fn a_small_event_does_not_overtake_a_large_one_that_waits() {
        within(DEADLINE, || {
            let it = Gated::new(holding(100).capacity_bytes(4096).strategy(Block));
            it.sink.on_call(&event_of(0, 3_000));
            let wait = |number, bytes| {
                let sink = Arc::clone(&it.sink);
                Caller::waiting(move || sink.on_call(&event_of(number, bytes)))
            };
            let large = wait(1, 2_000);
            // There would be room for this one.
            let small = wait(2, 300);
            assert_eq!(fates(&it.sink), (0, 0, 0, 1));
            it.gate.open();
            large.join();
            small.join();
            it.sink.flush(DEADLINE).unwrap();
            assert_eq!(numbers(&it.buf.text()), [0, 1, 2]);
        });
    }

    #[test]
    fn each_write_lets_in_as_many_as_it_makes_room_for() {
        within(DEADLINE, || {
            let it = Gated::new(holding(1).strategy(Block));
            it.call([0]);
            let callers: Vec<_> = (1..6).map(|number| caller(&it, number)).collect();
            for written in 1..=5 {
                it.wait_until_stuck();
                it.gate.allow(1);
                until("one more is let in", || {
                    fates(&it.sink) == (written, 0, 0, 1)
                });
            }
            for caller in callers {
                caller.join();
            }
        });
    }

    #[test]
    fn whoever_gives_up_leaves_the_others_their_places() {
        within(DEADLINE, || {
            let patience = Duration::from_secs(2);
            let it = Gated::new(holding(1).strategy(Block).block_timeout(patience));
            it.call([0]);
            let impatient: Vec<_> = (1..4).map(|number| caller(&it, number)).collect();
            for caller in impatient {
                caller.join();
            }
            assert_eq!(fates(&it.sink), (0, 3, 0, 1));
            let others: Vec<_> = (4..7).map(|number| caller(&it, number)).collect();
            it.gate.open();
            for caller in others {
                caller.join();
            }
            it.sink.flush(DEADLINE).unwrap();
            assert_eq!(it.buf.text(), lines_of([0, 4, 5, 6]));
        });
    }

    #[test]
    fn a_large_event_that_gives_up_no_longer_holds_up_those_behind_it() {
        within(DEADLINE, || {
            let patience = Duration::from_secs(3);
            let builder = holding(100).capacity_bytes(4096);
            let it = Gated::new(builder.strategy(Block).block_timeout(patience));
            it.sink.on_call(&event_of(0, 3_000));
            let begun = Instant::now();
            let sink = Arc::clone(&it.sink);
            let large = Caller::waiting(move || sink.on_call(&event_of(1, 2_000)));
            // The one behind comes so late that its own patience lasts longer.
            until("half of the first one's patience is over", || {
                begun.elapsed() > patience / 2
            });
            let small = caller(&it, 2);
            large.join();
            small.join();
            assert_eq!(fates(&it.sink), (0, 1, 0, 2));
            it.gate.open();
            it.sink.flush(DEADLINE).unwrap();
            assert_eq!(numbers(&it.buf.text()), [0, 2]);
        });
    }
}

#[test]
fn the_queue_is_bounded_in_bytes_too() {
    within(DEADLINE, || {
        let it = Gated::new(holding(1_000).capacity_bytes(4096));
        for number in 0..10 {
            it.sink.on_call(&event_of(number, 1_000));
        }
        let now = it.sink.counters();
        assert_eq!((now.queued, now.dropped), (4, 6));
        assert_eq!(now.queued_bytes, 4_000);
        // What is left of the bound is for whoever fits.
        it.call([10]);
        assert_eq!(it.sink.counters().dropped, 7);
        it.gate.open();
        it.sink.flush(DEADLINE).unwrap();
        assert_eq!(numbers(&it.buf.text()), [0, 1, 2, 3]);
    });
}

#[test]
fn an_event_as_large_as_the_bound_passes_and_a_larger_one_never_does() {
    within(DEADLINE, || {
        let kept = RecordingSink::new();
        let fallback = FallbackSink(Arc::new(kept.clone()));
        for strategy in [Drop, Block, fallback] {
            let buf = SharedBuf::new();
            let builder = holding(10).capacity_bytes(5_000).strategy(strategy.clone());
            let sink = builder.build(Box::new(buf.clone())).unwrap();
            sink.on_call(&event_of(0, 5_000));
            sink.flush(DEADLINE).unwrap();
            // It would wait for ever.
            sink.on_call(&event_of(1, 5_001));
            sink.on_call(&event_of(2, 50_000_000));
            sink.on_call(&event(3));
            sink.flush(DEADLINE).unwrap();
            assert_eq!(numbers(&buf.text()), [0, 3], "{strategy:?}");
            let fell = matches!(strategy, FallbackSink(_));
            let expected = if fell { (2, 0, 2, 0) } else { (2, 2, 0, 0) };
            assert_eq!(fates(&sink), expected, "{strategy:?}");
        }
        let fallen: Vec<u64> = kept.events().iter().map(number_of).collect();
        assert_eq!(fallen, [1, 2]);
    });
}

#[test]
fn the_usual_bound_in_bytes_follows_the_capacity() {
    within(DEADLINE, || {
        // 4 KiB an event, and at least 1 MiB.
        for (capacity, bytes) in [(1, 1 << 20), (256, 1 << 20), (300, 300 * 4096)] {
            let buf = SharedBuf::new();
            let sink = JsonLinesAuditSink::new_with_capacity(Box::new(buf.clone()), capacity);
            sink.on_call(&event_of(0, bytes + 1));
            assert_eq!(sink.drops(), 1);
            sink.on_call(&event_of(1, bytes));
            sink.flush(DEADLINE).unwrap();
            assert_eq!(numbers(&buf.text()), [1]);
        }
    });
}

#[test]
fn a_capacity_of_nothing_is_one_event_or_an_error() {
    within(DEADLINE, || {
        let buf = SharedBuf::new();
        let sinks = [
            JsonLinesAuditSink::new_with_capacity(Box::new(buf.clone()), 0),
            JsonLinesAuditSink::with_strategy(Box::new(buf.clone()), 0, Block),
            JsonLinesAuditSink::with_strategy(Box::new(buf.clone()), 1, Block),
        ];
        for sink in sinks {
            sink.on_call(&event(0));
            sink.flush(DEADLINE).unwrap();
            assert_eq!(fates(&sink), (1, 0, 0, 0));
        }
        assert_eq!(buf.text(), lines_of([0, 0, 0]));

        let error = holding(0).build(Box::new(buf.clone())).unwrap_err();
        assert!(matches!(error, BuildError::Capacity), "{error:?}");
        let error = holding(1).capacity_bytes(4095).build(Box::new(buf.clone()));
        let error = error.unwrap_err();
        assert!(
            matches!(
                error,
                BuildError::CapacityBytes {
                    given: 4095,
                    least: 4096,
                    ..
                }
            ),
            "{error:?}"
        );
        assert!(holding(1).capacity_bytes(4096).build(Box::new(buf)).is_ok());
    });
}

#[test]
fn a_capacity_without_end_is_no_more_than_a_number() {
    within(DEADLINE, || {
        let buf = SharedBuf::new();
        let endless = holding(usize::MAX).capacity_bytes(usize::MAX);
        for builder in [holding(usize::MAX), endless] {
            let sink = builder.build(Box::new(buf.clone())).unwrap();
            sink.on_call(&event(0));
            sink.flush(DEADLINE).unwrap();
        }
        assert_eq!(buf.text(), line_of(&event(0)).repeat(2));
    });
}

fn holding(events: usize) -> Builder {
    JsonLinesAuditSink::builder().capacity(events)
}
