#![allow(clippy::unwrap_used, reason = "a test that can't go on says where")]

use std::path::Path;
use std::{fs, iter};

use super::*;
use crate::appender::closing_record;
use crate::chain::{LONGEST_EVENT, Notes};
use crate::encode::encode;
use crate::log::{Item, Rotation, sleeping};
use crate::verify::{Integrity, VerifyOptions, verify};

fn with_log(name: &str, test: impl FnOnce(&Path, Log)) {
    let name = format!("audit-beside-{name}-{}", std::process::id());
    let directory = std::env::temp_dir().join(name);
    fs::create_dir_all(&directory).unwrap();
    let path = directory.join("audit.jsonl");
    let log = Log::open(&path, Rotation::default(), 0).unwrap();
    test(&path, log);
    fs::remove_dir_all(directory).unwrap();
}

fn append(log: &mut Log) -> Result<(), Fault> {
    let mut buffer = Vec::new();
    let line = encode(&closing_record(), &mut buffer, LONGEST_EVENT).unwrap();
    let items = iter::once(Item::new(line));
    log.append(items, Notes::default(), &mut sleeping, |_| {})
}

/// Ends a sync in a way that no disk is at hand for.
fn fail(beside: SyncBeside) {
    let error = io::Error::other("on purpose");
    beside.ended.send(Err(error)).unwrap();
}

/// As by somebody else who rotates.
fn move_away(path: &Path) {
    fs::rename(path, path.with_extension("jsonl.1")).unwrap();
}

#[track_caller]
fn assert_lines(path: &Path, lines: usize) {
    let report = verify(&[path], &VerifyOptions::new()).unwrap();
    assert_eq!(report.integrity, Integrity::Intact, "{report:?}");
    let read = fs::read_to_string(path).unwrap();
    assert_eq!(read.lines().count(), lines, "{read}");
}

#[test]
fn others_write_while_it_is_made() {
    with_log("write", |path, mut log| {
        append(&mut log).unwrap();
        let reached = log.written;
        let beside = log.begin_sync(&mut sleeping).unwrap();
        append(&mut log).unwrap();
        assert!(beside.run());
        log.end_sync().unwrap();
        assert_eq!(log.synced, reached);
        assert!(log.has_unsynced(), "what came after it began");
        assert!(!log.is_synced_beside());
        log.sync(&mut sleeping).unwrap();
        assert!(!log.has_unsynced());
        assert_lines(path, 2);
    });
}

#[test]
fn what_it_could_not_sync_begins_another_file() {
    with_log("fails", |path, mut log| {
        append(&mut log).unwrap();
        let beside = log.begin_sync(&mut sleeping).unwrap();
        append(&mut log).unwrap();
        fail(beside);
        let given_up = log.file_id;
        assert!(matches!(log.end_sync(), Err(Fault::Spoilt(_))));
        log.sync(&mut sleeping).unwrap();
        assert!(!log.has_unsynced());
        assert_ne!(log.file_id, given_up);
        // Both are doubted.
        assert_lines(path, 2);
    });
}

#[test]
fn whoever_leaves_the_file_first_takes_note_of_a_failure() {
    with_log("left", |path, mut log| {
        append(&mut log).unwrap();
        let beside = log.begin_sync(&mut sleeping).unwrap();
        fail(beside);
        move_away(path);
        append(&mut log).unwrap();
        assert_eq!(log.take_untold().unwrap().to_string(), "on purpose");
        // The first is doubted.
        assert_lines(path, 2);
        // Who has begun it has nothing to take note of, and the failure still counts.
        log.end_sync().unwrap();
        assert_eq!(log.failed_syncs, 1);
    });
}

#[test]
fn a_write_that_fails_meanwhile_waits_for_it() {
    with_log("spoilt", |path, mut log| {
        append(&mut log).unwrap();
        log.sync(&mut sleeping).unwrap();
        append(&mut log).unwrap();
        let beside = log.begin_sync(&mut sleeping).unwrap();
        fail(beside);
        // As after a write that gave an error.
        log.spoilt = true;
        append(&mut log).unwrap();
        // What stands close before is doubted too, though it was synced once.
        assert_lines(path, 3);
    });
}

#[test]
fn a_rotation_waits_for_it() {
    with_log("rotates", |path, mut log| {
        append(&mut log).unwrap();
        log.rotation.size = Some(1);
        let beside = log.begin_sync(&mut sleeping).unwrap();
        fail(beside);
        assert!(matches!(append(&mut log), Err(Fault::Spoilt(_))));
        log.rotation.size = None;
        append(&mut log).unwrap();
        // The first is doubted.
        assert_lines(path, 2);
    });
}

#[test]
fn a_commit_waits_for_it_as_long_as_it_may() {
    with_log("waits", |path, mut log| {
        append(&mut log).unwrap();
        let beside = log.begin_sync(&mut sleeping).unwrap();
        append(&mut log).unwrap();
        let mut pauses = 0;
        let waited = log.sync(&mut |_| {
            pauses += 1;
            pauses < 3
        });
        assert!(
            matches!(&waited, Err(Fault::Io(error)) if error.kind() == io::ErrorKind::TimedOut),
            "{waited:?}"
        );
        assert_eq!(pauses, 3);
        // Whether its lines are on disk depends on it, however well the next goes.
        fail(beside);
        assert!(matches!(log.sync(&mut sleeping), Err(Fault::Spoilt(_))));
        log.sync(&mut sleeping).unwrap();
        assert_lines(path, 2);
    });
}

#[test]
fn what_somebody_cut_off_meanwhile_is_not_taken_for_synced() {
    with_log("cut", |path, mut log| {
        append(&mut log).unwrap();
        append(&mut log).unwrap();
        let size = log.written;
        let beside = log.begin_sync(&mut sleeping).unwrap();
        let file = File::options().write(true).open(path).unwrap();
        file.set_len(size / 2).unwrap();
        append(&mut log).unwrap();
        append(&mut log).unwrap();
        assert!(beside.run());
        log.end_sync().unwrap();
        assert!(log.synced <= size / 2, "{} of {size}", log.synced);
    });
}

#[test]
fn one_that_ended_unseen_has_failed() {
    with_log("unseen", |_, mut log| {
        append(&mut log).unwrap();
        drop(log.begin_sync(&mut sleeping).unwrap());
        let ended = log.end_sync();
        assert!(matches!(ended, Err(Fault::Spoilt(_))), "{ended:?}");
    });
}

#[test]
fn a_failure_that_nobody_took_note_of_is_not_passed_over_by_the_next() {
    with_log("next", |path, mut log| {
        append(&mut log).unwrap();
        fail(log.begin_sync(&mut sleeping).unwrap());
        // Whoever had begun it could not take note.
        let given_up = log.file_id;
        let beside = log.begin_sync(&mut sleeping).unwrap();
        assert_ne!(log.file_id, given_up);
        assert_eq!(log.take_untold().unwrap().to_string(), "on purpose");
        assert!(beside.run());
        log.end_sync().unwrap();
        assert!(!log.has_unsynced());
        assert_lines(path, 1);
    });
}

#[test]
fn one_that_has_ended_is_no_longer_under_way() {
    with_log("ended", |_, mut log| {
        append(&mut log).unwrap();
        let beside = log.begin_sync(&mut sleeping).unwrap();
        assert!(log.is_synced_beside());
        assert!(beside.run());
        assert!(!log.is_synced_beside());
        assert!(!log.has_unsynced(), "note is taken of it");

        append(&mut log).unwrap();
        fail(log.begin_sync(&mut sleeping).unwrap());
        assert!(!log.is_synced_beside());
        assert_eq!(log.take_untold().unwrap().to_string(), "on purpose");
        assert!(log.spoilt);
    });
}
