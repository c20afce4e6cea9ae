//! A log as it grows.
//!
//! `AUDIT_TEST_FOLLOWED`: how many random histories are followed; 12 unless given.
//! `AUDIT_TEST_SEED`: with which to begin.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::Write;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use audit_jsonl::{AuditSink, DamageKind, LogFollower, LogReader};
use audit_testkit::{DEADLINE, within};

use crate::made::{links, rotated, rotated_log, stream};
use crate::seen::{Seen, all, calls, find, kinds};
use crate::support::{
    Dir, Random, append, builder, close, cut_to, event, event_of, line_of, lines_of, log,
    number_of, open, record,
};

fn follow(path: &Path) -> LogFollower {
    LogReader::follow(&find(&[path])).unwrap()
}

/// The next so many entries.
#[track_caller]
fn next(follower: &mut LogFollower, count: usize) -> Vec<Seen> {
    let mut seen = Vec::new();
    while seen.len() < count {
        let entry = follower.next_within(DEADLINE).unwrap();
        let Some(entry) = entry else {
            panic!("nothing after {seen:#?}");
        };
        seen.push(Seen::of(&entry));
    }
    seen
}

#[track_caller]
fn next_calls(follower: &mut LogFollower, wanted: impl IntoIterator<Item = u64>) {
    let wanted: Vec<u64> = wanted.into_iter().collect();
    let seen = next(follower, wanted.len());
    assert_eq!(calls(&seen), wanted, "{seen:#?}");
}

/// There is nothing new, whatever it looks at.
#[track_caller]
fn nothing(follower: &mut LogFollower) {
    for _ in 0..2 {
        let entry = follower.next_within(Duration::ZERO).unwrap();
        assert!(entry.is_none(), "{entry:?}");
    }
}

#[test]
fn what_is_written_from_then_on() {
    within(DEADLINE, || {
        let (_dir, path) = Dir::with_log();
        let sink = open(&path);
        record(&sink, 0..5);
        let files = find(&[&path]);
        let mut follower = LogReader::follow(&files).unwrap();
        nothing(&mut follower);
        record(&sink, 5..8);
        next_calls(&mut follower, 5..8);
        nothing(&mut follower);
        append(&path, lines_of(8..10));
        next_calls(&mut follower, 8..10);
        close(&sink);
        assert!(next(&mut follower, 1)[0].is_own);
        nothing(&mut follower);
        // With what was there before, it is all there is.
        assert_eq!(
            calls(&all(LogReader::of(&files))),
            (0..5).collect::<Vec<_>>()
        );
    });
}

#[test]
fn a_line_is_given_when_it_is_whole() {
    within(DEADLINE, || {
        let (_dir, path) = Dir::with_log();
        let line = line_of(&event(3));
        let (one, rest) = line.split_at(40);
        let (two, three) = rest.split_at(50);
        fs::write(&path, lines_of(0..2) + one).unwrap();
        let files = find(&[&path]);
        let before = all(LogReader::of(&files));
        assert_eq!(kinds(&before), [DamageKind::Unfinished]);
        let mut follower = LogReader::follow(&files).unwrap();
        nothing(&mut follower);
        append(&path, two);
        nothing(&mut follower);
        append(&path, three);
        next_calls(&mut follower, [3]);
        append(&path, "junk\n");
        assert_eq!(kinds(&next(&mut follower, 1)), [DamageKind::NotARecord]);
        append(&path, lines_of(4..5));
        next_calls(&mut follower, [4]);
        nothing(&mut follower);
    });
}

#[test]
fn across_our_own_rotation_however_fast() {
    within(DEADLINE, || {
        let (_dir, path) = Dir::with_log();
        let sink = builder(&path).rotate_at_bytes(64 * 1024).open().unwrap();
        record(&sink, [0]);
        let mut follower = follow(&path);
        let writer = thread::spawn(move || {
            for number in 1..600 {
                sink.on_call(&event_of(number, 5_000));
                sink.flush(DEADLINE).unwrap();
            }
            close(&sink);
        });
        let seen = next(&mut follower, 600);
        writer.join().unwrap();
        assert_eq!(calls(&seen), (1..600).collect::<Vec<_>>());
        let files: BTreeSet<_> = seen.iter().map(|seen| &seen.path).collect();
        assert!(files.len() > 1);
        nothing(&mut follower);
    });
}

#[test]
fn several_rotations_between_two_looks() {
    within(DEADLINE, || {
        let (_dir, path) = rotated_log(20);
        let mut follower = follow(&path);
        let sink = builder(&path).rotate_at_bytes(64 * 1024).open().unwrap();
        for number in 20..70 {
            sink.on_call(&event_of(number, 5_000));
            sink.flush(DEADLINE).unwrap();
        }
        next_calls(&mut follower, 20..70);
        nothing(&mut follower);
        close(&sink);
    });
}

#[test]
fn files_that_retention_takes_before_they_are_read() {
    within(DEADLINE, || {
        let (_dir, path) = Dir::with_log();
        let keeping = || builder(&path).rotate_at_bytes(64 * 1024).keep_files(2);
        let sink = keeping().open().unwrap();
        record(&sink, [0]);
        let mut follower = follow(&path);
        for number in 1..100 {
            sink.on_call(&event_of(number, 5_000));
            sink.flush(DEADLINE).unwrap();
        }
        // What was open is read to its end; then what is left.
        let mut seen = next(&mut follower, 30);
        while let Some(entry) = follower.next_within(Duration::ZERO).unwrap() {
            seen.push(Seen::of(&entry));
        }
        let numbers = calls(&seen);
        assert_eq!(numbers[..5], [1, 2, 3, 4, 5]);
        assert_eq!(numbers.last(), Some(&99));
        assert!(numbers.is_sorted_by(|one, other| one < other) && numbers.len() < 99);
        close(&sink);
    });
}

#[test]
fn renamed_and_made_anew_by_others() {
    within(DEADLINE, || {
        let (dir, path) = Dir::with_log();
        for chained in [false, true] {
            fs::remove_file(dir.path("audit.jsonl.head")).ok();
            fs::write(&path, if chained { "".into() } else { lines_of([0]) }).unwrap();
            let write = |numbers: std::ops::Range<u64>| match chained {
                true => log(&path, numbers),
                false => {
                    let mut file = File::options()
                        .append(true)
                        .create(true)
                        .open(&path)
                        .unwrap();
                    file.write_all(lines_of(numbers).as_bytes()).unwrap();
                }
            };
            write(1..3);
            let mut follower = follow(&path);
            let own = usize::from(chained);
            for round in 1..4 {
                let first = round * 10;
                write(first..first + 3);
                fs::rename(&path, dir.path("audit.jsonl.1")).unwrap();
                let seen = next(&mut follower, 3 + own);
                assert_eq!(calls(&seen), (first..first + 3).collect::<Vec<_>>());
                nothing(&mut follower);
                write(first + 3..first + 5);
                let seen = next(&mut follower, 2 + own);
                assert_eq!(calls(&seen), [first + 3, first + 4]);
                nothing(&mut follower);
            }
        }
    });
}

#[test]
fn a_writer_that_has_not_noticed_yet() {
    within(DEADLINE, || {
        let (dir, path) = Dir::with_log();
        fs::write(&path, lines_of(0..2)).unwrap();
        let mut old = File::options().append(true).open(&path).unwrap();
        let mut follower = follow(&path);
        fs::rename(&path, dir.path("audit.jsonl.1")).unwrap();
        old.write_all(lines_of([2]).as_bytes()).unwrap();
        fs::write(&path, lines_of([3])).unwrap();
        next_calls(&mut follower, [2, 3]);
        old.write_all(lines_of([4]).as_bytes()).unwrap();
        next_calls(&mut follower, [4]);
        append(&path, lines_of([5]));
        old.write_all(&line_of(&event(6)).as_bytes()[..50]).unwrap();
        next_calls(&mut follower, [5]);
        nothing(&mut follower);
        // Once the next file has gone the same way, nobody writes to it any more.
        fs::rename(&path, dir.path("audit.jsonl.2")).unwrap();
        fs::write(&path, lines_of([7])).unwrap();
        let seen = next(&mut follower, 2);
        assert_eq!(
            (kinds(&seen), calls(&seen)),
            (vec![DamageKind::Unfinished], vec![7])
        );
    });
}

#[test]
fn copied_and_cut_by_others() {
    within(DEADLINE, || {
        let (dir, path) = Dir::with_log();
        log(&path, 0..5);
        let mut follower = follow(&path);
        for (round, more) in [(1, 2), (2, 200), (3, 1)] {
            fs::copy(&path, dir.path("audit.jsonl.1")).unwrap();
            cut_to(&path, 0);
            // Longer than before, or shorter.
            let numbers = round * 1000..round * 1000 + more;
            log(&path, numbers.clone());
            let seen = next(&mut follower, more as usize + 1);
            assert_eq!(calls(&seen), numbers.collect::<Vec<_>>());
            assert_eq!(seen[0].line, Some(1));
            nothing(&mut follower);
        }
    });
}

#[test]
fn cut_at_its_end_by_somebody() {
    within(DEADLINE, || {
        let (_dir, path) = Dir::with_log();
        fs::write(&path, lines_of(0..10)).unwrap();
        let mut follower = follow(&path);
        let line = line_of(&event(1)).len() as u64;
        // At a line's end, and inside one: what is there was given.
        cut_to(&path, 6 * line);
        nothing(&mut follower);
        append(&path, lines_of([20]));
        next_calls(&mut follower, [20]);
        cut_to(&path, 5 * line + 7);
        nothing(&mut follower);
        append(&path, "\n".to_owned() + &lines_of([30]));
        let seen = next(&mut follower, 2);
        assert_eq!(
            (kinds(&seen), calls(&seen)),
            (vec![DamageKind::NotARecord], vec![30])
        );
        nothing(&mut follower);
    });
}

#[test]
fn removed_and_made_anew() {
    within(DEADLINE, || {
        let (dir, path) = Dir::with_log();
        log(&path, 0..3);
        let mut follower = follow(&path);
        for round in 1..4 {
            fs::remove_file(&path).unwrap();
            fs::remove_file(dir.path("audit.jsonl.head")).unwrap();
            nothing(&mut follower);
            log(&path, round * 10..round * 10 + 3);
            let seen = next(&mut follower, 4);
            assert_eq!(
                calls(&seen),
                (round * 10..round * 10 + 3).collect::<Vec<_>>()
            );
            nothing(&mut follower);
        }
    });
}

#[test]
fn a_log_whose_active_file_is_not_there_yet() {
    within(DEADLINE, || {
        let (_dir, path) = rotated_log(30);
        fs::remove_file(&path).unwrap();
        let mut follower = follow(&path);
        nothing(&mut follower);
        log(&path, 30..32);
        let seen = next(&mut follower, 3);
        assert_eq!(calls(&seen), [30, 31]);
    });
}

#[test]
fn lines_that_come_again_after_a_failed_sync() {
    within(DEADLINE, || {
        let (dir, path) = Dir::with_log();
        let stream = stream(1);
        fs::write(&path, links(&stream, 0..6)).unwrap();
        let mut follower = follow(&path);
        append(&path, links(&stream, 6..9) + &lines_of([100]));
        next_calls(&mut follower, [6, 7, 8, 100]);
        append(&path, links(&stream, 9..11) + "torn");
        fs::rename(&path, dir.path(&rotated(&stream, 0))).unwrap();
        fs::write(&path, "").unwrap();
        let seen = next(&mut follower, 3);
        assert_eq!(
            (calls(&seen), kinds(&seen)),
            (vec![9, 10], vec![DamageKind::Unfinished])
        );
        nothing(&mut follower);
        append(
            &path,
            links(&stream, 7..9) + &lines_of([100]) + &links(&stream, 9..10),
        );
        nothing(&mut follower);
        append(&path, links(&stream, 10..13));
        next_calls(&mut follower, [11, 12]);
        // And once more at the same time.
        append(&path, links(&stream, 13..14));
        fs::rename(&path, dir.path(&rotated(&stream, 7))).unwrap();
        fs::write(&path, links(&stream, 12..16)).unwrap();
        next_calls(&mut follower, 13..16);
        nothing(&mut follower);
    });
}

#[test]
fn it_can_be_stopped_from_elsewhere() {
    within(DEADLINE, || {
        let (_dir, path) = Dir::with_log();
        log(&path, 0..3);
        let mut follower = follow(&path);
        let stopper = follower.stopper();
        let waiting = thread::spawn(move || {
            let is_none = follower.next_entry().unwrap().is_none();
            (is_none, follower)
        });
        stopper.stop();
        let (is_none, mut follower) = waiting.join().unwrap();
        assert!(is_none);
        // For good.
        append(&path, lines_of([4]));
        assert!(follower.next_within(DEADLINE).unwrap().is_none());
        // A deadline ends one call.
        let mut follower = follow(&path);
        let begun = Instant::now();
        let pause = Duration::from_millis(30);
        assert!(follower.next_within(pause).unwrap().is_none());
        assert!(begun.elapsed() >= pause);
        append(&path, lines_of([5]));
        next_calls(&mut follower, [5]);
    });
}

#[test]
fn whatever_happens_to_the_files_each_call_comes_once() {
    let first = number_of("AUDIT_TEST_SEED", 0);
    for seed in first..first + number_of("AUDIT_TEST_FOLLOWED", 12) {
        within(2 * DEADLINE, move || {
            let mut random = Random::new(seed);
            let (dir, path) = Dir::with_log();
            let sink = builder(&path).rotate_at_bytes(64 * 1024).open().unwrap();
            record(&sink, [0]);
            let mut follower = follow(&path);
            let (mut written, mut given) = (1, 1);
            // What is open there: a file that comes and goes between two looks can't
            // be seen.
            let mut seen_file = inode(&path);
            for step in 0..40 {
                match random.below(8) {
                    0 if path.exists() && seen_file == inode(&path) => {
                        fs::rename(&path, dir.path(&format!("audit.jsonl.{step}"))).unwrap();
                    }
                    1 if path.exists() && given == written && seen_file == inode(&path) => {
                        cut_to(&path, 0);
                    }
                    2..5 => {
                        let calls = random.below(20);
                        for number in written..written + calls {
                            sink.on_call(&event_of(number, 300 + random.below(6_000) as usize));
                            sink.flush(DEADLINE).unwrap();
                        }
                        written += calls;
                    }
                    5 => {
                        // Some of it.
                        let some = random.below(written - given + 1);
                        next_calls(&mut follower, given..given + some);
                        given += some;
                    }
                    _ => {
                        next_calls(&mut follower, given..written);
                        given = written;
                        nothing(&mut follower);
                        seen_file = inode(&path);
                    }
                }
            }
            next_calls(&mut follower, given..written);
            nothing(&mut follower);
            close(&sink);
        });
    }
}

fn inode(path: &Path) -> Option<u64> {
    fs::metadata(path).ok().map(|metadata| metadata.ino())
}

#[test]
fn a_file_that_is_renamed_while_the_log_is_looked_for() {
    within(DEADLINE, || {
        let (dir, path) = Dir::with_log();
        let stream = stream(1);
        fs::write(&path, links(&stream, 0..3)).unwrap();
        // As it is found when it is renamed after it was looked at, and the file
        // after it was rotated as well before the directory was.
        fs::hard_link(&path, dir.path(&rotated(&stream, 0))).unwrap();
        fs::write(dir.path(&rotated(&stream, 3)), links(&stream, 3..6)).unwrap();
        let mut follower = follow(&path);
        fs::remove_file(&path).unwrap();
        fs::write(&path, links(&stream, 6..9)).unwrap();
        next_calls(&mut follower, 6..9);
        nothing(&mut follower);
    });
}
