//! What others do to the log of a living sink, between two batches.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use audit_jsonl::{AuditSink, JsonLinesAuditSink};
use audit_testkit::{DEADLINE, SharedBuf, within};

use crate::checker::{Found, check, check_with};
use crate::child::Child;
use crate::head_file::Head;
use crate::support::{
    Dir, append, builder, close, cut_to, event, lines_of, log, open, record, size, skip, until,
};

/// Records 0 to 4, has `meddle` do its work, records 5 to 9 with the same sink.
fn between(meddle: impl FnOnce(&Dir, &Path)) -> (Dir, PathBuf) {
    let (dir, path) = Dir::with_log();
    let sink = open(&path);
    record(&sink, 0..5);
    meddle(&dir, &path);
    record(&sink, 5..7);
    record(&sink, 7..10);
    let counters = sink.close(DEADLINE).unwrap();
    assert_eq!((counters.written, counters.dropped), (10, 0));
    // And whoever comes then goes on.
    log(&path, 10..11);
    (dir, path)
}

#[track_caller]
fn assert_all(found: Found) -> Found {
    let found = found.assert_whole();
    assert_eq!(found.numbers(), (0..11).collect::<Vec<_>>());
    assert_eq!(found.streams().len(), 1);
    assert_eq!(found.with("opened").len(), 2);
    found
}

/// What came after the rename is not in the file that was renamed.
#[track_caller]
fn assert_rest_is_in_the_log(found: &Found) {
    let moved = found.rows.iter().filter(|row| row.file == 0).count();
    assert_eq!(moved, 5);
}

#[test]
fn renamed() {
    within(DEADLINE, || {
        let (dir, path) = between(|dir, path| fs::rename(path, dir.path("audit.jsonl.1")).unwrap());
        let found = assert_all(check_with(&path, &[dir.path("audit.jsonl.1")]));
        assert_rest_is_in_the_log(&found);
    });
}

#[test]
fn renamed_and_another_made_in_its_place() {
    within(DEADLINE, || {
        for text in [
            String::new(),
            lines_of([100]),
            "half".into(),
            "junk\n".into(),
        ] {
            let (dir, path) = between(|dir, path| {
                fs::rename(path, dir.path("audit.jsonl.1")).unwrap();
                fs::write(path, &text).unwrap();
            });
            let found = assert_all(check_with(&path, &[dir.path("audit.jsonl.1")]));
            assert_rest_is_in_the_log(&found);
            assert_eq!(found.sum_of("plain", "lines"), found.plain.len() as u64);
            assert!(dir.holds(text.as_bytes()));
        }
    });
}

#[test]
fn deleted() {
    within(DEADLINE, || {
        let (_dir, path) = between(|_, path| fs::remove_file(path).unwrap());
        let found = check(&path).assert_only("front");
        assert_eq!(found.numbers(), [5, 6, 7, 8, 9, 10]);
        assert_eq!(found.rows[0].seq, 5);
    });
}

#[test]
fn copied_and_cut() {
    within(DEADLINE, || {
        let (dir, path) = between(|dir, path| {
            fs::copy(path, dir.path("audit.jsonl.1")).unwrap();
            cut_to(path, 0);
        });
        assert_all(check_with(&path, &[dir.path("audit.jsonl.1")]));
    });
}

#[test]
fn cut() {
    within(DEADLINE, || {
        let (dir, path) = between(|_, path| cut_to(path, size(path) - 10));
        let found = check(&path).assert_only("missing");
        assert_eq!(found.numbers(), [0, 1, 2, 3, 5, 6, 7, 8, 9, 10]);
        // Half a line was left of the last one.
        assert_eq!(found.with("torn").len(), 1);
        assert_eq!(dir.named("audit.jsonl.torn-").len(), 1);
    });
}

#[test]
fn appended_to() {
    within(DEADLINE, || {
        for text in [
            lines_of([100]),
            lines_of(100..200),
            "half".into(),
            "junk\n".into(),
            "\0\0\0".into(),
            lines_of([100]) + "half",
            lines_of([100]) + "junk\n" + &lines_of([101]),
        ] {
            let (dir, path) = between(|_, path| append(path, &text));
            let found = assert_all(check(&path));
            assert_eq!(found.sum_of("plain", "lines"), found.plain.len() as u64);
            let (plain, torn) = (found.plain.len(), found.with("torn").len());
            assert!(plain + torn > 0);
            assert!(dir.holds(&text.as_bytes()[text.len().saturating_sub(4)..]));
        }
    });
}

#[test]
fn the_head_file_is_deleted_renamed_or_overwritten() {
    within(DEADLINE, || {
        let meddlers: [fn(&Dir, &Path); 6] = [
            |_, path| fs::remove_file(Head::path(path)).unwrap(),
            |dir, path| fs::rename(Head::path(path), dir.path("head")).unwrap(),
            |_, path| fs::write(Head::path(path), "").unwrap(),
            |_, path| fs::write(Head::path(path), [0; 384]).unwrap(),
            |_, path| fs::write(Head::path(path), [b'x'; 5000]).unwrap(),
            |dir, path| {
                fs::rename(Head::path(path), dir.path("head")).unwrap();
                fs::copy(dir.path("head"), Head::path(path)).unwrap();
            },
        ];
        for meddle in meddlers {
            let (_dir, path) = between(meddle);
            assert_all(check(&path));
        }
    });
}

#[test]
fn an_older_head_is_put_back() {
    within(DEADLINE, || {
        let (dir, path) = Dir::with_log();
        let sink = open(&path);
        record(&sink, 0..5);
        fs::copy(Head::path(&path), dir.path("head")).unwrap();
        record(&sink, 5..7);
        fs::copy(dir.path("head"), Head::path(&path)).unwrap();
        record(&sink, 7..10);
        close(&sink);
        log(&path, 10..11);
        assert_all(check(&path));
    });
}

#[test]
fn the_directory_is_renamed() {
    within(DEADLINE, || {
        let dir = Dir::new();
        let (before, after) = (dir.path("before"), dir.path("after"));
        fs::create_dir(&before).unwrap();
        let path = before.join("audit.jsonl");
        let sink = open(&path);
        record(&sink, 0..5);
        fs::rename(&before, &after).unwrap();
        sink.on_call(&event(5));
        until("it is degraded", || !sink.health().is_healthy());
        // Back in time: nothing is lost.
        fs::rename(&after, &before).unwrap();
        sink.flush(DEADLINE).unwrap();
        record(&sink, 6..10);
        close(&sink);
        log(&path, 10..11);
        assert_all(check(&path));
    });
}

#[test]
fn a_sink_that_lost_its_directory_holds_no_lock_there() {
    within(DEADLINE, || {
        let dir = Dir::new();
        let (before, after) = (dir.path("before"), dir.path("after"));
        fs::create_dir(&before).unwrap();
        let sink = open(&before.join("audit.jsonl"));
        record(&sink, 0..5);
        fs::rename(&before, &after).unwrap();
        sink.on_call(&event(99));
        until("it is degraded", || !sink.health().is_healthy());
        let path = after.join("audit.jsonl");
        log(&path, 5..10);
        assert_eq!(
            check(&path).assert_whole().numbers(),
            (0..10).collect::<Vec<_>>()
        );
        sink.close(DEADLINE).unwrap_err();
    });
}

#[test]
fn the_directory_is_made_anew() {
    within(DEADLINE, || {
        let dir = Dir::new();
        let (before, after) = (dir.path("before"), dir.path("after"));
        fs::create_dir(&before).unwrap();
        let path = before.join("audit.jsonl");
        let sink = open(&path);
        record(&sink, 0..5);
        fs::rename(&before, &after).unwrap();
        fs::create_dir(&before).unwrap();
        record(&sink, 5..10);
        close(&sink);
        // There is neither log nor head: a chain of its own.
        assert_eq!(
            check(&after.join("audit.jsonl"))
                .assert_whole()
                .numbers()
                .len(),
            5
        );
        let found = check(&path).assert_whole();
        assert_eq!(found.numbers(), [5, 6, 7, 8, 9]);
    });
}

#[test]
fn something_else_takes_the_name_and_is_never_written_to() {
    within(DEADLINE, || {
        let meddlers: [fn(&Dir, &Path); 5] = [
            |_, path| fs::create_dir(path).unwrap(),
            // A device that swallows what it is given; that needs root.
            |_, path| {
                let made = Command::new("mknod")
                    .arg(path)
                    .args(["c", "1", "3"])
                    .status();
                if !made.is_ok_and(|made| made.success()) {
                    skip("needs root, to make a device");
                    fs::create_dir(path).unwrap();
                }
            },
            |_, path| assert!(Command::new("mkfifo").arg(path).status().unwrap().success()),
            |dir, path| {
                fs::write(dir.path("target"), "").unwrap();
                symlink(dir.path("target"), path).unwrap();
            },
            |_, path| symlink("/dev/null", path).unwrap(),
        ];
        for meddle in meddlers {
            let (dir, path) = Dir::with_log();
            let sink = open(&path);
            record(&sink, 0..5);
            let moved = dir.path("audit.jsonl.1");
            fs::rename(&path, &moved).unwrap();
            meddle(&dir, &path);
            sink.on_call(&event(5));
            until("it is degraded", || !sink.health().is_healthy());
            fs::rename(&path, dir.path("intruder")).unwrap();
            record(&sink, 6..10);
            close(&sink);
            log(&path, 10..11);
            assert_all(check_with(&path, &[moved]));
            if dir.path("target").exists() {
                assert_eq!(size(&dir.path("target")), 0);
            }
        }
    });
}

#[test]
fn what_lasts_is_given_up_and_counted() {
    within(DEADLINE, || {
        let (dir, path) = Dir::with_log();
        let sink = open(&path);
        record(&sink, 0..5);
        fs::rename(&path, dir.path("audit.jsonl.1")).unwrap();
        fs::create_dir(&path).unwrap();
        sink.on_call(&event(5));
        sink.on_call(&event(6));
        let flushed = sink.flush(DEADLINE).unwrap_err();
        assert!(flushed.to_string().contains('2'), "{flushed}");
        let text = sink.health().to_string();
        assert!(
            text.contains("degraded") && text.contains("directory"),
            "{text}"
        );
        assert_eq!(sink.drops(), 2);
        fs::remove_dir(&path).unwrap();
        record(&sink, 7..8);
        close(&sink);
        let found = check_with(&path, &[dir.path("audit.jsonl.1")]).assert_whole();
        assert_eq!(found.numbers(), [0, 1, 2, 3, 4, 7]);
        let told = found.with("lost");
        assert_eq!((told.len(), told[0].number("lost"), told[0].seq), (1, 2, 5));
    });
}

#[test]
fn reopen_makes_the_file_at_once() {
    within(DEADLINE, || {
        let (dir, path) = Dir::with_log();
        let sink = open(&path);
        sink.reopen(DEADLINE).unwrap();
        record(&sink, 0..5);
        sink.reopen(DEADLINE).unwrap();
        fs::rename(&path, dir.path("audit.jsonl.1")).unwrap();
        sink.reopen(DEADLINE).unwrap();
        assert_eq!(size(&path), 0);
        record(&sink, 5..10);
        close(&sink);
        log(&path, 10..11);
        assert_all(check_with(&path, &[dir.path("audit.jsonl.1")]));
        // With an error when that can't be.
        let error = sink.reopen(DEADLINE).unwrap_err();
        assert!(error.to_string().contains("closed"), "{error}");
        let sink = open(&path);
        fs::rename(&path, dir.path("audit.jsonl.2")).unwrap();
        fs::create_dir(&path).unwrap();
        let error = sink.reopen(DEADLINE).unwrap_err();
        assert!(error.to_string().contains("directory"), "{error}");
        fs::remove_dir(&path).unwrap();
        sink.reopen(DEADLINE).unwrap();
    });
}

#[test]
fn a_plain_sink_has_nothing_to_reopen() {
    within(DEADLINE, || {
        let sink = JsonLinesAuditSink::new(Box::new(SharedBuf::new()));
        let error = sink.reopen(DEADLINE).unwrap_err();
        assert!(error.to_string().contains("plain"), "{error}");
    });
}

#[test]
fn who_reopens_waits_no_longer_than_was_asked_for() {
    within(2 * DEADLINE, || {
        let (_dir, path) = Dir::with_log();
        let sink = open(&path);
        record(&sink, [0]);
        let holder = Child::of("hold").arg(&path).start();
        holder.wait_for("holding");
        sink.on_call(&event(1));
        let error = sink.reopen(Duration::from_millis(30)).unwrap_err();
        assert!(error.to_string().contains("within 30ms"), "{error}");
        drop(holder);
        sink.reopen(DEADLINE).unwrap();
        close(&sink);
        assert_eq!(check(&path).assert_whole().numbers(), [0, 1]);
    });
}

#[test]
fn another_program_appends_all_the_while() {
    within(DEADLINE, || {
        let (_dir, path) = Dir::with_log();
        let sink = builder(&path).open().unwrap();
        record(&sink, 0..1);
        std::thread::scope(|scope| {
            scope.spawn(|| (1..2000).for_each(|number| append(&path, lines_of([1000 + number]))));
            for number in 1..300 {
                record(&sink, [number]);
            }
        });
        record(&sink, 300..301);
        close(&sink);
        log(&path, 301..302);
        let found = check(&path);
        // A line that slipped in under a batch is untold; all else is whole.
        for problem in &found.problems {
            assert!(problem.starts_with("plain"), "{:#?}", found.problems);
        }
        assert_eq!(found.numbers(), (0..302).collect::<Vec<_>>());
        assert_eq!(found.streams().len(), 1);
        let aside = found.with("torn");
        assert_eq!(found.plain.len(), 1999, "{aside:#?}");
    });
}

#[test]
fn flushing_ends_in_time_whatever_takes_the_name() {
    within(DEADLINE, || {
        let (dir, path) = Dir::with_log();
        let sink = open(&path);
        record(&sink, 0..1);
        fs::rename(&path, dir.path("audit.jsonl.1")).unwrap();
        symlink(&path, &path).unwrap();
        sink.on_call(&event(1));
        let begun = std::time::Instant::now();
        sink.flush(Duration::from_millis(50)).unwrap_err();
        assert!(begun.elapsed() < Duration::from_secs(5));
        fs::remove_file(&path).unwrap();
        close(&sink);
        check_with(&path, &[dir.path("audit.jsonl.1")]).assert_whole();
    });
}
