//! Repair beside others: writers that go on, and files that are no log of their own.

use std::fs::{self, File};
use std::os::unix::fs::symlink;
use std::path::Path;

use audit_jsonl::repair::{self, RepairError};
use audit_jsonl::verify::{Integrity, VerifyOptions};
use audit_testkit::{DEADLINE, within};

use crate::checker::check;
use crate::child::{Child, Running};
use crate::head_file::Head;
use crate::heads::ten;
use crate::repair::{plan_of, state};
use crate::support::{Dir, append, builder, close, lines_of, log, record};

#[test]
fn what_has_changed_since_the_plan_is_looked_at_anew() {
    within(DEADLINE, || {
        let (_dir, path, _) = ten();
        append(&path, "half");
        let plan = plan_of(&path).unwrap();
        // Another writer puts it right.
        log(&path, 10..12);
        let bytes = fs::read(&path).unwrap();
        let repaired = plan.apply().unwrap();
        assert!(repaired.steps.is_empty() && repaired.head.is_none());
        assert_eq!(fs::read(&path).unwrap(), bytes);
        // And something else comes instead.
        append(&path, "{\"a\"");
        let plan = plan_of(&path).unwrap();
        append(&path, ":1}\n");
        let repaired = plan.apply().unwrap();
        let [step] = &repaired.steps[..] else {
            panic!("{repaired}");
        };
        let (from, to) = step.bytes.unwrap();
        assert_eq!((from, to), (bytes.len() as u64, bytes.len() as u64 + 8));
        check(&path).assert_whole();
    });
}

#[test]
fn what_is_no_log_of_its_own_is_left_alone() {
    within(DEADLINE, || {
        let (dir, path) = Dir::with_log();
        assert!(matches!(
            repair::plan(&path),
            Err(RepairError::NotFound { .. })
        ));
        fs::write(&path, lines_of(0..3)).unwrap();
        assert!(matches!(
            repair::plan(&path),
            Err(RepairError::NotChained { .. })
        ));
        assert_eq!(dir.names(), ["audit.jsonl"]);

        let (dir, path) = Dir::with_log();
        let sink = builder(&path).rotate_at_bytes(65_536).open().unwrap();
        record(&sink, 0..700);
        close(&sink);
        fs::copy(&path, dir.path("copy.jsonl")).unwrap();
        fs::write(dir.path("audit.jsonl.damaged-20261120T093000Z"), "junk\n").unwrap();
        let rotated = dir.named("audit-");
        assert!(!rotated.is_empty());
        let mut parts = rotated;
        parts.extend(["copy.jsonl", "audit.jsonl.head"].map(|name| dir.path(name)));
        parts.extend(dir.named("audit.jsonl.damaged-"));
        let before = state(path.parent().unwrap());
        for part in parts {
            let error = repair::apply(&part).unwrap_err();
            assert!(
                matches!(&error, RepairError::PartOfLog { log, .. } if *log == path),
                "{error}"
            );
        }
        assert!(before == state(path.parent().unwrap()));
        for name in ["", "link.jsonl"] {
            symlink(&path, dir.path("link.jsonl")).ok();
            let error = repair::plan(dir.path(name)).unwrap_err();
            assert!(matches!(error, RepairError::Io { .. }), "{error}");
        }
    });
}

/// Appends as a writer would, not in the midst of a batch: what an outsider puts
/// between a writer's look and its write can't be set aside by anybody.
fn append_under_lock(path: &Path, text: &str) {
    let head = File::open(Head::path(path)).unwrap();
    fs4::FileExt::lock(&head).unwrap();
    append(path, text);
}

#[test]
fn a_log_that_is_being_written_is_repaired_beside_its_writers() {
    within(DEADLINE, || {
        let (_dir, path) = Dir::with_log();
        log(&path, [0]);
        let writers: Vec<Running> = (1..3)
            .map(|writer| {
                let child = Child::of("writer").arg(&path);
                child.arg(writer.to_string()).start()
            })
            .collect();
        writers.iter().for_each(|writer| writer.wait_for("done 1"));
        let (mut rounds, mut aside) = (0, 0);
        // Either a writer or the repair is the first to find it.
        while rounds < 100 || (aside == 0 && rounds < 10_000) {
            append_under_lock(&path, "junk\n");
            let planned = repair::plan(&path).unwrap();
            assert!(planned.steps.len() <= 1, "{planned}");
            aside += repair::apply(&path).unwrap().steps.len();
            rounds += 1;
        }
        let done: Vec<u64> = writers
            .into_iter()
            .map(|writer| {
                let said = writer.end();
                let done = said
                    .iter()
                    .rev()
                    .find_map(|line| line.strip_prefix("done "));
                done.unwrap().parse().unwrap()
            })
            .collect();
        let found = check(&path).assert_whole();
        assert_eq!(found.numbers().len() as u64, 1 + done.iter().sum::<u64>());
        assert_eq!(found.sum_of("torn", "bytes"), rounds * 5);
        assert!(aside > 0 && found.with("torn").len() >= aside);
        let report = audit_jsonl::verify(&[&path], &VerifyOptions::new()).unwrap();
        assert_eq!(report.integrity, Integrity::Intact, "{report}");
        assert_eq!(report.logs[0].completeness.not_closed, 0, "{report}");
    });
}
