//! Logs as they grow: how long it takes to open, verify, ask and end one, and how much
//! memory that needs; and how much a sink holds that has nothing to do.

use std::fs;
use std::io;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use audit_jsonl::verify::{Integrity, VerifyOptions};
use audit_jsonl::{
    AuditSink, BackpressureStrategy, JsonLinesAuditSink, LogFiles, LogReader, verify,
};
use nix::sys::resource::{UsageWho, getrusage};
use serde_json::{Value, json};

use crate::chain;
use crate::contenders::open_chained;
use crate::event;
use crate::machine;
use crate::memory;

/// Logs of so many lines; the last has 10 GB.
const LINES: [u64; 6] = [1_000, 10_000, 100_000, 1_000_000, 10_000_000, 15_600_000];
const QUICK_LINES: [u64; 2] = [1_000, 10_000];

/// So many calls are what `tail` shows.
const LAST: usize = 10;

const PATIENCE: Duration = Duration::from_secs(600);

type Outcome<T> = Result<T, Box<dyn std::error::Error>>;

/// Verifies a log of so many lines with all processors.
pub(crate) fn verified(lines: u64, path: &Path) -> Outcome<Value> {
    extend(path, 0, lines)?;
    let before = machine::processor_time();
    let took = verify_once(path, lines)?;
    let used = machine::processor_time().zip(before);
    let used = used.map(|(after, before)| (after - before).as_nanos() as f64 / lines as f64);
    remove(path)?;
    Ok(json!({
        "lines_per_s": lines as f64 / took.as_secs_f64(),
        "processor_ns": used,
    }))
}

/// What a sink holds more than was held before it was there: opened, and after work.
pub(crate) fn idle(path: &Path) -> Outcome<Value> {
    let event = event::event();
    let before = memory::held_kib().ok_or("the kernel doesn't tell what is held")?;
    let sink = JsonLinesAuditSink::builder()
        .strategy(BackpressureStrategy::Block)
        .path(path)
        .open()?;
    let opened = memory::held_kib().unwrap_or_default();
    for _ in 0..100_000 {
        sink.on_call(&event);
    }
    sink.flush(PATIENCE)?;
    let after = memory::held_kib().unwrap_or_default();
    sink.close(PATIENCE)?;
    remove(path)?;
    Ok(json!({
        "opened_kib": opened.saturating_sub(before),
        "idle_kib": after.saturating_sub(before),
    }))
}

/// One log that grows from row to row. `audit` is the command's program.
pub(crate) fn grown(path: &Path, audit: &Path, quick: bool) -> Outcome<Vec<Value>> {
    let all: &[u64] = if quick { &QUICK_LINES } else { &LINES };
    let mut rows = Vec::new();
    let mut there = 0;
    for &lines in all {
        let missing = (lines - there) * 700;
        if let Some(free) = machine::free_bytes(path)
            && free < missing + (1 << 30)
        {
            rows.push(json!({ "lines": lines, "not_run": "the disk is too full" }));
            continue;
        }
        extend(path, there, lines)?;
        there = lines;
        // Of a long log, what takes long is done once.
        let times = if lines < 1_000_000 { 5 } else { 1 };
        let open = median(25, || open_and_close(path))?;
        let tail = median(25, || tail(path))?;
        let query = median(times, || query(path, audit))?;
        memory::forget_peak();
        let verify = median(times, || verify_once(path, lines))?;
        rows.push(json!({
            "lines": lines,
            "bytes": fs::metadata(path)?.len(),
            "open_ns": open.as_nanos() as u64,
            "tail_ns": tail.as_nanos() as u64,
            "query_ns": query.as_nanos() as u64,
            "verify_ns": verify.as_nanos() as u64,
            "verify_kib": memory::peak_kib(),
            "query_kib": getrusage(UsageWho::RUSAGE_CHILDREN)?.max_rss(),
        }));
    }
    remove(path)?;
    Ok(rows)
}

/// Makes a log that has so many lines have as many as are wanted, the record of the
/// writer's end among them.
fn extend(path: &Path, there: u64, wanted: u64) -> Outcome<()> {
    let sink = open_chained(path, true)?;
    let event = event::event();
    for _ in there + 1..wanted {
        sink.on_call(&event);
    }
    sink.close(PATIENCE)?;
    Ok(())
}

fn open_and_close(path: &Path) -> Outcome<Duration> {
    let began = Instant::now();
    let sink = open_chained(path, true)?;
    let took = began.elapsed();
    // It has written nothing, so it leaves no record of its end.
    sink.close(PATIENCE)?;
    Ok(took)
}

fn tail(path: &Path) -> Outcome<Duration> {
    let began = Instant::now();
    let log = LogFiles::find(&[path])?.remove(0);
    let mut reader = LogReader::last(&log, LAST)?;
    while reader.next_entry()?.is_some() {}
    Ok(began.elapsed())
}

/// Asks for what isn't there, so that all is looked through; the start of the process
/// is part of it.
fn query(path: &Path, audit: &Path) -> Outcome<Duration> {
    let began = Instant::now();
    let output = Command::new(audit)
        .args(["query", "--failed"])
        .arg(path)
        .stderr(Stdio::inherit())
        .output()?;
    let took = began.elapsed();
    if !output.status.success() || !output.stdout.is_empty() {
        return Err(format!("`audit query`: {}, or it found calls", output.status).into());
    }
    Ok(took)
}

fn verify_once(path: &Path, lines: u64) -> Outcome<Duration> {
    let began = Instant::now();
    let report = verify(&[path], &VerifyOptions::new())?;
    let took = began.elapsed();
    if report.integrity != Integrity::Intact || report.logs[0].lines != lines {
        return Err(report.to_string().into());
    }
    Ok(took)
}

fn median(times: usize, mut work: impl FnMut() -> Outcome<Duration>) -> Outcome<Duration> {
    let mut all = Vec::new();
    for _ in 0..times {
        all.push(work()?);
    }
    all.sort_unstable();
    Ok(all[times / 2])
}

fn remove(path: &Path) -> io::Result<()> {
    fs::remove_file(path)?;
    fs::remove_file(chain::head_path(path))
}
