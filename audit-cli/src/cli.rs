//! The arguments of the command.

use clap::{Parser, Subcommand};

use crate::wrap::options::WrapOptions;

/// Records tool calls, and looks at records of them.
#[derive(Debug, Parser)]
#[command(name = "audit", version, propagate_version = true)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
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
