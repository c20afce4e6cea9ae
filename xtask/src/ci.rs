//! `ci`: every step, and a table of how they ended.

mod beside;

use std::io::Write as _;
use std::mem;
use std::process::ExitCode;
use std::sync::mpsc::Receiver;
use std::time::{Duration, Instant};

use crate::cargo_steps::{build, clippy, doc, doctest, fmt, test};
use crate::ci::beside::{Beside, Program};
use crate::common::{Done, StepResult};
use crate::{
    bench, counts, cross, deny, examples, features, fuzz, layers, loom, mcp, msrv, package, schema,
    tidy,
};

pub(crate) struct Step {
    pub(crate) name: &'static str,
    pub(crate) about: &'static str,
    pub(crate) run: fn() -> StepResult,
    /// It runs beside those that come after, which leave a core idle most of the time.
    is_beside: bool,
}

const fn step(name: &'static str, about: &'static str, run: fn() -> StepResult) -> Step {
    Step {
        name,
        about,
        run,
        is_beside: false,
    }
}

const fn beside(name: &'static str, about: &'static str, run: fn() -> StepResult) -> Step {
    Step {
        is_beside: true,
        ..step(name, about, run)
    }
}

/// In the order in which CI begins them: what breaks most often comes early, and the
/// tests have the machine for themselves.
#[rustfmt::skip]
pub(crate) const STEPS: &[Step] = &[
    step("fmt", "the sources are as rustfmt writes them", fmt),
    step("clippy", "no warning in any target, with all features", clippy),
    step("build", "libraries, commands, tests, examples and benches build", build),
    step("test", "unit and integration tests pass; examples and benches build", test),
    beside("models", "the queue's models hold in every execution, by loom", loom::run),
    beside("counts", counts::ABOUT, counts::check),
    beside("msrv", "everything compiles with the oldest supported Rust", msrv::run),
    beside("cross", "everything compiles for Windows and macOS", cross::run),
    beside("package", "the crates package, and the packages build", package::run),
    beside("features", "each publishable crate builds with every set of its features", features::run),
    step("mcp", "real MCP clients call real servers by way of `audit wrap`", mcp::run),
    step("doctest", "the examples in the docs compile and pass", doctest),
    step("examples", "other people's projects under examples/ build and pass their tests", examples::run),
    step("replay", "the fuzz targets pass on every input that is kept", fuzz::check),
    step("benches", "our part of benches/ builds, keeps the rules and runs; measures nothing", bench::check),
    step("doc", "the docs build without a warning", doc),
    step("layers", "each crate holds only what it may; manifests keep the rules", layers::run),
    step("tidy", "docs agree with the tree, sources keep the house rules", tidy::run),
    step("schema", "writes the JSON Schema as the source says; --check, as in ci, compares it", schema::check),
    step("deny", "licences, sources and banned crates, by cargo-deny", deny::run),
];

/// Which steps to run.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Choice {
    only: Option<Vec<String>>,
    skip: Vec<String>,
}

impl Choice {
    pub(crate) fn parse(args: &[String]) -> Result<Self, String> {
        let mut choice = Self::default();
        let mut args = args.iter();
        while let Some(option) = args.next() {
            let list = match option.as_str() {
                "--only" => choice.only.get_or_insert_default(),
                "--skip" => &mut choice.skip,
                other => return Err(format!("`ci` takes no `{other}`")),
            };
            let names = args
                .next()
                .ok_or_else(|| format!("`{option}` needs names of steps, as fmt,clippy"))?;
            for name in names.split(',') {
                if !STEPS.iter().any(|step| step.name == name) {
                    return Err(format!("`{option}`: there is no step `{name}`"));
                }
                list.push(name.to_owned());
            }
        }
        Ok(choice)
    }

    /// Why not to run that step.
    fn leaves_out(&self, step: &str) -> Option<&'static str> {
        let among = |names: &Vec<String>| names.iter().any(|name| name == step);
        if self.only.as_ref().is_some_and(|only| !among(only)) {
            Some("not named by --only")
        } else if among(&self.skip) {
            Some("left out by --skip")
        } else {
            None
        }
    }
}

#[derive(Debug, PartialEq, Eq)]
enum Outcome {
    Passed,
    Failed(String),
    Skipped(String),
}

/// A step and how it ended.
struct Ended {
    name: &'static str,
    outcome: Outcome,
    took: Duration,
}

pub(crate) fn run(choice: &Choice) -> ExitCode {
    let chosen = |step: &&Step| choice.leaves_out(step.name).is_none();
    let (aside, rest): (Vec<&Step>, Vec<&Step>) =
        STEPS.iter().filter(chosen).partition(|step| step.is_beside);
    let mut aside: Vec<&str> = aside.iter().map(|step| step.name).collect();
    let mut program = match Program::keep() {
        Ok(program) if !rest.is_empty() => Some(program),
        Ok(_) => None,
        Err(error) => {
            println!("no step runs beside others: {error:#}");
            None
        }
    };
    let mut running = None;
    let mut table = Vec::new();
    for step in STEPS {
        if let Some(why) = choice.leaves_out(step.name) {
            table.push(Ended {
                name: step.name,
                outcome: Outcome::Skipped(why.into()),
                took: Duration::ZERO,
            });
        } else if step.is_beside && (program.is_some() || running.is_some()) {
            if let Some(program) = program.take() {
                running = Some(beside::start(program, mem::take(&mut aside)));
            }
        } else {
            table.push(perform(step));
        }
        for beside in running.iter().flat_map(Receiver::try_iter) {
            table.push(show(beside));
        }
    }
    for beside in running.into_iter().flatten() {
        table.push(show(beside));
    }
    let is_missing = |step: &&Step| !table.iter().any(|ended| ended.name == step.name);
    let missing: Vec<&Step> = STEPS.iter().filter(is_missing).collect();
    table.extend(missing.into_iter().map(|step| Ended {
        name: step.name,
        outcome: Outcome::Failed("it wasn't run: no thread could be started".into()),
        took: Duration::ZERO,
    }));
    table.sort_by_key(|ended| STEPS.iter().position(|step| step.name == ended.name));
    // The totals are to be the last line, whatever else was still to be written.
    std::io::stderr().flush().ok();
    print!("{}", summary(&table));
    let failed = |ended: &Ended| matches!(ended.outcome, Outcome::Failed(_));
    if table.iter().any(failed) {
        ExitCode::FAILURE
    } else {
        ExitCode::SUCCESS
    }
}

fn perform(step: &Step) -> Ended {
    println!("\n== {} ==", step.name);
    let begun = Instant::now();
    let outcome = match (step.run)() {
        Ok(Done::Passed) => Outcome::Passed,
        Ok(Done::Skipped(why)) => {
            println!("{} skipped: {why}", step.name);
            Outcome::Skipped(why)
        }
        Err(error) => {
            println!("{} failed: {error:#}", step.name);
            Outcome::Failed(format!("{error:#}"))
        }
    };
    Ended {
        name: step.name,
        outcome,
        took: begun.elapsed(),
    }
}

fn show(beside: Beside) -> Ended {
    println!("\n== {} ==", beside.ended.name);
    print!("{}", beside.output);
    beside.ended
}

fn summary(table: &[Ended]) -> String {
    let mut text = String::from("\n== summary ==\nstep      result   seconds\n");
    let (mut passed, mut failed, mut skipped) = (0, 0, 0);
    for Ended {
        name,
        outcome,
        took,
    } in table
    {
        let (word, why) = match outcome {
            Outcome::Passed => {
                passed += 1;
                ("passed", "")
            }
            Outcome::Failed(why) => {
                failed += 1;
                ("failed", why.as_str())
            }
            Outcome::Skipped(why) => {
                skipped += 1;
                ("skipped", why.as_str())
            }
        };
        let why = why.lines().collect::<Vec<_>>().join(" ");
        let row = format!("{name:<10}{word:<8}{:>8.1}  {why}", took.as_secs_f64());
        text.push_str(row.trim_end());
        text.push('\n');
    }
    text.push_str(&format!(
        "\n{passed} passed, {failed} failed, {skipped} skipped\n"
    ));
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Result<Choice, String> {
        Choice::parse(&line.split(' ').map(String::from).collect::<Vec<_>>())
    }

    #[test]
    fn choices_name_steps() {
        let choice = parse("--only fmt,tidy --skip tidy").unwrap();
        assert_eq!(choice.leaves_out("fmt"), None);
        assert_eq!(choice.leaves_out("tidy"), Some("left out by --skip"));
        assert_eq!(choice.leaves_out("clippy"), Some("not named by --only"));

        for wrong in ["--only", "--only fnt", "--skip fmt,,tidy", "fmt"] {
            assert!(parse(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn totals_stand_alone_on_the_last_line() {
        let table = [
            ("fmt", Outcome::Passed, Duration::from_millis(1_250)),
            ("test", Outcome::Failed("it\nbroke".into()), Duration::ZERO),
            ("deny", Outcome::Skipped("not there".into()), Duration::ZERO),
        ];
        let table = table.map(|(name, outcome, took)| Ended {
            name,
            outcome,
            took,
        });
        let text = summary(&table);
        assert!(text.contains("fmt       passed       1.2\n"), "{text}");
        assert!(
            text.contains("test      failed       0.0  it broke\n"),
            "{text}"
        );
        assert!(
            text.ends_with("\n\n1 passed, 1 failed, 1 skipped\n"),
            "{text}"
        );
    }
}
