//! `audit wrap`: an MCP server with a record of every tool call that a client
//! makes of it.

pub(crate) mod options;

use std::process::{Command, ExitCode};

use crate::exit::Failure;
use crate::wrap::options::WrapOptions;

pub(crate) fn run(options: WrapOptions) -> Result<ExitCode, Failure> {
    let [program, args @ ..] = &options.command[..] else {
        return Err(Failure::new(Failure::USAGE, "which command?"));
    };
    let status = Command::new(program).args(args).status().map_err(|error| {
        Failure::new(
            Failure::NOT_FOUND,
            format!("can't run `{}`: {error}", program.display()),
        )
    })?;
    Ok(ExitCode::from(status.code().unwrap_or(1) as u8))
}

#[cfg(target_os = "linux")]
pub(crate) fn exec(options: &options::ExecOptions) -> Result<ExitCode, Failure> {
    use std::os::unix::process::CommandExt as _;
    let error = Command::new(&options.command[0])
        .args(&options.command[1..])
        .exec();
    Err(Failure::new(Failure::NOT_FOUND, format!("{error}")))
}
