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

mod from_the_fallback;

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
