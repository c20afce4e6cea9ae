//! `audit record` on disks that are full or fail.

use std::fs;
use std::io::{Read as _, Write as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::thread;

use crate::support::{
    Dir, audit, can, event, finish, lines, path_text, run, run_with, skip, until, usual, wait,
};

/// A small file system; goes away with it.
struct Small(Dir);

impl Small {
    fn new(test: &str) -> Option<Self> {
        if fs::metadata("/proc/self").unwrap().uid() != 0 {
            skip(test, "root (run the tests with sudo)");
            return None;
        }
        let dir = Dir::new();
        let place = path_text(&dir.path(""));
        let options = ["-t", "tmpfs", "-o", "size=256k", "audit-cli"];
        let mounted = Command::new("mount").args(options).arg(place).status();
        if !mounted.is_ok_and(|status| status.success()) {
            skip(test, "mount");
            return None;
        }
        Some(Self(dir))
    }

    fn log(&self) -> PathBuf {
        self.0.path("audit.jsonl")
    }
}

impl Drop for Small {
    fn drop(&mut self) {
        let unmounted = Command::new("umount")
            .arg("-l")
            .arg(self.0.path(""))
            .status();
        assert!(unmounted.unwrap().success());
    }
}

#[test]
fn a_full_disk_is_told_and_waited_for() {
    let Some(disk) = Small::new("a_full_disk_is_told_and_waited_for") else {
        return;
    };
    let filler = disk.0.write("filler", vec![0; 200 * 1024]);
    let mut child = audit(&["record", "--log", &path_text(&disk.log())])
        .stdin(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let events: String = (0..300).map(event).collect();
    let writing = thread::spawn(move || stdin.write_all(events.as_bytes()));
    let mut stderr = child.stderr.take().unwrap();
    let mut told = String::new();
    until("it is told", || {
        let mut bytes = [0; 256];
        let read = stderr.read(&mut bytes).unwrap();
        told.push_str(std::str::from_utf8(&bytes[..read]).unwrap());
        told.contains('\n')
    });
    let path = path_text(&disk.log());
    let begin = format!(
        "audit: warning: {path}: nothing can be written at present, and it is tried again: "
    );
    assert!(told.starts_with(&begin), "{told}");
    fs::remove_file(filler).unwrap();
    writing.join().unwrap().unwrap();
    assert_eq!(wait(&mut child).code(), Some(0));
    let (code, out) = run(&["verify", "--require-complete", &path]).quiet();
    assert!(code == 0 && out.contains("  300 calls, "), "{out}");
}

#[test]
fn a_signal_ends_the_waiting_for_a_full_disk() {
    let Some(disk) = Small::new("a_signal_ends_the_waiting_for_a_full_disk") else {
        return;
    };
    disk.0.write("filler", vec![0; 200 * 1024]);
    let events = (0..300).map(event).collect::<String>();
    let input = Dir::new();
    let input = input.write("events", events);
    let mut child = audit(&[
        "record",
        "--log",
        &path_text(&disk.log()),
        &path_text(&input),
    ])
    .stdin(Stdio::null())
    .stderr(Stdio::piped())
    .spawn()
    .unwrap();
    let mut stderr = child.stderr.take().unwrap();
    let mut first = [0];
    stderr.read_exact(&mut first).unwrap();
    crate::support::kill(child.id(), "TERM");
    let status = wait(&mut child);
    let mut told = String::new();
    stderr.read_to_string(&mut told).unwrap();
    assert_eq!(status.code(), Some(2), "{told}");
    assert!(told.contains("were not written within"), "{told}");
}

#[test]
fn durable_syncs_what_it_has_before_it_reads_more() {
    if !can(
        "durable_syncs_what_it_has_before_it_reads_more",
        &["strace"],
    ) {
        return;
    }
    let dir = Dir::new();
    let log = dir.path("audit.jsonl");
    let mut strace = Command::new("strace");
    usual(strace.args(["-f", "-o", &dir.text("trace"), "-e", "trace=read,fdatasync"]));
    strace.arg(env!("CARGO_BIN_EXE_audit"));
    strace.args(["record", "--durable", "--log"]).arg(&log);
    let mut child = strace.stdin(Stdio::piped()).spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    for number in 0..5 {
        stdin.write_all(event(number).as_bytes()).unwrap();
        until("the line is there", || {
            lines(&log).len() as u64 == number + 1
        });
    }
    drop(stdin);
    assert_eq!(wait(&mut child).code(), Some(0));
    let trace = dir.read("trace");
    let calls = trace.lines().filter_map(|line| match line {
        _ if line.contains(" read(0, ") => Some('r'),
        _ if line.contains("fdatasync") && line.ends_with("= 0") => Some('s'),
        _ => None,
    });
    let calls: String = calls.collect();
    let reads = calls.trim_matches('s').split('r');
    let syncs: Vec<&str> = reads.filter(|syncs| syncs.is_empty()).collect();
    // Before the first and after the last read there is nothing to sync.
    assert!(
        calls.matches('r').count() >= 6 && syncs.len() == 2,
        "{calls}\n{trace}"
    );
}

#[test]
fn durable_does_not_say_synced_when_it_is_not() {
    if !can("durable_does_not_say_synced_when_it_is_not", &["strace"]) {
        return;
    }
    let dir = Dir::new();
    let log = dir.path("audit.jsonl");
    let mut strace = Command::new("strace");
    let inject = "inject=fdatasync:error=EIO";
    usual(strace.args([
        "-f",
        "-o",
        "/dev/null",
        "-e",
        "trace=fdatasync",
        "-e",
        inject,
    ]));
    strace.arg(env!("CARGO_BIN_EXE_audit"));
    strace.args(["record", "--durable", "--log"]).arg(log);
    // The log opens, and then nothing can be synced.
    let ran = finish(&mut strace, event(0) + &event(1));
    assert_eq!(ran.code, Some(2), "{}", ran.err);
    assert!(ran.err.contains("Input/output error"), "{}", ran.err);
}

#[test]
fn why_a_log_cannot_be_opened_is_said() {
    let dir = Dir::new();
    fs::create_dir(dir.path("directory")).unwrap();
    let ran = run_with(&["record", "--log", &dir.text("directory")], event(1));
    assert_eq!((ran.code, &*ran.out), (Some(2), ""));
    let (what, why) = ran.err.split_once("directory can't be opened: ").unwrap();
    assert!(what.starts_with("audit: error: the log "), "{what}");
    assert!(why.contains("directory"), "{why}");
}
