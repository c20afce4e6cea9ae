//! How many instructions the hot paths take, counted by valgrind's callgrind.
//! `cargo xtask counts` runs it and compares the counts with `limits.toml`.
//!
//! A case counts what its function does on its own thread, and what the writer or the
//! verifier does on theirs only where it says so. What `setup` does isn't counted.

mod events;
mod held;

use std::hint::black_box;
use std::io;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::time::Duration;

use audit_jsonl::form::Line;
use audit_jsonl::verify::{Integrity, VerifyOptions, verify};
use audit_jsonl::{
    AuditSink, BackpressureStrategy, CallEvent, DirectJsonLinesSink, Durability,
    JsonLinesAuditSink, LogReader,
};
use gungraun::{
    Callgrind, EntryPoint, LibraryBenchmarkConfig, library_benchmark, library_benchmark_group, main,
};

use crate::events::{CHAINED_LINE, EVENTS, escaped, long, usual};
use crate::held::{Held, scratch};

/// The function of the standard library in which every thread but the first begins.
const OTHER_THREADS: &str = "--toggle-collect=*thread_start*";

/// Encoding, by the sink that does nothing else of note.
fn encoding(event: CallEvent) -> (DirectJsonLinesSink, CallEvent) {
    let sink = DirectJsonLinesSink::new(Box::new(io::sink()));
    sink.on_call(&event);
    (sink, event)
}

#[library_benchmark]
#[bench::usual(args = (usual()), setup = encoding)]
#[bench::escaped(args = (escaped()), setup = encoding)]
#[bench::long(args = (long()), setup = encoding)]
fn encode((sink, event): (DirectJsonLinesSink, CallEvent)) -> (DirectJsonLinesSink, CallEvent) {
    for _ in 0..EVENTS {
        sink.on_call(&event);
    }
    (sink, event)
}

// The caller's share of a call, by a sink with a queue.
#[library_benchmark]
#[bench::plain(args = (), setup = held::plain)]
#[bench::chained(args = (), setup = held::chained)]
fn on_call(held: Held) -> Held {
    held.record();
    held
}

// The writer's share, from taking what is queued to settling it: links and hashes, for
// the most part. That of plain lines is a few instructions an event.
#[library_benchmark(config = only(OTHER_THREADS))]
#[bench::chained(args = (), setup = held::chained)]
fn write(held: Held) {
    held.release();
}

#[library_benchmark]
#[bench::chained_line(args = (CHAINED_LINE))]
fn parse(line: &str) {
    for _ in 0..EVENTS {
        black_box(Line::parse(black_box(line.as_bytes()))).expect("the line is in form");
    }
}

#[library_benchmark]
#[bench::chained_log(args = (), setup = log)]
fn read(path: PathBuf) {
    let mut reader = LogReader::open(path).expect("the log is there");
    let mut entries = 0;
    while let Some(entry) = reader.next_entry().expect("the log can be read") {
        black_box(entry);
        entries += 1;
    }
    assert_eq!(entries, EVENTS);
}

// All checks, by all threads: one that reads, one that hashes, and the caller's.
#[library_benchmark(config = also(OTHER_THREADS))]
#[bench::chained_log(args = (), setup = log)]
fn verified(path: PathBuf) {
    let options = VerifyOptions::new().threads(NonZeroUsize::MIN);
    let report = verify(&[path], &options).expect("the log can be read");
    assert_eq!(report.integrity, Integrity::Intact);
}

/// Counts in that function alone.
fn only(toggle: &str) -> LibraryBenchmarkConfig {
    let mut callgrind = Callgrind::with_args(["--collect-atstart=no", toggle]);
    callgrind.entry_point(EntryPoint::None);
    LibraryBenchmarkConfig::default().tool(callgrind).clone()
}

/// Counts in that function besides the case's own.
fn also(toggle: &str) -> LibraryBenchmarkConfig {
    let callgrind = Callgrind::with_args([toggle]);
    LibraryBenchmarkConfig::default().tool(callgrind).clone()
}

fn log() -> PathBuf {
    PathBuf::from(env!("CARGO_TARGET_TMPDIR"))
        .join("log")
        .join("audit.jsonl")
}

/// Writes the log that is read and verified. Not in their `setup`: its writer would be
/// counted as one of their threads.
fn write_log() {
    scratch("log");
    let sink = JsonLinesAuditSink::builder()
        .strategy(BackpressureStrategy::Block)
        .path(log())
        .durability(Durability::Written)
        .open()
        .expect("a log in an empty directory can be opened");
    let event = usual();
    // The last is the closing record.
    for _ in 1..EVENTS {
        sink.on_call(&event);
    }
    sink.close(Duration::from_secs(60))
        .expect("the log is written");
}

library_benchmark_group!(
    name = counts,
    setup = write_log(),
    benchmarks = [encode, on_call, write, parse, read, verified]
);
main!(library_benchmark_groups = counts);
