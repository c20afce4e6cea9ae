//! Memory stays bounded, whatever the size of the log.

use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::process::Command;

use audit_testkit::{DEADLINE, within};

use crate::made::{Chain, said_at};
use crate::support::Dir;

/// What verifying may take, in KiB: 64 MiB.
const MOST: u64 = 64 * 1024;

#[test]
fn a_large_log_takes_no_more_than_a_small_one() {
    within(DEADLINE * 4, || {
        let (_dir, path) = Dir::with_log();
        let mut file = BufWriter::new(File::create(&path).unwrap());
        let mut chain = Chain::new();
        let mut bytes = 0;
        let mut event = crate::support::event(0);
        event.tool_id = "x".repeat(3_000);
        while bytes < 300 << 20 {
            let line = chain.of(&event, "");
            bytes += line.len();
            file.write_all(line.as_bytes()).unwrap();
        }
        file.flush().unwrap();
        let peak = peak_of(&path);
        assert!(peak < MOST, "{peak} KiB");
    });
}

#[test]
fn lines_of_a_byte_take_no_more() {
    within(DEADLINE * 4, || {
        let (_dir, path) = Dir::with_log();
        fs::write(&path, "\n".repeat(3 << 20)).unwrap();
        let peak = peak_of(&path);
        assert!(peak < MOST, "{peak} KiB");
    });
}

/// How much a process takes that verifies a log, in KiB.
#[track_caller]
fn peak_of(path: &Path) -> u64 {
    let output = Command::new(std::env::current_exe().unwrap())
        .args([
            "--exact",
            "memory::verifies_what_it_is_given",
            "--nocapture",
        ])
        .env("AUDIT_TEST_MEMORY", path)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    let peak = said.lines().find_map(|line| line.strip_prefix("peak "));
    peak.unwrap_or_else(|| panic!("{said}")).parse().unwrap()
}

/// Not a test: where a child begins.
#[test]
fn verifies_what_it_is_given() {
    let Ok(path) = std::env::var("AUDIT_TEST_MEMORY") else {
        return;
    };
    let report = said_at(&[PathBuf::from(path)], []);
    assert!(report.lines > 0);
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let peak = peak.and_then(|peak| peak.split_whitespace().next());
    // Where the system doesn't tell there is nothing to see.
    println!("\npeak {}", peak.unwrap_or("0"));
}
