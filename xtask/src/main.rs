//! What CI and maintainers run: `cargo xtask` lists it.

#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "it talks to whoever runs it, and to CI's log"
)]

mod cargo_steps;
mod ci;
mod common;
mod crash;
mod cross;
mod deny;
mod examples;
mod features;
mod layers;
mod mcp;
mod metadata;
mod msrv;
mod package;
mod schema;
mod tamper;
mod tidy;
mod tree;

use std::process::ExitCode;

use crate::common::Done;

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let Some((name, rest)) = args.split_first() else {
        return usage("which command?");
    };
    let result = match name.as_str() {
        "help" | "--help" | "-h" => {
            print!("{}", help());
            return ExitCode::SUCCESS;
        }
        "ci" => match ci::Choice::parse(rest) {
            Ok(choice) => return ci::run(&choice),
            Err(wrong) => return usage(&wrong),
        },
        "crash" => match crash::Choice::parse(name, rest) {
            Ok(choice) => crash::run(&choice),
            Err(wrong) => return usage(&wrong),
        },
        "tamper" => match crash::Choice::parse(name, rest) {
            Ok(choice) => tamper::run(&choice),
            Err(wrong) => return usage(&wrong),
        },
        "schema" if rest.is_empty() => schema::write(),
        "schema" if rest == ["--check"] => schema::check(),
        name => match ci::STEPS.iter().find(|step| step.name == name) {
            Some(step) if rest.is_empty() => (step.run)(),
            Some(_) => return usage(&format!("`{name}` takes no `{}`", rest.join(" "))),
            None => return usage(&format!("there is no command `{name}`")),
        },
    };
    match result {
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
    line("crash", crash::ABOUT);
    line("tamper", tamper::ABOUT);
    help
}
