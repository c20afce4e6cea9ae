//! Writes that fail for a while, next to others who use the log: nothing is
//! recorded twice, and what is found is told once.

use std::fs;
use std::os::unix::fs::FileExt;
use std::path::Path;

use crate::actor::act;
use crate::calls::go_on;
use crate::checker::check;
use crate::head::Head;
use crate::settled::{assert_all_there, assert_whole, settled};
use crate::tools::none_of;

#[test]
fn a_sink_that_can_write_nothing_more_forks_nothing_while_another_goes_on() {
    settled("forks_nothing", |log| {
        let events = "a.event a.flush ".repeat(5);
        let steps = format!(
            "a.open:written b.open:written {events} a.event a.troubled b.commit b.commit a.flush \
             b.commit a.commit a.close b.close"
        );
        for renames in ["1", "1..4", "1..7"] {
            let acted = act(
                log,
                &steps,
                &[
                    "write:error=EIO:when=6",
                    "ftruncate:error=EIO:when=1",
                    &format!("rename:error=EIO:when={renames}"),
                ],
            );
            acted.all_went_well();
            let found = assert_whole(log, &acted);
            assert_all_there(&found, &acted);
            assert_eq!(found.streams, 1);
        }
    });
}

#[test]
fn an_outsider_s_line_before_a_rotation_is_told_once() {
    settled("an_outsider_s_line_before_a_rotation", |log| {
        let steps = "a.open:rotate a.large a.flush a.large a.flush outsider \
                     a.large a.flush a.large a.flush a.large a.flush a.close";
        let mut told = 0;
        let mut run = |fault: &str| {
            let acted = act(log, steps, &[fault]);
            assert!(acted.said.ended || fault.contains("SIGKILL"), "{acted:#?}");
            let found = assert_whole(log, &acted);
            told += u64::from(
                acted
                    .steps
                    .iter()
                    .any(|(step, end)| step == "outsider" && end == "ok"),
            );
            assert_eq!(found.told_plain_lines, told, "{fault}: {acted:#?}");
            assert_eq!(found.streams, 1, "{fault}");
        };
        for when in 1..=2 {
            for how in ["signal=SIGKILL", "error=EIO"] {
                run(&format!("rename:{how}:when={when}"));
                run(&format!("openat:{how}:when={}", when + 1));
            }
        }
        for when in 1..=5 {
            for how in ["signal=SIGKILL", "error=EIO", "error=ENOSPC"] {
                run(&format!("write:{how}:when={when}"));
            }
        }
    });
}

#[test]
fn an_outsider_s_line_in_a_new_file_is_told_once_when_writing_fails() {
    settled("an_outsider_s_line_in_a_new_file", |log| {
        let steps = "a.open:written a.event a.flush rename a.reopen outsider a.commit a.close";
        let faults = ["write:error=EIO:when=2", "ftruncate:error=EIO:when=1"];
        for (nth, faults) in [&faults[..1], &faults].into_iter().enumerate() {
            let acted = act(log, steps, faults);
            acted.all_went_well();
            let found = assert_whole(log, &acted);
            assert_eq!(found.told_plain_lines, nth as u64 + 1, "{acted:#?}");
            let (moved, kept) = (log.with_extension("jsonl.1"), log.with_extension("jsonl.2"));
            fs::rename(moved, kept).expect("a rename");
        }
    });
}

#[test]
fn an_outsider_s_line_before_a_failed_sync_is_told_once() {
    settled("an_outsider_s_line_before_a_failed_sync", |log| {
        let sync = "fdatasync:error=EIO:when=1";
        let runs = [
            "a.open:written a.event a.flush outsider a.commit a.event a.flush a.close",
            "a.open:300 a.event a.flush outsider a.troubled a.event a.flush a.close",
            "a.open:300 a.event a.flush outsider a.troubled a.commit abort",
            "a.open:300 a.event a.flush outsider a.moved abort",
        ];
        for (nth, steps) in runs.into_iter().enumerate() {
            let acted = act(log, steps, &[sync]);
            let found = assert_whole(log, &acted);
            assert_eq!(found.told_plain_lines, nth as u64 + 1, "{acted:#?}");
            assert_all_there(&found, &acted);
        }
        let mut told = runs.len() as u64;
        let steps = "a.open:300 a.event a.flush outsider a.moved a.event a.flush a.close";
        // The second write is that of the lines that the next file begins with, the
        // third that of the line that tells.
        for kill in [
            "rename:signal=SIGKILL:when=1",
            "write:signal=SIGKILL:when=2",
            "write:signal=SIGKILL:when=3",
        ] {
            let acted = act(log, steps, &[sync, kill]);
            assert!(acted.trace.contains("killed by SIGKILL"), "{acted:#?}");
            told += u64::from(acted.steps.iter().any(|(step, _)| step == "outsider"));
            let found = assert_whole(log, &acted);
            assert_eq!(found.told_plain_lines, told, "{kill}: {acted:#?}");
        }
    });
}

/// Cuts the last line off, as if the power had gone before it was synced.
fn lose_power(log: &Path) {
    let head = Head::read(log).expect("a head");
    let mut bytes = fs::read(log).expect("the log");
    bytes.pop();
    let end = bytes.iter().rposition(|&byte| byte == b'\n');
    bytes.truncate(end.map_or(0, |end| end + 1));
    let file = fs::OpenOptions::new()
        .write(true)
        .open(log)
        .expect("the log");
    file.set_len(bytes.len() as u64).expect("a cut");
    head.of_another_boot().write(log);
}

#[test]
fn lines_that_went_with_the_power_are_told_once_when_writing_fails() {
    settled("lines_that_went_with_the_power", |log| {
        // So full that the next batch would begin a file.
        let fill = "a.open:written a.large a.flush a.large a.flush a.event a.flush a.close";
        let steps = "a.open:rotate a.large a.flush a.large a.flush a.large a.flush a.close";
        let mut gone = 0;
        for fault in [
            "write:error=EIO:when=1",
            "write:error=ENOSPC:when=1",
            "write:signal=SIGKILL:when=1",
            "rename:error=EIO:when=1",
            "rename:signal=SIGKILL:when=1",
            "openat:error=EIO:when=2",
            "fsync:error=EIO:when=2",
        ] {
            assert_whole(log, &act(log, fill, &[]));
            lose_power(log);
            gone += 1;
            let acted = act(log, steps, &[fault]);
            // The line that went is a closing record.
            let found = assert_whole(log, &acted);
            assert_eq!(found.gone, gone, "{fault}: {acted:#?}");
            assert_eq!(found.streams, 1, "{fault}");
        }
    });
}

#[test]
fn writes_that_fail_for_a_moment_end_nothing_and_leave_one_file_behind() {
    settled("writes_that_fail_for_a_moment", |log| {
        let steps = "a.open:written a.event a.flush a.event a.flush a.event a.flush a.close";
        for (runs, faults) in [
            ["write:error=EIO:when=2..4"].as_slice(),
            &["write:error=EIO:when=1..5"],
            &["write:error=EIO:when=2..4", "ftruncate:error=EIO:when=1..3"],
        ]
        .into_iter()
        .enumerate()
        {
            let acted = act(log, steps, faults);
            acted.all_went_well();
            let state = acted.state("a");
            assert_eq!((state.written, state.dropped), (3, 0), "{acted:#?}");
            let found = assert_whole(log, &acted);
            assert_all_there(&found, &acted);
            assert_eq!(found.rotated_files, runs + 1, "{acted:#?}");
        }
    });
}

#[test]
fn interrupted_writes_are_made_again_and_are_no_trouble() {
    settled("interrupted_writes", |log| {
        let steps = "a.open:written a.event a.flush a.commit a.close";
        let acted = act(log, steps, &["write:error=EINTR:when=1..5"]);
        acted.all_went_well();
        let state = acted.state("a");
        assert_eq!((&*state.health, state.write_errors), ("healthy", 0));
        let found = assert_whole(log, &acted);
        assert_all_there(&found, &acted);
        assert_eq!(found.rotated_files, 0, "{acted:#?}");
    });
}

/// Another word in the last line.
fn damage_end(log: &Path) {
    let text = fs::read_to_string(log).expect("the log");
    let at = text.rfind("\"tier\":\"").expect("a line") + 8;
    let file = fs::OpenOptions::new().write(true).open(log);
    let changed = file.and_then(|file| file.write_all_at(b"X", at as u64));
    changed.expect("another word");
}

#[test]
fn a_stream_that_replaces_a_damaged_one_says_so_after_a_write_that_failed() {
    settled("a_stream_that_replaces_a_damaged_one", |log| {
        damage_end(log);
        let steps = "a.open:written a.event a.flush a.close";
        let acted = act(log, steps, &["write:error=ENOSPC:when=1"]);
        acted.all_went_well();
        let text = fs::read_to_string(log).expect("the log");
        let first = text.lines().next().expect("a line");
        assert!(first.contains("\"after\":{"), "{first}");
        assert!(first.contains("\"seq\":0,"), "{first}");
        go_on(log).expect("it is opened again");
        let found = check(log);
        none_of(&found.problems, "the log");
        assert_eq!(found.damaged_files.len(), 1, "{acted:#?}");
    });
}

#[test]
fn a_sink_whose_writes_failed_for_long_goes_on_when_they_do_not() {
    settled("writes_that_failed_for_long", |log| {
        let steps = "a.open:written a.event a.flush a.event a.flush a.event a.flush a.event \
                     a.flush a.commit a.close";
        let acted = act(log, steps, &["write:error=EIO:when=2..12"]);
        assert_eq!(acted.result("a.commit"), "ok", "{acted:#?}");
        assert_eq!(acted.result("a.close"), "ok", "{acted:#?}");
        let state = acted.state("a");
        assert!(state.health.contains("degraded") || state.health == "healthy");
        assert_eq!(state.written + state.dropped, 5, "{acted:#?}");
        let found = assert_whole(log, &acted);
        assert_eq!(found.lost, state.dropped, "{acted:#?}");
        assert_eq!(found.rotated_files, 1, "{acted:#?}");
    });
}

#[test]
fn the_closing_record_waits_for_room() {
    settled("the_closing_record_waits_for_room", |log| {
        let steps = "a.open:written a.event a.flush a.close";
        let closed = |log: &Path| {
            let text = fs::read_to_string(log).expect("the log");
            text.matches("\"closed\":").count()
        };
        let before = closed(log);
        let acted = act(log, steps, &["write:error=ENOSPC:when=2"]);
        acted.all_went_well();
        assert_eq!(closed(log), before + 1, "{acted:#?}");

        let acted = act(log, steps, &["write:error=ENOSPC:when=2+"]);
        assert!(acted.said.ended, "{acted:#?}");
        let end = acted.result("a.close");
        let is_told = end.contains("NoClosingRecord") || end.contains("Timeout");
        assert!(is_told, "{acted:#?}");
        assert_eq!(closed(log), before + 1, "{acted:#?}");
        assert_all_there(&assert_whole(log, &acted), &acted);
    });
}

#[test]
fn a_torn_tail_is_told_by_who_comes_after_a_kill() {
    settled("a_torn_tail_is_told", |log| {
        let mut torn = 0;
        for fault in [
            "write:signal=SIGKILL:when=1",
            "write:error=EIO:when=1",
            "write:error=ENOSPC:when=1..3",
        ] {
            act(log, "a.open:written a.event a.flush tear abort", &[]);
            torn += 1;
            let acted = act(log, "a.open:written a.event a.flush a.close", &[fault]);
            let found = assert_whole(log, &acted);
            assert_eq!(found.torn, torn, "{fault}: {acted:#?}");
        }
    });
}
