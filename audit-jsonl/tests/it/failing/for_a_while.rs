//! Failures that end: nothing is lost by them.

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
