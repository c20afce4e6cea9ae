//! Logs in many files, moved ones and copies among them.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use audit_jsonl::AuditSink;
use audit_jsonl::verify::Integrity;
use audit_testkit::{DEADLINE, within};

use crate::made::{Chain, problems, report_of, said_at};
use crate::support::{Dir, builder, close, cut_to, event_of, log, open, record};

/// A log in a number of files.
fn rotated(calls: u64) -> (Dir, PathBuf) {
    let (dir, path) = Dir::with_log();
    let sink = builder(&path).rotate_at_bytes(64 * 1024).open().unwrap();
    for number in 0..calls {
        sink.on_call(&event_of(number, 15_000));
        sink.flush(DEADLINE).unwrap();
    }
    close(&sink);
    (dir, path)
}

#[test]
fn a_log_with_its_rotated_files() {
    within(DEADLINE, || {
        let (dir, path) = rotated(40);
        let report = said_at(&[&path], []);
        assert!(report.complete, "{report}");
        assert!(report.files > 5);
        assert_eq!(report.completeness.calls, 40);
        // One that is missing shows, and one from the front may have been removed.
        let rotated = dir.named("audit-");
        fs::remove_file(&rotated[0]).unwrap();
        let report = said_at(&[&path], []);
        assert_eq!(report.integrity, Integrity::Intact);
        assert!(report.completeness.front.is_some());
        fs::remove_file(&rotated[2]).unwrap();
        let report = said_at(&[&path], []);
        assert_eq!(report.problems[0].kind.name(), "missing");
        // By themselves.
        assert_eq!(said_at(&[&rotated[3]], []).integrity, Integrity::Intact);
    });
}

#[test]
fn a_directory_with_several_logs() {
    within(DEADLINE, || {
        let dir = Dir::new();
        log(&dir.path("a.jsonl"), 0..5);
        log(&dir.path("b.jsonl"), 0..7);
        let report = report_of(&[dir.path("")], []);
        assert_eq!(report.logs.len(), 2);
        assert_eq!(report.integrity, Integrity::Intact);
        // One after the other, with an empty line in between.
        let [first, second] = &report.logs[..] else {
            panic!("{report}");
        };
        assert_eq!(report.to_string(), format!("{first}\n{second}"));
        cut_to(&dir.path("b.jsonl"), 0);
        let report = report_of(&[dir.path("")], []);
        assert_eq!(report.integrity, Integrity::NotIntact);
        let verdicts: Vec<_> = report.logs.iter().map(|log| log.integrity).collect();
        assert_eq!(verdicts, [Integrity::Intact, Integrity::NotIntact]);
    });
}

#[test]
fn copytruncate_with_its_copy_and_without() {
    within(DEADLINE, || {
        let (dir, path) = Dir::with_log();
        let sink = open(&path);
        record(&sink, 0..10);
        let copy = dir.path("audit.jsonl.1");
        fs::copy(&path, &copy).unwrap();
        cut_to(&path, 0);
        record(&sink, 10..20);
        close(&sink);
        let report = said_at(&[&path, &copy], []);
        assert!(report.complete, "{report}");
        assert_eq!(report.completeness.calls, 20);
        // The copy alone doesn't reach the head.
        let report = said_at(&[&path], []);
        assert_eq!(report.completeness.front, Some(10), "{report}");
        // Cut in the middle of a line that the copy has whole.
        let (dir, path) = Dir::with_log();
        let sink = open(&path);
        record(&sink, 0..10);
        let copy = dir.path("audit.jsonl.1");
        fs::copy(&path, &copy).unwrap();
        cut_to(&path, 400);
        record(&sink, 10..20);
        close(&sink);
        assert_eq!(said_at(&[&path], []).problems[0].kind.name(), "missing");
        let report = said_at(&[&path, &copy], []);
        assert_eq!(problems(&report), [""; 0], "{report}");
    });
}

#[test]
fn many_files_and_few_that_may_be_open() {
    within(DEADLINE, || {
        let (_dir, path) = rotated(400);
        // Once more, with room for ten files beside those of the test itself.
        let limited = "ulimit -n 24; exec \"$0\" --exact \
                       files::verifies_what_it_is_given --nocapture --test-threads=1";
        let output = Command::new("sh")
            .args(["-c", limited])
            .arg(std::env::current_exe().unwrap())
            .env("AUDIT_TEST_VERIFY", &path)
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&output.stdout);
        assert!(said.contains("files 100: complete true"), "{said}");
    });
}

/// Not a test: where a child begins.
#[test]
fn verifies_what_it_is_given() {
    let Ok(path) = std::env::var("AUDIT_TEST_VERIFY") else {
        return;
    };
    let report = said_at(&[PathBuf::from(path)], []);
    println!("files {}: complete {}", report.files, report.complete);
}

#[test]
fn a_name_that_fits_two_streams_has_one_place() {
    let (dir, path) = Dir::with_log();
    let mut streams = [1, 2].map(|tail| Chain {
        stream: format!("{:08x}{tail:024x}", 1),
        ..Chain::new()
    });
    let [first, second] = [0, 1].map(|nth| streams[nth].lines(3).concat());
    for (seq, text) in [(0, first.as_str()), (9, "junk\n")] {
        let name = format!("audit-00000001-{seq:020}.jsonl");
        fs::write(dir.path(&name), text).unwrap();
    }
    fs::write(&path, second).unwrap();
    let said = said_at(&[&path], []);
    for _ in 0..20 {
        assert_eq!(said_at(&[&path], []), said);
    }
}
