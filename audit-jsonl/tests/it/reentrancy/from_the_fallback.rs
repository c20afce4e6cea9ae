//! Calls of a fallback to the sink that called it.

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
