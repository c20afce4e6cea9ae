//! `audit wrap`: an MCP server with a record of every tool call that a client makes
//! of it.

mod answers;
mod baton;
mod calls;
mod client;
pub(crate) mod options;
mod outcome;
mod place;
mod pump;
mod recorder;
mod redact;
mod refusal;
mod scan;
mod server;
mod session;
mod stdio;
mod watch;

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use crate::exit::Failure;
use crate::wrap::calls::{Calls, Names};
use crate::wrap::options::{OnLogFailure, WrapOptions};
use crate::wrap::outcome::Texts;
use crate::wrap::recorder::{Demands, Recorder};
use crate::wrap::session::Session;

/// Runs the server until it ends, and then ends this process as it ended.
pub(crate) fn run(options: WrapOptions) -> Result<ExitCode, Failure> {
    let log = log(&options)?;
    let refuses = options.on_log_failure == OnLogFailure::Refuse;
    let demands = Demands {
        durable: options.durable,
        certain: refuses,
    };
    let command = options.command.first();
    let names = Names {
        server: options.server,
        caller: options.caller,
        command: command
            .and_then(|word| Path::new(word).file_stem())
            .map(|stem| stem.to_string_lossy().into_owned())
            .unwrap_or_default(),
    };
    let calls = Calls::new(names, Texts(options.messages));
    // Before the server starts, so that what is told of the log comes first.
    let recorder = Recorder::start(log, demands).map_err(no_thread)?;
    Session::start(&options.command, calls, recorder, refuses)?.run()
}

/// Becomes the server; the other half of [`run`] on Linux.
#[cfg(target_os = "linux")]
pub(crate) fn exec(options: &options::ExecOptions) -> Result<ExitCode, Failure> {
    server::become_server(options.parent, &options.command)
}

/// The log's path, which is told once if nobody named it.
fn log(options: &WrapOptions) -> Result<PathBuf, Failure> {
    if let Some(log) = &options.log {
        return Ok(log.clone());
    }
    let Some(log) = place::default_log() else {
        return Err(Failure::new(
            Failure::USAGE,
            "nothing says where your files are: name the log with --log PATH",
        ));
    };
    // Nobody reads it, perhaps.
    writeln!(
        std::io::stderr(),
        "audit: recording calls in {}",
        log.display()
    )
    .ok();
    Ok(log)
}

fn no_thread(error: std::io::Error) -> Failure {
    Failure::new(
        Failure::NOT_EXECUTABLE,
        format!("can't start a thread: {error}"),
    )
}
