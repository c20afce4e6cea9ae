//! What a caller is told when its event can't be written, and what the log tells.

use std::error::Error as _;
use std::fs;
use std::thread;
use std::time::{Duration, Instant};

use audit_jsonl::{AuditSink, CloseError, Health, WriteError};
use audit_testkit::{DEADLINE, within};

use super::{SHORT, builder, open_direct, write};
use crate::checker::check;
use crate::child::Child;
use crate::support::{Dir, event, line_of, log, until};

#[test]
fn a_held_lock_is_waited_for_within_the_timeout() {
    within(2 * DEADLINE, || {
        let (_dir, path) = Dir::with_log();
        log(&path, 0..1);
        let sink = open_direct(&path);
        write(&sink, 1..2);
        let holder = Child::of("hold").arg(&path).start();
        holder.wait_for("holding");
        let before = fs::read(&path).unwrap();
        let begun = Instant::now();
        for error in [
            sink.write(&event(2), SHORT).unwrap_err(),
            sink.commit(&event(2), Duration::ZERO).unwrap_err(),
        ] {
            assert!(matches!(error, WriteError::Timeout { .. }), "{error}");
            assert!(!error.is_recorded());
        }
        assert!(begun.elapsed() >= SHORT);
        assert!(
            begun.elapsed() < Duration::from_secs(5),
            "it waits for longer"
        );
        assert_eq!(fs::read(&path).unwrap(), before);
        assert!(matches!(sink.health(), Health::Degraded { .. }));
        // It is still the caller's.
        let counters = sink.counters();
        assert_eq!(
            (counters.offered, counters.written, counters.dropped),
            (1, 1, 0)
        );
        assert!(counters.write_errors >= 2);
        // However long a caller would wait, the holder is told of after five seconds.
        let error = sink.write(&event(2), Duration::MAX).unwrap_err();
        let why = error.source().unwrap().to_string();
        assert!(why.contains("holds the lock"), "{why}");
        drop(holder);
        write(&sink, 2..3);
        sink.close(DEADLINE).unwrap();
        let found = check(&path).assert_whole();
        assert_eq!(found.numbers(), [0, 1, 2]);
        assert_eq!(found.sum("lost"), 0);
    });
}

#[test]
fn another_thread_is_waited_for_within_the_timeout() {
    within(2 * DEADLINE, || {
        let (_dir, path) = Dir::with_log();
        log(&path, 0..1);
        let sink = open_direct(&path);
        let holder = Child::of("hold").arg(&path).start();
        holder.wait_for("holding");
        thread::scope(|scope| {
            // One has its turn, and waits for the holder; the other waits for it.
            let writing = [1, 2].map(|number| {
                let sink = &sink;
                scope.spawn(move || sink.write(&event(number), DEADLINE))
            });
            until("one waits", || sink.counters().blocked == 1);
            assert!(sink.health().is_healthy(), "a wait is no failure yet");
            let error = sink.write(&event(3), SHORT).unwrap_err();
            assert!(matches!(error, WriteError::Timeout { .. }), "{error}");
            let error = sink.close(SHORT).unwrap_err();
            assert!(
                matches!(error, CloseError::Timeout { left: 2, .. }),
                "{error}"
            );
            drop(holder);
            // What had begun before the sink was closed is written, the rest refused.
            let written = writing.map(|writing| writing.join().unwrap());
            assert_eq!(written.iter().filter(|result| result.is_ok()).count(), 1);
        });
        // Now there is a closing record.
        assert_eq!(sink.close(DEADLINE).unwrap().written, 1);
        let found = check(&path).assert_whole();
        assert_eq!(found.numbers().len(), 2);
        assert_eq!(found.with("closed").len(), 2);
    });
}

#[test]
fn what_is_lost_is_told_by_the_next_line() {
    within(DEADLINE, || {
        let dir = Dir::new();
        let (home, away) = (dir.path("log"), dir.path("away"));
        fs::create_dir(&home).unwrap();
        let path = home.join("audit.jsonl");
        let sink = open_direct(&path);
        write(&sink, 0..1);
        fs::rename(&home, &away).unwrap();
        sink.on_call(&event(1));
        sink.on_call(&event(2));
        let error = sink.write(&event(3), DEADLINE).unwrap_err();
        assert!(matches!(error, WriteError::Io { .. }), "{error}");
        assert!(!error.is_recorded());
        // The caller gives up another two.
        sink.count_lost(2);
        assert_eq!(sink.drops(), 4);
        let counters = sink.counters();
        assert_eq!((counters.offered, counters.write_errors), (5, 3));
        assert_eq!(counters.bytes_written, line_of(&event(0)).len() as u64);
        assert!(!sink.health().is_healthy());
        fs::rename(&away, &home).unwrap();
        // The one that was refused is offered again.
        write(&sink, 3..6);
        assert!(sink.health().is_healthy(), "{}", sink.health());
        let found = check(&path);
        assert_eq!(found.rows[1].number("lost"), 4);
        assert_eq!(found.rows[1].event.call_id, "3");
        // At the end it is the closing record that tells.
        sink.count_lost(7);
        sink.close(DEADLINE).unwrap();
        let found = check(&path).assert_whole();
        assert_eq!(found.numbers(), [0, 3, 4, 5]);
        assert_eq!(found.sum("lost"), 11);
        assert_eq!(found.rows.last().unwrap().number("lost"), 7);
    });
}

#[test]
fn a_log_that_cannot_be_closed_says_so() {
    within(DEADLINE, || {
        let dir = Dir::new();
        let (home, away) = (dir.path("log"), dir.path("away"));
        fs::create_dir(&home).unwrap();
        let path = home.join("audit.jsonl");
        let sink = open_direct(&path);
        write(&sink, 0..1);
        fs::rename(&home, &away).unwrap();
        for _ in 0..2 {
            let error = sink.close(DEADLINE).unwrap_err();
            assert!(
                matches!(error, CloseError::NoClosingRecord { .. }),
                "{error}"
            );
        }
        let found = check(&away.join("audit.jsonl")).assert_whole();
        assert_eq!((found.numbers(), found.with("closed").len()), (vec![0], 0));
    });
}

#[test]
fn a_reserve_is_left_free() {
    within(DEADLINE, || {
        let (_dir, path) = Dir::with_log();
        let sink = builder(&path).reserve_bytes(1 << 62).open_direct().unwrap();
        let error = sink.write(&event(0), DEADLINE).unwrap_err();
        let why = error.source().unwrap().to_string();
        assert!(why.contains("are to be left free"), "{why}");
        sink.on_call(&event(0));
        assert_eq!((sink.counters().written, sink.drops()), (0, 1));
        let error = sink.close(DEADLINE).unwrap_err();
        assert!(
            matches!(error, CloseError::NoClosingRecord { .. }),
            "{error}"
        );
    });
}
