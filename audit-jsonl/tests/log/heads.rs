//! The log against its head: every row of the format's table, made of real
//! bytes.

use std::fs;
use std::path::{Path, PathBuf};

use audit_testkit::{DEADLINE, within};

use crate::checker::{Found, Row, check, check_with, rotated};
use crate::form::sha256;
use crate::head_file::Head;
use crate::repair::{hold_to, plan_of};
use crate::support::{Dir, append, builder, close, cut_to, lines_of, log, open, record, size};

/// A log of the calls 0 to 9, and its bytes.
pub(crate) fn ten() -> (Dir, PathBuf, Vec<u8>) {
    let (dir, path) = Dir::with_log();
    log(&path, 0..10);
    let bytes = fs::read(&path).unwrap();
    (dir, path, bytes)
}

/// Opens the log as it is now, records the calls 10 and 11, and checks that no
/// byte is gone of what stood in it.
#[track_caller]
pub(crate) fn go_on(dir: &Dir, path: &Path) -> Found {
    go_on_with(dir, path, &[])
}

#[track_caller]
fn go_on_with(dir: &Dir, path: &Path, more: &[PathBuf]) -> Found {
    let before = fs::read(path).unwrap_or_default();
    let plan = plan_of(path);
    // To open it and to end without a line changes nothing of what is told.
    for _ in 0..2 {
        close(&open(path));
    }
    log(path, 10..12);
    let found = check_with(path, more);
    if let Some(plan) = plan {
        let call = |row: &&Row| row.event.call_id == "10";
        hold_to(&plan, path, &before, found.rows.iter().find(call).unwrap());
    }
    let kept = match found.rows.iter().find_map(|row| row.chain.get("torn")) {
        None => before.len(),
        Some(torn) => before.len() - torn["bytes"].as_u64().unwrap() as usize,
    };
    let (kept, torn) = before.split_at(kept);
    assert!(dir.holds(kept) && dir.holds(torn), "bytes are lost");
    found
}

/// All calls are there once, in order, in one stream.
#[track_caller]
pub(crate) fn assert_goes_on(found: &Found) {
    assert_eq!(found.numbers(), (0..12).collect::<Vec<_>>());
    assert_eq!(found.streams().len(), 1);
}

#[test]
fn as_the_head_says() {
    within(DEADLINE, || {
        let (dir, path, _) = ten();
        assert_goes_on(&go_on(&dir, &path).assert_whole());
        // Anew in a file that was copied and moved back.
        let (dir, path, bytes) = ten();
        let copy = dir.path("copy");
        fs::write(&copy, bytes).unwrap();
        fs::rename(copy, &path).unwrap();
        assert_goes_on(&go_on(&dir, &path).assert_whole());
    });
}

/// What may stand beyond the head: each as text, with the calls, the plain lines
/// and the torn bytes that come of it.
#[test]
fn longer() {
    within(DEADLINE, || {
        let plain = lines_of(100..103);
        let (two, half) = (lines_of(100..102), &plain[..plain.len() - 9]);
        let rows: [(&str, &str, u64, usize); 9] = [
            ("plain lines", &plain, 3, 0),
            ("a whole line of junk", "junk\n", 0, 5),
            ("half a line", "{\"ts\":\"2026", 0, 11),
            ("NUL bytes", "\0\0\0\0", 0, 4),
            ("NUL bytes and a line feed", "\0\0\n", 0, 3),
            ("an empty line", "\n", 0, 1),
            (
                "plain lines and half of one",
                half,
                2,
                half.len() - two.len(),
            ),
            ("JSON that is no record", "{\"a\":1}\n", 0, 8),
            ("bytes that are no text", "\u{7f}\u{80}\n", 0, 4),
        ];
        for (what, text, lines, torn) in rows {
            for linked in [false, true] {
                let (dir, path, bytes) = ten();
                if linked {
                    // The writer died before it wrote the head.
                    let head = fs::read(Head::path(&path)).unwrap();
                    log(&path, 20..23);
                    fs::write(Head::path(&path), head).unwrap();
                    assert!(size(&path) > bytes.len() as u64);
                }
                append(&path, text);
                let found = go_on(&dir, &path).assert_whole();
                let mut calls: Vec<u64> = (0..12).collect();
                if linked {
                    calls.splice(10..10, 20..23);
                }
                assert_eq!(found.numbers(), calls, "{what}");
                assert_eq!(found.plain.len() as u64, lines, "{what}");
                assert_eq!(found.sum_of("plain", "lines"), lines, "{what}");
                assert_eq!(found.sum_of("torn", "bytes"), torn as u64, "{what}");
                if torn > 0 {
                    let aside = dir.only("audit.jsonl.torn-");
                    let end = &text.as_bytes()[text.len() - torn..];
                    assert_eq!(fs::read(aside).unwrap(), end, "{what}");
                }
            }
        }
    });
}

#[test]
fn longer_by_good_lines_after_junk() {
    within(DEADLINE, || {
        let (dir, path, _) = ten();
        append(&path, "junk\n".to_owned() + &lines_of(100..102));
        let found = go_on(&dir, &path).assert_whole();
        assert_goes_on(&found);
        // They are kept, and told of by their hash.
        let aside = dir.only("audit.jsonl.torn-11");
        let torn = &found.with("torn")[0].chain["torn"];
        assert_eq!(torn["sha256"], sha256(&fs::read(&aside).unwrap()));
    });
}

#[test]
fn longer_again_and_again() {
    within(DEADLINE, || {
        let (dir, path, _) = ten();
        fs::write(dir.path("audit.jsonl.torn-11"), "taken").unwrap();
        fs::write(dir.path("audit.jsonl.torn-11.1"), "taken too").unwrap();
        append(&path, "one");
        let found = go_on(&dir, &path).assert_whole();
        append(&path, "another");
        log(&path, 12..13);
        let found_then = check(&path).assert_whole();
        assert!(found_then.rows.len() > found.rows.len());
        let text = |name: &str| fs::read_to_string(dir.path(name)).unwrap();
        assert_eq!(text("audit.jsonl.torn-11"), "taken");
        assert_eq!(text("audit.jsonl.torn-11.1"), "taken too");
        assert_eq!(text("audit.jsonl.torn-11.2"), "one");
    });
}

#[test]
fn missing() {
    within(DEADLINE, || {
        let (dir, path, bytes) = ten();
        let moved = dir.path("audit.jsonl.1");
        fs::rename(&path, &moved).unwrap();
        let found = go_on_with(&dir, &path, std::slice::from_ref(&moved));
        assert_goes_on(&found.assert_whole());
        assert_eq!(fs::read(&moved).unwrap(), bytes);
        // Without the file that was moved, it begins later.
        check(&path).assert_only("front");
    });
}

#[test]
fn deleted() {
    within(DEADLINE, || {
        let (dir, path, _) = ten();
        fs::remove_file(&path).unwrap();
        let found = go_on(&dir, &path).assert_only("front");
        assert_eq!(found.numbers(), [10, 11]);
        assert_eq!(found.rows[0].seq, 11);
    });
}

#[test]
fn another_file() {
    within(DEADLINE, || {
        let (_other_dir, other) = Dir::with_log();
        log(&other, 500..505);
        let other = fs::read(&other).unwrap();
        for (what, bytes, lines, aside) in [
            ("empty", Vec::new(), 0, None),
            ("plain", lines_of(100..104).into_bytes(), 4, None),
            ("half", b"{\"ts\":".to_vec(), 0, Some(".torn-")),
            ("junk", b"junk\n".to_vec(), 0, Some(".damaged-")),
            ("another stream's", other, 0, Some(".damaged-")),
        ] {
            for started in [false, true] {
                let (dir, path, _) = ten();
                let moved = dir.path("audit.jsonl.1");
                fs::rename(&path, &moved).unwrap();
                fs::write(&path, &bytes).unwrap();
                if started {
                    Head::edit(&path, "boot", "another");
                }
                let found = go_on_with(&dir, &path, &[moved]).assert_whole();
                assert_goes_on(&found);
                assert_eq!(found.plain.len(), lines, "{what}");
                // No power loss took what somebody has moved away.
                assert!(found.with("gone").is_empty(), "{what}");
                if let Some(aside) = aside {
                    let aside = dir.only(&format!("audit.jsonl{aside}"));
                    assert_eq!(fs::read(aside).unwrap(), bytes, "{what}");
                }
            }
        }
    });
}

#[test]
fn an_older_copy() {
    within(DEADLINE, || {
        let (dir, path) = Dir::with_log();
        fs::write(&path, lines_of(100..102)).unwrap();
        log(&path, 0..5);
        let older = fs::read(&path).unwrap();
        log(&path, 5..10);
        let moved = dir.path("audit.jsonl.1");
        fs::rename(&path, &moved).unwrap();
        fs::write(&path, &older).unwrap();
        log(&path, 10..12);
        // The plain lines in it were told of before the line where it ends.
        let found = check_with(&path, &[moved]);
        assert_eq!(found.with("plain").len(), 1);
        assert!(dir.holds(&older));
        // Each call once; the new ones come after those that the copy lacks.
        let mut numbers = found.numbers();
        numbers.sort_unstable();
        assert_eq!(numbers, (0..12).collect::<Vec<_>>());
        let row = found
            .rows
            .iter()
            .find(|row| row.has("opened") && row.seq > 10);
        assert_eq!(row.unwrap().seq, 12);
    });
}

#[test]
fn shorter_in_the_same_boot() {
    within(DEADLINE, || {
        let (_, _, bytes) = ten();
        let ends: Vec<usize> = line_ends(&bytes);
        for (end, left) in [
            (ends[5], 6),
            (ends[9], 10),
            (ends[5] + 30, 6),
            (0, 0),
            (7, 0),
        ] {
            let (dir, path, _) = ten();
            cut_to(&path, end as u64);
            let found = go_on(&dir, &path);
            let kind = if left == 0 { "front" } else { "missing" };
            let found = found.assert_only(kind);
            // 10 calls and a closing line are before it.
            let first = found.rows.iter().find(|row| row.seq >= 11).unwrap();
            assert_eq!(first.seq, 11);
            let mut calls: Vec<u64> = (0..left).collect();
            calls.extend([10, 11]);
            assert_eq!(found.numbers(), calls);
            let is_torn = end > 0 && !ends.contains(&end);
            assert_eq!(found.with("torn").len(), usize::from(is_torn));
        }
    });
}

#[test]
fn shorter_with_new_lines_of_somebody_else() {
    within(DEADLINE, || {
        for text in [lines_of([100]), lines_of([100]) + "half", "junk\n".into()] {
            let (dir, path, _) = ten();
            cut_to(&path, 0);
            append(&path, &text);
            let found = go_on(&dir, &path).assert_only("front");
            assert_eq!(found.numbers(), [10, 11]);
            assert_eq!(found.rows[0].seq, 11);
            assert_eq!(found.sum_of("plain", "lines"), found.plain.len() as u64);
        }
    });
}

pub(crate) fn line_ends(bytes: &[u8]) -> Vec<usize> {
    let feeds = bytes.iter().enumerate().filter(|(_, byte)| **byte == b'\n');
    feeds.map(|(at, _)| at + 1).collect()
}

#[test]
fn shorter_in_another_boot() {
    within(DEADLINE, || {
        let (_, _, bytes) = ten();
        let ends = line_ends(&bytes);
        for (end, left) in [
            (ends[5], 6),
            (ends[9], 10),
            (ends[5] + 30, 6),
            (0, 0),
            (7, 0),
        ] {
            for nuls in [0, 3000] {
                let (dir, path, _) = ten();
                cut_to(&path, end as u64);
                append(&path, vec![0; nuls]);
                Head::edit(&path, "boot", "another");
                let gone = Head::read(&path).unwrap();
                let found = go_on(&dir, &path).assert_whole();
                let mut calls: Vec<u64> = (0..left).collect();
                calls.extend([10, 11]);
                assert_eq!(found.numbers(), calls);
                assert_eq!(found.streams(), [gone["stream"].as_str().unwrap()]);
                let told = found.with("gone");
                // With nothing left, no number is used again.
                let next = if left > 0 { left } else { 11 };
                assert_eq!((told.len(), told[0].seq), (1, next));
                assert_eq!(told[0].chain["gone"]["seq"], gone["seq"]);
                assert_eq!(told[0].chain["gone"]["hash"], gone["hash"]);
            }
        }
    });
}

#[test]
fn another_boot_and_nothing_missing() {
    within(DEADLINE, || {
        let (dir, path, _) = ten();
        Head::edit(&path, "boot", "another");
        let found = go_on(&dir, &path).assert_whole();
        assert_goes_on(&found);
        assert_eq!(found.with("gone").len(), 0);
    });
}

#[test]
fn another_boot_and_another_number_of_the_device() {
    within(DEADLINE, || {
        let (dir, path, bytes) = ten();
        cut_to(&path, line_ends(&bytes)[5] as u64);
        Head::edit(&path, "boot", "another");
        Head::edit(&path, "device", 1_234_567);
        let found = go_on(&dir, &path).assert_whole();
        assert_eq!(found.numbers(), [0, 1, 2, 3, 4, 5, 10, 11]);
        assert_eq!(found.with("gone").len(), 1);
        // With nothing left in it, it is still the same file.
        let (dir, path, _) = ten();
        cut_to(&path, 0);
        Head::edit(&path, "boot", "another");
        Head::edit(&path, "device", 1_234_567);
        let found = go_on(&dir, &path).assert_whole();
        assert_eq!(found.with("gone")[0].seq, 11);
    });
}

/// What was copied may stand elsewhere under the same numbers.
#[test]
fn copied_and_cut_before_the_machine_was_started() {
    within(DEADLINE, || {
        for more in [0, 2] {
            let (dir, path, _) = ten();
            let copy = dir.path("audit.jsonl.1");
            fs::copy(&path, &copy).unwrap();
            cut_to(&path, 0);
            if more > 0 {
                log(&path, 20..20 + more);
            }
            Head::edit(&path, "boot", "another");
            let found = go_on_with(&dir, &path, &[copy]).assert_whole();
            let mut calls: Vec<u64> = (0..10).chain(20..20 + more).collect();
            calls.extend([10, 11]);
            assert_eq!(found.numbers(), calls);
            assert_eq!(found.streams().len(), 1);
            let seqs: Vec<u64> = found.rows.iter().map(|row| row.seq).collect();
            assert_eq!(seqs, (0..seqs.len() as u64).collect::<Vec<_>>());
        }
    });
}

#[test]
fn copied_and_cut_beside_rotated_files() {
    within(DEADLINE, || {
        for left in ["", "half a li", "\0\0\0\0"] {
            let (dir, path) = Dir::with_log();
            let sink = builder(&path).rotate_at_bytes(65_536).open().unwrap();
            for number in 0..700 {
                record(&sink, [number]);
            }
            close(&sink);
            assert!(rotated(&path).len() > 1);
            let copy = dir.path("audit.jsonl.1");
            fs::copy(&path, &copy).unwrap();
            fs::write(&path, left).unwrap();
            Head::edit(&path, "boot", "another");
            let head = Head::read(&path).unwrap();
            log(&path, 700..702);
            // What was in the file looks like a power loss, without the copy.
            let found = check(&path).assert_whole();
            let told = found.with("gone");
            assert_eq!(told.len(), 1, "{left:?}");
            assert_eq!(told[0].chain["gone"]["seq"], head["seq"]);
            assert_eq!(told[0].chain["gone"]["hash"], head["hash"]);
            assert_eq!(head["seq"], told[0].seq - 1);
            // With it, each number stands for one line.
            let found = check_with(&path, &[copy]).assert_whole();
            assert_eq!(found.numbers(), (0..702).collect::<Vec<_>>());
            let seqs: Vec<u64> = found.rows.iter().map(|row| row.seq).collect();
            assert_eq!(seqs, (0..seqs.len() as u64).collect::<Vec<_>>());
        }
    });
}

#[test]
fn a_hole_in_another_boot() {
    within(DEADLINE, || {
        let (dir, path, bytes) = ten();
        let ends = line_ends(&bytes);
        let mut holed = bytes.clone();
        holed[ends[5] + 40..ends[7] + 10].fill(0);
        fs::write(&path, &holed).unwrap();
        Head::edit(&path, "boot", "another");
        log(&path, 10..12);
        let found = check(&path).assert_whole();
        assert_eq!(found.numbers(), [0, 1, 2, 3, 4, 5, 10, 11]);
        assert_eq!(found.with("gone").len(), 1);
        let aside = dir.only("audit.jsonl.torn-");
        assert_eq!(fs::read(aside).unwrap(), holed[ends[5]..]);
    });
}
