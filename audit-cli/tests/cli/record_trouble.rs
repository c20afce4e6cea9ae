//! `audit record` on disks that are full or fail.

use std::fs;
use std::io::{Read as _, Write as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;

use crate::support::{Dir, audit, can, event, finish, path_text, run, skip, until, usual, wait};

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
fn durable_does_not_say_synced_when_it_is_not() {
    if !can("durable_does_not_say_synced_when_it_is_not", &["strace"]) {
        return;
    }
    let dir = Dir::new();
    let record = |log: &Path, inject: &str| {
        let mut strace = Command::new("strace");
        usual(strace.args([
            "-f",
            "-o",
            "/dev/null",
            "-e",
            "trace=fdatasync,fsync",
            "-e",
            inject,
        ]));
        strace.arg(env!("CARGO_BIN_EXE_audit"));
        strace.args(["record", "--durable", "--log"]).arg(log);
        finish(&mut strace, event(0) + &event(1))
    };
    // The log opens, and then nothing can be synced.
    let ran = record(&dir.path("a.jsonl"), "inject=fdatasync:error=EIO");
    assert_eq!(ran.code, Some(2), "{}", ran.err);
    assert!(ran.err.starts_with("audit: "), "{}", ran.err);
    let ran = record(&dir.path("b.jsonl"), "inject=fdatasync:delay_enter=1");
    assert_eq!(ran.quiet(), (0, String::new()));
}
