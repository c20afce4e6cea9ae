//! The command `audit`: parses arguments and calls the libraries.

mod calls;
mod cli;
mod compressed;
mod exit;
mod hash;
mod head;
mod ids;
mod input;
mod output;
mod pages;
mod progress;
mod query;
mod record;
mod repair;
mod scan;
mod schema;
mod stats;
mod table;
mod tail;
mod text;
mod verify;
mod when;
mod wrap;

use std::process::ExitCode;

use clap::Parser as _;

use crate::cli::{Cli, Command};

fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return exit::of_arguments(&error),
    };
    cli.color.apply();
    let result = match cli.command {
        Command::Query(options) => query::run(&options),
        Command::Stats(options) => stats::run(&options),
        Command::Tail(options) => tail::run(&options),
        Command::Record(options) => record::run(options),
        Command::Verify(args) => verify::run(&args),
        Command::Repair(options) => repair::run(&options),
        Command::Head(options) => head::run(&options),
        Command::Hash(options) => hash::run(&options),
        Command::Schema(_) => schema::run(),
        Command::Completions(options) => pages::completions(&options),
        Command::Man(options) => pages::man(&options),
        Command::Wrap(options) => wrap::run(options),
        #[cfg(target_os = "linux")]
        Command::Exec(options) => wrap::exec(&options),
    };
    match result {
        Ok(code) => code,
        Err(failure) => {
            failure.tell();
            failure.exit_code()
        }
    }
}
