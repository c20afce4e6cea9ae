//! Reading a log beside what reading costs at least: getting the bytes, finding the
//! line feeds, and looking whether each line is JSON.
//!
//! The rows take turns, round after round, on the same file, which is in memory
//! after the first: trust the ratios, not the times.

#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "it prints a report"
)]

#[path = "../shared/event.rs"]
mod event;
mod rows;

use std::env;
use std::error::Error;
use std::fs;
use std::path::Path;
use std::process::{self, ExitCode};
use std::time::{Duration, Instant};

use audit_jsonl::{AuditSink, JsonLinesAuditSink, LogFiles};

use crate::rows::{LAST, ROWS};

const USAGE: &str = "\
usage: cargo bench -p audit-jsonl --bench reading -- [options]

  --rounds N   how often each row is run; 7 unless given
  --mib N      how large the log is; 256 unless given
  --quick      a small log, one round: shows that it works, measures nothing";

struct Options {
    rounds: usize,
    bytes: u64,
    quick: bool,
}

fn main() -> ExitCode {
    match options()
        .map_err(Box::from)
        .and_then(|options| run(&options))
    {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("reading: {error}");
            ExitCode::FAILURE
        }
    }
}

fn options() -> Result<Options, String> {
    let (mut rounds, mut mib) = (7, 256);
    // `cargo test --all-targets` starts benches too, without `--bench`.
    let mut quick = true;
    let mut asked_quick = false;
    let mut arguments = env::args().skip(1);
    while let Some(argument) = arguments.next() {
        let mut number = || {
            let number = arguments.next().and_then(|text| text.parse().ok());
            let number = number.filter(|number| *number > 0);
            number.ok_or(format!("{argument} takes a number\n\n{USAGE}"))
        };
        match argument.as_str() {
            "--bench" => quick = false,
            "--quick" => asked_quick = true,
            "--rounds" => rounds = number()?,
            "--mib" => mib = number()?,
            other => return Err(format!("unknown option {other}\n\n{USAGE}")),
        }
    }
    let quick = quick || asked_quick;
    Ok(match quick {
        true => Options {
            rounds: 1,
            bytes: 256 * 1024,
            quick,
        },
        false => Options {
            rounds,
            bytes: mib as u64 * 1024 * 1024,
            quick,
        },
    })
}

fn run(options: &Options) -> Result<(), Box<dyn Error>> {
    let directory =
        Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("reading-{}", process::id()));
    fs::create_dir_all(&directory)?;
    let done = measure(options, &directory);
    fs::remove_dir_all(&directory)?;
    done?;
    if options.quick {
        println!("\nA quick run: the numbers mean nothing.");
    }
    Ok(())
}

fn measure(options: &Options, directory: &Path) -> Result<(), Box<dyn Error>> {
    let path = directory.join("audit.jsonl");
    let lines = write_log(&path, options.bytes)?;
    let log = LogFiles::find(&[&path])?.remove(0);
    println!(
        "{} lines, {} MiB, in memory\n",
        lines,
        log.total_len() >> 20
    );
    let held = held_kib("VmRSS:");
    // From here on the most that is held is counted anew.
    fs::write("/proc/self/clear_refs", "5").ok();
    let mut times = vec![Vec::new(); ROWS.len()];
    for _ in 0..options.rounds {
        for (row, times) in ROWS.iter().zip(&mut times) {
            let begun = Instant::now();
            let counted = (row.run)(&log)?;
            times.push(begun.elapsed());
            if counted != row.counts(lines, &log) {
                return Err(format!("{}: counted {counted}", row.name).into());
            }
        }
    }
    let medians: Vec<Duration> = times.into_iter().map(median).collect();
    println!(
        "{:32} {:>8} {:>10} {:>10}",
        "", "GB/s", "ns a line", "of read(2)"
    );
    for (row, time) in ROWS.iter().zip(&medians) {
        let seconds = time.as_secs_f64();
        println!(
            "{:32} {:>8.2} {:>10.1} {:>10.2}",
            row.name,
            log.total_len() as f64 / seconds / 1e9,
            seconds * 1e9 / lines as f64,
            seconds / medians[0].as_secs_f64(),
        );
    }
    let last = (0..options.rounds * 10).map(|_| {
        let begun = Instant::now();
        rows::last(&path)?;
        Ok(begun.elapsed())
    });
    let last = median(last.collect::<Result<_, Box<dyn Error>>>()?);
    println!("\nthe last {LAST} calls, from the path on: {last:.0?}");
    if let (Some(before), Some(most)) = (held, held_kib("VmHWM:")) {
        let more = most.saturating_sub(before);
        println!("memory: {more} KiB more than before, at most");
    }
    Ok(())
}

/// What the kernel says of this process's memory.
fn held_kib(name: &str) -> Option<u64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix(name))?;
    line.split_whitespace().next()?.parse().ok()
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times[times.len() / 2]
}

/// Records calls until the log is about as large; how many lines it has.
fn write_log(path: &Path, bytes: u64) -> Result<u64, Box<dyn Error>> {
    let sink = JsonLinesAuditSink::builder()
        .capacity(8192)
        .strategy(audit_jsonl::BackpressureStrategy::Block)
        .path(path)
        .open()?;
    let event = event::event();
    let mut lines = 0;
    while lines % 1024 != 0 || fs::metadata(path)?.len() < bytes {
        sink.on_call(&event);
        lines += 1;
    }
    sink.close(Duration::from_secs(60))?;
    Ok(lines + 1)
}
