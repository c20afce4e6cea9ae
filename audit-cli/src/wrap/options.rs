//! The arguments of `audit wrap`. All is configured by them: clients pass hardly
//! any environment on.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::{Args, ValueEnum};

/// What `audit wrap` was asked to do.
#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP)]
pub(crate) struct WrapOptions {
    /// The log, which several servers may share; made if it isn't there. By
    /// default audit.jsonl in the directory that the platform has for state
    #[arg(long, value_name = "PATH")]
    pub(crate) log: Option<PathBuf>,

    /// The server's name in the log. By default what it calls itself
    #[arg(long, value_name = "NAME")]
    pub(crate) server: Option<String>,

    /// The caller's name in the log. By default what the client calls itself
    #[arg(long, value_name = "NAME")]
    pub(crate) caller: Option<String>,

    /// Syncs the record of each call before its answer goes on
    #[arg(long)]
    pub(crate) durable: bool,

    /// What to do with calls while the log can't be written
    #[arg(long, value_name = "WHAT", value_enum, default_value_t = OnLogFailure::Continue)]
    pub(crate) on_log_failure: OnLogFailure,

    /// Records what errors say, with names, paths, numbers and quotes left out
    #[arg(long)]
    pub(crate) messages: bool,

    /// The server's command and its arguments, with `--` before it or without
    #[arg(required = true, trailing_var_arg = true, value_name = "COMMAND")]
    pub(crate) command: Vec<OsString>,
}

/// What happens to calls while the log can't be written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum OnLogFailure {
    /// They go on; what is lost is counted, and told
    Continue,
    /// They are answered with an error, and don't reach the server
    Refuse,
}

/// How the server is started.
#[cfg(target_os = "linux")]
#[derive(Debug, Args)]
pub(crate) struct ExecOptions {
    /// The process that the server is to end with.
    pub(crate) parent: i32,

    #[arg(required = true, trailing_var_arg = true)]
    pub(crate) command: Vec<OsString>,
}

const AFTER_HELP: &str = "\
Examples:
  audit wrap npx -y @modelcontextprotocol/server-filesystem /srv/files
  audit wrap --log calls.jsonl --server time -- uvx mcp-server-time

Exit code: the server's own; if a signal ended it, that signal ends audit wrap too.
2 when the arguments make no sense, 126 when the command can't be run, 127 when
there is no such command.";
