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

mod for_a_while {
    use super::*;

    #[test]
    fn one_failure_costs_nothing() {
        nothing_is_lost(|writer| writer.at(1, Fault::Error(Other)), 1);
        nothing_is_lost(|writer| writer.at(1, Fault::Os(5)), 1);
        nothing_is_lost(|writer| writer.at(1, Fault::Zero), 1);
    }

    #[test]
    fn as_many_failures_as_there_is_patience_for_cost_nothing() {
        let k = PATIENCE - 1;
        nothing_is_lost(|writer| writer.during(1..PATIENCE, Fault::Error(Other)), k);
        nothing_is_lost(|writer| writer.during(1..PATIENCE, Fault::Zero), k);
        nothing_is_lost(
            |writer| writer.during_flushes(1..PATIENCE, Fault::Error(Other)),
            k,
        );
    }

    #[test]
    fn failures_with_progress_between_them_cost_nothing() {
        // 20 times a few bytes, and an error after each.
        nothing_is_lost(
            |writer| {
                (0..20).fold(writer, |writer, nth| {
                    writer.at(1 + 2 * nth, Fault::ShortThenError(7, Other))
                })
            },
            40,
        );
    }

    #[test]
    fn failures_count_in_a_row_only_when_there_was_no_progress_between_them() {
        // 12 errors with progress between them, then two that follow each other.
        nothing_is_lost(
            |writer| {
                let writer = (0..12).fold(writer, |writer, nth| {
                    writer.at(1 + 2 * nth, Fault::ShortThenError(7, Other))
                });
                writer
                    .at(25, Fault::Error(Other))
                    .at(26, Fault::Error(Other))
            },
            26,
        );
    }

    #[test]
    fn a_full_disk_uses_up_no_patience_for_other_failures() {
        nothing_is_lost(
            |writer| {
                writer
                    .during(1..PATIENCE + 1, Fault::Error(StorageFull))
                    .at(PATIENCE + 1, Fault::Error(Other))
            },
            PATIENCE + 1,
        );
    }

    #[test]
    fn a_full_disk_is_waited_out() {
        for kind in [StorageFull, QuotaExceeded, WouldBlock] {
            within(DEADLINE, move || {
                let it = Faulty::new(holding(8).strategy(Block), |writer| {
                    writer.from(1, Fault::Error(kind))
                });
                thread::scope(|scope| {
                    for thread in 0..3 {
                        let sink = &it.sink;
                        scope.spawn(move || {
                            for nth in 0..50 {
                                sink.on_call(&event(thread * 50 + nth));
                            }
                        });
                    }
                    it.faults.wait_for(7, DEADLINE);
                    assert_eq!(it.sink.drops(), 0);
                    it.faults.heal();
                });
                it.sink.flush(DEADLINE).unwrap();
                let mut written = numbers(&it.buf.text());
                written.sort_unstable();
                assert_eq!(written, Vec::from_iter(0..150));
                assert_eq!(fates(&it.sink), (150, 0, 0, 0));
            });
        }
    }

    #[test]
    fn a_full_disk_is_waited_out_beyond_any_patience_and_the_queue_decides_meanwhile() {
        within(DEADLINE, || {
            let it = Faulty::new(holding(4), |writer| {
                writer.from(1, Fault::ShortThenError(5, StorageFull))
            });
            it.call(0..4);
            it.faults.wait_for(2, DEADLINE);
            it.faults.break_with(Fault::Error(StorageFull));
            it.faults.wait_for(PATIENCE + 2, DEADLINE);
            it.call(4..7);
            assert_eq!(fates(&it.sink), (0, 3, 0, 4));
            it.faults.heal();
            it.sink.flush(DEADLINE).unwrap();
            assert_eq!(it.buf.text(), lines_of(0..4));
        });
    }

    /// Ten events over a destination with that script, which has so many faults.
    #[track_caller]
    fn nothing_is_lost(
        script: impl FnOnce(FaultyWriter<SharedBuf>) -> FaultyWriter<SharedBuf> + Send + 'static,
        faults: usize,
    ) {
        within(DEADLINE, move || {
            let it = AtOnce::new(holding(20).strategy(Block), script, 10);
            it.sink.flush(DEADLINE).unwrap();
            assert_eq!(it.buf.text(), lines_of(0..10));
            assert_eq!(it.fates(), (10, 0, 0, 0));
            assert_eq!(it.faults.given(), faults);
        });
    }
}

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

mod lines_stay_whole {
    use super::*;

    #[test]
    fn whatever_the_size_of_the_writes() {
        within(DEADLINE, || {
            let expected = lines_of(0..3);
            for size in 1..=expected.len() {
                let it = Faulty::new(holding(8), |writer| writer.from(1, Fault::Short(size)));
                it.call(0..3);
                it.sink.flush(DEADLINE).unwrap();
                assert_eq!(it.buf.text(), expected, "{size} bytes a write");
                assert_eq!(fates(&it.sink), (3, 0, 0, 0));
            }
        });
    }

    #[test]
    fn wherever_a_write_fails_before_it_goes_on() {
        within(DEADLINE, || {
            let expected = lines_of(0..3);
            for taken in 1..expected.len() {
                let script =
                    |writer: FaultyWriter<_>| writer.at(1, Fault::ShortThenError(taken, Other));
                let it = AtOnce::new(holding(8), script, 3);
                it.sink.flush(DEADLINE).unwrap();
                assert_eq!(it.buf.text(), expected, "an error after {taken} bytes");
                assert_eq!(it.fates(), (3, 0, 0, 0));
            }
        });
    }

    #[test]
    fn wherever_a_line_is_given_up_the_next_begins_on_a_line_of_its_own() {
        let one = line_of(&event(0)).len();
        let places = [0, 1, one / 2, one - 1, one, one + 1, 2 * one - 2, 2 * one];
        let tests: Vec<_> = places
            .into_iter()
            .map(|taken| {
                thread::spawn(move || within(DEADLINE, move || given_up_after(taken, one)))
            })
            .collect();
        for test in tests {
            test.join().unwrap();
        }
    }

    fn given_up_after(taken: usize, one: usize) {
        let script = |writer: FaultyWriter<_>| match taken {
            0 => writer.during(1..PATIENCE + 1, Fault::Error(Other)),
            _ => writer
                .at(1, Fault::Short(taken))
                .during(2..PATIENCE + 2, Fault::Error(Other)),
        };
        let it = AtOnce::new(holding(8), script, 3);
        let lost = 3 - (taken / one) as u64;
        settle(&it.sink);
        assert_eq!(it.fates(), (3 - lost, lost, 0, 0), "{taken}");

        it.call(3..5);
        it.sink.flush(DEADLINE).unwrap();
        let fragment = &lines_of(0..3)[..taken];
        let end = if fragment.is_empty() || fragment.ends_with('\n') {
            ""
        } else {
            "\n"
        };
        let expected = format!("{fragment}{end}{}", lines_of(3..5));
        assert_eq!(it.buf.text(), expected, "{taken}");
        let whole = taken / one * one + 2 * one;
        assert_eq!(it.bytes_written(), whole as u64);
    }

    #[test]
    fn a_fragment_is_ended_as_soon_as_that_is_possible() {
        within(DEADLINE, || {
            let script = |writer: FaultyWriter<_>| {
                writer.at(1, Fault::Short(5)).from(2, Fault::Error(Other))
            };
            let it = AtOnce::new(holding(8), script, 1);
            settle(&it.sink);
            // Neither these nor the end of the fragment can be written.
            for number in 1..3 {
                it.call([number]);
                settle(&it.sink);
            }
            it.faults.heal();
            it.call([3]);
            it.sink.flush(DEADLINE).unwrap();
            assert_eq!(it.buf.text(), format!("{{\"ts\"\n{}", lines_of([3])));
            assert_eq!(it.fates(), (1, 3, 0, 0));
        });
    }

    #[test]
    fn what_is_interrupted_is_tried_again_and_is_no_failure() {
        within(DEADLINE, || {
            let script = |writer: FaultyWriter<_>| {
                writer
                    .during(1..1_000, Fault::Error(Interrupted))
                    .during_flushes(1..1_000, Fault::Error(Interrupted))
            };
            let it = AtOnce::new(holding(8), script, 3);
            it.sink.flush(DEADLINE).unwrap();
            assert_eq!(it.buf.text(), lines_of(0..3));
            assert_eq!(it.sink.counters().write_errors, 0);
            assert_eq!(it.sink.health(), Health::Healthy);
        });
    }

    #[test]
    fn one_false_claim_is_a_failure_and_loses_nothing() {
        within(DEADLINE, || {
            for too_many in [1, usize::MAX] {
                let script = |writer: FaultyWriter<_>| writer.at(1, Fault::Overclaim(too_many));
                let it = AtOnce::new(holding(8), script, 2);
                it.sink.flush(DEADLINE).unwrap();
                // Who lies so may find a line twice, but never a part of one.
                assert_eq!(numbers(&it.buf.text()), [0, 1, 0, 1]);
                assert_eq!(it.sink.counters().write_errors, 1);
                assert_eq!(it.fates(), (2, 0, 0, 0));
            }
        });
    }
}

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
mod real_ones {
    use super::*;
    use std::fs::OpenOptions;
    use std::io::Read;
    use std::os::unix::fs::OpenOptionsExt;

    use crate::support::{Scratch, event_of, fifo};

    #[test]
    fn a_device_that_is_full() {
        within(DEADLINE, || {
            let sinks = [Drop, Block].map(|strategy| {
                let full = OpenOptions::new().append(true).open("/dev/full").unwrap();
                JsonLinesAuditSink::with_strategy(Box::new(full), 4, strategy)
            });
            let [dropping, waiting] = sinks;
            for number in 0..10 {
                dropping.on_call(&event(number));
            }
            assert_eq!(fates(&dropping), (0, 6, 0, 4));
            until("it is degraded", || !dropping.health().is_healthy());
            let reason = dropping.health().to_string();
            assert!(reason.contains("No space left"), "{reason}");
            dropping.close(Duration::from_millis(50)).unwrap_err();
            until("all are given up", || dropping.drops() == 10);

            thread::scope(|scope| {
                let caller = scope.spawn(|| {
                    for number in 0..10 {
                        waiting.on_call(&event(number));
                    }
                });
                until("it is degraded", || !waiting.health().is_healthy());
                waiting.close(Duration::from_millis(50)).unwrap_err();
                caller.join().unwrap();
            });
            until("all are given up", || waiting.drops() == 10);
        });
    }

    #[test]
    fn a_file_on_a_device_that_is_full() {
        within(DEADLINE, || {
            let direct = DirectJsonLinesSink::file(Path::new("/dev/full")).unwrap();
            direct.on_call(&event(0));
            direct.on_call(&event(1));
            assert_eq!(direct.drops(), 2);
            assert!(!direct.health().is_healthy());
        });
    }

    #[test]
    fn a_pipe_whose_reader_is_slow_and_which_never_waits() {
        const NONBLOCK: i32 = 0o4000;
        within(DEADLINE, || {
            let scratch = Scratch::new();
            let path = fifo(&scratch);
            let mut options = OpenOptions::new();
            options.custom_flags(NONBLOCK);
            let mut reader = options.clone().read(true).open(&path).unwrap();
            let writer = options.write(true).open(&path).unwrap();
            let builder = holding(1_000).strategy(Block);
            let sink = builder.build(Box::new(writer)).unwrap();
            // A pipe holds 64 KiB.
            for number in 0..300 {
                sink.on_call(&event_of(number, 1_000));
            }
            until("the pipe is full", || sink.counters().write_errors > 3);
            let mut read = Vec::new();
            until("all is read", || {
                match reader.read_to_end(&mut read) {
                    Ok(_) => {}
                    Err(error) => assert_eq!(error.kind(), WouldBlock),
                }
                read.len() == 300_000
            });
            sink.flush(DEADLINE).unwrap();
            let text = String::from_utf8(read).unwrap();
            assert_eq!(numbers(&text), Vec::from_iter(0..300));
            assert_eq!(fates(&sink), (300, 0, 0, 0));
        });
    }

    #[test]
    fn a_pipe_whose_reader_goes_away() {
        within(DEADLINE, || {
            let (mut reader, writer) = io::pipe().unwrap();
            let sink = JsonLinesAuditSink::new(Box::new(writer));
            sink.on_call(&event(0));
            sink.flush(DEADLINE).unwrap();
            let mut line = vec![0; line_of(&event(0)).len()];
            reader.read_exact(&mut line).unwrap();
            drop(reader);
            for number in 1..4 {
                sink.on_call(&event(number));
            }
            settle(&sink);
            assert_eq!(fates(&sink), (1, 3, 0, 0));
            let reason = sink.health().to_string();
            assert!(reason.contains("Broken pipe"), "{reason}");
        });
    }

    #[test]
    fn a_file_that_is_deleted_or_cut_under_the_sink() {
        within(DEADLINE, || {
            let scratch = Scratch::new();
            let path = scratch.path("audit.jsonl");
            let sink = JsonLinesAuditSink::file(&path).unwrap();
            sink.on_call(&event(0));
            sink.flush(DEADLINE).unwrap();
            // As logrotate's copytruncate does: appending goes on at the new end.
            OpenOptions::new()
                .write(true)
                .truncate(true)
                .open(&path)
                .unwrap();
            sink.on_call(&event(1));
            sink.flush(DEADLINE).unwrap();
            assert_eq!(fs::read_to_string(&path).unwrap(), lines_of([1]));
            fs::remove_file(&path).unwrap();
            sink.on_call(&event(2));
            sink.flush(DEADLINE).unwrap();
            sink.close(DEADLINE).unwrap();
        });
    }
}

mod direct {
    use super::*;

    #[test]
    fn what_fails_is_counted_and_the_next_begins_on_a_line_of_its_own() {
        within(DEADLINE, || {
            let one = line_of(&event(0)).len();
            for taken in 1..one {
                let buf = SharedBuf::new();
                let writer =
                    FaultyWriter::new(buf.clone()).at(1, Fault::ShortThenError(taken, Other));
                let sink = DirectJsonLinesSink::new(Box::new(writer));
                for number in 0..3 {
                    sink.on_call(&event(number));
                }
                let fragment = &lines_of([0])[..taken];
                let expected = format!("{fragment}\n{}", lines_of([1, 2]));
                assert_eq!(buf.text(), expected);
                assert_eq!(sink.drops(), 1);
            }
        });
    }

    #[test]
    fn a_fragment_is_ended_once_however_long_that_takes() {
        let buf = SharedBuf::new();
        let writer = FaultyWriter::new(buf.clone())
            .at(1, Fault::Short(5))
            .during(2..5, Fault::Error(Other));
        let sink = DirectJsonLinesSink::new(Box::new(writer));
        for number in 0..5 {
            sink.on_call(&event(number));
        }
        assert_eq!(buf.text(), format!("{{\"ts\"\n{}", lines_of([3, 4])));
        assert_eq!(sink.drops(), 3);
    }

    #[test]
    fn every_call_of_a_broken_destination_is_counted() {
        for fault in [
            Fault::Error(Other),
            Fault::Error(Interrupted),
            Fault::Error(StorageFull),
            Fault::Zero,
            Fault::Overclaim(3),
            Fault::Panic,
        ] {
            within(DEADLINE, move || {
                let writer = FaultyWriter::new(io::sink()).from(1, fault);
                let sink = DirectJsonLinesSink::new(Box::new(writer));
                for number in 0..5 {
                    sink.on_call(&event(number));
                }
                assert_eq!(sink.drops(), 5, "{fault:?}");
                assert!(!sink.health().is_healthy(), "{fault:?}");
            });
        }
    }

    #[test]
    fn it_writes_and_flushes_once_a_call() {
        let buf = SharedBuf::new();
        let sink = DirectJsonLinesSink::new(Box::new(buf.clone()));
        for number in 0..5 {
            sink.on_call(&event(number));
        }
        assert_eq!((buf.writes(), buf.flushes()), (5, 5));
        assert_eq!(buf.text(), lines_of(0..5));
    }

    #[test]
    fn it_stays_readable_while_its_destination_hangs() {
        within(DEADLINE, || {
            let (gate, writer) = gate::pair(SharedBuf::new());
            let sink = DirectJsonLinesSink::new(Box::new(writer));
            thread::scope(|scope| {
                let gate: Gate = gate;
                scope.spawn(|| sink.on_call(&event(0)));
                gate.wait_until_blocked(DEADLINE);
                assert_eq!(sink.drops(), 0);
                assert_eq!(sink.health(), Health::Healthy);
                assert_eq!(format!("{sink:?}"), "DirectJsonLinesSink { drops: 0, .. }");
            });
        });
    }

    #[test]
    fn many_threads_share_it() {
        within(DEADLINE, || {
            let buf = SharedBuf::new();
            let sink = DirectJsonLinesSink::new(Box::new(
                FaultyWriter::new(buf.clone()).from(1, Fault::Short(13)),
            ));
            thread::scope(|scope| {
                for thread in 0..8 {
                    let sink = &sink;
                    scope.spawn(move || {
                        for nth in 0..100 {
                            sink.on_call(&event(thread * 100 + nth));
                        }
                    });
                }
            });
            let mut written = numbers(&buf.text());
            written.sort_unstable();
            assert_eq!(written, Vec::from_iter(0..800));
        });
    }
}

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
