//! Debian's logrotate at the log of a living sink.
//!
//! Renamed files hold the whole chain; after `copytruncate` the copy does, and
//! without the copy the lines that it holds are missing, and nothing else is wrong.
//!
//! - `AUDIT_FAULTS_LOGROTATES`: how many rotations each way; 6 by default.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

use audit_jsonl::{AuditSink, BackpressureStrategy, Durability, JsonLinesAuditSink};
use audit_testkit::DEADLINE;

use crate::calls::{go_on, kept};
use crate::checker::check;
use crate::tools::{Directory, can, event, none_of, run, setting, until};

/// Rotates while events are written all the time; the directory, and the ids that
/// were acknowledged.
fn rotate(options: &str, asks_to_reopen: bool) -> Option<(Directory, Vec<String>)> {
    if !can("logrotate", false, &[("logrotate", "logrotate")]) {
        return None;
    }
    let directory = Directory::new();
    // It refuses directories that others can write to.
    let only_ours = fs::Permissions::from_mode(0o700);
    fs::set_permissions(directory.path(), only_ours).expect("permissions");
    let log = directory.log();
    let sink = JsonLinesAuditSink::builder()
        .strategy(BackpressureStrategy::Block)
        .path(&log);
    let sink = sink.durability(Durability::Written).open().expect("a log");
    let ended = AtomicBool::new(false);
    let written = AtomicU64::new(0);
    let ids = thread::scope(|scope| {
        let writing = scope.spawn(|| write(&sink, &ended, &written));
        for _ in 0..setting("AUDIT_FAULTS_LOGROTATES", 6) {
            let before = written.load(Ordering::Relaxed);
            until("more is written", || {
                written.load(Ordering::Relaxed) > before + 5
            });
            let done = logrotate(directory.path(), options);
            if done.is_ok() && asks_to_reopen {
                // What `postrotate` asks a program to do, by a signal as a rule.
                sink.reopen(DEADLINE).expect("it is opened again");
                assert!(log.exists());
            }
            if done.is_err() {
                ended.store(true, Ordering::Relaxed);
            }
            done.expect("logrotate rotates");
        }
        ended.store(true, Ordering::Relaxed);
        writing.join().expect("the writing thread")
    });
    let health = sink.health();
    assert!(health.is_healthy(), "{health}");
    assert_eq!(sink.close(DEADLINE).expect("it closes").dropped, 0);
    Some((directory, ids))
}

fn write(sink: &JsonLinesAuditSink, ended: &AtomicBool, written: &AtomicU64) -> Vec<String> {
    let mut ids = Vec::new();
    while !ended.load(Ordering::Relaxed) {
        let id = format!("{:06}", ids.len());
        sink.on_call(&event(&id, 0));
        if sink.flush(Duration::from_secs(10)).is_ok() {
            ids.push(id);
            written.fetch_add(1, Ordering::Relaxed);
        }
    }
    ids
}

fn logrotate(directory: &Path, options: &str) -> Result<(), String> {
    let place = directory.display();
    let configuration = directory.join("rotate.conf");
    let text = format!("{place}/audit.jsonl {{\n  rotate 100\n  {options}\n}}\n");
    fs::write(&configuration, text).expect("a configuration");
    let only_ours = fs::Permissions::from_mode(0o600);
    fs::set_permissions(&configuration, only_ours).expect("permissions");
    let status = directory.join("status").display().to_string();
    let configuration = configuration.display().to_string();
    run("logrotate", &["-f", "-s", &status, &configuration]).map(drop)
}

#[track_caller]
fn all_is_there(rotated: Option<(Directory, Vec<String>)>) {
    let Some((directory, ids)) = rotated else {
        return;
    };
    go_on(&directory.log()).expect("it is opened again");
    let found = check(&directory.log());
    none_of(&found.wrong(), "the log with its rotated files");
    none_of(&kept(&ids, &found), "what was written");
    assert!(found.rotated_files as u64 >= setting("AUDIT_FAULTS_LOGROTATES", 6));
}

#[test]
fn logrotate_renames() {
    all_is_there(rotate("nocreate", false));
}

#[test]
fn logrotate_renames_and_creates() {
    all_is_there(rotate("create 0600", false));
}

#[test]
fn logrotate_renames_and_asks_to_reopen() {
    all_is_there(rotate("nocreate", true));
}

/// Lines that come between its copying and its truncating are lost to everybody:
/// that is how it works, and the chain shows it. All others stand in the copies.
#[test]
fn logrotate_copies_and_truncates() {
    let Some((directory, _)) = rotate("copytruncate", false) else {
        return;
    };
    let log = directory.log();
    go_on(&log).expect("it is opened again");
    let found = check(&log);
    none_of(&found.problems, "the log with the copies");
    none_of(&found.damaged_files, "files moved aside");
    for number in 1..=setting("AUDIT_FAULTS_LOGROTATES", 6) {
        fs::remove_file(log.with_extension(format!("jsonl.{number}"))).expect("a copy");
    }
    let found = check(&log);
    none_of(&found.problems, "the log without the copies");
    assert!(
        !found.missing.is_empty(),
        "without the copies lines are missing"
    );
}
