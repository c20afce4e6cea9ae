//! The runs, one process after the other, and what becomes of their results.

use std::env;
use std::error::Error;
use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::process::{self, Command, ExitCode, Stdio};
use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};

use crate::case::{self, Case, Work};
use crate::child;
use crate::docs;
use crate::floors;
use crate::machine::{self, Usage};
use crate::options::{Places, Report, Task, USAGE};
use crate::processes;
use crate::report;
use crate::results::Results;

/// The main function of `cargo xtask bench`.
pub fn run() -> ExitCode {
    let task = match Task::from_arguments() {
        Ok(task) => task,
        Err(wrong) => {
            eprintln!("error: {}", wrong.trim_end());
            return ExitCode::from(2);
        }
    };
    let done = match task {
        Task::Help => {
            print!("{USAGE}");
            Ok(true)
        }
        Task::List => {
            for case in case::all() {
                println!("{:16}{}", case.name, case.contenders.join("; "));
            }
            Ok(true)
        }
        Task::Child(asked) => child::run(&asked).map(|()| true),
        Task::Writer(how, events, path) => processes::write(&how, events, &path)
            .map(|()| true)
            .map_err(Box::from),
        Task::Report(options) => run_and_report(&options),
    };
    match done {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("bench: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Whether no floor is missed.
fn run_and_report(options: &Report) -> Result<bool, Box<dyn Error>> {
    let results = match &options.from {
        Some(file) => Results::read(file)?,
        None => run_all(options)?,
    };
    print!("{}", report::text(&results));
    if results.is_quick() {
        println!("\nA quick run: the numbers mean nothing, and nothing is judged.");
        return Ok(true);
    }
    if options.write_docs {
        docs::write(&results, &options.places.root)?;
    }
    let missed = floors::missed(&results);
    if !missed.is_empty() {
        println!("\nfloors missed: {}", missed.join("; "));
    }
    Ok(missed.is_empty())
}

/// Has every chosen case run by children, and keeps what they give in a file.
fn run_all(options: &Report) -> Result<Results, Box<dyn Error>> {
    let mut cases = case::all();
    if let Some(only) = &options.only {
        let is_none = |name: &&String| !cases.iter().any(|case| case.is_among(&[(*name).clone()]));
        if let Some(name) = only.iter().find(is_none) {
            return Err(format!("there is no case `{name}`; --list has them").into());
        }
        cases.retain(|case| case.is_among(only));
    }
    let target = options.places.root.join("target").join("bench");
    let directory = target.join(format!("{}", process::id()));
    fs::create_dir_all(&directory)?;
    let done = machine::must_be_a_disk(&directory)
        .and_then(|()| run_cases(options, &cases, &directory, &target));
    fs::remove_dir_all(&directory)?;
    Ok(done?)
}

fn run_cases(
    options: &Report,
    cases: &[Case],
    directory: &Path,
    target: &Path,
) -> io::Result<Results> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    let now = now.map_or(0, |now| now.as_secs());
    let kept = target.join(format!("{now}.jsonl"));
    let mut results = Results::begin(&kept, options.rounds, options.quick)?;
    for round in 0..options.rounds {
        for case in cases {
            if case.is_once && round > 0 {
                continue;
            }
            eprint!("\rround {}: {:<24}", round + 1, case.name);
            io::stderr().flush()?;
            let mut contenders = case.contenders.clone();
            if contenders.is_empty() {
                contenders.push("-");
            }
            if round % 2 == 1 {
                contenders.reverse();
            }
            for contender in contenders {
                for run in run_one(options, case, contender, directory)? {
                    results.add(case, contender, round, run)?;
                }
            }
        }
    }
    eprintln!("\rresults are in {}", kept.display());
    Ok(results)
}

/// Has one case run by a child.
fn run_one(
    options: &Report,
    case: &Case,
    contender: &str,
    directory: &Path,
) -> io::Result<Vec<Value>> {
    let path = directory.join("calls.jsonl");
    let Places { audit, .. } = &options.places;
    let own = env::current_exe()?;
    let mut command = match case.work {
        Work::Allocations => {
            let mut command = Command::new(beside(&own, "allocations"));
            command.arg(contender).arg(&path);
            command
        }
        _ => {
            let mut command = Command::new(own);
            command.args(["--child", &case.name, contender]);
            command.arg(&path).arg(audit);
            command.arg(if options.quick { "quick" } else { "whole" });
            command
        }
    };
    let before = Usage::now();
    let output = command.stderr(Stdio::inherit()).output()?;
    let used = Usage::now().zip(before);
    if !output.status.success() {
        let message = format!("{}, {contender}: {}", case.name, output.status);
        return Err(io::Error::other(message));
    }
    let text = String::from_utf8_lossy(&output.stdout);
    let mut runs = Vec::new();
    for line in text.lines() {
        let mut run: Value = serde_json::from_str(line)?;
        if let Some((after, before)) = used {
            note_others(&mut run, after.since(before));
        }
        runs.push(run);
    }
    Ok(runs)
}

/// How busy the machine was with other things while the child ran, as shares of it.
fn note_others(run: &mut Value, used: Usage) {
    let total = used.total.max(1) as f64;
    run["stolen"] = json!(used.stolen as f64 / total);
    let Some(own) = run["own_processor_s"].as_f64() else {
        return;
    };
    // The kernel counts in hundredths of a second.
    let own = (own + run["others_of_ours_s"].as_f64().unwrap_or_default()) * 100.0;
    let busy = (used.total - used.idle - used.stolen) as f64;
    run["others"] = json!((busy - own).max(0.0) / total);
}

fn beside(own: &Path, name: &str) -> PathBuf {
    own.with_file_name(format!("{name}{}", env::consts::EXE_SUFFIX))
}
