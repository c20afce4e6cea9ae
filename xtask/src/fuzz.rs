//! `fuzz`: libFuzzer drives the targets under `fuzz/`, with inputs that reach ever more
//! of the code. `replay`, a step of CI, runs them on the inputs that are kept.
//!
//! `fuzz/` is a workspace of its own, so all that is checked of it is checked here.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};

use crate::Run;
use crate::common::{Cmd, Done, StepResult, cargo, root, run_all};
use crate::tools::{self, FUZZ};

pub(crate) const ABOUT: &str = "fuzzes all targets, or those named; --seconds N (60) or --runs N \
                                for each, --seed N, --no-sanitizer";

/// What the targets are made for: longer inputs reach nothing more, more slowly.
const LONGEST_INPUT: &str = "-max_len=4096";

/// Seconds after which an input counts as one that hangs.
const HANGS: &str = "-timeout=30";

/// The inputs that a machine has found, which nobody checks in.
const FOUND: &str = "target/fuzz-corpus";

#[derive(Debug, PartialEq, Eq)]
struct Choice {
    targets: Vec<String>,
    seconds: Option<u64>,
    runs: Option<u64>,
    seed: Option<u64>,
    sanitizer: bool,
}

pub(crate) fn parse(args: &[String]) -> Result<Run, String> {
    let known = targets().map_err(|error| format!("{error:#}"))?;
    let choice = Choice::parse(args, known)?;
    Ok(Box::new(move || run(&choice)))
}

impl Choice {
    fn parse(args: &[String], known: Vec<String>) -> Result<Self, String> {
        let mut choice = Self {
            targets: Vec::new(),
            seconds: None,
            runs: None,
            seed: None,
            sanitizer: true,
        };
        let mut args = args.iter();
        while let Some(arg) = args.next() {
            let number = match arg.as_str() {
                "--seconds" => &mut choice.seconds,
                "--runs" => &mut choice.runs,
                "--seed" => &mut choice.seed,
                "--no-sanitizer" => {
                    choice.sanitizer = false;
                    continue;
                }
                name if known.iter().any(|known| known == name) => {
                    choice.targets.push(name.to_owned());
                    continue;
                }
                other => {
                    let known = known.join(", ");
                    return Err(format!(
                        "`fuzz` takes no `{other}`; the targets are {known}"
                    ));
                }
            };
            // libFuzzer takes 0 for no bound, or for a seed of its own.
            let given = args.next().and_then(|given| given.parse().ok());
            let given = given.filter(|given| (1..=i32::MAX as u64).contains(given));
            *number = Some(
                given.ok_or_else(|| format!("`{arg}` needs a number from 1 to {}", i32::MAX))?,
            );
        }
        if choice.seconds.is_none() && choice.runs.is_none() {
            choice.seconds = Some(60);
        }
        if choice.targets.is_empty() {
            choice.targets = known;
        }
        Ok(choice)
    }

    /// What libFuzzer is told.
    fn flags(&self) -> Vec<String> {
        let mut flags = [LONGEST_INPUT, HANGS, "-print_final_stats=1", "-verbosity=0"]
            .map(String::from)
            .to_vec();
        let numbers = [
            ("max_total_time", self.seconds),
            ("runs", self.runs),
            ("seed", self.seed),
        ];
        for (name, number) in numbers {
            flags.extend(number.map(|number| format!("-{name}={number}")));
        }
        flags
    }

    /// `cargo fuzz run` of that target.
    fn command(&self, target: &str) -> Result<Cmd> {
        // With and without a sanitizer everything is compiled otherwise.
        let (sanitizer, target_dir) = match self.sanitizer {
            true => ("address", "target/fuzz"),
            false => ("none", "target/fuzz-none"),
        };
        let found = format!("{FOUND}/{target}");
        fs::create_dir_all(root().join(&found)).with_context(|| format!("can't make {found}"))?;
        let mut args: Vec<String> = ["run", target, "--sanitizer", sanitizer, "--target-dir"]
            .map(String::from)
            .to_vec();
        // libFuzzer writes what it finds to the first directory alone.
        args.extend([target_dir.to_owned(), found]);
        for kept in kept(target) {
            args.push(kept);
        }
        args.push("--".into());
        args.extend(self.flags());
        let command = FUZZ.command(args)?.without_own_cargo();
        Ok(command.env("RUSTUP_TOOLCHAIN", "nightly"))
    }
}

/// The directories of the inputs that are checked in.
fn kept(target: &str) -> Vec<String> {
    let directories = ["corpus", "regressions"].map(|kept| format!("fuzz/{kept}/{target}"));
    let is_there = |directory: &String| root().join(directory).is_dir();
    directories.into_iter().filter(is_there).collect()
}

/// What libFuzzer says at its end.
#[derive(Debug, Default, PartialEq, Eq)]
struct Stats {
    runs: u64,
    runs_per_second: u64,
    new: u64,
}

impl Stats {
    fn read(&mut self, line: &str) {
        let Some((name, number)) = line
            .strip_prefix("stat::")
            .and_then(|rest| rest.split_once(':'))
        else {
            return;
        };
        let stat = match name {
            "number_of_executed_units" => &mut self.runs,
            "average_exec_per_sec" => &mut self.runs_per_second,
            "new_units_added" => &mut self.new,
            _ => return,
        };
        if let Ok(number) = number.trim().parse() {
            *stat = number;
        }
    }
}

fn run(choice: &Choice) -> StepResult {
    tools::nightly(&[])?;
    let mut table = Vec::new();
    let mut crashes = Vec::new();
    for target in &choice.targets {
        println!("\n== {target} ==");
        let artifacts = root().join("fuzz/artifacts").join(target);
        let before = files(&artifacts);
        let mut stats = Stats::default();
        let ended = choice
            .command(target)?
            .run_listening(|line| stats.read(line));
        let found: Vec<PathBuf> = files(&artifacts).difference(&before).cloned().collect();
        if let (Err(error), true) = (ended, found.is_empty()) {
            // Not built, or not started.
            return Err(error);
        }
        table.push(row(target, &stats, found.len()));
        crashes.extend(found.into_iter().map(|path| (target, path)));
    }
    println!("\n== summary ==\n{HEADER}");
    for row in table {
        println!("{row}");
    }
    if crashes.is_empty() {
        return Ok(Done::Passed);
    }
    for (target, path) in &crashes {
        let path = path.strip_prefix(root()).unwrap_or(path);
        println!(
            "\n{}: say what is wrong with\n    {}",
            path.display(),
            replay(target)
        );
    }
    println!(
        "\nThat replays all that is under fuzz/artifacts. When it is mended, move the input to \
         fuzz/regressions, under a name that tells what it was."
    );
    bail!("{} inputs on which a target fails", crashes.len())
}

const HEADER: &str = "target              runs    runs/s       new  crashes";

fn row(target: &str, stats: &Stats, crashes: usize) -> String {
    let Stats {
        runs,
        runs_per_second,
        new,
    } = stats;
    format!("{target:<14}{runs:>10}{runs_per_second:>10}{new:>10}{crashes:>9}")
}

/// What repeats a failure, on stable and with its message.
fn replay(target: &str) -> String {
    format!("cargo {REPLAY} -- {target}")
}

const REPLAY: &str = "test --locked --manifest-path fuzz/Cargo.toml --no-default-features \
                      --target-dir target/fuzz-replay --test replay";

/// The step of CI.
pub(crate) fn check() -> StepResult {
    // Not `--all-targets`: the library holds modules of audit-cli, whose unit tests need
    // what only audit-cli has. And without libFuzzer itself, which is C++.
    let clippy = "clippy --locked --manifest-path fuzz/Cargo.toml --no-default-features \
                  --features targets --target-dir target/fuzz-replay --lib --bins --test replay \
                  -- -D warnings";
    let fmt = "fmt --manifest-path fuzz/Cargo.toml -- --check";
    let words = |line: &str| {
        cargo(
            line.split_whitespace()
                .map(String::from)
                .collect::<Vec<_>>(),
        )
    };
    run_all([fmt, clippy, REPLAY].map(words))?;
    Ok(Done::Passed)
}

/// The names of the targets.
fn targets() -> Result<Vec<String>> {
    let sources = files(&root().join("fuzz/fuzz_targets"));
    let stems = sources.iter().filter_map(|path| path.file_stem());
    let targets: Vec<String> = stems
        .map(|stem| stem.to_string_lossy().into_owned())
        .collect();
    if targets.is_empty() {
        bail!("there is nothing under fuzz/fuzz_targets");
    }
    Ok(targets)
}

/// The files of a directory, which need not be there.
fn files(directory: &Path) -> BTreeSet<PathBuf> {
    let entries = fs::read_dir(directory).into_iter().flatten();
    entries
        .filter_map(|entry| Some(entry.ok()?.path()))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Result<Choice, String> {
        let args: Vec<String> = line.split_whitespace().map(String::from).collect();
        Choice::parse(&args, ["reader", "wrap"].map(String::from).to_vec())
    }

    #[test]
    fn choices_name_targets_and_numbers() {
        let choice = parse("").unwrap();
        assert_eq!(choice.targets, ["reader", "wrap"]);
        assert_eq!(choice.seconds, Some(60));
        assert!(choice.sanitizer);

        let choice = parse("wrap --runs 5 --seed 7 --no-sanitizer").unwrap();
        assert_eq!(choice.targets, ["wrap"]);
        assert_eq!((choice.seconds, choice.runs), (None, Some(5)));
        assert!(!choice.sanitizer);
        let flags = choice.flags().join(" ");
        assert!(flags.ends_with(" -runs=5 -seed=7"), "{flags}");

        for wrong in [
            "--runs",
            "--runs 0",
            "--seconds x",
            "writer",
            "--runs 4294967296",
        ] {
            assert!(parse(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn stats_are_read_from_lines() {
        let mut stats = Stats::default();
        for line in [
            "stat::number_of_executed_units: 1200",
            "stat::average_exec_per_sec:     60",
            "stat::new_units_added:          7",
            "stat::peak_rss_mb:              40",
            "number_of_executed_units: 5",
        ] {
            stats.read(line);
        }
        assert_eq!(
            (stats.runs, stats.runs_per_second, stats.new),
            (1200, 60, 7)
        );
        assert_eq!(row("wrap", &stats, 0).len(), HEADER.len());
    }

    #[test]
    fn targets_have_a_corpus() {
        for target in targets().unwrap() {
            assert!(
                kept(&target).contains(&format!("fuzz/corpus/{target}")),
                "{target}"
            );
        }
    }
}
