//! The log against a head that is damaged, missing or another's, and damaged
//! lines.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use audit_jsonl::AuditSink;
use audit_testkit::{DEADLINE, within};

use crate::checker::check;
use crate::form::leaf_hash;
use crate::head_file::Head;
use crate::heads::{assert_goes_on, go_on, line_ends, ten};
use crate::repair::plan_of;
use crate::support::{
    Dir, append, close, cut_to, event, event_of, flip, line_of, lines_of, log, open, record, size,
    until,
};

/// The log is moved aside, and a new stream begins.
#[track_caller]
fn assert_replaced(dir: &Dir, path: &Path, bytes: &[u8]) {
    let before = Head::read(path);
    let damaged = {
        close(&open(path));
        log(path, 10..12);
        dir.only("audit.jsonl.damaged-")
    };
    assert_eq!(fs::read(&damaged).unwrap(), bytes);
    let found = check(path).assert_whole();
    assert_eq!(found.numbers(), [10, 11]);
    let first = &found.rows[0];
    let after = &first.chain["after"];
    assert_eq!(first.seq, 0);
    let name = damaged.file_name().unwrap().to_str().unwrap();
    assert_eq!(after["file"], name);
    if let Some(before) = before {
        assert_eq!(after["stream"], before["stream"]);
        assert_eq!(after["seq"], before["seq"]);
        assert_eq!(after["hash"], before["hash"]);
    }
    assert_ne!(after["stream"], first.stream.as_str());
    assert_eq!(found.with("after").len(), 1);
    // The new one goes on as any other.
    log(path, 12..14);
    assert_eq!(check(path).assert_whole().numbers(), [10, 11, 12, 13]);
}

#[test]
fn a_damaged_last_line() {
    within(DEADLINE, || {
        let (_, _, bytes) = ten();
        let ends = line_ends(&bytes);
        let last = ends[ends.len() - 2] as u64;
        for at in [
            last,
            last + 40,
            bytes.len() as u64 - 70,
            bytes.len() as u64 - 1,
        ] {
            let (dir, path, _) = ten();
            flip(&path, at);
            assert_replaced(&dir, &path, &fs::read(&path).unwrap());
        }
        // And a head that is right, over a line that another forged.
        let (dir, path, _) = ten();
        let text = fs::read_to_string(&path).unwrap();
        let forged = text.replacen("\"call_id\":\"9\"", "\"call_id\":\"8\"", 1);
        fs::write(&path, forged).unwrap();
        cut_to(&path, size(&path));
        let bytes = fs::read(&path).unwrap();
        // Its last line is as it was: what is further up is the verifier's.
        let found = go_on(&dir, &path).assert_only("edited");
        assert!(dir.holds(&bytes) && found.streams().len() == 1);
    });
}

#[test]
fn damage_further_up_is_left_to_the_verifier() {
    within(DEADLINE, || {
        let (dir, path, bytes) = ten();
        flip(&path, line_ends(&bytes)[4] as u64 + 60);
        let found = go_on(&dir, &path);
        assert!(!found.problems.is_empty());
        assert_eq!(found.streams().len(), 1);
        assert_eq!(dir.named("audit.jsonl.").len(), 1, "{:?}", dir.names());
    });
}

#[test]
fn damage_further_up_stays_where_it_is_when_a_power_loss_takes_the_end() {
    within(DEADLINE, || {
        let (dir, path, bytes) = ten();
        let ends = line_ends(&bytes);
        flip(&path, ends[4] as u64);
        cut_to(&path, ends[7] as u64);
        Head::edit(&path, "boot", "another");
        let found = go_on(&dir, &path);
        assert!(found.with("torn").is_empty());
        let told = found.with("gone");
        assert_eq!((told.len(), told[0].seq), (1, 8));
        let found = found.numbers();
        assert_eq!(found, [0, 1, 2, 3, 4, 6, 7, 10, 11]);
    });
}

/// Somebody who takes no lock has appended it after the look, before the batch.
#[test]
fn a_plain_line_right_before_the_last_of_the_chain() {
    within(DEADLINE, || {
        let (dir, path, bytes) = ten();
        let ends = line_ends(&bytes);
        let (before, last) = bytes.split_at(ends[ends.len() - 2]);
        fs::write(&path, [before, lines_of([100]).as_bytes(), last].concat()).unwrap();
        let found = go_on(&dir, &path).assert_only("plain");
        assert_goes_on(&found);
        assert_eq!(found.plain_numbers(), [100]);
    });
}

/// The head's line is there, and not where the head says that it ends.
#[test]
fn a_last_line_that_stands_further_up() {
    within(DEADLINE, || {
        for more in [0, 3] {
            let (dir, path, bytes) = ten();
            let first = line_ends(&bytes)[0];
            let text = [&bytes[first..], &vec![b'x'; first + more]].concat();
            fs::write(&path, &text).unwrap();
            assert_replaced(&dir, &path, &text);
        }
    });
}

#[test]
fn no_head_after_long_lines() {
    within(DEADLINE, || {
        let (dir, path) = Dir::with_log();
        let sink = open(&path);
        for number in 0..4 {
            sink.on_call(&event_of(number, 40_000));
        }
        close(&sink);
        let ends = line_ends(&fs::read(&path).unwrap());
        // Without the closing line, and with a plain one in its place.
        cut_to(&path, ends[3] as u64);
        append(&path, line_of(&event_of(100, 40_000)));
        fs::remove_file(Head::path(&path)).unwrap();
        let found = go_on(&dir, &path).assert_whole();
        assert_eq!(found.numbers(), [0, 1, 2, 3, 10, 11]);
        assert_eq!(found.streams().len(), 1);
        assert_eq!(found.plain_numbers(), [100]);
    });
}

type Spoil = fn(&Path);

#[test]
fn no_head() {
    within(DEADLINE, || {
        let spoil: [(&str, Spoil); 6] = [
            ("missing", |head| fs::remove_file(head).unwrap()),
            ("empty", |head| fs::write(head, "").unwrap()),
            ("bad checksum", |head| flip(head, 30)),
            ("torn", |head| cut_to(head, 200)),
            ("junk", |head| fs::write(head, "junk\n").unwrap()),
            ("too long", |head| append(head, [b'x'; 1000])),
        ];
        for (what, spoil) in spoil {
            let (dir, path, _) = ten();
            spoil(&Head::path(&path));
            let found = go_on(&dir, &path).assert_whole();
            assert_goes_on(&found);
            // With lines after the last link.
            let (dir, path, _) = ten();
            append(&path, lines_of([100]) + "half");
            spoil(&Head::path(&path));
            let found = go_on(&dir, &path).assert_whole();
            assert_goes_on(&found);
            assert_eq!(found.plain_numbers(), [100], "{what}");
            assert_eq!(found.sum_of("torn", "bytes"), 4, "{what}");
            // With a line that is no record.
            let (dir, path, _) = ten();
            append(&path, "junk\n");
            spoil(&Head::path(&path));
            assert_replaced(&dir, &path, &fs::read(&path).unwrap());
            // And an empty log.
            let (dir, path, _) = ten();
            cut_to(&path, 0);
            spoil(&Head::path(&path));
            assert_eq!(go_on(&dir, &path).assert_whole().numbers(), [10, 11]);
        }
    });
}

#[test]
fn a_number_that_none_follows_is_no_link() {
    within(DEADLINE, || {
        let (_dir, path, _) = ten();
        let text = fs::read_to_string(&path).unwrap();
        let line = text.lines().last().unwrap();
        append(
            &path,
            line.replace("\"seq\":10", "\"seq\":18446744073709551615") + "\n",
        );
        fs::remove_file(Head::path(&path)).unwrap();
        log(&path, 10..12);
        assert_eq!(check(&path).numbers(), [10, 11]);
        // Nor is it a head.
        let (dir, path, _) = ten();
        Head::edit(&path, "seq", u64::MAX);
        assert_goes_on(&go_on(&dir, &path).assert_whole());
    });
}

#[test]
fn from_the_last_number_no_chain_goes_on() {
    let last = u64::MAX - 1;
    within(DEADLINE, move || {
        // Of a line, when there is no head.
        let (dir, path, _) = ten();
        let text = fs::read_to_string(&path).unwrap();
        let line = text.lines().last().unwrap();
        append(
            &path,
            line.replace("\"seq\":10", &format!("\"seq\":{last}")) + "\n",
        );
        fs::remove_file(Head::path(&path)).unwrap();
        assert_replaced(&dir, &path, &fs::read(&path).unwrap());
        // Of the head of a log that was cut.
        let (dir, path, _) = ten();
        Head::edit(&path, "seq", last);
        cut_to(&path, size(&path) / 2);
        log(&path, 10..12);
        let found = check(&path);
        assert_eq!(found.numbers(), [10, 11]);
        assert_eq!(found.rows[0].chain["after"]["seq"], last);
        dir.only("audit.jsonl.damaged-");
        log(&path, 12..14);
        assert_eq!(check(&path).numbers(), [10, 11, 12, 13]);
    });
}

#[test]
fn a_shorter_log_made_anew() {
    within(DEADLINE, || {
        let (dir, path, bytes) = ten();
        let ends = line_ends(&bytes);
        // The head is that of a log with long lines, of which there were fewer.
        Head::edit(&path, "seq", 4);
        Head::edit(&path, "hash", "ab".repeat(32));
        Head::edit(&path, "size", size(&path) + 1);
        assert_replaced(&dir, &path, &bytes);
        // One that goes on from its head is none, whoever cut it.
        let (dir, path, bytes) = ten();
        let fourth = bytes[..ends[4]].to_vec();
        let line = fourth.split(|byte| *byte == b'\n').nth(4).unwrap();
        Head::edit(&path, "seq", 4);
        Head::edit(&path, "hash", leaf_hash(line));
        Head::edit(&path, "size", size(&path) + 1);
        fs::write(&path, &bytes[ends[4]..]).unwrap();
        assert!(plan_of(&path).unwrap().is_empty());
        log(&path, 10..12);
        let found = check(&path);
        assert_eq!(found.numbers(), (5..12).collect::<Vec<_>>());
        assert!(dir.named("audit.jsonl.damaged-").is_empty());
    });
}

#[test]
fn a_head_of_another_log() {
    within(DEADLINE, || {
        let (dir, path, bytes) = ten();
        let (_other_dir, other) = Dir::with_log();
        log(&other, 500..540);
        fs::copy(Head::path(&other), Head::path(&path)).unwrap();
        let head = Head::read(&other).unwrap();
        log(&path, 10..12);
        // It goes on from the head; what stood under the name is moved away.
        let found = check(&path).assert_only("front");
        assert_eq!(found.rows[0].stream, head["stream"].as_str().unwrap());
        assert_eq!(found.rows[0].seq, head["seq"].as_u64().unwrap() + 1);
        assert_eq!(fs::read(dir.only("audit.jsonl.damaged-")).unwrap(), bytes);
    });
}

#[test]
fn a_head_that_claims_more_than_there_is() {
    within(DEADLINE, || {
        let (dir, path, bytes) = ten();
        Head::edit(&path, "size", 1_000_000_000_u64);
        let found = go_on(&dir, &path).assert_whole();
        assert_goes_on(&found);
        assert!(dir.holds(&bytes));
    });
}

#[test]
fn a_backup_of_both() {
    within(DEADLINE, || {
        let (dir, path, _) = ten();
        let saved = [path.clone(), Head::path(&path)].map(|path| fs::read(path).unwrap());
        let sink = open(&path);
        record(&sink, 20..30);
        close(&sink);
        let last = fs::read(&path).unwrap();
        let moved = dir.path("moved.jsonl");
        fs::rename(&path, moved).unwrap();
        fs::write(&path, &saved[0]).unwrap();
        fs::write(Head::path(&path), &saved[1]).unwrap();
        assert_goes_on(&go_on(&dir, &path).assert_whole());
        assert!(dir.holds(&last));
    });
}

#[test]
fn bytes_set_aside_that_can_not_be_read_are_told_of_once_they_can() {
    within(DEADLINE, || {
        let (dir, path) = Dir::with_log();
        log(&path, 0..3);
        // Whoever set them aside has ended before a line told of it, and somebody has
        // put them elsewhere.
        let (aside, elsewhere) = (dir.path("audit.jsonl.torn-4"), dir.path("elsewhere"));
        fs::write(&elsewhere, "half a li").unwrap();
        symlink(&elsewhere, &aside).unwrap();
        let sink = open(&path);
        sink.on_call(&event(3));
        until("it is degraded", || !sink.health().is_healthy());
        fs::rename(&elsewhere, &aside).unwrap();
        sink.flush(DEADLINE).unwrap();
        close(&sink);
        let found = check(&path).assert_whole();
        assert_eq!(found.numbers(), [0, 1, 2, 3]);
        assert_eq!(found.with("torn").len(), 1);
    });
}
