//! Wherever a write stops, no line is torn but the one given up.

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
        .map(|taken| thread::spawn(move || within(DEADLINE, move || given_up_after(taken, one))))
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
        let script =
            |writer: FaultyWriter<_>| writer.at(1, Fault::Short(5)).from(2, Fault::Error(Other));
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
