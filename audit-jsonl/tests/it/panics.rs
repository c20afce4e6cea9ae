//! A destination or a fallback that panics: no caller panics or hangs, and all
//! is counted.

use std::io::{self, Write};
use std::panic;
use std::sync::Arc;
use std::time::Duration;

use audit_jsonl::BackpressureStrategy::{Block, Drop, FallbackSink};
use audit_jsonl::{AuditSink, Builder, CloseError, FlushError, Health, JsonLinesAuditSink};
use audit_testkit::{
    DEADLINE, Fault, FaultyWriter, PanickingSink, RecordingSink, SharedBuf, within,
};

use std::io::ErrorKind::Other;

use crate::support::{AtOnce, Faulty, event, fates, lines_of, settle};

#[test]
fn whenever_the_destination_panics_all_that_follows_is_counted() {
    for nth in [1, 2, 5] {
        for strategy in [Drop, Block] {
            within(DEADLINE, move || {
                let it = Faulty::new(holding(4).strategy(strategy), |writer| {
                    writer.at(nth, Fault::Panic)
                });
                let before = nth as u64 - 1;
                for number in 0..before {
                    it.call([number]);
                    it.sink.flush(DEADLINE).unwrap();
                }
                it.call([before]);
                settle(&it.sink);
                assert_failed(&it.sink);
                // More than the queue holds: nobody waits.
                it.call(100..120);
                assert_eq!(fates(&it.sink), (before, 21, 0, 0));
                assert_eq!(it.sink.flush(DEADLINE), Ok(()));
                assert_eq!(it.sink.close(DEADLINE).unwrap().dropped, 21);
                assert_eq!(it.buf.text(), lines_of(0..before));
                assert_eq!(it.faults.writes(), nth, "it was called again");
            });
        }
    }
}

#[test]
fn all_that_follows_goes_to_the_fallback() {
    within(DEADLINE, || {
        let kept = RecordingSink::new();
        let builder = holding(4).strategy(FallbackSink(Arc::new(kept.clone())));
        let it = Faulty::new(builder, |writer| writer.at(2, Fault::Panic));
        it.call([0]);
        it.sink.flush(DEADLINE).unwrap();
        it.call(1..20);
        it.sink.flush(DEADLINE).unwrap();
        it.call(20..30);
        assert_eq!(fates(&it.sink), (1, 0, 29, 0));
        assert_failed(&it.sink);
        let mut fallen = kept.events();
        fallen.sort_by_key(|event| event.call_id.parse::<u64>().unwrap());
        assert_eq!(fallen, Vec::from_iter((1..30).map(event)));
        it.sink.close(DEADLINE).unwrap();
    });
}

#[test]
fn a_panic_in_flush_is_as_one_in_write() {
    within(DEADLINE, || {
        let it = Faulty::new(holding(4), |writer| writer.at_flush(2, Fault::Panic));
        it.call([0]);
        it.sink.flush(DEADLINE).unwrap();
        it.call([1]);
        settle(&it.sink);
        assert_failed(&it.sink);
        it.call(2..5);
        assert_eq!(fates(&it.sink), (1, 4, 0, 0));
        assert_eq!(it.faults.flushes(), 2, "it was called again");
    });
}

#[test]
fn a_panic_in_the_flush_after_lines_were_given_up_is_no_different() {
    within(DEADLINE, || {
        let one = lines_of([0]).len();
        let it = AtOnce::new(
            holding(8),
            |writer| {
                writer
                    .at(1, Fault::Short(one))
                    .during(2..12, Fault::Error(Other))
                    .at_flush(1, Fault::Panic)
            },
            3,
        );
        settle(&it.sink);
        assert_failed(&it.sink);
        it.call(3..5);
        assert_eq!(it.fates(), (0, 5, 0, 0));
        assert_eq!((it.faults.writes(), it.faults.flushes()), (11, 1));
    });
}

#[test]
fn a_destination_that_panics_when_it_is_dropped_has_written_everything() {
    within(DEADLINE, || {
        for _ in 0..2 {
            let buf = SharedBuf::new();
            let sink = JsonLinesAuditSink::new(Box::new(Dies(buf.clone())));
            sink.on_call(&event(0));
            assert_eq!(sink.close(DEADLINE).unwrap().written, 1);
            assert_eq!(buf.text(), lines_of([0]));
        }
        // And after it has panicked already.
        let writer = FaultyWriter::new(Dies(SharedBuf::new())).at(1, Fault::Panic);
        let sink = JsonLinesAuditSink::new(Box::new(writer));
        sink.on_call(&event(0));
        settle(&sink);
        assert!(sink.close(DEADLINE).is_ok());
    });
}

#[test]
fn a_payload_that_panics_when_it_is_dropped_does_no_more_harm() {
    struct Bomb;
    impl std::ops::Drop for Bomb {
        fn drop(&mut self) {
            panic!("this payload was made to panic");
        }
    }
    struct Throws;
    impl Write for Throws {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            panic::panic_any(Bomb);
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    impl AuditSink for Throws {
        fn on_call(&self, _: &audit_jsonl::CallEvent) {
            panic::panic_any(Bomb);
        }
        fn flush(&self, _: Duration) -> Result<(), FlushError> {
            panic::panic_any(Bomb);
        }
    }

    within(DEADLINE, || {
        let strategy = FallbackSink(Arc::new(Throws));
        let sink = holding(4)
            .strategy(strategy)
            .build(Box::new(Throws))
            .unwrap();
        sink.on_call(&event(0));
        settle(&sink);
        assert_failed(&sink);
        sink.on_call(&event(1));
        assert_eq!(fates(&sink), (0, 2, 0, 0));
        sink.flush(DEADLINE).unwrap_err();
        sink.close(DEADLINE).unwrap();

        let direct = audit_jsonl::DirectJsonLinesSink::new(Box::new(Throws));
        direct.on_call(&event(0));
        direct.on_call(&event(1));
        assert_eq!(direct.drops(), 2);
    });
}

#[test]
fn when_the_fallback_panics_as_well_all_is_counted() {
    within(DEADLINE, || {
        let builder = holding(4).strategy(FallbackSink(Arc::new(PanickingSink)));
        let it = Faulty::new(builder, |writer| writer.at(1, Fault::Panic));
        it.call(0..10);
        settle(&it.sink);
        it.call(10..20);
        assert_eq!(fates(&it.sink), (0, 20, 0, 0));
        assert_eq!(it.sink.drops(), 20);
    });
}

#[test]
fn a_sink_that_died_can_be_dropped_and_closed() {
    within(DEADLINE, || {
        for at_once in [true, false] {
            let it = Faulty::new(holding(4), |writer| writer.at(1, Fault::Panic));
            it.call([0]);
            if !at_once {
                settle(&it.sink);
                it.sink.close(DEADLINE).unwrap();
            }
            drop(it.sink);
        }
    });
}

#[cfg(target_os = "linux")]
#[test]
fn a_sink_that_dies_while_it_is_closed_says_so() {
    use crate::support::{Caller, Gated};

    within(DEADLINE, || {
        let buf = SharedBuf::new();
        let writer = FaultyWriter::new(buf.clone()).at(1, Fault::Panic);
        let it = Gated::over(holding(4), writer, buf);
        it.call(0..3);
        let sink = Arc::clone(&it.sink);
        let close = Caller::waiting(move || sink.close(DEADLINE));
        it.gate.open();
        let error = close.join().unwrap_err();
        assert!(
            matches!(error, CloseError::Lost { events: 3, .. }),
            "{error:?}"
        );
        // The reason of the end is the panic, not that it is closed.
        assert_failed(&it.sink);
    });
}

#[cfg(target_os = "linux")]
#[test]
fn whoever_stands_in_line_is_let_go_and_counted() {
    use crate::support::{Caller, Gated};

    within(DEADLINE, || {
        let buf = SharedBuf::new();
        let writer = FaultyWriter::new(buf.clone()).at(1, Fault::Panic);
        let it = Gated::over(holding(2).strategy(Block), writer, buf);
        it.call(0..2);
        let callers: Vec<_> = (2..30)
            .map(|number| {
                let sink = Arc::clone(&it.sink);
                Caller::waiting(move || sink.on_call(&event(number)))
            })
            .collect();
        it.gate.open();
        for caller in callers {
            caller.join();
        }
        // They may be let in by the end of the first two, and be lost then.
        it.sink.close(DEADLINE).ok();
        assert_eq!(fates(&it.sink), (0, 30, 0, 0));
        assert_eq!(it.buf.text(), "");
    });
}

/// Writes, and panics when it is dropped.
struct Dies(SharedBuf);

impl Write for Dies {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

impl std::ops::Drop for Dies {
    fn drop(&mut self) {
        panic!("this drop was made to panic");
    }
}

#[track_caller]
fn assert_failed(sink: &JsonLinesAuditSink) {
    match sink.health() {
        Health::Failed { reason, .. } => assert_eq!(reason, "the destination panicked"),
        other => panic!("{other:?}"),
    }
}

fn holding(events: usize) -> Builder {
    JsonLinesAuditSink::builder().capacity(events)
}
