//! A stop at any step of a rotation, and what a power loss leaves of one.

use std::fs;
use std::path::{Path, PathBuf};

use audit_jsonl::repair::Action;
use audit_testkit::{DEADLINE, within};

use crate::checker::{check, rotated};
use crate::head_file::Head;
use crate::heads::line_ends;
use crate::repair::plan_of;
use crate::rotation::{LIMIT, fill, many_files};
use crate::support::{Dir, append, builder, close, cut_to, flip, lines_of, log, size};

/// A log of two files that ends in the middle of the second.
fn two_files() -> (Dir, PathBuf, u64) {
    let (dir, path) = Dir::with_log();
    let calls = many_files(&path, 1, |builder| builder);
    (dir, path, calls)
}

/// Goes on with a log, which is whole then.
#[track_caller]
fn assert_recovers(path: &Path, calls: u64) {
    for round in 0..2 {
        let sink = builder(path).rotate_at_bytes(LIMIT).open().unwrap();
        fill(&sink, calls + round * 100..calls + (round + 1) * 100);
        close(&sink);
    }
    let found = check(path).assert_whole();
    assert_eq!(found.numbers(), (0..calls + 200).collect::<Vec<_>>());
    assert_eq!(found.streams().len(), 1);
    let notes = ["torn", "gone", "after", "plain"];
    assert!(notes.iter().all(|note| found.with(note).is_empty()));
}

/// The log's file and head file as they were before a rotation, with the name
/// that the file gets.
fn before_rotation() -> (Dir, PathBuf, PathBuf, u64) {
    let (dir, path) = Dir::with_log();
    log(&path, 0..20);
    let stream = &check(&path).rows[0].stream;
    let name = format!("audit-{}-{:020}.jsonl", &stream[..8], 0);
    let to = dir.path(&name);
    (dir, path, to, 20)
}

#[test]
fn a_stop_after_the_rename() {
    within(DEADLINE, || {
        let (_dir, path, to, calls) = before_rotation();
        fs::rename(&path, to).unwrap();
        assert_recovers(&path, calls);
    });
}

#[test]
fn a_stop_before_the_head_is_written() {
    within(DEADLINE, || {
        let (_dir, path, to, calls) = before_rotation();
        fs::rename(&path, to).unwrap();
        fs::write(&path, "").unwrap();
        assert_recovers(&path, calls);
    });
}

#[test]
fn a_power_loss_then_beside_a_file_whose_first_line_is_damaged() {
    within(DEADLINE, || {
        let (_dir, path, to, calls) = before_rotation();
        fs::rename(&path, &to).unwrap();
        fs::write(&path, "").unwrap();
        flip(&to, 0);
        Head::edit(&path, "boot", "another");
        let last = Head::read(&path).unwrap()["seq"].as_u64().unwrap();
        log(&path, calls..calls + 1);
        // Nothing went with the power, and the chain goes on after its last line.
        let found = check(&path);
        assert_eq!(found.with("gone").len(), 0);
        let row = found
            .rows
            .iter()
            .find(|row| row.has("opened") && row.file > 0);
        assert_eq!(row.unwrap().seq, last + 1);
    });
}

/// Has the head say that the file at `file` is new and empty.
fn head_of_new(path: &Path, file: &Path) {
    use std::os::unix::fs::MetadataExt;
    let metadata = fs::metadata(file).unwrap();
    Head::edit(path, "size", 0);
    Head::edit(path, "inode", metadata.ino());
}

#[test]
fn a_stop_before_the_first_line() {
    within(DEADLINE, || {
        let (_dir, path, to, calls) = before_rotation();
        fs::rename(&path, to).unwrap();
        fs::write(&path, "").unwrap();
        head_of_new(&path, &path);
        assert_recovers(&path, calls);
    });
}

#[test]
fn a_stop_inside_the_first_line() {
    within(DEADLINE, || {
        let (dir, path, to, _) = before_rotation();
        fs::rename(&path, to).unwrap();
        fs::write(&path, "{\"ts\":\"2026").unwrap();
        head_of_new(&path, &path);
        log(&path, 20..22);
        let found = check(&path).assert_whole();
        assert_eq!(found.numbers(), (0..22).collect::<Vec<_>>());
        assert_eq!(found.with("torn").len(), 1);
        assert_eq!(dir.named("audit.jsonl.torn-").len(), 1);
    });
}

#[test]
fn a_stop_after_the_first_line() {
    within(DEADLINE, || {
        let (_dir, path, calls) = two_files();
        let full = Head::read(&path).unwrap();
        let found = check(&path);
        let last_of_first = found.rows.iter().rfind(|row| row.file == 0).unwrap();
        for (member, value) in [
            ("seq", last_of_first.seq.into()),
            ("hash", last_of_first.hash.clone().into()),
            ("size", serde_json::Value::from(0)),
        ] {
            Head::edit(&path, member, value);
        }
        assert_eq!(Head::read(&path).unwrap()["inode"], full["inode"]);
        assert_recovers(&path, calls);
    });
}

#[test]
fn a_stop_after_a_rename_that_took_plain_lines_along() {
    within(DEADLINE, || {
        let (_dir, path, to, calls) = before_rotation();
        let head = fs::read(Head::path(&path)).unwrap();
        let from = size(&path);
        append(&path, lines_of(100..103));
        fs::rename(&path, &to).unwrap();
        let plan = plan_of(&path).unwrap();
        let step = plan.steps.last().unwrap();
        assert_eq!(step.action, Action::TellPlain, "{plan}");
        assert_eq!((&step.file, step.bytes), (&to, Some((from, size(&to)))));
        log(&path, calls..calls + 1);
        let found = check(&path).assert_whole();
        assert_eq!(found.sum_of("plain", "lines"), 3);
        // Whoever told of them ended before it wrote the head: once is enough.
        fs::write(Head::path(&path), head).unwrap();
        log(&path, calls + 1..calls + 2);
        let found = check(&path).assert_whole();
        assert_eq!(found.with("plain").len(), 1);
    });
}

#[test]
fn a_power_loss_that_undoes_the_rename() {
    within(DEADLINE, || {
        // The head got to the disk, and the new names did not.
        for boot in ["another", ""] {
            let (dir, path, _, calls) = before_rotation();
            fs::write(dir.path("new"), "").unwrap();
            head_of_new(&path, &dir.path("new"));
            if !boot.is_empty() {
                Head::edit(&path, "boot", boot);
            }
            assert_recovers(&path, calls);
        }
    });
}

#[test]
fn a_power_loss_that_undoes_the_rename_and_takes_the_new_file() {
    within(DEADLINE, || {
        let (_dir, path, _) = two_files();
        let lost = Head::read(&path).unwrap();
        fs::rename(&rotated(&path)[0], &path).unwrap();
        Head::edit(&path, "boot", "another");
        let left = check(&path);
        log(&path, [5000]);
        let found = check(&path).assert_whole();
        assert_eq!(found.numbers(), [left.numbers(), vec![5000]].concat());
        let told = found.with("gone");
        assert_eq!((told.len(), told[0].seq), (1, left.rows.len() as u64));
        assert_eq!(told[0].chain["gone"]["seq"], lost["seq"]);
    });
}

#[test]
fn a_power_loss_that_takes_the_end_of_the_rotated_file() {
    within(DEADLINE, || {
        for is_made in [false, true] {
            let (_dir, path, to, _) = before_rotation();
            fs::rename(&path, &to).unwrap();
            if is_made {
                fs::write(&path, "").unwrap();
            }
            let sixth = line_ends(&fs::read(&to).unwrap())[5];
            cut_to(&to, sixth as u64);
            Head::edit(&path, "boot", "another");
            let lost = Head::read(&path).unwrap();
            log(&path, [5000]);
            let found = check(&path).assert_whole();
            assert_eq!(found.numbers(), [0, 1, 2, 3, 4, 5, 5000]);
            let told = found.with("gone");
            assert_eq!((told.len(), told[0].seq), (1, 6));
            assert_eq!(told[0].chain["gone"]["seq"], lost["seq"]);
        }
    });
}

#[test]
fn a_power_loss_that_takes_the_end_of_the_last_rotated_file() {
    within(DEADLINE, || {
        let (dir, path) = Dir::with_log();
        many_files(&path, 2, |builder| builder);
        let found = check(&path);
        let first = found.rows.iter().find(|row| row.file == 2).unwrap();
        let name = format!("audit-{}-{:020}.jsonl", &first.stream[..8], first.seq);
        let to = dir.path(&name);
        fs::rename(&path, &to).unwrap();
        let one = line_ends(&fs::read(&to).unwrap())[0];
        cut_to(&to, one as u64);
        Head::edit(&path, "boot", "another");
        log(&path, [5000]);
        let seq = first.seq;
        let found = check(&path).assert_whole();
        assert_eq!(found.with("gone")[0].seq, seq + 1);
    });
}

#[test]
fn a_power_loss_that_leaves_nothing_of_the_new_file() {
    within(DEADLINE, || {
        let (_dir, path, _) = two_files();
        let lost = Head::read(&path).unwrap();
        fs::write(&path, "").unwrap();
        Head::edit(&path, "boot", "another");
        log(&path, [5000]);
        let found = check(&path).assert_whole();
        let told = found.with("gone");
        assert_eq!(
            (told.len(), &told[0].chain["gone"]["seq"]),
            (1, &lost["seq"])
        );
        // The numbers that stood in it are not used again.
        assert_eq!(lost["seq"], told[0].seq - 1);
    });
}

#[test]
fn a_rotated_file_that_was_damaged_is_left_to_the_verifier() {
    within(DEADLINE, || {
        let (_dir, path, calls) = two_files();
        append(&rotated(&path)[0], "junk\n");
        log(&path, calls..calls + 1);
        let found = check(&path).assert_only("garbled");
        assert_eq!(found.streams().len(), 1);
    });
}
