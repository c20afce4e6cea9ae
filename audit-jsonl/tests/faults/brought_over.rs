//! What the next file begins with, when a file is left on which a sync or a write
//! has failed.

use std::fs;
use std::path::{Path, PathBuf};

use audit_jsonl::verify;
use audit_jsonl::verify::{Integrity, VerifyOptions};

use crate::actor::act;
use crate::head::Head;
use crate::settled::{assert_all_there, assert_whole, settled};
use crate::trace::calls;

/// The only file to which the sink gave another name.
#[track_caller]
fn left_file(log: &Path) -> PathBuf {
    let mut files = left_files(log);
    assert_eq!(files.len(), 1, "{files:?}");
    files.remove(0)
}

fn left_files(log: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(log.with_file_name("")).expect("the directory");
    let paths = entries.map(|entry| entry.expect("an entry").path());
    let is_left = |path: &PathBuf| {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        name.starts_with("audit-")
    };
    paths.filter(is_left).collect()
}

/// Where the line with that text ends.
#[track_caller]
fn end_of(bytes: &[u8], text: &str) -> usize {
    let mut end = 0;
    for line in bytes.split_inclusive(|&byte| byte == b'\n') {
        end += line.len();
        if String::from_utf8_lossy(line).contains(text) {
            return end;
        }
    }
    panic!("no line has {text}");
}

#[test]
fn lines_close_before_those_that_could_not_be_synced_are_brought_over_too() {
    settled("lines_close_before", |log| {
        let events = "a.large ".repeat(8);
        let steps = format!("a.open:written {events} a.flush a.commit a.commit a.close");
        let acted = act(log, &steps, &["fdatasync:error=EIO:when=2"]);
        acted.all_went_well();
        let left = fs::read(left_file(log)).expect("the file that was left");
        let synced = end_of(&left, &acted.said.offered[8]);
        // From the line on that reaches into the last block of 64 KiB.
        let block = synced / 65_536 * 65_536;
        let from = left[..block].iter().rposition(|&byte| byte == b'\n');
        let from = from.expect("lines before") + 1;
        let next = fs::read(log).expect("the log");
        assert!(next.starts_with(&left[from..]), "from {from}: {acted:#?}");
        let found = assert_whole(log, &acted);
        assert_all_there(&found, &acted);
    });
}

#[test]
fn lines_that_somebody_altered_meanwhile_are_not_brought_over() {
    settled("lines_that_somebody_altered", |log| {
        let steps = "a.open:written a.event a.flush alter a.commit a.close";
        let acted = act(log, steps, &["fdatasync:error=EIO:when=1"]);
        assert!(acted.said.ended, "{acted:#?}");
        assert_ne!(acted.result("a.commit"), "ok", "{acted:#?}");
        let health = &acted.state("a").health;
        assert!(health.contains("don't read back as they were"), "{health}");
        assert_eq!(fs::read(log).expect("the log"), b"", "{acted:#?}");
        let left = fs::read(left_file(log)).expect("the file that was left");
        for id in &acted.said.offered {
            end_of(&left, id);
        }
    });
}

#[test]
fn after_three_failed_syncs_in_a_row_the_log_has_failed() {
    settled("after_three_failed_syncs", |log| {
        for before in ["", "a.event a.flush rename"] {
            let steps = format!("a.open:written {before} a.commit a.commit a.close");
            let acted = act(log, &steps, &["fdatasync:error=EIO:when=1+"]);
            assert!(acted.said.ended, "{acted:#?}");
            let health = &acted.state("a").health;
            assert!(health.starts_with("failed"), "{health}");
            let calls = calls(&acted.trace, log);
            let failed = calls.iter().filter(|call| call.error.is_some());
            assert_eq!(failed.count(), 3, "{acted:#?}");
            // And who opens it anew goes on.
            assert_whole(log, &acted);
        }
    });
}

#[test]
fn what_a_try_could_not_bring_over_the_next_one_does() {
    settled("what_a_try_could_not_bring_over", |log| {
        let events = "a.large a.flush ".repeat(10);
        let steps = format!("a.open:written {events} outsider a.event a.flush a.commit a.close");
        // The line after that of the outsider; what it is to go behind comes in two
        // writes, the second of which fails.
        let faults = [
            "write:error=ENOSPC:when=11..13+2",
            "ftruncate:error=EIO:when=1..2",
        ];
        let acted = act(log, &steps, &faults);
        acted.all_went_well();
        let left = fs::read(left_file(log)).expect("the file that was left");
        let next = fs::read(log).expect("the log");
        for id in &acted.said.offered[..10] {
            end_of(&left, id);
            end_of(&next, id);
        }
        let found = assert_whole(log, &acted);
        assert_all_there(&found, &acted);
        assert_eq!(found.told_plain_lines, 1, "{acted:#?}");
        assert_eq!(found.streams, 1);
    });
}

#[test]
fn a_file_without_a_line_of_ours_is_named_by_the_one_it_was_made_for() {
    settled("a_file_without_a_line_of_ours", |log| {
        // The next file is made, and nothing can be written to it.
        let large = "a.large a.flush a.large a.flush a.large a.troubled";
        let steps = format!("a.open:rotate {large} abort");
        act(log, &steps, &["write:error=ENOSPC:when=3+"]);
        let head = Head::read(log).expect("a head");
        act(log, "outsider", &[]).all_went_well();
        let steps = "a.open:written a.event a.flush a.close";
        let acted = act(log, steps, &["write:error=EIO:when=1"]);
        acted.all_went_well();
        let name = format!("audit-{}-{:020}.jsonl", &head.stream[..8], head.seq + 1);
        assert!(log.with_file_name(name).exists(), "{acted:#?}");
        let found = assert_whole(log, &acted);
        assert_all_there(&found, &acted);
        assert_eq!(found.told_plain_lines, 1, "{acted:#?}");
    });
}

#[test]
fn what_is_no_record_stays_where_it_is() {
    settled("what_is_no_record_stays", |log| {
        // So much that not all of it is doubted.
        let large = "a.large a.flush ".repeat(3);
        act(log, &format!("a.open:written {large} a.close"), &[]).all_went_well();
        let steps = "a.open:300 a.event a.flush junk a.moved a.event a.commit a.close";
        let acted = act(log, steps, &["fdatasync:error=EIO:when=1"]);
        acted.all_went_well();
        let next = fs::read_to_string(log).expect("the log");
        for id in &acted.said.offered {
            assert!(next.contains(id), "{acted:#?}");
        }
        assert!(!next.contains("no record"), "{acted:#?}");
        let left = fs::read_to_string(left_file(log)).expect("the file that was left");
        assert!(left.ends_with("no record\n"), "{acted:#?}");
    });
}

#[test]
fn lines_of_others_in_a_file_that_was_left_at_once_are_told_of() {
    settled("lines_of_others_in_a_file", |log| {
        // They are longer than the file before.
        let steps = "a.open:written a.event a.flush rename a.reopen outsiders a.commit a.close";
        let acted = act(log, steps, &["write:error=EIO:when=2"]);
        acted.all_went_well();
        let found = assert_whole(log, &acted);
        assert_all_there(&found, &acted);
        assert_eq!(found.told_plain_lines, 20, "{acted:#?}");
    });
}

#[test]
fn lines_of_another_sink_behind_ours_are_brought_over_with_them() {
    settled("lines_of_another_sink_behind_ours", |log| {
        let steps = "a.open:written b.open:written a.event a.flush b.event b.flush rename \
                     a.commit b.commit a.close b.close";
        for when in ["1", "1..2"] {
            let acted = act(log, steps, &[&format!("fdatasync:error=EIO:when={when}")]);
            acted.all_went_well();
            let found = assert_whole(log, &acted);
            assert_all_there(&found, &acted);
            assert_eq!(found.streams, 1);
            let renamed = log.with_extension("jsonl.1");
            fs::rename(renamed, log.with_extension(format!("jsonl.{when}"))).expect("a rename");
        }
    });
}

#[test]
fn an_outsider_s_line_of_which_another_sink_tells_is_told_once() {
    settled("an_outsider_s_line_of_which_another_sink_tells", |log| {
        let steps = "a.open:written b.open:written a.commit outsider a.event a.troubled \
                     b.event b.flush a.flush a.commit abort";
        // The write of the event fails, those that would bring the outsider's line over,
        // and some after the other sink has told of it.
        let acted = act(log, steps, &["write:error=EIO:when=2..8"]);
        let found = assert_whole(log, &acted);
        assert_all_there(&found, &acted);
        assert_eq!(found.told_plain_lines, 1, "{acted:#?}");
    });
}

#[test]
fn lines_go_behind_those_that_an_outsider_has_put_into_the_next_file() {
    settled("lines_go_behind_those", |log| {
        let steps = "a.open:written b.open:written a.event a.flush rename b.reopen outsider \
                     a.commit a.close b.close";
        let acted = act(log, steps, &["fdatasync:error=EIO:when=1"]);
        acted.all_went_well();
        // No line tells of the outsider's, which is no sign that somebody altered it.
        let files = [log.to_owned(), log.with_extension("jsonl.1")];
        let report = verify(&files, &VerifyOptions::new()).expect("a report");
        assert_eq!(report.integrity, Integrity::Intact, "{report}");
        let text = fs::read_to_string(log).expect("the log");
        assert!(text.contains(&acted.said.offered[0]), "{acted:#?}");
    });
}
