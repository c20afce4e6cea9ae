//! A log from its end, at the same cost for any size.

use std::fs;

use audit_jsonl::{BackwardReader, DamageKind, LogFiles, LogReader};
use audit_testkit::{DEADLINE, within};

use crate::made::{link, links, rotated, rotated_log, stream};
use crate::seen::{Seen, all, calls, find, kinds, try_all};
use crate::support::{Dir, Random, append, event, line_of, lines_of, log};

fn all_backward(mut reader: BackwardReader) -> Vec<Seen> {
    let mut seen = Vec::new();
    while let Some(entry) = reader.next_entry().unwrap() {
        seen.push(Seen::of(&entry));
    }
    seen.reverse();
    seen
}

fn without_numbers(mut seen: Vec<Seen>) -> Vec<Seen> {
    seen.iter_mut().for_each(|seen| seen.line = None);
    seen
}

/// Both ways the same.
#[track_caller]
fn check(files: &LogFiles) -> Vec<Seen> {
    let forward = without_numbers(try_all(LogReader::of(files)).unwrap());
    assert_eq!(all_backward(LogReader::backward(files)), forward);
    forward
}

#[test]
fn backward_gives_what_forward_gives() {
    within(DEADLINE, || {
        let (_dir, path) = rotated_log(50);
        append(&path, "junk\n\n");
        append(&path, lines_of(50..52) + "half");
        let seen = check(&find(&[&path]));
        assert_eq!(calls(&seen), (0..52).collect::<Vec<_>>());
        use DamageKind::{NotARecord, Unfinished};
        assert_eq!(kinds(&seen), [NotARecord, NotARecord, Unfinished]);
    });
}

#[test]
fn whatever_stands_in_the_files() {
    within(4 * DEADLINE, || {
        let mut random = Random::new(8);
        let dir = Dir::new();
        let stream = stream(3);
        let first = dir.path(&rotated(&stream, 0));
        let path = dir.path("audit.jsonl");
        for _ in 0..80 {
            let mut text = || {
                let mut text = String::new();
                for _ in 0..random.below(12) {
                    match random.below(8) {
                        0..3 => text += &line_of(&event(random.below(9))),
                        3..5 => text += &link(&stream, random.below(9), ""),
                        5 => text += &"\n".repeat(random.below(4) as usize),
                        // About as long as what is read at once.
                        6 => text += &("x".repeat(65_530 + random.below(12) as usize) + "\n"),
                        _ => text += &line_of(&event(1))[..random.below(100) as usize],
                    }
                }
                text
            };
            fs::write(&first, text()).unwrap();
            fs::write(&path, text()).unwrap();
            check(&find(&[&path, &first]));
        }
    });
}

#[test]
fn lines_that_are_too_long() {
    const MIB: usize = 1024 * 1024;
    // Without optimisation, on a busy machine.
    within(4 * DEADLINE, || {
        let (_dir, path) = Dir::with_log();
        let lengths = [16 * MIB - 1, 16 * MIB, 16 * MIB + 1];
        for (length, ends) in lengths.into_iter().zip([&[""][..], &["\n", ""], &["\n"]]) {
            for &end in ends {
                let long = "x".repeat(length - end.len()) + end;
                let after = if end.is_empty() {
                    String::new()
                } else {
                    lines_of(2..4)
                };
                fs::write(&path, lines_of(0..2) + &long + &after).unwrap();
                let seen = check(&find(&[&path]));
                assert_eq!(seen[2].len, length as u64);
                let is_long = length + usize::from(end.is_empty()) > 16 * MIB;
                assert_eq!(seen[2].bytes.is_empty(), is_long, "{length}");
            }
        }
    });
}

#[test]
fn copies_are_given_once() {
    within(DEADLINE, || {
        let dir = Dir::new();
        let stream = stream(1);
        let links = |from, to| links(&stream, from..to);
        let plain =
            |numbers: std::ops::Range<u64>| lines_of(numbers.start + 100..numbers.end + 100);
        let path = dir.path("audit.jsonl");
        let first = links(0, 5) + &plain(0..2) + &links(5, 8) + &plain(2..4);
        fs::write(dir.path(&rotated(&stream, 0)), first).unwrap();
        let copies = plain(1..2) + &links(5, 8) + &plain(2..4);
        for (second, wanted) in [
            (copies.clone() + &links(8, 20), 24),
            (copies.clone() + &plain(4..8), 16),
            (links(5, 7), 12),
            (links(5, 6) + &plain(7..8) + &links(6, 9), 14),
            (copies.clone(), 12),
        ] {
            fs::write(&path, second).unwrap();
            let files = find(&[&path]);
            let seen = check(&files);
            assert_eq!(seen.len(), wanted);
            for count in 0..=seen.len() + 1 {
                let last = all(LogReader::last(&files, count).unwrap());
                let from = seen.len().saturating_sub(count);
                assert_eq!(without_numbers(last), seen[from..], "the last {count}");
            }
        }
    });
}

#[test]
fn the_last_calls_across_files() {
    within(DEADLINE, || {
        let (_dir, path) = rotated_log(50);
        log(&path, 50..53);
        append(&path, "junk\n");
        let files = find(&[&path]);
        let whole = all(LogReader::of(&files));
        for count in [1, 2, 3, 4, 5, 10, 30, 52] {
            let seen = all(LogReader::last(&files, count).unwrap());
            assert_eq!(calls(&seen), (53 - count as u64..53).collect::<Vec<_>>());
            // With all that stands between.
            let from = whole.len() - seen.len();
            assert_eq!(
                without_numbers(seen),
                without_numbers(whole[from..].to_vec())
            );
        }
        assert_eq!(all(LogReader::last(&files, 0).unwrap()), []);
        // All there are: from the beginning, and so with numbers.
        for count in [53, 54, 10_000] {
            assert_eq!(
                all(LogReader::last(&files, count).unwrap()),
                whole,
                "{count}"
            );
        }
    });
}

#[test]
fn a_file_that_is_gone() {
    within(DEADLINE, || {
        let (dir, path) = rotated_log(50);
        let files = find(&[&path]);
        fs::remove_file(&dir.named("audit-")[0]).unwrap();
        let seen = check(&files);
        assert_eq!(kinds(&seen), [DamageKind::FileGone]);
    });
}

/// How many bytes this process has read so far.
fn bytes_read() -> u64 {
    let text = fs::read_to_string("/proc/thread-self/io").unwrap();
    let line = text.lines().find(|line| line.starts_with("rchar")).unwrap();
    line["rchar: ".len()..].parse().unwrap()
}

#[test]
#[cfg(target_os = "linux")]
fn the_last_calls_cost_the_same_for_any_size() {
    within(DEADLINE, || {
        let dir = Dir::new();
        let stream = stream(1);
        let mut costs = Vec::new();
        for (nth, lines) in [1_000, 20_000].into_iter().enumerate() {
            let path = dir.path(&format!("{nth}.jsonl"));
            fs::write(&path, links(&stream, 0..lines)).unwrap();
            let before = bytes_read();
            let seen = all_of_last(&path);
            assert_eq!(calls(&seen), (lines - 10..lines).collect::<Vec<_>>());
            costs.push(bytes_read() - before);
        }
        assert!(costs[1] <= costs[0] + 10_000, "{costs:?}");
    });
}

fn all_of_last(path: &std::path::Path) -> Vec<Seen> {
    try_all(LogReader::last(&find(&[path]), 10).unwrap()).unwrap()
}
