//! A log that is being written.

use std::fs;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use audit_jsonl::AuditSink;
use audit_jsonl::verify::Integrity;
use audit_testkit::{DEADLINE, within};

use crate::made::{report_of, said_at};
use crate::support::{Dir, append, builder, close, event_of, open, record};

#[test]
fn is_never_called_altered_while_writers_write_and_rotate() {
    within(DEADLINE, || {
        let (dir, path) = Dir::with_log();
        let done = AtomicBool::new(false);
        thread::scope(|scope| {
            for writer in 0..2 {
                let sink = builder(&path)
                    .rotate_at_bytes(96 * 1024)
                    .keep_files(3)
                    .open()
                    .unwrap();
                let done = &done;
                scope.spawn(move || {
                    let mut number = writer;
                    while !done.load(Ordering::Relaxed) {
                        sink.on_call(&event_of(number, 900));
                        number += 2;
                        if number % 16 < 2 {
                            sink.flush(DEADLINE).unwrap();
                        }
                    }
                    close(&sink);
                });
            }
            let mut rotations = 0;
            let mut rounds = 0;
            // Long enough for retention to take files from under it.
            while rounds < 40 || rotations < 10 {
                let report = report_of(&[&path], []);
                assert_ne!(report.integrity, Integrity::NotIntact, "{report}");
                let first = report.logs[0].completeness.front.unwrap_or_default();
                rotations = first / 100;
                rounds += 1;
            }
            done.store(true, Ordering::Relaxed);
        });
        let report = said_at(&[&path], []);
        assert_eq!(report.integrity, Integrity::Intact, "{report}");
        assert!(dir.named("audit-").len() <= 3);
    });
}

#[test]
fn is_verified_as_far_as_it_reached() {
    within(DEADLINE, || {
        let (_dir, path) = Dir::with_log();
        let sink = open(&path);
        record(&sink, 0..10);
        let report = said_at(&[&path], []);
        assert_eq!(report.integrity, Integrity::Intact);
        assert_eq!(report.completeness.not_closed, 1);
        // In the midst of a line.
        append(&path, "{\"ts\":");
        let report = said_at(&[&path], []);
        assert_eq!(report.integrity, Integrity::Intact);
        assert_eq!(report.completeness.unfinished.len(), 1);
        close(&sink);
        assert!(fs::metadata(&path).unwrap().len() > 0);
    });
}
