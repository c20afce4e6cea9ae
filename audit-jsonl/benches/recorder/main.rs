//! Our recorder, with plain and with chained lines, beside the design that others
//! have, on the same bytes.
//!
//! Each run of a load is a process of its own, so that none inherits another's
//! heap, threads or warm caches. The designs take turns, and who begins does too,
//! for the machine is never the same for long: trust the ratios, not the times.

#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "it prints a report"
)]

mod chain;
mod commits;
mod design;
mod event;
mod load;
mod machine;
mod micro;
mod options;
mod report;
mod seed;

use std::env;
use std::error::Error;
use std::fs;
use std::io;
use std::path::Path;
use std::process::{self, Command, ExitCode, Stdio};
use std::time::Duration;

use serde_json::{Value, json};

use crate::commits::COMMITS;
use crate::design::Design;
use crate::load::{LOADS, Load, Run};
use crate::options::{Child, Options};
use crate::report::Report;

/// The name of the run that measures the parts of a call.
const PARTS: &str = "parts";

fn main() -> ExitCode {
    let done = Options::from_arguments()
        .map_err(Box::from)
        .and_then(|options| match &options.child {
            Some(child) => run_as_child(&options, child),
            None => run_as_parent(&options),
        });
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("recorder: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Has every load run by children, and reports.
fn run_as_parent(options: &Options) -> Result<(), Box<dyn Error>> {
    let directory = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{}", process::id()));
    fs::create_dir_all(&directory)?;
    let report = machine::must_be_a_disk(&directory).and_then(|()| run_all(options, &directory));
    fs::remove_dir_all(&directory)?;
    print!("{}", report?);
    if options.quick {
        println!("\nA quick run: the numbers mean nothing.");
    }
    Ok(())
}

fn run_all(options: &Options, directory: &Path) -> io::Result<Report> {
    let path = directory.join("calls.jsonl");
    let mut report = Report::begin(options.rounds);
    // Before anything large is written: what the disk still has to do then would
    // make each sync dear, and to share it look better than it is.
    for round in 0..options.rounds {
        let mut commits = COMMITS;
        if round % 2 == 1 {
            commits.reverse();
        }
        for row in commits.iter().filter(|row| options.wants(row.name)) {
            report.add(run_one(options, row.name, "-", &path)?);
        }
    }
    for round in 0..options.rounds {
        let backwards = round % 2 == 1;
        if options.wants(PARTS) {
            report.add(run_one(options, PARTS, "-", &path)?);
        }
        for load in LOADS.iter().filter(|load| options.wants(load.name)) {
            let mut designs: Vec<Design> = load.designs().collect();
            if backwards {
                designs.reverse();
            }
            for design in designs {
                report.add(run_one(options, load.name, design.name(), &path)?);
            }
        }
    }
    Ok(report)
}

/// Has one load run by a child.
fn run_one(options: &Options, load: &str, design: &str, path: &Path) -> io::Result<Value> {
    let mut command = Command::new(env::current_exe()?);
    command.args(["--child", load, design]).arg(path);
    if !options.quick {
        command.arg("--bench");
    }
    let output = command.stderr(Stdio::inherit()).output()?;
    if !output.status.success() {
        let message = format!("{load}, {design}: {}", output.status);
        return Err(io::Error::other(message));
    }
    let result: Value = serde_json::from_slice(&output.stdout)?;
    if options.json {
        println!("{result}");
    }
    Ok(result)
}

/// Runs one load and prints what it gave as one JSON object.
fn run_as_child(options: &Options, child: &Child) -> Result<(), Box<dyn Error>> {
    let result = if child.load == PARTS {
        let rows = micro::run(&child.path, options.quick)?;
        json!({ "load": PARTS, "rows": rows })
    } else if let Some(row) = COMMITS.iter().find(|row| row.name == child.load) {
        let rate = commits::run(*row, &child.path, options.quick)?;
        json!({
            "load": row.name,
            "design": "-",
            "commits_per_s": rate,
            "own_processor_s": machine::processor_time().map(|time| time.as_secs_f64()),
        })
    } else {
        let load = LOADS.into_iter().find(|load| load.name == child.load);
        let load = load.ok_or("no such load")?;
        let design = Design::ALL
            .into_iter()
            .find(|design| design.name() == child.design)
            .ok_or("no such design")?;
        let load = if options.quick { load.quick() } else { load };
        result_of(load, design, load::run(load, design, &child.path)?)
    };
    println!("{result}");
    Ok(())
}

fn result_of(load: Load, design: Design, run: Run) -> Value {
    let mut result = json!({
        "load": load.name,
        "design": design.name(),
        "dropped": run.dropped as f64 / load.events as f64,
        "own_processor_s": machine::processor_time().map(|time| time.as_secs_f64()),
    });
    if load.is_throughput() {
        let each = |time: Duration| time.as_nanos() as f64 / load.events as f64;
        result["events_per_s"] = json!(load.events as f64 / run.elapsed.as_secs_f64());
        result["processor_ns"] = json!(run.processor.map(each));
    } else {
        // A quantile that hardly a call lies beyond is no quantile.
        let quantile = |per_mille: usize| {
            let beyond = run.calls.len() * (1_000 - per_mille) / 1_000;
            (beyond >= 4).then(|| run.calls[run.calls.len() - 1 - beyond])
        };
        result["clock_ns"] = json!(run.clock);
        result["p50_ns"] = json!(quantile(500));
        result["p99_ns"] = json!(quantile(990));
        result["p99.9_ns"] = json!(quantile(999));
        result["max_ns"] = json!(run.calls.last());
    }
    result
}
