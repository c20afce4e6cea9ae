//! The arguments of the command.

use clap::{Parser, Subcommand};

use crate::hash::HashOptions;
use crate::head::HeadOptions;
use crate::output::ColorWhen;
use crate::pages::{CompletionsOptions, ManOptions};
use crate::record::RecordOptions;
use crate::repair::RepairOptions;
use crate::schema::SchemaOptions;
use crate::verify::VerifyArgs;
use crate::wrap::options::WrapOptions;

/// Records tool calls, and looks at records of them.
#[derive(Debug, Parser)]
#[command(name = "audit", version, propagate_version = true, after_help = AFTER_HELP)]
pub(crate) struct Cli {
    /// When to colour what is printed; auto is on a terminal, unless `NO_COLOR` is set
    #[arg(long, value_name = "WHEN", value_enum, default_value_t, global = true)]
    pub(crate) color: ColorWhen,

    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Prints the calls that fit: who called what, when, and how it ended.
    Query(crate::query::QueryOptions),

    /// Counts calls: how they ended, and how long they took.
    Stats(crate::stats::StatsOptions),

    /// Prints the last calls, and with -f each that comes.
    Tail(crate::tail::TailOptions),

    /// Records events that are given as JSON Lines, for programs in any language.
    Record(RecordOptions),

    /// Checks whether logs are unaltered, and whether they are complete.
    Verify(VerifyArgs),

    /// Puts the end of a log right, after a crash or the like; says first how.
    Repair(RepairOptions),

    /// Prints the head of a log, to keep elsewhere and to verify against later.
    Head(HeadOptions),

    /// Prints what stands in a log for a value that was hashed with a key.
    Hash(HashOptions),

    /// Prints the JSON Schema of a record.
    Schema(SchemaOptions),

    /// Prints what a shell needs to complete the command's arguments.
    Completions(CompletionsOptions),

    /// Writes the manual pages.
    Man(ManOptions),

    /// Runs an MCP server and records every tool call that a client makes of it.
    Wrap(WrapOptions),

    /// Becomes the server, once it is sure to end with its proxy.
    #[cfg(target_os = "linux")]
    #[command(hide = true, name = "__exec")]
    Exec(crate::wrap::options::ExecOptions),
}

const AFTER_HELP: &str = "\
Data goes to stdout, all else to stderr. `audit help VERB` has examples.

Exit code: 0 fine; 1 something is wrong with what was looked at; 2 it could not be
done; 3 a log is not complete, where that was asked. Each verb's help says more.";

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    #[test]
    fn arguments_are_consistent() {
        super::Cli::command().debug_assert();
    }
}
