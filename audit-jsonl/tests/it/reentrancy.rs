//! Calls that come from where nobody expects them are counted, and never hang.

use std::cell::RefCell;
use std::panic::{self, AssertUnwindSafe};
use std::sync::{Arc, Mutex, OnceLock, Weak};
use std::thread;
use std::time::Duration;

use audit_jsonl::BackpressureStrategy::{self, Block, FallbackSink};
use audit_jsonl::{
    AuditSink, Builder, CallEvent, CloseError, DirectJsonLinesSink, FlushError, Health,
    JsonLinesAuditSink,
};
use audit_testkit::{
    DEADLINE, Fault, FaultyWriter, Gate, HookWriter, RecordingSink, SharedBuf, gate, within,
};

use std::io::ErrorKind::Other;

use crate::support::{child, event, fates, lines_of, numbers, output_of, settle, until};

/// A sink that is made later, as what it is part of must be there first.
#[derive(Clone, Default)]
struct Later(Arc<OnceLock<Weak<dyn AuditSink>>>);

impl Later {
    fn is(&self, sink: &Arc<impl AuditSink + 'static>) {
        let weak: Weak<dyn AuditSink> = Arc::downgrade(&(Arc::clone(sink) as Arc<dyn AuditSink>));
        assert!(self.0.set(weak).is_ok());
    }

    fn get(&self) -> Option<Arc<dyn AuditSink>> {
        self.0.wait().upgrade()
    }
}

impl AuditSink for Later {
    fn on_call(&self, event: &CallEvent) {
        if let Some(sink) = self.get() {
            sink.on_call(event);
        }
    }

    fn drops(&self) -> u64 {
        self.get().map_or(0, |sink| sink.drops())
    }

    fn flush(&self, timeout: Duration) -> Result<(), FlushError> {
        self.get().map_or(Ok(()), |sink| sink.flush(timeout))
    }

    fn health(&self) -> Health {
        self.get().map_or(Health::Healthy, |sink| sink.health())
    }
}

mod from_the_destination {
    use super::*;

    #[test]
    fn every_method_returns_at_once() {
        for strategy in [
            BackpressureStrategy::Drop,
            Block,
            FallbackSink(Arc::new(RecordingSink::new())),
        ] {
            within(DEADLINE, move || {
                let own: Arc<OnceLock<Weak<JsonLinesAuditSink>>> = Arc::default();
                let buf = SharedBuf::new();
                let writer = HookWriter::new(buf.clone(), {
                    let own = Arc::clone(&own);
                    move |_| {
                        let Some(sink) = own.wait().upgrade() else {
                            return;
                        };
                        for number in 100..103 {
                            sink.on_call(&event(number));
                        }
                        let here = sink.flush(Duration::MAX);
                        assert!(matches!(here, Err(FlushError::Unusable { .. })), "{here:?}");
                        let here = sink.close(Duration::MAX);
                        assert!(matches!(here, Err(CloseError::Unusable { .. })), "{here:?}");
                        assert!(sink.counters().queued > 0);
                        assert!(sink.drops() > 0);
                        assert_eq!(sink.health(), Health::Healthy);
                        drop(sink.backpressure_strategy());
                        drop(format!("{sink:?}"));
                    }
                });
                let sink = Arc::new(
                    holding(1)
                        .strategy(strategy)
                        .build(Box::new(writer))
                        .unwrap(),
                );
                own.set(Arc::downgrade(&sink)).unwrap();
                for number in 0..3 {
                    sink.on_call(&event(number));
                    sink.flush(DEADLINE).unwrap();
                }
                assert_eq!(fates(&sink), (3, 9, 0, 0));
                assert_eq!(buf.text(), lines_of(0..3));
                sink.close(DEADLINE).unwrap();
            });
        }
    }

    #[test]
    fn one_that_parks_its_thread_loses_no_call_and_no_flush() {
        within(DEADLINE, || {
            let buf = SharedBuf::new();
            let writer = HookWriter::new(buf.clone(), |_| {
                thread::park_timeout(Duration::from_micros(50));
                thread::current().unpark();
            });
            let sink = JsonLinesAuditSink::with_strategy(Box::new(writer), 3, Block);
            thread::scope(|scope| {
                for thread in 0..3 {
                    let sink = &sink;
                    scope.spawn(move || {
                        for nth in 0..300 {
                            sink.on_call(&event(thread * 300 + nth));
                            if nth % 7 == 0 {
                                sink.flush(DEADLINE).unwrap();
                            }
                        }
                    });
                }
            });
            sink.close(DEADLINE).unwrap();
            assert_eq!(fates(&sink), (900, 0, 0, 0));
        });
    }

    #[test]
    fn a_direct_sink_counts_what_comes_from_inside() {
        within(DEADLINE, || {
            let own = Later::default();
            let buf = SharedBuf::new();
            let writer = HookWriter::new(buf.clone(), {
                let own = own.clone();
                move |_| {
                    own.on_call(&event(100));
                    assert!(own.drops() > 0);
                    assert_eq!(own.health(), Health::Healthy);
                    own.flush(Duration::MAX).unwrap();
                }
            });
            let sink = Arc::new(DirectJsonLinesSink::new(Box::new(writer)));
            own.is(&sink);
            for number in 0..3 {
                sink.on_call(&event(number));
            }
            assert_eq!(sink.drops(), 3);
            assert_eq!(buf.text(), lines_of(0..3));
        });
    }

    #[test]
    fn two_sinks_whose_destinations_call_each_other_do_not_wait_for_each_other_for_ever() {
        within(DEADLINE, || {
            let [to_first, to_second] = [Later::default(), Later::default()];
            let make = |other: &Later| {
                let (other, mut calls) = (other.clone(), 0..6);
                let buf = SharedBuf::new();
                let writer = HookWriter::new(buf.clone(), move |_| {
                    for number in calls.by_ref().take(3) {
                        other.on_call(&event(100 + number));
                    }
                });
                let sink = holding(1).strategy(Block).build(Box::new(writer)).unwrap();
                (Arc::new(sink), buf)
            };
            let (first, first_buf) = make(&to_second);
            let (second, second_buf) = make(&to_first);
            to_first.is(&first);
            to_second.is(&second);
            for number in 0..3 {
                first.on_call(&event(number));
                second.on_call(&event(number));
            }
            first.flush(DEADLINE).unwrap();
            second.flush(DEADLINE).unwrap();
            first.close(DEADLINE).unwrap();
            second.close(DEADLINE).unwrap();
            for (sink, buf) in [(first, first_buf), (second, second_buf)] {
                let written = numbers(&buf.text()).len() as u64;
                assert_eq!(fates(&sink), (written, 9 - written, 0, 0));
                assert!(written >= 3);
            }
        });
    }
}

mod from_the_fallback {
    use super::*;

    /// Calls a sink back for each event that it is given.
    struct CallsBack {
        sink: Later,
        kept: RecordingSink,
    }

    impl AuditSink for CallsBack {
        fn on_call(&self, event: &CallEvent) {
            self.sink.on_call(event);
            assert!(self.sink.flush(Duration::ZERO).is_err());
            drop(self.sink.health());
            self.sink.drops();
            self.kept.on_call(event);
        }
    }

    #[test]
    fn a_fallback_may_call_the_sink_that_called_it() {
        within(DEADLINE, || {
            let (sink, kept) = (Later::default(), RecordingSink::new());
            let fallback = CallsBack {
                sink: sink.clone(),
                kept: kept.clone(),
            };
            let (gate, writer) = gate::pair(SharedBuf::new());
            let builder = holding(1).strategy(FallbackSink(Arc::new(fallback)));
            let queued = Arc::new(builder.build(Box::new(writer)).unwrap());
            sink.is(&queued);
            queued.on_call(&event(0));
            queued.on_call(&event(1));
            // It came round some times, and then was lost.
            let (_, dropped, fallen_back, _) = fates(&queued);
            assert_eq!(dropped, 1);
            assert_eq!(kept.len() as u64, fallen_back);
            assert!((1..20).contains(&fallen_back), "{fallen_back}");
            gate.open();
            queued.flush(DEADLINE).unwrap();
        });
    }

    #[test]
    fn a_fallback_may_call_back_from_the_writers_own_thread() {
        within(DEADLINE, || {
            let (sink, kept) = (Later::default(), RecordingSink::new());
            let fallback = CallsBack {
                sink: sink.clone(),
                kept: kept.clone(),
            };
            let writer = FaultyWriter::new(SharedBuf::new()).from(1, Fault::Error(Other));
            let builder = holding(10).strategy(FallbackSink(Arc::new(fallback)));
            let queued = Arc::new(builder.build(Box::new(writer)).unwrap());
            sink.is(&queued);
            for number in 0..3 {
                queued.on_call(&event(number));
            }
            queued.flush(DEADLINE).unwrap();
            assert_eq!(fates(&queued), (0, 3, 3, 0));
            assert_eq!(kept.len(), 3);
        });
    }

    #[test]
    fn a_sink_that_is_its_own_fallback_counts() {
        within(DEADLINE, || {
            let own = Later::default();
            let (gate, writer) = gate::pair(SharedBuf::new());
            let builder = holding(1).strategy(FallbackSink(Arc::new(own.clone())));
            let sink = Arc::new(builder.build(Box::new(writer)).unwrap());
            own.is(&sink);
            sink.on_call(&event(0));
            sink.on_call(&event(1));
            assert_eq!(sink.drops(), 1);
            gate.open();
            sink.flush(DEADLINE).unwrap();
            sink.close(DEADLINE).unwrap();
            sink.on_call(&event(2));
            assert_eq!(sink.drops(), 2);
        });
    }

    #[test]
    fn sinks_that_fall_back_to_each_other_end_when_both_are_full() {
        within(DEADLINE, || {
            let (first, second, gates) = each_others_fallbacks(1, |buf| {
                let (gate, writer) = gate::pair(buf);
                (gate, Box::new(writer))
            });
            for number in 0..5 {
                first.on_call(&event(number));
            }
            // The first two are queued; each of the others came round some times.
            assert_eq!(first.drops() + second.drops(), 3);
            assert_eq!(first.counters().queued + second.counters().queued, 2);
            drop(gates);
            first.flush(DEADLINE).unwrap();
            second.flush(DEADLINE).unwrap();
            first.close(DEADLINE).unwrap();
            second.close(DEADLINE).unwrap();
            for number in 5..8 {
                second.on_call(&event(number));
            }
            assert_eq!(first.drops() + second.drops(), 6);
        });
    }

    #[test]
    fn an_event_that_neither_of_two_each_others_fallbacks_can_write_is_lost_and_counted() {
        within(DEADLINE, || {
            let (first, second, _) = each_others_fallbacks(10, |buf| {
                let writer = FaultyWriter::new(buf).from(1, Fault::Error(Other));
                ((), Box::new(writer))
            });
            first.on_call(&event(0));
            until("it is counted", || first.drops() + second.drops() == 1);
            assert_eq!(first.counters().queued + second.counters().queued, 0);
            first.close(DEADLINE).ok();
            second.close(DEADLINE).ok();
        });
    }

    type Boxed = Box<dyn std::io::Write + Send>;

    fn each_others_fallbacks<G>(
        capacity: usize,
        writer: impl Fn(SharedBuf) -> (G, Boxed),
    ) -> (Arc<JsonLinesAuditSink>, Arc<JsonLinesAuditSink>, [G; 2]) {
        let (to_first, (one, writer_one)) = (Later::default(), writer(SharedBuf::new()));
        let (to_second, (two, writer_two)) = (Later::default(), writer(SharedBuf::new()));
        let make = |other: &Later, writer| {
            let builder = holding(capacity).strategy(FallbackSink(Arc::new(other.clone())));
            Arc::new(builder.build(writer).unwrap())
        };
        let first = make(&to_second, writer_one);
        let second = make(&to_first, writer_two);
        to_first.is(&first);
        to_second.is(&second);
        (first, second, [one, two])
    }

    #[test]
    fn a_direct_fallback_whose_destination_calls_the_queued_sink_ends() {
        within(DEADLINE, || {
            let queued = Later::default();
            let buf = SharedBuf::new();
            let writer = HookWriter::new(buf.clone(), {
                let queued = queued.clone();
                move |_| queued.on_call(&event(100))
            });
            let direct = Arc::new(DirectJsonLinesSink::new(Box::new(writer)));
            let (gate, writer): (Gate, _) = gate::pair(SharedBuf::new());
            let builder = holding(1).strategy(FallbackSink(direct.clone()));
            let sink = Arc::new(builder.build(Box::new(writer)).unwrap());
            queued.is(&sink);
            sink.on_call(&event(0));
            sink.on_call(&event(1));
            // What came from inside could only be counted.
            assert_eq!(buf.text(), lines_of([1]));
            assert_eq!(direct.drops(), 1);
            assert_eq!(fates(&sink), (0, 0, 2, 1));
            gate.open();
            sink.flush(DEADLINE).unwrap();
        });
    }
}

mod from_an_ending_thread {
    use super::*;

    struct CallsAtTheEnd(RefCell<Option<(Arc<dyn AuditSink>, u64)>>);

    impl Drop for CallsAtTheEnd {
        fn drop(&mut self) {
            if let Some((sink, number)) = self.0.take() {
                sink.on_call(&event(number));
                sink.flush(DEADLINE).unwrap();
                sink.drops();
                drop(sink.health());
                sink.on_call(&event(number + 1));
            }
        }
    }

    thread_local! {
        static AT_THE_END: CallsAtTheEnd = const { CallsAtTheEnd(RefCell::new(None)) };
    }

    #[test]
    fn a_call_of_a_thread_locals_drop_is_recorded() {
        within(DEADLINE, || {
            let (queued, direct) = (SharedBuf::new(), SharedBuf::new());
            let sinks: [Arc<dyn AuditSink>; 2] = [
                Arc::new(JsonLinesAuditSink::with_strategy(
                    Box::new(queued.clone()),
                    2,
                    Block,
                )),
                Arc::new(DirectJsonLinesSink::new(Box::new(direct.clone()))),
            ];
            // Before what the sink keeps per thread, after it, and without it.
            for (nth, calls_before) in [(0, [false, true]), (1, [true, false]), (2, [false, false])]
            {
                for sink in &sinks {
                    let sink = Arc::clone(sink);
                    let thread = thread::spawn(move || {
                        if calls_before[0] {
                            sink.on_call(&event(1_000));
                        }
                        let call = (Arc::clone(&sink), 2 * nth);
                        AT_THE_END.with(|end| end.0.replace(Some(call)));
                        if calls_before[1] {
                            sink.on_call(&event(1_000));
                        }
                    });
                    thread.join().unwrap();
                }
            }
            for (sink, buf) in sinks.iter().zip([queued, direct]) {
                sink.flush(DEADLINE).unwrap();
                let mut written = numbers(&buf.text());
                written.retain(|number| *number < 1_000);
                assert_eq!(written, Vec::from_iter(0..6));
                assert_eq!(sink.drops(), 0);
            }
        });
    }
}

mod from_a_panic {
    use super::*;

    /// Calls when it is dropped.
    struct Calls(Arc<dyn AuditSink>);

    impl Drop for Calls {
        fn drop(&mut self) {
            assert!(thread::panicking());
            self.0.on_call(&event(1));
            self.0.on_call(&event(2));
            self.0.flush(DEADLINE).unwrap();
        }
    }

    #[test]
    fn a_call_while_unwinding_is_recorded() {
        within(DEADLINE, || {
            let (queued, direct) = (SharedBuf::new(), SharedBuf::new());
            let sinks: [Arc<dyn AuditSink>; 2] = [
                Arc::new(JsonLinesAuditSink::with_strategy(
                    Box::new(queued.clone()),
                    1,
                    Block,
                )),
                Arc::new(DirectJsonLinesSink::new(Box::new(direct.clone()))),
            ];
            for (sink, buf) in sinks.into_iter().zip([queued, direct]) {
                let calls = Calls(sink);
                let work = AssertUnwindSafe(move || {
                    let _calls = calls;
                    panic!("this work was made to panic");
                });
                assert!(panic::catch_unwind(work).is_err());
                assert_eq!(buf.text(), lines_of([1, 2]));
            }
        });
    }

    #[test]
    fn even_when_the_fallback_panics_then() {
        within(DEADLINE, || {
            let (gate, writer) = gate::pair(SharedBuf::new());
            let strategy = FallbackSink(Arc::new(audit_testkit::PanickingSink));
            let sink = Arc::new(
                holding(1)
                    .strategy(strategy)
                    .build(Box::new(writer))
                    .unwrap(),
            );
            let also = Arc::clone(&sink);
            struct Calls(Arc<JsonLinesAuditSink>);
            impl Drop for Calls {
                fn drop(&mut self) {
                    self.0.on_call(&event(1));
                    self.0.on_call(&event(2));
                }
            }
            let work = AssertUnwindSafe(move || {
                let _calls = Calls(also);
                panic!("this work was made to panic");
            });
            assert!(panic::catch_unwind(work).is_err());
            assert_eq!(fates(&sink), (0, 1, 0, 1));
            drop(gate);
        });
    }

    #[test]
    fn a_call_from_a_panic_hook_is_recorded_or_counted() {
        let Some(child) =
            child("reentrancy::from_a_panic::a_call_from_a_panic_hook_is_recorded_or_counted")
        else {
            return in_the_child();
        };
        output_of(child);

        fn in_the_child() {
            let buf = SharedBuf::new();
            let faulty = FaultyWriter::new(buf.clone()).at(2, Fault::Panic);
            let sink = JsonLinesAuditSink::with_strategy(Box::new(faulty), 2, Block);
            let sink = Arc::new(sink);
            let seen = Arc::new(Mutex::new(0));
            panic::set_hook(Box::new({
                let (sink, seen) = (Arc::clone(&sink), Arc::clone(&seen));
                move |_| {
                    *seen.lock().unwrap() += 1;
                    sink.on_call(&event(1));
                    // An error on the writer's own thread, else Ok.
                    drop(sink.flush(DEADLINE));
                    drop(sink.health());
                }
            }));
            within(DEADLINE, move || {
                let work = || panic!("this work was made to panic");
                assert!(panic::catch_unwind(work).is_err());
                assert_eq!(buf.text(), lines_of([1]));
                // Now the destination panics, and the hook runs on the writer's thread.
                sink.on_call(&event(2));
                settle(&sink);
                assert_eq!(*seen.lock().unwrap(), 2);
                assert_eq!(fates(&sink), (1, 2, 0, 0));
            });
        }
    }
}

fn holding(events: usize) -> Builder {
    JsonLinesAuditSink::builder().capacity(events)
}
