//! The arguments of the command.

use clap::{Parser, Subcommand};

use crate::output::ColorWhen;
use crate::wrap::options::WrapOptions;

/// Records tool calls, and looks at records of them.
#[derive(Debug, Parser)]
#[command(name = "audit", version, propagate_version = true)]
pub(crate) struct Cli {
    /// When to colour what is printed
    #[arg(long, value_name = "WHEN", value_enum, default_value_t, global = true)]
    pub(crate) color: ColorWhen,

    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Prints the calls that fit: who called what, when, and how it ended.
    Query(crate::query::QueryOptions),

    /// Runs an MCP server and records every tool call that a client makes of it.
    Wrap(WrapOptions),

    /// Becomes the server, once it is sure to end with its proxy.
    #[cfg(target_os = "linux")]
    #[command(hide = true, name = "__exec")]
    Exec(crate::wrap::options::ExecOptions),
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    #[test]
    fn arguments_are_consistent() {
        super::Cli::command().debug_assert();
    }
}
