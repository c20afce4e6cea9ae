//! A log that is written by the threads that call: what is in it when a call returns,
//! what is told when it can't be written, and that sinks of both kinds share it.

mod conformance;
mod trouble;

use std::fs;
use std::path::Path;
use std::thread;
use std::time::Duration;

use audit_jsonl::{
    AuditSink, BackpressureStrategy, DirectLogSink, Durability, JsonLinesAuditSink, LogBuilder,
    OpenError, Receipt,
};
use audit_testkit::{DEADLINE, within};

use crate::checker::{check, check_with};
use crate::child::Child;
use crate::support::{Dir, close, event, event_of, open, record, skip};
use crate::writers::STEP;

/// A builder that syncs nothing by itself.
pub(crate) fn builder(path: &Path) -> LogBuilder {
    let builder = JsonLinesAuditSink::builder().path(path);
    builder.durability(Durability::Written)
}

#[track_caller]
pub(crate) fn open_direct(path: &Path) -> DirectLogSink {
    builder(path).open_direct().unwrap()
}

/// Writes events, which must go well.
#[track_caller]
pub(crate) fn write(sink: &DirectLogSink, numbers: impl IntoIterator<Item = u64>) {
    for number in numbers {
        sink.write(&event(number), DEADLINE).unwrap();
    }
}

#[test]
fn an_event_stands_in_the_log_when_the_call_returns() {
    within(DEADLINE, || {
        let (_dir, path) = Dir::with_log();
        let sink = open_direct(&path);
        for number in 0..20 {
            if number % 2 == 0 {
                sink.on_call(&event(number));
            } else {
                sink.write(&event(number), DEADLINE).unwrap();
            }
            assert_eq!(check(&path).numbers(), (0..=number).collect::<Vec<_>>());
        }
        sink.close(DEADLINE).unwrap();
        check(&path).assert_whole();
    });
}

#[test]
#[cfg(target_os = "linux")]
fn it_has_no_thread() {
    within(DEADLINE, || {
        for (role, has_thread) in [("direct_writer", false), ("writer", true)] {
            let (_dir, path) = Dir::with_log();
            let child = Child::of(role).arg(&path).arg("1").start();
            child.wait_for("done 3");
            let names = child.threads();
            let has = names.iter().any(|name| name.starts_with("audit-jsonl"));
            assert_eq!(has, has_thread, "{role}: {names:?}");
            child.end();
        }
    });
}

#[test]
fn receipts_are_true() {
    within(DEADLINE, || {
        let (_dir, path) = Dir::with_log();
        let sink = builder(&path)
            .rotate_at_bytes(65_536)
            .open_direct()
            .unwrap();
        let receipts: Vec<Receipt> = (0..100)
            .map(|number| {
                // Some are cut.
                let bytes = if number % 10 == 0 { 70_000 } else { 900 };
                let event = event_of(number, bytes);
                match number % 2 {
                    0 => sink.write(&event, DEADLINE).unwrap(),
                    _ => sink.commit(&event, DEADLINE).unwrap(),
                }
            })
            .collect();
        sink.close(DEADLINE).unwrap();
        let found = check(&path).assert_whole();
        assert!(found.files.len() > 3, "it has not rotated");
        assert_eq!(found.with("cut").len(), 10);
        for (number, receipt) in receipts.iter().enumerate() {
            let row = &found.rows[number];
            assert_eq!(row.event.call_id, number.to_string());
            assert_eq!((row.seq, row.hash.parse()), (receipt.seq, Ok(receipt.hash)));
            assert_eq!(row.stream.parse(), Ok(receipt.stream));
        }
    });
}

#[test]
fn threads_sinks_and_processes_share_one_log() {
    within(DEADLINE, || {
        let (_dir, path) = Dir::with_log();
        let queued = open(&path);
        let sinks = [open_direct(&path), open_direct(&path)];
        let other = Child::of("direct_writer").arg(&path).arg("9").start();
        other.wait_for("done 3");
        thread::scope(|scope| {
            for writer in 0..4 {
                let sink = &sinks[writer as usize % 2];
                scope.spawn(move || write(sink, (0..300).map(|nth| writer * STEP + nth)));
            }
            scope.spawn(|| record(&queued, (0..300).map(|nth| 4 * STEP + nth)));
        });
        let said = other.end();
        close(&queued);
        for sink in &sinks {
            assert_eq!(sink.close(DEADLINE).unwrap().written, 600);
        }
        let found = check(&path).assert_whole();
        assert_eq!(found.streams().len(), 1);
        let of = |writer| {
            let numbers = found.numbers().into_iter();
            let own = numbers.filter(move |number| number / STEP == writer);
            own.map(|number| number % STEP).collect::<Vec<_>>()
        };
        for writer in 0..5 {
            assert_eq!(of(writer), (0..300).collect::<Vec<_>>());
        }
        let done = said
            .iter()
            .rev()
            .find_map(|line| line.strip_prefix("done "));
        let done = done.unwrap().parse().unwrap();
        assert_eq!(of(9), (0..done).collect::<Vec<_>>());
        assert_eq!(
            (found.with("opened").len(), found.with("closed").len()),
            (4, 4)
        );
    });
}

#[test]
fn what_on_call_returned_for_survives_kill_9() {
    within(2 * DEADLINE, || {
        let (_dir, path) = Dir::with_log();
        for round in 0..50 {
            // It kills itself before anything else can happen.
            let child = Child::of("direct_dies").arg(&path).arg(round.to_string());
            assert!(!child.run().success);
            assert_eq!(check(&path).numbers(), (0..=round).collect::<Vec<_>>());
        }
        let found = check(&path).assert_whole();
        assert_eq!(found.with("opened").len(), 50);
        assert_eq!(found.with("closed").len(), 0);
    });
}

#[test]
fn an_option_of_the_queue_is_an_error_that_names_it() {
    let (_dir, path) = Dir::with_log();
    let builder = JsonLinesAuditSink::builder;
    let given = [
        ("capacity", builder().capacity(1024)),
        ("capacity_bytes", builder().capacity_bytes(1024 * 1024)),
        ("strategy", builder().strategy(BackpressureStrategy::Drop)),
        ("block_timeout", builder().block_timeout(DEADLINE)),
    ];
    for (name, builder) in given {
        let error = builder.path(&path).open_direct().unwrap_err();
        assert!(matches!(error, OpenError::NoQueue { option, .. } if option == name));
        assert!(error.to_string().contains(&format!("`{name}`")), "{error}");
    }
    assert!(!path.exists());
    // This one has a meaning.
    let sink = builder().drop_timeout(DEADLINE).path(&path).open_direct();
    drop(sink.unwrap());
}

#[test]
fn an_option_of_the_log_that_makes_no_sense_is_an_error() {
    let (dir, path) = Dir::with_log();
    let error = builder(&path)
        .rotate_at_bytes(10)
        .open_direct()
        .unwrap_err();
    assert!(matches!(error, OpenError::RotationBytes { .. }), "{error}");
    let error = builder(&dir.path("no/such/audit.jsonl"))
        .open_direct()
        .unwrap_err();
    assert!(matches!(error, OpenError::Io { .. }), "{error}");
}

#[test]
fn the_last_record_says_that_the_writer_ended() {
    within(DEADLINE, || {
        let (_dir, path) = Dir::with_log();
        // A writer that writes nothing leaves nothing.
        let sink = open_direct(&path);
        sink.close(DEADLINE).unwrap();
        assert_eq!(check(&path).rows.len(), 0);
        let sink = open_direct(&path);
        write(&sink, 0..3);
        sink.close(DEADLINE).unwrap();
        sink.close(DEADLINE).unwrap();
        // Too late, and told of by nothing but its counters.
        sink.on_call(&event(3));
        assert_eq!(sink.drops(), 1);
        assert_eq!(
            sink.health().to_string(),
            "failed: closed (0 failures in a row, 0 in all)"
        );
        drop(sink);
        // Dropping closes too.
        let sink = open_direct(&path);
        write(&sink, 3..5);
        drop(sink);
        let found = check(&path).assert_whole();
        assert_eq!(found.numbers(), [0, 1, 2, 3, 4]);
        assert_eq!(
            (found.with("opened").len(), found.with("closed").len()),
            (2, 2)
        );
    });
}

/// The syncs of data that a child made while it wrote this many events and closed.
fn syncs(durability: &str, how: &str, times: u64) -> Option<usize> {
    let (dir, path) = Dir::with_log();
    let child = Child::of("direct_syncs")
        .arg(&path)
        .arg(durability)
        .arg(how)
        .arg(times.to_string());
    let trace = child.traced(&dir, "fdatasync,fsync")?;
    assert_eq!(check(&path).assert_whole().numbers().len() as u64, times);
    Some(trace.matches("fdatasync(").count())
}

#[test]
fn what_is_asked_for_is_synced() {
    within(DEADLINE, || {
        let Some(written) = syncs("written", "write", 20) else {
            return skip("needs `strace`");
        };
        assert_eq!(written, 0);
        assert_eq!(syncs("written", "flush", 20), Some(0));
        assert_eq!(syncs("written", "commit", 20), Some(20));
        // And one at the end.
        assert_eq!(syncs("every", "write", 20), Some(21));
        // By the first write after the interval, by `flush`, at the end.
        assert_eq!(syncs("3600000", "write", 20), Some(1));
        assert_eq!(syncs("0", "write", 20), Some(21));
        assert_eq!(syncs("3600000", "flush", 20), Some(21));
    });
}

#[test]
fn a_log_renamed_or_deleted_goes_on_from_its_head() {
    within(DEADLINE, || {
        let (dir, path) = Dir::with_log();
        let sink = open_direct(&path);
        write(&sink, 0..5);
        let (first, second) = (dir.path("first"), dir.path("second"));
        fs::rename(&path, &first).unwrap();
        write(&sink, 5..10);
        fs::rename(&path, &second).unwrap();
        sink.reopen(DEADLINE).unwrap();
        // At once, before anything is written.
        assert!(path.exists());
        write(&sink, 10..15);
        sink.close(DEADLINE).unwrap();
        let found = check_with(&path, &[first, second]).assert_whole();
        assert_eq!(found.numbers(), (0..15).collect::<Vec<_>>());
        assert_eq!(found.streams().len(), 1);
        assert_eq!(found.files.len(), 3);
        // Of a deleted one the gap shows.
        let sink = open_direct(&path);
        fs::remove_file(&path).unwrap();
        write(&sink, 15..16);
        sink.close(DEADLINE).unwrap();
        assert_eq!(check(&path).rows.first().unwrap().seq, 16);
    });
}

#[test]
fn a_large_log_is_warned_of() {
    within(DEADLINE, || {
        let (_dir, path) = Dir::with_log();
        let sink = builder(&path).warn_at_bytes(2_000).open_direct().unwrap();
        write(&sink, 0..1);
        assert!(sink.health().is_healthy());
        sink.write(&event_of(1, 3_000), DEADLINE).unwrap();
        assert!(
            sink.health().to_string().contains("more than 2000"),
            "{}",
            sink.health()
        );
        sink.close(DEADLINE).unwrap();
    });
}

#[test]
fn a_forked_child_writes_nothing_and_is_told() {
    within(DEADLINE, || {
        let (_dir, path) = Dir::with_log();
        let ended = Child::of("direct_forks").arg(&path).run();
        assert!(ended.success, "{}", ended.stderr);
        assert!(ended.stdout.contains("parent ends"), "{}", ended.stdout);
        let found = check(&path).assert_whole();
        assert_eq!(found.numbers(), [0, 1, 2]);
        assert_eq!(
            (found.with("opened").len(), found.with("closed").len()),
            (1, 1)
        );
    });
}

/// For what is waited for in vain.
const SHORT: Duration = Duration::from_millis(50);
