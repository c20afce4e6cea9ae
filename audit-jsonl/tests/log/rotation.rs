//! Rotation, retention, and a stop at any step of a rotation.

use std::fs::{self, File};
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant, SystemTime};

use audit_jsonl::{AuditSink, JsonLinesAuditSink, LogBuilder};
use audit_testkit::{DEADLINE, within};

use crate::checker::{Found, check, rotated};
use crate::support::{Dir, builder, close, event_of, lines_of, log, open, record, size, until};

pub(crate) const LIMIT: u64 = 65_536;

/// Lines of a thousand bytes.
pub(crate) fn fill(sink: &JsonLinesAuditSink, numbers: impl IntoIterator<Item = u64>) {
    for number in numbers {
        sink.on_call(&event_of(number, 1000));
        sink.flush(DEADLINE).unwrap();
    }
}

/// A log of many files, with what the builder says of them.
pub(crate) fn many_files(
    path: &Path,
    files: usize,
    set_up: impl FnOnce(LogBuilder) -> LogBuilder,
) -> u64 {
    let sink = set_up(builder(path).rotate_at_bytes(LIMIT)).open().unwrap();
    let mut number = 0;
    let mut names = std::collections::HashSet::new();
    while names.len() < files {
        fill(&sink, [number]);
        number += 1;
        names.extend(rotated(path));
    }
    close(&sink);
    number
}

fn name(path: &Path) -> &str {
    path.file_name().unwrap().to_str().unwrap()
}

#[test]
fn by_size() {
    within(DEADLINE, || {
        let (dir, path) = Dir::with_log();
        let calls = many_files(&path, 5, |builder| builder);
        let found = check(&path).assert_whole();
        assert_eq!(found.numbers(), (0..calls).collect::<Vec<_>>());
        assert_eq!(found.files.len(), 6);
        for (nth, file) in found.files.iter().enumerate() {
            assert!(size(file) <= LIMIT, "{} bytes", size(file));
            // Full ones, not many small ones.
            assert!(nth == 5 || size(file) > LIMIT - 2000);
            let first = found.rows.iter().find(|row| row.file == nth).unwrap();
            let expected = format!("audit-{}-{:020}.jsonl", &first.stream[..8], first.seq);
            assert_eq!(name(file), if nth == 5 { "audit.jsonl" } else { &expected });
        }
        assert_eq!(dir.names().len(), 7, "{:?}", dir.names());
    });
}

#[test]
fn no_file_is_larger_than_asked_but_for_one_batch() {
    within(DEADLINE, || {
        let (_dir, path) = Dir::with_log();
        let sink = builder(&path).rotate_at_bytes(LIMIT).open().unwrap();
        // Small events: what the chain adds is most of their lines.
        for batch in 0..40 {
            for nth in 0..60 {
                sink.on_call(&crate::support::event(60 * batch + nth));
            }
            sink.flush(DEADLINE).unwrap();
        }
        close(&sink);
        let found = check(&path).assert_whole();
        assert_eq!(found.numbers(), (0..2400).collect::<Vec<_>>());
        for file in &found.files {
            assert!(size(file) <= LIMIT, "{} bytes", size(file));
        }
        assert!(found.files.len() > 5);
    });
}

#[test]
fn a_batch_larger_than_a_file_has_one_of_its_own() {
    within(DEADLINE, || {
        let (_dir, path) = Dir::with_log();
        let sink = builder(&path).rotate_at_bytes(LIMIT).open().unwrap();
        for nth in 0..60 {
            sink.on_call(&event_of(nth, 40_000));
        }
        close(&sink);
        let found = check(&path).assert_whole();
        assert_eq!(found.numbers(), (0..60).collect::<Vec<_>>());
    });
}

#[test]
fn by_age() {
    within(DEADLINE, || {
        let (_dir, path) = Dir::with_log();
        let sink = builder(&path)
            .rotate_at_age(Duration::from_millis(50))
            .open()
            .unwrap();
        let mut number = 0;
        until("three files are there", || {
            record(&sink, [number]);
            number += 1;
            rotated(&path).len() >= 3
        });
        close(&sink);
        let found = check(&path).assert_whole();
        assert_eq!(found.numbers(), (0..number).collect::<Vec<_>>());
        // And a log that was old when it was opened.
        let (_dir, path) = Dir::with_log();
        log(&path, 0..1);
        let begun = Instant::now();
        while begun.elapsed() < Duration::from_millis(60) {
            std::thread::yield_now();
        }
        let sink = builder(&path)
            .rotate_at_age(Duration::from_millis(50))
            .open()
            .unwrap();
        assert_eq!(rotated(&path).len(), 0);
        record(&sink, [1]);
        assert_eq!(rotated(&path).len(), 1);
        close(&sink);
        check(&path).assert_whole();
    });
}

#[test]
fn an_empty_or_a_plain_log_is_not_rotated_away() {
    within(DEADLINE, || {
        let (dir, path) = Dir::with_log();
        let plain = lines_of(0..2000);
        fs::write(&path, &plain).unwrap();
        let limit = plain.len() as u64 + 50_000;
        let sink = builder(&path).rotate_at_bytes(limit).open().unwrap();
        fill(&sink, 0..40);
        close(&sink);
        let sink = builder(&path).rotate_at_bytes(limit).open().unwrap();
        fill(&sink, 40..100);
        close(&sink);
        assert!(dir.holds(plain.as_bytes()));
        let found = check(&path).assert_whole();
        assert_eq!(found.numbers(), (0..100).collect::<Vec<_>>());
        assert_eq!(found.plain.len(), 2000);
        assert_eq!(rotated(&path).len(), 1);
        // The name tells of its first link, though plain lines stand before it.
        let first = rotated(&path).remove(0);
        assert!(
            name(&first).ends_with("-00000000000000000000.jsonl"),
            "{first:?}"
        );
    });
}

#[test]
fn names_that_are_taken_stay() {
    within(DEADLINE, || {
        let (dir, path) = Dir::with_log();
        log(&path, 0..1);
        let stream = check(&path).rows[0].stream.clone();
        let wanted = format!("audit-{}-{:020}.jsonl", &stream[..8], 0);
        fs::write(dir.path(&wanted), "taken\n").unwrap();
        fs::create_dir(dir.path(&format!("{wanted}.1"))).unwrap();
        symlink("nowhere", dir.path(&format!("{wanted}.2"))).unwrap();
        let sink = builder(&path).rotate_at_bytes(LIMIT).open().unwrap();
        fill(&sink, 1..100);
        close(&sink);
        assert_eq!(fs::read(dir.path(&wanted)).unwrap(), b"taken\n");
        assert!(dir.path(&format!("{wanted}.3")).is_file());
        fs::remove_file(dir.path(&wanted)).unwrap();
        fs::remove_dir(dir.path(&format!("{wanted}.1"))).unwrap();
        fs::remove_file(dir.path(&format!("{wanted}.2"))).unwrap();
        let found = check(&path).assert_whole();
        assert_eq!(found.numbers(), (0..100).collect::<Vec<_>>());
    });
}

/// What is left is the end of the chain.
#[track_caller]
fn assert_end(found: Found, calls: u64) {
    let found = found.assert_only("front");
    let first = found.numbers()[0];
    assert!(first > 0);
    assert_eq!(found.numbers(), (first..calls).collect::<Vec<_>>());
}

#[test]
fn the_oldest_files_go() {
    within(DEADLINE, || {
        let (_dir, path) = Dir::with_log();
        let calls = many_files(&path, 8, |builder| builder.keep_files(3));
        assert_eq!(rotated(&path).len(), 3);
        assert_end(check(&path), calls);

        let (_dir, path) = Dir::with_log();
        let calls = many_files(&path, 8, |builder| builder.keep_bytes(4 * LIMIT));
        assert_eq!(rotated(&path).len(), 4);
        assert_end(check(&path), calls);

        // Several at once, and no more than must.
        let (_dir, path) = Dir::with_log();
        let calls = many_files(&path, 8, |builder| builder);
        let sink = builder(&path).rotate_at_bytes(LIMIT);
        let sink = sink.keep_bytes(4 * LIMIT).open().unwrap();
        fill(&sink, calls..calls + 60);
        close(&sink);
        assert_eq!(rotated(&path).len(), 4);
        assert_end(check(&path), calls + 60);

        // The last one always stays.
        for keep in [
            |builder: LogBuilder| builder.keep_files(0),
            |builder: LogBuilder| builder.keep_bytes(0),
            |builder: LogBuilder| builder.keep_age(Duration::ZERO),
        ] {
            let (_dir, path) = Dir::with_log();
            let calls = many_files(&path, 4, keep);
            assert_eq!(rotated(&path).len(), 1);
            assert_end(check(&path), calls);
        }
    });
}

#[test]
fn old_files_go_by_their_last_line() {
    within(DEADLINE, || {
        let (_dir, path) = Dir::with_log();
        let calls = many_files(&path, 4, |builder| builder);
        let files = rotated(&path);
        for file in &files[..2] {
            let long_ago = SystemTime::now() - Duration::from_secs(3600);
            let file = File::options().write(true).open(file).unwrap();
            file.set_modified(long_ago).unwrap();
        }
        let sink = builder(&path)
            .rotate_at_bytes(LIMIT)
            .keep_age(Duration::from_secs(600))
            .open()
            .unwrap();
        assert_eq!(rotated(&path), files);
        let mut number = calls;
        until("it rotates", || {
            fill(&sink, [number]);
            number += 1;
            rotated(&path).last() != files.last()
        });
        close(&sink);
        let left = rotated(&path);
        assert_eq!((left.len(), &left[..2]), (3, &files[2..]));
        assert_end(check(&path), number);
    });
}

#[test]
fn what_is_not_ours_is_never_removed() {
    within(DEADLINE, || {
        let (dir, path) = Dir::with_log();
        many_files(&path, 2, |builder| builder);
        let files = rotated(&path);
        let (ours, prefix) = (fs::read(&files[0]).unwrap(), &name(&files[0])[..15]);
        let (other_dir, other) = Dir::with_log();
        log(&other, 0..1);
        let foreign = fs::read(&other).unwrap();
        drop(other_dir);
        let kept: Vec<(String, &[u8])> = vec![
            // Another stream's, and what is no log, under names like ours.
            (format!("{prefix}{:020}.jsonl", 7), &foreign),
            (format!("{prefix}{:020}.jsonl", 8), b"notes\n"),
            (format!("{prefix}{:020}.jsonl", 9), b""),
            // Ours, under names that somebody else gave.
            (format!("{prefix}{:020}.jsonl.bak", 0), &ours),
            (format!("{prefix}{:020}.jsonl.gz", 0), &ours),
            (format!("{prefix}{:020}.jsonl.1.gz", 0), &ours),
            (format!("{prefix}{:020}.jsonl~", 0), &ours),
            (format!("{prefix}copy.jsonl"), &ours),
            (format!("x{prefix}{:020}.jsonl", 0), &ours),
            (format!("audit-{}-{:020}.jsonl", "00000000", 0), &ours),
            ("audit.jsonl.1".to_owned(), &ours),
            ("audit.jsonl.torn-3".to_owned(), b"torn"),
            ("audit.jsonl.damaged-20261120T093000Z".to_owned(), &ours),
        ];
        for (name, bytes) in &kept {
            fs::write(dir.path(name), bytes).unwrap();
        }
        let directory = dir.path(&format!("{prefix}{:020}.jsonl", 10));
        fs::create_dir(&directory).unwrap();
        // What can't be opened, or only with patience.
        let fifo = dir.path(&format!("{prefix}{:020}.jsonl", 11));
        let made = Command::new("mkfifo").arg(&fifo).status();
        assert!(made.unwrap().success());
        let link = dir.path(&format!("{prefix}{:020}.jsonl", 12));
        symlink("nowhere", &link).unwrap();
        let sink = builder(&path)
            .rotate_at_bytes(LIMIT)
            .keep_files(1)
            .keep_bytes(0)
            .keep_age(Duration::ZERO)
            .open()
            .unwrap();
        fill(&sink, 1000..1300);
        close(&sink);
        assert!(files.iter().all(|file| !file.exists()));
        for (name, bytes) in &kept {
            assert_eq!(fs::read(dir.path(name)).unwrap(), *bytes, "{name}");
        }
        assert!(directory.is_dir() && fifo.exists() && link.is_symlink());
    });
}

#[test]
fn as_many_bytes_as_may_be_kept_are_kept() {
    within(DEADLINE, || {
        let (_dir, path) = Dir::with_log();
        many_files(&path, 3, |builder| builder);
        let kept = rotated(&path);
        let bytes: u64 = kept.iter().chain([&path]).map(|file| size(file)).sum();
        let sink = builder(&path).rotate_at_age(Duration::from_nanos(1));
        let sink = sink.keep_bytes(bytes).open().unwrap();
        record(&sink, [5000]);
        let left = rotated(&path);
        assert_eq!((left.len(), &left[..3]), (4, &kept[..]));
        close(&sink);
    });
}

#[test]
fn a_file_that_begins_with_lines_of_others_stays() {
    within(DEADLINE, || {
        let (_dir, path) = Dir::with_log();
        let plain = lines_of(5000..5003);
        fs::write(&path, &plain).unwrap();
        many_files(&path, 4, |builder| builder.keep_files(1));
        let left = rotated(&path);
        assert_eq!(left.len(), 2);
        assert!(fs::read_to_string(&left[0]).unwrap().starts_with(&plain));
    });
}

#[test]
fn a_living_sink_follows_the_rotations_of_another() {
    within(DEADLINE, || {
        let (_dir, path) = Dir::with_log();
        let slow = open(&path);
        record(&slow, [0]);
        let fast = builder(&path).rotate_at_bytes(LIMIT).open().unwrap();
        for round in 0..5 {
            fill(&fast, 1 + round * 101..101 + round * 101);
            record(&slow, [101 + round * 101]);
        }
        close(&slow);
        close(&fast);
        let found = check(&path).assert_whole();
        assert_eq!(found.numbers(), (0..506).collect::<Vec<_>>());
        assert!(found.files.len() > 5);
    });
}
