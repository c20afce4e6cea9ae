//! How a sink ends.

use std::io::{self, Write};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::sync::{Arc, Mutex, OnceLock};
use std::thread;
use std::time::{Duration, Instant};

use audit_jsonl::BackpressureStrategy::{Block, FallbackSink};
use audit_jsonl::{AuditSink, Builder, CloseError, FlushError, Health, JsonLinesAuditSink};
use audit_testkit::{DEADLINE, Fault, HookWriter, RecordingSink, SharedBuf, SlowBuf, within};

use crate::support::{Faulty, Gated, event, fates, lines_of, numbers, until};

#[test]
fn closing_writes_all_that_is_queued() {
    within(DEADLINE, || {
        let (buf, ended) = (SharedBuf::new(), Ended::new());
        let writer = ended.told_by(SlowBuf::over(buf.clone(), Duration::from_millis(20)));
        let sink = holding(100).build(Box::new(writer)).unwrap();
        for number in 0..100 {
            sink.on_call(&event(number));
        }
        let counters = sink.close(DEADLINE).unwrap();
        // The destination is dropped by then, not soon after.
        assert!(ended.is_now());
        assert_eq!((counters.written, counters.queued), (100, 0));
        assert_eq!(buf.text(), lines_of(0..100));
    });
}

#[test]
fn closing_twice_is_no_error() {
    within(DEADLINE, || {
        let sink = JsonLinesAuditSink::new(Box::new(SharedBuf::new()));
        sink.on_call(&event(0));
        let first = sink.close(DEADLINE).unwrap();
        assert_eq!(sink.close(DEADLINE), Ok(first));
        assert_eq!(sink.close(Duration::ZERO), Ok(first));
        assert_eq!(sink.flush(DEADLINE), Ok(()));
    });
}

#[test]
fn what_else_ends_meanwhile_ends_no_closing() {
    within(DEADLINE, || {
        let gated = Gated::new(holding(100));
        gated.call(0..1);
        gated.wait_until_stuck();
        gated.call(1..3);
        thread::scope(|scope| {
            // The writer comes to this when it has written the first line.
            let reopening = scope.spawn(|| gated.sink.reopen(DEADLINE));
            let close = scope.spawn(|| gated.sink.close(DEADLINE));
            until("it closes", || !gated.sink.health().is_healthy());
            gated.gate.allow(1);
            gated.wait_until_stuck();
            gated.gate.open();
            assert!(reopening.join().unwrap().is_err(), "it has no name");
            let counters = close.join().unwrap().unwrap();
            assert_eq!((counters.written, counters.dropped), (3, 0));
        });
        assert_eq!(gated.buf.text(), lines_of(0..3));
    });
}

#[test]
fn many_may_close_at_once() {
    within(DEADLINE, || {
        for _ in 0..20 {
            let buf = SharedBuf::new();
            let sink = JsonLinesAuditSink::with_strategy(Box::new(buf.clone()), 3, Block);
            thread::scope(|scope| {
                for thread in 0..4 {
                    let sink = &sink;
                    scope.spawn(move || {
                        for nth in 0..20 {
                            sink.on_call(&event(thread * 20 + nth));
                        }
                    });
                }
                for _ in 0..4 {
                    scope.spawn(|| sink.close(DEADLINE).unwrap());
                }
            });
            let written = numbers(&buf.text()).len() as u64;
            assert_eq!(fates(&sink), (written, 80 - written, 0, 0));
        }
    });
}

#[test]
fn what_comes_after_is_counted_and_nobody_waits() {
    within(DEADLINE, || {
        let kept = RecordingSink::new();
        let fallback = FallbackSink(Arc::new(kept.clone()));
        for (strategy, expected) in [
            (holding(1), (1, 3, 0, 0)),
            (holding(1).strategy(Block), (1, 3, 0, 0)),
            (holding(1).strategy(fallback), (1, 0, 3, 0)),
        ] {
            let buf = SharedBuf::new();
            let sink = strategy.build(Box::new(buf.clone())).unwrap();
            sink.on_call(&event(0));
            sink.close(DEADLINE).unwrap();
            for number in 1..4 {
                sink.on_call(&event(number));
            }
            assert_eq!(fates(&sink), expected);
            assert_eq!(buf.text(), lines_of([0]));
            assert!(matches!(sink.health(), Health::Failed { .. }));
        }
        assert_eq!(kept.events(), [event(1), event(2), event(3)]);
    });
}

#[test]
fn a_wedged_destination_holds_nobody_beyond_the_timeout() {
    within(DEADLINE, || {
        let it = Gated::new(holding(10));
        it.call([0]);
        it.wait_until_stuck();
        it.call(1..6);
        let timeout = Duration::from_millis(40);
        let begun = Instant::now();
        let left = it.sink.close(timeout).unwrap_err();
        assert!(
            matches!(left, CloseError::Timeout { left: 6, .. }),
            "{left:?}"
        );
        assert!(begun.elapsed() >= timeout);
        assert_eq!(fates(&it.sink), (0, 0, 0, 6));
        it.call(6..8);
        assert_eq!(fates(&it.sink), (0, 2, 0, 6));

        // It comes back: what it had begun is written, the rest given up.
        it.gate.open();
        it.sink.close(DEADLINE).ok();
        assert_eq!(it.buf.text(), lines_of([0]));
        assert_eq!(fates(&it.sink), (1, 7, 0, 0));
        assert!(it.sink.close(DEADLINE).is_ok());
    });
}

#[test]
fn what_a_wedged_destination_leaves_goes_to_the_fallback() {
    within(DEADLINE, || {
        let kept = RecordingSink::new();
        let it = Gated::new(holding(10).strategy(FallbackSink(Arc::new(kept.clone()))));
        it.call([0]);
        it.wait_until_stuck();
        it.call(1..4);
        it.sink.close(Duration::ZERO).unwrap_err();
        it.gate.open();
        assert_eq!(it.sink.close(DEADLINE).unwrap().fallen_back, 3);
        assert_eq!(kept.events(), Vec::from_iter((1..4).map(event)));
        assert_eq!(it.buf.text(), lines_of([0]));
    });
}

#[test]
fn a_full_disk_ends_a_close_with_its_timeout_and_all_is_counted() {
    within(DEADLINE, || {
        let it = Faulty::new(holding(10), |writer| {
            writer.from(1, Fault::Error(io::ErrorKind::StorageFull))
        });
        it.call(0..3);
        let error = it.sink.close(Duration::from_millis(50)).unwrap_err();
        assert!(
            matches!(error, CloseError::Timeout { left: 3, .. }),
            "{error:?}"
        );
        // It no longer waits for room.
        until("all are given up", || fates(&it.sink) == (0, 3, 0, 0));
        it.sink.close(DEADLINE).unwrap();
    });
}

#[test]
fn dropping_delivers() {
    within(DEADLINE, || {
        let (buf, ended) = (SharedBuf::new(), Ended::new());
        let writer = ended.told_by(SlowBuf::over(buf.clone(), Duration::from_millis(20)));
        let sink = holding(100).build(Box::new(writer)).unwrap();
        for number in 0..100 {
            sink.on_call(&event(number));
        }
        drop(sink);
        assert!(ended.is_now());
        assert_eq!(buf.text(), lines_of(0..100));
    });
}

#[test]
fn dropping_an_idle_sink_takes_no_time() {
    within(DEADLINE, || {
        let begun = Instant::now();
        for _ in 0..200 {
            drop(JsonLinesAuditSink::new(Box::new(io::sink())));
        }
        assert!(begun.elapsed() < Duration::from_secs(10));
    });
}

#[test]
fn the_last_handle_may_be_dropped_on_the_writers_own_thread() {
    within(DEADLINE, || {
        let last: Arc<Mutex<Option<Arc<JsonLinesAuditSink>>>> = Arc::default();
        let (buf, ended) = (SharedBuf::new(), Ended::new());
        let writer = HookWriter::new(buf.clone(), {
            let last = Arc::clone(&last);
            move |_| drop(last.lock().unwrap().take())
        });
        let sink = Arc::new(holding(10).build(Box::new(ended.told_by(writer))).unwrap());
        let weak = Arc::downgrade(&sink);
        {
            // Nothing is written before the hook has the last handle.
            let mut last = last.lock().unwrap();
            for number in 0..5 {
                sink.on_call(&event(number));
            }
            *last = Some(sink);
        }
        ended.wait();
        assert_eq!(weak.strong_count(), 0);
        assert_eq!(buf.text(), lines_of(0..5));
    });
}

#[test]
fn the_last_handle_may_be_owned_by_the_destination_itself() {
    within(DEADLINE, || {
        let own: Arc<OnceLock<Arc<JsonLinesAuditSink>>> = Arc::default();
        let ended = Ended::new();
        let writer = HookWriter::new(SharedBuf::new(), {
            let own = Arc::clone(&own);
            move |_| {
                own.wait();
                panic!("it owns the sink and dies");
            }
        });
        let sink = Arc::new(holding(10).build(Box::new(ended.told_by(writer))).unwrap());
        let weak = Arc::downgrade(&sink);
        sink.on_call(&event(0));
        own.set(sink).unwrap();
        drop(own);
        ended.wait();
        until("the sink is gone", || weak.strong_count() == 0);
    });
}

#[test]
fn a_destination_may_close_and_drop_other_sinks() {
    within(DEADLINE, || {
        let (outer, inner) = (SharedBuf::new(), SharedBuf::new());
        let mut other = Some(JsonLinesAuditSink::new(Box::new(inner.clone())));
        let writer = HookWriter::new(outer.clone(), move |_| {
            if let Some(other) = other.take() {
                other.on_call(&event(7));
                other.flush(DEADLINE).unwrap();
                other.close(DEADLINE).unwrap();
            }
        });
        let sink = JsonLinesAuditSink::new(Box::new(writer));
        sink.on_call(&event(0));
        sink.close(DEADLINE).unwrap();
        assert_eq!(outer.text(), lines_of([0]));
        assert_eq!(inner.text(), lines_of([7]));
    });
}

#[test]
fn a_destination_whose_end_hangs_is_waited_for_no_longer_than_was_said() {
    struct Hangs(Receiver<()>);
    impl Write for Hangs {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            Ok(bytes.len())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    impl Drop for Hangs {
        fn drop(&mut self) {
            self.0.recv().ok();
        }
    }

    within(DEADLINE, || {
        let (go_on, wait) = mpsc::channel();
        let sink = holding(10).build(Box::new(Hangs(wait))).unwrap();
        sink.on_call(&event(0));
        let error = sink.close(Duration::from_millis(50)).unwrap_err();
        assert!(
            matches!(error, CloseError::Timeout { left: 0, .. }),
            "{error:?}"
        );
        assert_eq!(fates(&sink), (1, 0, 0, 0));
        drop(go_on);
        sink.close(DEADLINE).unwrap();
    });
}

#[test]
fn a_fallback_is_dropped_with_the_sink() {
    within(DEADLINE, || {
        let kept = Arc::new(RecordingSink::new());
        let strategy = FallbackSink(kept.clone());
        let sink = JsonLinesAuditSink::with_strategy(Box::new(io::sink()), 1, strategy);
        drop(sink);
        assert_eq!(Arc::strong_count(&kept), 1);
    });
}

#[cfg(target_os = "linux")]
mod in_line {
    use super::*;
    use crate::support::Caller;
    use audit_testkit::FaultyWriter;
    use std::io::ErrorKind::Other;

    fn callers(it: &Gated, numbers: std::ops::Range<u64>) -> Vec<Caller> {
        let caller = |number| {
            let sink = Arc::clone(&it.sink);
            Caller::waiting(move || sink.on_call(&event(number)))
        };
        numbers.map(caller).collect()
    }

    #[test]
    fn whoever_stands_in_line_is_still_let_in() {
        within(DEADLINE, || {
            let it = Gated::new(holding(2).strategy(Block));
            it.call(0..2);
            let callers = callers(&it, 2..8);
            let sink = Arc::clone(&it.sink);
            let close = Caller::waiting(move || sink.close(DEADLINE));
            // Too late: this one doesn't wait.
            it.call([8]);
            it.gate.open();
            for caller in callers {
                caller.join();
            }
            assert_eq!(close.join().unwrap().written, 8);
            assert_eq!(it.buf.text(), lines_of(0..8));
            assert_eq!(it.sink.drops(), 1);
        });
    }

    #[test]
    fn whoever_stands_in_line_is_let_go_when_closing_times_out() {
        within(DEADLINE, || {
            let it = Gated::new(holding(2).strategy(Block));
            it.call(0..2);
            let callers = callers(&it, 2..8);
            it.sink.close(Duration::from_millis(20)).unwrap_err();
            // The gate is still closed.
            for caller in callers {
                caller.join();
            }
            assert_eq!(fates(&it.sink), (0, 6, 0, 2));
        });
    }

    #[test]
    fn losses_at_the_end_are_told() {
        within(DEADLINE, || {
            let buf = SharedBuf::new();
            let writer = FaultyWriter::new(buf.clone()).from(1, Fault::Error(Other));
            let it = Gated::over(holding(10), writer, buf);
            it.call(0..3);
            let sink = Arc::clone(&it.sink);
            let close = Caller::waiting(move || sink.close(DEADLINE));
            it.gate.open();
            assert_eq!(
                close.join().unwrap_err().to_string(),
                "3 events that were queued could not be written"
            );
            assert_eq!(it.sink.drops(), 3);
            it.sink.close(DEADLINE).unwrap();
        });
    }

    #[test]
    fn a_flush_under_way_ends_well() {
        within(DEADLINE, || {
            let it = Gated::new(holding(10));
            it.call(0..3);
            let sink = Arc::clone(&it.sink);
            let flush = Caller::waiting(move || sink.flush(DEADLINE));
            let sink = Arc::clone(&it.sink);
            let close = Caller::waiting(move || sink.close(DEADLINE));
            it.gate.open();
            assert_eq!(flush.join(), Ok(()));
            assert_eq!(close.join().unwrap().written, 3);
        });
    }

    #[test]
    fn a_flush_under_way_is_told_what_a_close_gave_up() {
        within(DEADLINE, || {
            let it = Gated::new(holding(10));
            it.call([0]);
            it.wait_until_stuck();
            it.call(1..4);
            let sink = Arc::clone(&it.sink);
            let flush = Caller::waiting(move || sink.flush(DEADLINE));
            it.sink.close(Duration::ZERO).unwrap_err();
            it.gate.open();
            assert_eq!(flush.join(), Err(FlushError::lost(3)));
        });
    }
}

/// Tells when the destination is dropped.
struct Ended {
    tell: Mutex<Option<Sender<()>>>,
    told: Receiver<()>,
}

struct TellsEnd<W> {
    inner: W,
    _tell: Option<Sender<()>>,
}

impl Ended {
    fn new() -> Self {
        let (tell, told) = mpsc::channel();
        Self {
            tell: Mutex::new(Some(tell)),
            told,
        }
    }

    fn told_by<W: Write>(&self, inner: W) -> TellsEnd<W> {
        let _tell = self.tell.lock().unwrap().take();
        TellsEnd { inner, _tell }
    }

    fn is_now(&self) -> bool {
        self.told.try_recv() == Err(mpsc::TryRecvError::Disconnected)
    }

    #[track_caller]
    fn wait(&self) {
        assert_eq!(
            self.told.recv_timeout(DEADLINE),
            Err(RecvTimeoutError::Disconnected),
        );
    }
}

impl<W: Write> Write for TellsEnd<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.inner.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

fn holding(events: usize) -> Builder {
    JsonLinesAuditSink::builder().capacity(events)
}
