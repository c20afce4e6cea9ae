//! Memory on a log that is far larger than what may be held of it.

use std::fs::{self, File};
use std::io::Write as _;
use std::path::Path;
use std::process::Stdio;

use crate::made::{calls, plain};
use crate::support::{Dir, audit, path_text, wait};

const LOG_BYTES: usize = 300 << 20;

/// What the command may hold, and what it holds without a log.
const MOST_KIB: u64 = 64 << 10;

fn peak_kib(args: &[&str]) -> Option<u64> {
    let mut child = audit(args)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let status = format!("/proc/{}/status", child.id());
    let mut peak = None;
    // It only grows; what it was just before the end is near enough.
    while child.try_wait().unwrap().is_none() {
        let text = fs::read_to_string(&status).unwrap_or_default();
        let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let now = line.and_then(|line| line.trim().strip_suffix(" kB")?.parse().ok());
        peak = peak.max(now);
        std::thread::yield_now();
    }
    assert!(wait(&mut child).success(), "{args:?}");
    peak
}

fn write_log(path: &Path) {
    let part = plain(&calls()).repeat(4_000);
    let mut file = File::create(path).unwrap();
    for _ in 0..LOG_BYTES.div_ceil(part.len()) {
        file.write_all(part.as_bytes()).unwrap();
    }
}

#[test]
fn memory_does_not_grow_with_the_log() {
    if !Path::new("/proc/self/status").exists() {
        crate::support::skip("memory_does_not_grow_with_the_log", "/proc");
        return;
    }
    let dir = Dir::new();
    let log = dir.path("calls.jsonl");
    write_log(&log);
    let log = path_text(&log);
    for args in [
        &["stats", &log][..],
        &["stats", &log, "--by", "hour"],
        &["query", &log, "--format", "jsonl"],
        &["query", &log, "--failed"],
        &["query", &log, "--reverse", "--failed", "--format", "csv"],
        &["tail", &log, "-n", "1000"],
    ] {
        let peak = peak_kib(args).unwrap();
        assert!(peak < MOST_KIB, "{args:?}: {peak} KiB");
    }
}
