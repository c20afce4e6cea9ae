//! How programs end, and what an operator is told on the way.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;

use audit_jsonl::{AuditSink, BackpressureStrategy, CloseError, JsonLinesAuditSink};
use audit_testkit::{DEADLINE, RecordingSink, within};

use crate::checker::check;
use crate::child::Child;
use crate::support::{
    Dir, append, builder, close, event, event_of, log, open, record, size, skip, until,
};

#[test]
fn a_log_that_cannot_be_closed_says_so() {
    within(DEADLINE, || {
        let dir = Dir::new();
        let (home, away) = (dir.path("log"), dir.path("away"));
        fs::create_dir(&home).unwrap();
        let path = home.join("audit.jsonl");
        let sink = open(&path);
        record(&sink, [0]);
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
fn a_sink_in_a_static_that_is_closed_before_exit() {
    let (_dir, path) = Dir::with_log();
    let ended = Child::of("static_closed").arg(&path).run();
    assert!(ended.success, "{ended:?}");
    let found = check(&path).assert_whole();
    assert_eq!(found.numbers(), (0..1000).collect::<Vec<_>>());
    assert_eq!(
        (found.with("opened").len(), found.with("closed").len()),
        (1, 1)
    );
}

#[test]
fn a_sink_in_a_static_and_exit_without_closing() {
    let (_dir, path) = Dir::with_log();
    let ended = Child::of("static_open").arg(&path).run();
    assert!(ended.success, "{ended:?}");
    log(&path, [5000]);
    let found = check(&path).assert_whole();
    // What was flushed is there; of the rest, a beginning.
    let numbers = found.numbers();
    assert!(numbers.len() > 500, "{}", numbers.len());
    let (last, rest) = numbers.split_last().unwrap();
    assert_eq!(
        (*last, rest),
        (5000, &(0..rest.len() as u64).collect::<Vec<_>>()[..])
    );
    // One writer never closed, and that shows.
    assert_eq!(
        (found.with("opened").len(), found.with("closed").len()),
        (2, 1)
    );
}

#[test]
fn the_drop_of_a_sink_closes_the_log() {
    let (_dir, path) = Dir::with_log();
    let sink = open(&path);
    for number in 0..500 {
        sink.on_call(&event(number));
    }
    drop(sink);
    let found = check(&path).assert_whole();
    assert_eq!(found.numbers().len(), 500);
    assert!(found.rows.last().unwrap().has("closed"));
}

#[test]
fn an_abort_leaves_a_log_that_goes_on() {
    let (_dir, path) = Dir::with_log();
    let ended = Child::of("abort").arg(&path).run();
    assert!(!ended.success);
    log(&path, [5000]);
    let found = check(&path).assert_whole();
    assert!(found.numbers().len() > 500);
    assert_eq!(
        (found.with("opened").len(), found.with("closed").len()),
        (2, 1)
    );
}

#[test]
fn a_log_larger_than_wished_is_warned_of() {
    within(DEADLINE, || {
        let (_dir, path) = Dir::with_log();
        let sink = builder(&path).warn_at_bytes(10_000).open().unwrap();
        record(&sink, 0..10);
        assert!(sink.health().is_healthy(), "{}", sink.health());
        record(&sink, 10..40);
        let text = sink.health().to_string();
        assert!(
            text.contains("degraded") && text.contains("10000"),
            "{text}"
        );
        // It is a warning, and no failure.
        assert!(text.contains("0 failures"), "{text}");
        assert_eq!(sink.counters().write_errors, 0);
        // Gone when the file is small again.
        fs::remove_file(&path).unwrap();
        record(&sink, 40..41);
        assert!(sink.health().is_healthy(), "{}", sink.health());
        close(&sink);

        let sink = builder(&path).warn_at_bytes(1).open().unwrap();
        record(&sink, 41..42);
        assert!(!sink.health().is_healthy());
    });
}

/// A file system of so many bytes at `path`, for as long as this lives.
struct Small<'a>(&'a Path);

impl<'a> Small<'a> {
    fn mount(path: &'a Path, bytes: u64) -> Option<Self> {
        fs::create_dir(path).unwrap();
        let options = format!("size={bytes}");
        let mounted = Command::new("mount")
            .args(["-t", "tmpfs", "-o", &options, "tmpfs"])
            .arg(path)
            .output();
        mounted
            .is_ok_and(|mounted| mounted.status.success())
            .then_some(Self(path))
    }
}

impl Drop for Small<'_> {
    fn drop(&mut self) {
        Command::new("umount").arg("-l").arg(self.0).status().ok();
    }
}

#[test]
fn room_is_left_to_others() {
    within(DEADLINE, || {
        const MIB: u64 = 1024 * 1024;
        let dir = Dir::new();
        let mount = dir.path("small");
        let Some(_small) = Small::mount(&mount, 8 * MIB) else {
            return skip("needs root, to mount a small file system");
        };
        let path = mount.join("audit.jsonl");
        let filler = mount.join("filler");
        let sink = builder(&path).reserve_bytes(2 * MIB).open().unwrap();
        record(&sink, 0..10);
        fs::write(&filler, vec![1; 7 * MIB as usize]).unwrap();
        let before = size(&path);
        for number in 10..20 {
            sink.on_call(&event(number));
        }
        until("it is told of", || {
            sink.health().to_string().contains("to be left free")
        });
        assert_eq!(size(&path), before);
        // And on again when there is room, with nothing lost.
        fs::remove_file(&filler).unwrap();
        sink.flush(DEADLINE).unwrap();
        for number in 20..24 {
            record(&sink, [number]);
        }
        assert!(sink.health().is_healthy(), "{}", sink.health());
        // The reserve holds for a log that fills the disk by itself.
        let mut number = 24;
        while sink.health().is_healthy() {
            sink.on_call(&event_of(number, 50_000));
            number += 1;
            until("it is written or told of", || {
                sink.counters().queued == 0 || !sink.health().is_healthy()
            });
        }
        assert!(size(&path) < 6 * MIB);
        fs::write(mount.join("others"), vec![1; MIB as usize]).unwrap();
        fs::remove_file(mount.join("others")).unwrap();
        drop(sink.close(std::time::Duration::from_millis(50)));
        // The writer was told to give up; once it has ended, nothing is in the midst.
        drop(sink.close(DEADLINE));
        let found = check(&path).assert_whole();
        assert_eq!(found.numbers()[..24], (0..24).collect::<Vec<_>>());
    });
}

#[test]
fn what_is_set_aside_while_the_disk_is_full_is_told_in_one() {
    within(DEADLINE, || {
        const MIB: u64 = 1024 * 1024;
        let dir = Dir::new();
        let mount = dir.path("small");
        let Some(_small) = Small::mount(&mount, 8 * MIB) else {
            return skip("needs root, to mount a small file system");
        };
        let path = mount.join("audit.jsonl");
        let sink = builder(&path).reserve_bytes(2 * MIB).open().unwrap();
        record(&sink, 0..2);
        let before = size(&path);
        fs::write(mount.join("filler"), vec![1; 7 * MIB as usize]).unwrap();
        sink.on_call(&event(2));
        for text in ["one", "two\n", "three"] {
            append(&path, text);
            until("it is set aside", || size(&path) == before);
        }
        fs::remove_file(mount.join("filler")).unwrap();
        sink.flush(DEADLINE).unwrap();
        close(&sink);
        let found = check(&path).assert_whole();
        assert_eq!(found.numbers(), [0, 1, 2]);
        let aside = mount.join("audit.jsonl.torn-2");
        assert_eq!(fs::read(aside).unwrap(), b"onetwo\nthree");
        assert_eq!(found.sum_of("torn", "bytes"), 12);
    });
}

#[test]
fn what_another_told_meanwhile_is_not_told_again() {
    within(DEADLINE, || {
        const MIB: u64 = 1024 * 1024;
        let dir = Dir::new();
        let mount = dir.path("small");
        let Some(_small) = Small::mount(&mount, 8 * MIB) else {
            return skip("needs root, to mount a small file system");
        };
        for (name, member) in [("a.jsonl", "plain"), ("b.jsonl", "gone")] {
            let path = mount.join(name);
            let filler = mount.join("filler");
            let slow = builder(&path).reserve_bytes(2 * MIB).open().unwrap();
            let other = open(&path);
            record(&slow, 0..3);
            if member == "plain" {
                append(&path, crate::support::lines_of(100..103));
            } else {
                let text = fs::read_to_string(&path).unwrap();
                let first_line = text.find('\n').unwrap() as u64 + 1;
                crate::support::cut_to(&path, first_line);
                crate::head_file::Head::edit(&path, "boot", "another");
            }
            fs::write(&filler, vec![1; 7 * MIB as usize]).unwrap();
            // It finds them, and can't tell.
            slow.on_call(&event(3));
            until("it is tried", || !slow.health().is_healthy());
            record(&other, [4]);
            fs::remove_file(&filler).unwrap();
            slow.flush(DEADLINE).unwrap();
            close(&slow);
            close(&other);
            let found = check(&path).assert_whole();
            let told = found.with(member);
            assert_eq!(told.len(), 1, "{member}");
            assert_eq!(told[0].event.call_id, "4");
        }
    });
}

#[test]
fn a_reserve_that_is_there_costs_nothing() {
    let (_dir, path) = Dir::with_log();
    let sink = builder(&path).reserve_bytes(1).open().unwrap();
    record(&sink, 0..3);
    close(&sink);
    check(&path).assert_whole();
}

#[test]
fn what_was_lost_while_the_log_could_not_be_written_is_told() {
    within(DEADLINE, || {
        let (dir, path) = Dir::with_log();
        let kept = RecordingSink::new();
        let sink = JsonLinesAuditSink::builder()
            .capacity(4)
            .strategy(BackpressureStrategy::FallbackSink(Arc::new(kept.clone())))
            .path(&path)
            .open()
            .unwrap();
        record(&sink, [0]);
        fs::rename(&path, dir.path("audit.jsonl.1")).unwrap();
        fs::create_dir(&path).unwrap();
        for number in 1..10 {
            sink.on_call(&event(number));
        }
        sink.flush(DEADLINE).unwrap();
        fs::remove_dir(&path).unwrap();
        let counters = sink.close(DEADLINE).unwrap();
        assert_eq!((counters.written, counters.fallen_back), (1, 9));
        // By the closing record, for no other line came.
        let found = crate::checker::check_with(&path, &[dir.path("audit.jsonl.1")]).assert_whole();
        let last = found.rows.last().unwrap();
        assert_eq!((last.number("elsewhere"), last.has("closed")), (9, true));
        let mut numbers: Vec<String> = kept.events().iter().map(|e| e.call_id.clone()).collect();
        numbers.sort();
        assert_eq!(numbers, (1..10).map(|n| n.to_string()).collect::<Vec<_>>());
    });
}

#[test]
fn closing_takes_care_of_what_others_left() {
    let (_dir, path) = Dir::with_log();
    let sink = open(&path);
    record(&sink, 0..2);
    append(&path, crate::support::lines_of([100]) + "torn");
    close(&sink);
    let found = check(&path).assert_whole();
    let last = found.rows.last().unwrap();
    assert!(last.has("plain") && last.has("torn") && last.has("closed"));
}
