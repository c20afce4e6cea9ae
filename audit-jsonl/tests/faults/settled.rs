//! What is done after one failure of each kind, and that it is done once: syncs,
//! writes, renames, and the process killed in between.

use std::fs;
use std::path::{Path, PathBuf};

use audit_testkit::{DEADLINE, within};

use crate::actor::{Acted, act};
use crate::calls::{go_on, keeps_word};
use crate::checker::{Found, check};
use crate::tools::{Directory, can, none_of};
use crate::trace::{broken_rules, calls};

pub(crate) fn can_trace(test: &str) -> bool {
    can(
        test,
        false,
        &[("strace", "strace"), ("timeout", "coreutils")],
    )
}

/// A log whose stream is known, so that faults reach its renamed files too.
pub(crate) fn begun() -> (Directory, PathBuf) {
    let directory = Directory::new();
    let log = directory.log();
    go_on(&log).expect("a log");
    (directory, log)
}

/// Runs a test in its time, or says that it can't.
pub(crate) fn settled(test: &'static str, work: fn(&Path)) {
    if can_trace(test) {
        // Each makes many runs, on a machine that may be busy.
        within(DEADLINE * 4, move || {
            let (_directory, log) = begun();
            work(&log);
        });
    }
}

/// Goes on with the log, and checks it, its receipts and what was done to get
/// there.
#[track_caller]
pub(crate) fn assert_whole(log: &Path, acted: &Acted) -> Found {
    none_of(&broken_rules(&calls(&acted.trace, log)), "after a failure");
    go_on(log).expect("it is opened again");
    let found = check(log);
    none_of(&found.wrong(), &format!("{acted:#?}: the log"));
    none_of(&found.unfinished, "the log");
    let mut promised = keeps_word(&acted.said, &found);
    if acted.steps.iter().any(|(step, _)| step.starts_with("b.")) {
        // Each sink keeps its own order.
        promised.retain(|problem| !problem.contains("another order"));
    }
    none_of(&promised, "what was promised");
    found
}

/// All that was offered is there.
#[track_caller]
pub(crate) fn assert_all_there(found: &Found, acted: &Acted) {
    for id in &acted.said.offered {
        assert!(found.ids.contains(id), "{id} is lost: {acted:#?}");
    }
}

#[test]
fn a_file_that_was_renamed_is_synced_once_and_its_lines_begin_the_next() {
    settled("a_file_that_was_renamed", |log| {
        for look in ["a.commit", "a.reopen a.commit"] {
            let steps = format!("a.open:3600000 a.event a.flush rename {look} a.event a.close");
            let acted = act(log, &steps, &["fdatasync:error=EIO:when=1"]);
            acted.all_went_well();
            let state = acted.state("a");
            assert!(state.health.contains("degraded"), "{state:?}");
            assert!(state.write_errors > 0, "{state:?}");
            let text = fs::read_to_string(log).expect("the log");
            assert!(text.contains(&acted.said.offered[0]), "{acted:#?}");
            let found = assert_whole(log, &acted);
            assert_all_there(&found, &acted);
            fs::rename(log.with_extension("jsonl.1"), log.with_extension("jsonl.2"))
                .expect("a rename");
        }
    });
}

#[test]
fn a_due_sync_that_fails_after_a_rename_is_made_good_in_the_next_file() {
    settled("a_due_sync_that_fails_after_a_rename", |log| {
        let steps = "a.open:1000 a.event a.flush rename a.troubled a.commit a.close";
        let acted = act(log, steps, &["fdatasync:error=EIO:when=1"]);
        acted.all_went_well();
        let text = fs::read_to_string(log).expect("the log");
        assert!(text.contains(&acted.said.offered[0]), "{acted:#?}");
        let found = assert_whole(log, &acted);
        assert_all_there(&found, &acted);
    });
}

#[test]
fn there_is_no_receipt_before_the_lines_are_in_a_file_that_was_synced() {
    settled("no_receipt_before_a_sync", |log| {
        let faults = ["fdatasync:error=EIO:when=1", "rename:error=EACCES:when=1"];
        let steps = "a.open:written a.commit a.close";
        let acted = act(log, steps, &faults);
        acted.all_went_well();
        let calls = calls(&acted.trace, log);
        let mut syncs = calls.iter().filter(|call| call.name == "fdatasync");
        let failed = syncs.next().expect("a sync");
        assert_eq!(failed.error.as_deref(), Some("EIO"));
        let second = syncs.next().expect("another sync");
        assert_eq!(second.error, None);
        assert_ne!(failed.file, second.file, "{acted:#?}");
        let text = fs::read_to_string(log).expect("the log");
        assert!(text.contains(&acted.said.offered[0]), "{acted:#?}");
        assert_whole(log, &acted);
    });
}

#[test]
fn two_sinks_learn_of_a_failed_sync_and_bring_its_lines_over_once() {
    settled("two_sinks_learn_of_a_failed_sync", |log| {
        let steps = "a.open:written b.open:written b.event b.flush a.event a.flush a.commit \
                     b.event b.flush b.event b.flush b.commit a.event a.flush a.close b.close";
        // Each writer counts its own syncs.
        for when in ["1", "1..2", "1+2", "2"] {
            let acted = act(log, steps, &[&format!("fdatasync:error=EIO:when={when}")]);
            acted.all_went_well();
            for sink in ["a", "b"] {
                let state = acted.state(sink);
                assert!(!state.health.contains("failed ("), "{state:?}");
                assert_eq!((state.dropped, state.fallen_back), (0, 0));
            }
            let found = assert_whole(log, &acted);
            assert_all_there(&found, &acted);
            assert_eq!(found.streams, 1);
        }
    });
}

#[test]
fn lines_that_another_has_gone_on_without_are_not_called_synced() {
    settled("lines_that_another_has_gone_on_without", |log| {
        let steps = "a.open:written b.open:written a.event a.flush rename b.event b.flush \
                     a.commit a.event a.flush a.close b.close";
        let acted = act(log, steps, &["fdatasync:error=EIO:when=1"]);
        acted.all_went_well();
        let state = acted.state("a");
        assert!(state.health.contains("degraded"), "{state:?}");
        assert!(state.health.contains("could not be synced"), "{state:?}");
        // It stays where it is, once: the new file has gone on after it.
        let text = fs::read_to_string(log).expect("the log");
        assert!(!text.contains(&acted.said.offered[0]), "{acted:#?}");
        let found = assert_whole(log, &acted);
        assert_all_there(&found, &acted);
        assert_eq!(found.streams, 1);
    });
}

#[test]
fn a_failed_sync_shows() {
    settled("a_failed_sync_shows", |log| {
        for (durability, step) in [("every", "a.flush"), ("written", "a.commit")] {
            let steps = format!("a.open:{durability} a.event {step} a.close");
            let acted = act(log, &steps, &["fdatasync:error=EIO:when=1"]);
            acted.all_went_well();
            let state = acted.state("a");
            assert!(state.health.contains("degraded"), "{state:?}");
            assert!(state.write_errors > 0, "{state:?}");
            assert_all_there(&assert_whole(log, &acted), &acted);
        }
    });
}

#[test]
fn what_is_written_and_can_t_be_synced_counts_as_written() {
    settled("what_is_written_counts_as_written", |log| {
        for (step, error) in [("a.event a.flush", "Unsynced"), ("a.commit", "NotSynced")] {
            let steps = format!("a.open:fallback {step} a.close");
            let acted = act(log, &steps, &["fdatasync:error=EIO:when=1+"]);
            let asked = step.split(' ').next_back().expect("a step");
            assert!(acted.result(asked).contains(error), "{acted:#?}");
            let state = acted.state("a");
            let counted = (state.written, state.fallen_back, state.elsewhere);
            assert_eq!(counted, (1, 0, 0), "{acted:#?}");
            assert!(state.write_errors > 0, "{state:?}");
            let found = assert_whole(log, &acted);
            assert_all_there(&found, &acted);
            assert_eq!((found.lost, found.elsewhere), (0, 0));
        }
    });
}
