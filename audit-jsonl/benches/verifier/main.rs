//! How fast a log is verified, against what the machine could do at best with the
//! same bytes: reading them, hashing them, checking that they are JSON.
//!
//! ```sh
//! cargo bench -p audit-jsonl --bench verifier
//! cargo bench -p audit-jsonl --bench verifier -- --help
//! ```
//!
//! The log is made by the library itself: lines of the record that all
//! benches write, chained. All rows of a table are measured in turn, several
//! rounds in one run, and the medians are shown: of the time that passed, and of the
//! processor time of all threads, which others on the machine disturb less.
#![allow(clippy::print_stdout, reason = "a bench prints what it measured")]

#[path = "../shared/event.rs"]
mod event;
mod limits;
#[allow(dead_code, reason = "not all of it is of use here")]
#[path = "../shared/machine.rs"]
mod machine;
mod made;
mod options;

use std::error::Error;
use std::fs;
use std::num::NonZeroUsize;
use std::path::Path;

use audit_jsonl::verify;
use audit_jsonl::verify::{Integrity, VerifyOptions};

use crate::limits::{Clock, Measured, Took};
use crate::options::{Options, USAGE};

fn main() -> Result<(), Box<dyn Error>> {
    let Some(options) = Options::from_arguments()? else {
        println!("{USAGE}");
        return Ok(());
    };
    let directory =
        Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("verifier-{}", std::process::id()));
    fs::create_dir_all(&directory)?;
    let result = run(&options, &directory.join("audit.jsonl"));
    fs::remove_dir_all(&directory)?;
    result
}

fn run(options: &Options, log: &Path) -> Result<(), Box<dyn Error>> {
    made::log(log, options.lines)?;
    let bytes = fs::metadata(log)?.len();
    let lines = options.lines as f64;
    println!(
        "{} lines of {:.0} bytes, {:.1} MB, {} rounds",
        options.lines,
        bytes as f64 / lines,
        bytes as f64 / 1e6,
        options.rounds
    );
    if options.memory {
        let took = verified(log, None)?;
        print_row("verify, all threads", took, lines, bytes);
        println!("peak memory {}", peak_memory().unwrap_or_default());
        return Ok(());
    }
    type Row<'a> = (&'a str, Box<dyn Fn() -> Measured + 'a>);
    let rows: [Row<'_>; 8] = [
        ("read(2)", Box::new(|| limits::read(log))),
        ("SHA-256, 1 thread", Box::new(|| limits::hash(log, 1))),
        ("SHA-256, 2 threads", Box::new(|| limits::hash(log, 2))),
        (
            "serde_json, syntax alone, 1 thread",
            Box::new(|| limits::syntax(log)),
        ),
        (
            "serde_json, to a record, 1 thread",
            Box::new(|| limits::record(log)),
        ),
        ("form alone, 1 thread", Box::new(|| limits::form(log))),
        (
            "verify, 1 thread",
            Box::new(|| verified(log, NonZeroUsize::new(1))),
        ),
        (
            "verify, 2 threads",
            Box::new(|| verified(log, NonZeroUsize::new(2))),
        ),
    ];
    let mut times = vec![Vec::new(); rows.len()];
    for _ in 0..options.rounds {
        for (times, (_, measure)) in times.iter_mut().zip(&rows) {
            times.push(measure()?);
        }
    }
    for (mut times, (name, _)) in times.into_iter().zip(&rows) {
        let middle = times.len() / 2;
        times.sort_unstable_by_key(|took: &Took| took.used);
        let used = times[middle].used;
        times.sort_unstable_by_key(|took| took.passed);
        let passed = times[middle].passed;
        print_row(name, Took { passed, used }, lines, bytes);
    }
    if let Some(load) = machine::load_average() {
        println!("\nload average at the end: {load}");
    }
    Ok(())
}

fn verified(log: &Path, threads: Option<NonZeroUsize>) -> Measured {
    let mut options = VerifyOptions::new();
    if let Some(threads) = threads {
        options = options.threads(threads);
    }
    let clock = Clock::start();
    let report = verify(&[log], &options)?;
    let took = clock.stop();
    if report.integrity != Integrity::Intact {
        return Err(report.to_string().into());
    }
    Ok(took)
}

fn print_row(name: &str, took: Took, lines: f64, bytes: u64) {
    let seconds = took.passed.as_secs_f64();
    let used = took.used.map(|used| used.as_secs_f64() / lines * 1e9);
    println!(
        "{name:<36}{:>8.2} M lines/s{:>8.2} GB/s{:>8.0} ns of processor time a line",
        lines / seconds / 1e6,
        bytes as f64 / seconds / 1e9,
        used.unwrap_or_default()
    );
}

/// As the kernel counts it, where it does.
fn peak_memory() -> Option<String> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
    Some(
        line.split_whitespace()
            .skip(1)
            .collect::<Vec<_>>()
            .join(" "),
    )
}
