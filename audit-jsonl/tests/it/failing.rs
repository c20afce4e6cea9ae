//! A destination that fails: nothing is lost without being counted, and every
//! line in the log is whole.

use std::error::Error;
use std::fmt;
use std::fs;
use std::io::{self, BufWriter, LineWriter, Write};
use std::path::Path;
use std::sync::{Arc, OnceLock, Weak};
use std::thread;
use std::time::Duration;

use std::io::ErrorKind::{
    BrokenPipe, Interrupted, Other, PermissionDenied, QuotaExceeded, StorageFull, WouldBlock,
};

use audit_jsonl::BackpressureStrategy::{self, Block, Drop, FallbackSink};
use audit_jsonl::{
    AuditSink, Builder, DirectJsonLinesSink, FlushError, Health, JsonLinesAuditSink,
};
use audit_testkit::{DEADLINE, Fault, FaultyWriter, Gate, RecordingSink, SharedBuf, gate, within};

use crate::support::{
    AtOnce, Faulty, event, fates, line_of, lines_of, number_of, numbers, settle, until,
};

/// So many failures in a row, and what is in hand is given up.
const PATIENCE: usize = 10;

mod for_a_while;

mod for_ever {
    use super::*;

    #[test]
    fn no_caller_hangs_and_all_is_counted() {
        let mut tests = Vec::new();
        for fault in [
            Fault::Error(Other),
            Fault::Error(BrokenPipe),
            Fault::Error(PermissionDenied),
            Fault::Error(Interrupted),
            Fault::Os(5),
            Fault::Os(9),
            Fault::Os(27),
            Fault::Zero,
            Fault::Overclaim(1),
            Fault::Overclaim(usize::MAX),
        ] {
            tests.extend(over_all_strategies(move |writer| writer.from(1, fault)));
        }
        for fault in [
            Fault::Error(Other),
            Fault::Error(Interrupted),
            Fault::Error(WouldBlock),
        ] {
            // A flush that would block for ever is waited for, as a full disk is.
            if fault != Fault::Error(WouldBlock) {
                tests.extend(over_all_strategies(move |writer| {
                    writer.from_flush(1, fault)
                }));
            }
        }
        for test in tests {
            test.join().unwrap();
        }
    }

    #[test]
    fn it_is_tried_again_for_each_new_segment_and_heals() {
        within(DEADLINE, || {
            let it = Faulty::new(holding(10), |writer| writer.from(1, Fault::Error(Other)));
            it.call(0..3);
            settle(&it.sink);
            assert_eq!(it.faults.given(), PATIENCE);
            // From now on one try for each.
            for number in 3..6 {
                it.call([number]);
                settle(&it.sink);
            }
            assert_eq!(it.faults.given(), PATIENCE + 3);
            it.faults.heal();
            it.call(6..8);
            it.sink.flush(DEADLINE).unwrap();
            // And patience is back.
            it.faults.break_with(Fault::Error(Other));
            it.call(8..9);
            it.faults.wait_for(PATIENCE + 5, DEADLINE);
            it.faults.heal();
            it.sink.flush(DEADLINE).unwrap();
            assert_eq!(it.buf.text(), lines_of(6..9));
            assert_eq!(fates(&it.sink), (3, 6, 0, 0));
        });
    }

    #[test]
    fn a_sink_dropped_over_a_broken_destination_ends() {
        within(DEADLINE, || {
            let it = Faulty::new(holding(10), |writer| writer.from(1, Fault::Error(Other)));
            it.call(0..5);
            drop(it.sink);
            assert_eq!(it.faults.given(), PATIENCE);
        });
    }

    fn over_all_strategies(
        script: impl Fn(FaultyWriter<SharedBuf>) -> FaultyWriter<SharedBuf> + Clone + Send + 'static,
    ) -> Vec<thread::JoinHandle<()>> {
        let kept = RecordingSink::new();
        let fallback = FallbackSink(Arc::new(kept.clone()));
        let check = |strategy: BackpressureStrategy, kept: RecordingSink| {
            let script = script.clone();
            thread::spawn(move || {
                within(DEADLINE, move || {
                    const EVENTS: u64 = 100;
                    let name = format!("{strategy:?}");
                    let it = Faulty::new(holding(16).strategy(strategy), script);
                    it.call(0..EVENTS);
                    settle(&it.sink);
                    let (written, dropped, fallen_back, queued) = fates(&it.sink);
                    assert_eq!((written, queued), (0, 0), "{name}");
                    assert_eq!(dropped + fallen_back, EVENTS, "{name}");
                    assert_eq!(fallen_back, kept.len() as u64, "{name}");
                    assert_eq!(it.sink.drops() == 0, !kept.is_empty(), "{name}");
                    assert!(!it.sink.health().is_healthy(), "{name}");
                    drop(it.sink.close(DEADLINE));
                });
            })
        };
        vec![
            check(Drop, RecordingSink::new()),
            check(Block, RecordingSink::new()),
            check(fallback, kept),
        ]
    }
}

mod lines_stay_whole;

mod buffered {
    use super::*;

    #[test]
    fn a_buffer_before_a_destination_that_recovers_loses_nothing_and_doubles_nothing() {
        within(DEADLINE, || {
            for capacity in [0, 1, 10, 200, 1_000, 1 << 20] {
                for kind in [Other, StorageFull] {
                    let buf = SharedBuf::new();
                    let faulty = FaultyWriter::new(buf.clone())
                        .at(1, Fault::ShortThenError(5, kind))
                        .at(4, Fault::ShortThenError(5, kind));
                    let sinks = [
                        behind(BufWriter::with_capacity(capacity, faulty)),
                        // Written after the first has ended.
                        behind(LineWriter::with_capacity(capacity, buf.clone())),
                    ];
                    for sink in sinks {
                        for number in 0..20 {
                            sink.on_call(&event(number));
                        }
                        sink.flush(DEADLINE).unwrap();
                        assert_eq!(fates(&sink), (20, 0, 0, 0));
                    }
                    let twice = lines_of(0..20).repeat(2);
                    assert_eq!(buf.text(), twice, "{capacity} {kind:?}");
                }
            }
        });
    }

    #[test]
    fn a_buffer_before_a_destination_that_never_recovers_hides_no_loss() {
        within(DEADLINE, || {
            let buf = SharedBuf::new();
            let faulty = FaultyWriter::new(buf.clone()).from(2, Fault::Error(Other));
            let sink = behind(BufWriter::new(faulty));
            sink.on_call(&event(0));
            sink.flush(DEADLINE).unwrap();
            sink.on_call(&event(1));
            settle(&sink);
            assert_eq!(sink.drops(), 1);
            drop(sink.close(DEADLINE));
            assert_eq!(buf.text(), lines_of([0]));
        });
    }

    fn behind(writer: impl Write + Send + 'static) -> JsonLinesAuditSink {
        JsonLinesAuditSink::with_strategy(Box::new(writer), 32, Block)
    }
}

/// Errors that are code of their own.
mod odd_errors {
    use super::*;

    /// An error that does that when it is shown, and when it is dropped.
    struct Odd<F: Fn() -> fmt::Result, D: Fn()> {
        shown: F,
        dropped: D,
    }

    impl<F: Fn() -> fmt::Result, D: Fn()> fmt::Display for Odd<F, D> {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("odd")?;
            (self.shown)()
        }
    }

    impl<F: Fn() -> fmt::Result, D: Fn()> fmt::Debug for Odd<F, D> {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("odd")
        }
    }

    impl<F: Fn() -> fmt::Result, D: Fn()> Error for Odd<F, D> {}

    impl<F: Fn() -> fmt::Result, D: Fn()> std::ops::Drop for Odd<F, D> {
        fn drop(&mut self) {
            (self.dropped)();
        }
    }

    /// Fails for so many calls, then writes.
    struct Fails<M>(usize, M, SharedBuf);

    impl<M: Fn() -> io::Error> Write for Fails<M> {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            match self.0.checked_sub(1) {
                Some(left) => {
                    self.0 = left;
                    Err((self.1)())
                }
                None => self.2.write(bytes),
            }
        }

        fn flush(&mut self) -> io::Result<()> {
            self.2.flush()
        }
    }

    #[test]
    fn one_that_panics_when_it_is_shown_costs_no_event() {
        within(DEADLINE, || {
            let buf = SharedBuf::new();
            let make = || {
                io::Error::other(Odd {
                    shown: || panic!("this error was made to panic"),
                    dropped: || (),
                })
            };
            let (sink, direct) = both(2, make, &buf);
            sink.on_call(&event(0));
            sink.flush(DEADLINE).unwrap();
            assert_eq!(buf.text(), lines_of([0]));
            match sink.health() {
                Health::Degraded { reason, .. } => {
                    assert!(reason.contains("kind Other"), "{reason}");
                }
                other => panic!("{other:?}"),
            }
            for number in 1..4 {
                direct.on_call(&event(number));
            }
            assert_eq!(direct.drops(), 2);
            assert_eq!(buf.text(), lines_of([0, 3]));
        });
    }

    #[test]
    fn one_that_cannot_be_shown_costs_no_event() {
        within(DEADLINE, || {
            let buf = SharedBuf::new();
            let make = || {
                io::Error::other(Odd {
                    shown: || Err(fmt::Error),
                    dropped: || (),
                })
            };
            let (sink, _) = both(2, make, &buf);
            sink.on_call(&event(0));
            sink.flush(DEADLINE).unwrap();
            assert_eq!(buf.text(), lines_of([0]));
        });
    }

    #[test]
    fn one_that_panics_when_it_is_dropped_is_a_destination_that_panics() {
        for kind in [Other, Interrupted] {
            within(DEADLINE, move || {
                let buf = SharedBuf::new();
                let make = move || {
                    let odd = Odd {
                        shown: || Ok(()),
                        dropped: || panic!("this error was made to panic"),
                    };
                    io::Error::new(kind, odd)
                };
                let (sink, direct) = both(2, make, &buf);
                for number in 0..3 {
                    sink.on_call(&event(number));
                    direct.on_call(&event(number));
                }
                assert!(sink.flush(DEADLINE) != Err(FlushError::timeout(DEADLINE, 3)));
                assert!(matches!(sink.health(), Health::Failed { .. }), "{kind:?}");
                assert_eq!(sink.drops(), 3);
                assert!(matches!(direct.health(), Health::Failed { .. }), "{kind:?}");
                assert_eq!(direct.drops(), 3);
                sink.close(DEADLINE).ok();
            });
        }
    }

    #[test]
    fn one_that_calls_the_sink_when_it_is_shown_or_dropped_is_counted() {
        within(DEADLINE, || {
            let own: Arc<OnceLock<Weak<JsonLinesAuditSink>>> = Arc::default();
            let buf = SharedBuf::new();
            let make = {
                let own = Arc::clone(&own);
                move || {
                    let call = |own: &OnceLock<Weak<JsonLinesAuditSink>>| {
                        let sink = own.wait().upgrade().unwrap();
                        sink.on_call(&event(99));
                        sink.flush(DEADLINE).unwrap_err();
                        assert_eq!(sink.counters().queued, 1);
                        assert!(!matches!(sink.health(), Health::Failed { .. }));
                    };
                    let (one, other) = (Arc::clone(&own), Arc::clone(&own));
                    io::Error::other(Odd {
                        shown: move || {
                            call(&one);
                            Ok(())
                        },
                        dropped: move || call(&other),
                    })
                }
            };
            let sink = Arc::new(JsonLinesAuditSink::new(Box::new(Fails(
                1,
                make,
                buf.clone(),
            ))));
            assert!(own.set(Arc::downgrade(&sink)).is_ok());
            sink.on_call(&event(0));
            sink.flush(DEADLINE).unwrap();
            assert_eq!(fates(&sink), (1, 2, 0, 0));
            assert_eq!(buf.text(), lines_of([0]));
        });
    }

    fn both(
        times: usize,
        make: impl Fn() -> io::Error + Clone + Send + 'static,
        buf: &SharedBuf,
    ) -> (JsonLinesAuditSink, DirectJsonLinesSink) {
        let queued = Fails(times, make.clone(), buf.clone());
        let direct = Fails(times, make, buf.clone());
        (
            JsonLinesAuditSink::new(Box::new(queued)),
            DirectJsonLinesSink::new(Box::new(direct)),
        )
    }
}

#[cfg(target_os = "linux")]
mod real_ones;

mod direct;

fn holding(events: usize) -> Builder {
    JsonLinesAuditSink::builder().capacity(events)
}

#[test]
fn the_number_of_an_event_survives_the_way_to_the_fallback() {
    within(DEADLINE, || {
        let kept = RecordingSink::new();
        let strategy = FallbackSink(Arc::new(kept.clone()));
        let it = Faulty::new(holding(100).strategy(strategy), |writer| {
            writer.from(1, Fault::Error(Other))
        });
        it.call(0..50);
        it.sink.flush(DEADLINE).unwrap();
        let fallen: Vec<u64> = kept.events().iter().map(number_of).collect();
        assert_eq!(fallen, Vec::from_iter(0..50));
    });
}
