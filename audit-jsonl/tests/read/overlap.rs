//! Lines that stand in two files are given once.

use std::fs;

use audit_jsonl::LogReader;
use audit_testkit::{DEADLINE, within};

use crate::made::{link, links, rotated, stream};
use crate::seen::{all, calls, find};
use crate::support::{Dir, event, line_of, lines_of, log};

/// The calls that are read from files with these texts, which begin with the links
/// of those numbers.
#[track_caller]
fn read(files: &[(u64, String)]) -> Vec<u64> {
    let dir = Dir::new();
    for (nth, (first, text)) in files.iter().enumerate() {
        let name = match files.len() - nth {
            1 => "audit.jsonl".to_owned(),
            _ => rotated(&stream(1), *first),
        };
        fs::write(dir.path(&name), text).unwrap();
    }
    calls(&all(LogReader::of(&find(&[dir.path("audit.jsonl")]))))
}

fn plain(numbers: impl IntoIterator<Item = u64>) -> String {
    lines_of(numbers.into_iter().map(|number| number + 100))
}

#[test]
fn after_a_sync_that_failed() {
    within(DEADLINE, || {
        let links = |from, to| links(&stream(1), from..to);
        let all: Vec<u64> = (0..12).collect();
        // How much of the file before comes again.
        for from in 0..8 {
            let calls = read(&[(0, links(0, 8)), (from, links(from, 12))]);
            assert_eq!(calls, all, "from {from}");
        }
        // So much that lines are not looked for one by one.
        let calls = read(&[(0, links(0, 2_000)), (700, links(700, 2_050))]);
        assert_eq!(calls, (0..2_050).collect::<Vec<_>>());
        // Nothing but what comes again; and again.
        assert_eq!(read(&[(0, links(0, 12)), (5, links(5, 12))]), all);
        assert_eq!(
            read(&[(0, links(0, 8)), (5, links(5, 8)), (5, links(5, 12))])[..8],
            all[..8]
        );
        let three = [(0, links(0, 8)), (5, links(5, 10)), (6, links(6, 12))];
        assert_eq!(read(&three), all);
        // A part out of the midst of the file before.
        assert_eq!(read(&[(0, links(0, 12)), (3, links(3, 6))]), all);
    });
}

#[test]
fn with_plain_lines_between() {
    within(DEADLINE, || {
        let links = |from, to| links(&stream(1), from..to);
        let first = links(0, 5) + &plain([0, 1]) + &links(5, 8) + &plain([2, 3]);
        let wanted = [0, 1, 2, 3, 4, 100, 101, 5, 6, 7, 102, 103, 8, 9];
        let second = |text: String| read(&[(0, first.clone()), (5, text)]);
        let end = links(8, 10);
        // Those before the first link, those after the last, or some of them.
        for before in [plain([0, 1]), plain([1]), String::new()] {
            for after in [plain([2, 3]), plain([2]), String::new()] {
                let calls = second(before.clone() + &links(5, 8) + &after + &end);
                assert_eq!(calls, wanted, "{before}{after}");
            }
        }
        // Those that came in between are new, wherever they stand.
        let calls =
            second(plain([7]) + &links(5, 6) + &plain([8]) + &links(6, 8) + &plain([9]) + &end);
        let mut with_new = wanted[..12].to_vec();
        with_new.extend([107, 108, 109, 8, 9]);
        assert_eq!(calls, with_new);
    });
}

#[test]
fn other_bytes_under_the_same_number_are_no_copy() {
    within(DEADLINE, || {
        let links = |from, to| links(&stream(1), from..to);
        let forked = link(&stream(1), 6, "").replace("files:read", "files:rm");
        let second = links(5, 6) + &forked + &links(7, 9);
        let calls = read(&[(0, links(0, 8)), (5, second)]);
        assert_eq!(calls, [0, 1, 2, 3, 4, 5, 6, 7, 6, 7, 8]);
        // Nor are copies inside a file, which somebody has put there.
        let calls = read(&[
            (0, links(0, 3) + &links(1, 3)),
            (3, links(3, 4) + &links(2, 5)),
        ]);
        assert_eq!(calls, [0, 1, 2, 1, 2, 3, 2, 3, 4]);
    });
}

#[test]
fn a_copy_and_the_log_that_was_copied() {
    within(DEADLINE, || {
        let (dir, path) = Dir::with_log();
        fs::write(&path, line_of(&event(90))).unwrap();
        log(&path, 0..500);
        let copy = dir.path("copy");
        fs::copy(&path, &copy).unwrap();
        log(&path, 500..505);
        let seen = all(LogReader::of(&find(&[&path, &copy])));
        let wanted: Vec<u64> = [90].into_iter().chain(0..505).collect();
        assert_eq!(calls(&seen), wanted);
        assert_eq!(seen[0].path, Some(copy));
        assert_eq!(seen.last().unwrap().path, Some(path));
    });
}
