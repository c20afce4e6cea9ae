//! The sink that writes at once, over a destination that fails.

use super::*;

#[test]
fn what_fails_is_counted_and_the_next_begins_on_a_line_of_its_own() {
    within(DEADLINE, || {
        let one = line_of(&event(0)).len();
        for taken in 1..one {
            let buf = SharedBuf::new();
            let writer = FaultyWriter::new(buf.clone()).at(1, Fault::ShortThenError(taken, Other));
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
