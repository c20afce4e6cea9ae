//! Files that are removed while a log is verified, as retention does.

use std::cell::Cell;
use std::fs::{self, File};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use audit_jsonl::verify::{HeadFinding, Integrity, LogReport, VerifyOptions};
use audit_jsonl::{AuditSink, LogFiles, verify};
use audit_testkit::{DEADLINE, within};

use crate::made::{Chain, problems};
use crate::support::{Dir, builder, close, event_of, flip, log, size};

/// A log of several files.
fn rotated() -> (Dir, PathBuf, Vec<PathBuf>) {
    let (dir, path) = Dir::with_log();
    let sink = builder(&path).rotate_at_bytes(64 * 1024).open().unwrap();
    for number in 0..50 {
        sink.on_call(&event_of(number, 5_000));
        sink.flush(DEADLINE).unwrap();
    }
    close(&sink);
    let found = LogFiles::find(&[&path]).unwrap().remove(0);
    let files = found.files().iter().map(|file| file.path().to_owned());
    let files = files.collect();
    (dir, path, files)
}

/// To read so much takes longer than the 60 ms after which progress is told.
const LONG: u64 = if cfg!(debug_assertions) {
    64 << 20
} else {
    2 << 30
};

/// What is said of a log whose files are removed once they were found.
fn said_without(path: &Path, files: &[PathBuf]) -> LogReport {
    // Another log, which takes a while, is verified before.
    let dir = Dir::new();
    let other = dir.path("first.jsonl");
    File::create(&other).unwrap().set_len(LONG).unwrap();
    let begun = Cell::new(false);
    let options = VerifyOptions::new().on_progress(|_| {
        if !begun.replace(true) {
            for file in files {
                fs::remove_file(file).unwrap();
            }
        }
        ControlFlow::Continue(())
    });
    let mut report = verify(&[other.as_path(), path], &options).unwrap();
    assert!(begun.get());
    report.logs.remove(1)
}

#[test]
fn files_that_retention_removes_are_no_problem() {
    within(DEADLINE, || {
        for (from, to) in [(0, 1), (0, 2), (1, 2)] {
            let (_dir, path, files) = rotated();
            assert!(files.len() > 3);
            let report = said_without(&path, &files[from..to]);
            assert_eq!(report.problems, [], "{report}");
            assert_eq!(report.integrity, Integrity::Intact);
            assert_eq!(report.heads[0].finding, HeadFinding::Agrees);
            assert_eq!(report.completeness.vanished.len(), to - from);
            assert!(!report.complete);
        }
    });
}

#[test]
fn the_line_of_a_head_may_have_been_in_one() {
    within(DEADLINE, || {
        // The last files, or all: it was the active one when it was found.
        for from in [2, 0] {
            let (_dir, path, files) = rotated();
            let report = said_without(&path, &files[from..]);
            assert_eq!(report.problems, [], "{report}");
            assert_eq!(report.heads[0].finding, HeadFinding::Vanished, "{report}");
            assert!(!report.complete);
            // Whoever looks again is told.
            let again = verify(&[&path], &VerifyOptions::new()).unwrap();
            assert_eq!(again.integrity, Integrity::NotIntact);
        }
    });
}

#[test]
fn the_line_of_a_head_may_have_been_in_one_of_another_stream() {
    within(DEADLINE, || {
        // Its number is lower than those of the stream before.
        let (_dir, path, _) = rotated();
        flip(&path, size(&path) - 2);
        log(&path, 50..51);
        let report = said_without(&path, std::slice::from_ref(&path));
        assert_eq!(report.problems, [], "{report}");
        assert_eq!(report.heads[0].finding, HeadFinding::Vanished, "{report}");
    });
}

#[test]
fn a_copy_of_a_line_in_one_is_no_problem() {
    within(DEADLINE, || {
        let (dir, path) = Dir::with_log();
        let mut chain = Chain::new();
        let lines = chain.lines(15);
        let name = format!("audit-{}-{:020}.jsonl", &chain.stream[..8], 0);
        let first = dir.path(&name);
        fs::write(&first, lines[..10].concat()).unwrap();
        let file = File::options().write(true).open(&first).unwrap();
        file.set_len(LONG).unwrap();
        // Where the other is a line of its own, that is found as ever.
        let other = lines[7].replace("\"duration_ms\":3", "\"duration_ms\":4");
        fs::write(&path, lines[5..].concat() + &other).unwrap();
        let options = VerifyOptions::new().on_progress(|_| {
            fs::remove_file(&first).ok();
            ControlFlow::Continue(())
        });
        let report = verify(&[&path], &options).unwrap().logs.remove(0);
        assert_eq!(problems(&report), ["forked 11 #7"], "{report}");
    });
}
