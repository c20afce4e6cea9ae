//! What CI and maintainers run: `cargo xtask` lists it.

#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "it talks to whoever runs it, and to CI's log"
)]

mod bench;
mod cargo_steps;
mod ci;
mod common;
mod counts;
mod coverage;
mod crash;
mod cross;
mod deny;
mod examples;
mod features;
mod fuzz;
mod layers;
mod loom;
mod mcp;
mod metadata;
mod minimal;
mod miri;
mod models;
mod msrv;
mod mutants;
mod package;
mod schema;
mod semver;
mod shuttle;
mod tamper;
mod tidy;
mod tools;
mod tree;
mod tsan;

use std::process::ExitCode;

use crate::common::{Done, StepResult};

/// What isn't part of CI, or is there in a small way only.
struct Command {
    name: &'static str,
    about: &'static str,
    /// Parses the arguments; what is wrong with them, or what to run.
    parse: fn(&[String]) -> Result<Run, String>,
}

/// What a command does once its arguments are known.
type Run = Box<dyn FnOnce() -> StepResult>;

#[rustfmt::skip]
const COMMANDS: &[Command] = &[
    Command { name: "bench", about: bench::ABOUT, parse: bench::parse },
    Command { name: "counts", about: counts::ABOUT, parse: counts::parse },
    Command { name: "coverage", about: coverage::ABOUT, parse: coverage::parse },
    Command { name: "crash", about: crash::ABOUT, parse: crash::parse },
    Command { name: "fuzz", about: fuzz::ABOUT, parse: fuzz::parse },
    Command { name: "loom", about: loom::ABOUT, parse: loom::parse },
    Command { name: "minimal", about: minimal::ABOUT, parse: minimal::parse },
    Command { name: "miri", about: miri::ABOUT, parse: miri::parse },
    Command { name: "mutants", about: mutants::ABOUT, parse: mutants::parse },
    Command { name: "semver", about: semver::ABOUT, parse: semver::parse },
    Command { name: "shuttle", about: shuttle::ABOUT, parse: shuttle::parse },
    Command { name: "tamper", about: tamper::ABOUT, parse: tamper::parse },
    Command { name: "tools", about: tools::ABOUT, parse: tools::parse },
    Command { name: "tsan", about: tsan::ABOUT, parse: tsan::parse },
];

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let Some((name, rest)) = args.split_first() else {
        return usage("which command?");
    };
    let run = match name.as_str() {
        "help" | "--help" | "-h" => {
            print!("{}", help());
            return ExitCode::SUCCESS;
        }
        "ci" => match ci::Choice::parse(rest) {
            Ok(choice) => return ci::run(&choice),
            Err(wrong) => return usage(&wrong),
        },
        name => match parse(name, rest) {
            Ok(run) => run,
            Err(wrong) => return usage(&wrong),
        },
    };
    match run() {
        Ok(Done::Passed) => ExitCode::SUCCESS,
        Ok(Done::Skipped(why)) => {
            println!("{name} skipped: {why}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("{name} failed: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// What that command is to do.
fn parse(name: &str, rest: &[String]) -> Result<Run, String> {
    if let Some(command) = COMMANDS.iter().find(|command| command.name == name) {
        return (command.parse)(rest);
    }
    if name == "schema" && rest.is_empty() {
        return Ok(Box::new(schema::write));
    }
    let Some(step) = ci::STEPS.iter().find(|step| step.name == name) else {
        return Err(format!("there is no command `{name}`"));
    };
    if rest.is_empty() || (name == "schema" && rest == ["--check"]) {
        Ok(Box::new(step.run))
    } else {
        Err(format!("`{name}` takes no `{}`", rest.join(" ")))
    }
}

fn usage(wrong: &str) -> ExitCode {
    eprint!("error: {wrong}\n\n{}", help());
    ExitCode::from(2)
}

fn help() -> String {
    let mut help = String::from("cargo xtask COMMAND, one of:\n\n");
    let mut line = |name: &str, about: &str| help.push_str(&format!("  {name:<16}{about}\n"));
    line(
        "ci",
        "runs every step below in this order; --only A,B or --skip A,B chooses",
    );
    for step in ci::STEPS {
        line(step.name, step.about);
    }
    help.push('\n');
    let mut line = |name: &str, about: &str| help.push_str(&format!("  {name:<16}{about}\n"));
    // Those that are steps too are told above.
    let is_step = |name: &str| ci::STEPS.iter().any(|step| step.name == name);
    for command in COMMANDS.iter().filter(|command| !is_step(command.name)) {
        line(command.name, command.about);
    }
    help
}
