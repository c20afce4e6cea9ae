//! The command `audit`: parses arguments and calls the libraries.

#![expect(
    clippy::print_stderr,
    reason = "a command tells its user on stderr what went wrong"
)]

mod cli;
mod exit;
mod wrap;

use std::process::ExitCode;

use clap::Parser as _;

use crate::cli::{Cli, Command};

fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return exit::of_arguments(&error),
    };
    let result = match cli.command {
        Command::Wrap(options) => wrap::run(options),
        #[cfg(target_os = "linux")]
        Command::Exec(options) => wrap::exec(&options),
    };
    match result {
        Ok(code) => code,
        Err(failure) => {
            eprintln!("audit: error: {failure}");
            failure.exit_code()
        }
    }
}
