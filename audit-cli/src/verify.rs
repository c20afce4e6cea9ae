//! `audit verify`: the library's report on whether a log is unaltered and whole.

mod show;
mod spool;

use std::cell::OnceCell;
use std::ops::ControlFlow;
use std::path::PathBuf;
use std::process::ExitCode;

use audit_jsonl::verify::{Head, Integrity, Report, VerifyOptions};
use clap::Args;

use crate::compressed;
use crate::exit::{self, Failure};
use crate::input::{Paths, Stream};
use crate::output::Output;
use crate::progress::Progress;
use crate::text;
use crate::verify::spool::Spool;

/// What `audit verify` was asked to do.
#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP)]
pub(crate) struct VerifyArgs {
    #[command(flatten)]
    paths: Paths,

    /// A head that was kept elsewhere, as a receipt or `audit head` gave it: the log
    /// must have that line. May be given more than once
    #[arg(long = "head", value_name = "SEQ:HASH")]
    heads: Vec<Head>,

    /// Prints the report as JSON
    #[arg(long)]
    json: bool,

    /// Lists the first problem of each log alone; all are counted
    #[arg(long)]
    first: bool,

    /// Ends with 3 when the log is intact, and something is said to be lacking
    #[arg(long)]
    require_complete: bool,
}

const AFTER_HELP: &str = "\
Integrity is whether the lines are those that were written; completeness, whether
anything is told to be lacking: lost events, writers that never closed, files that
are gone. Nothing but a head that is kept elsewhere shows that the last lines were
cut off, or that somebody has made the whole chain anew.

Examples:
  audit verify audit.jsonl
  audit verify --head \"$(cat kept-elsewhere)\" audit.jsonl
  audit verify --json --first /var/log/agents | jq .integrity

Exit code: 0 intact; 1 not intact; 2 could not be checked, as for want of a chained
line; 3 intact and not complete, with --require-complete. Of several logs, 1 goes
before 2, and 2 before 3.";

pub(crate) fn run(args: &VerifyArgs) -> Result<ExitCode, Failure> {
    let spool = Spool::default();
    let paths = spooled(args, &spool)?;
    let progress: OnceCell<Progress> = OnceCell::new();
    let mut options = VerifyOptions::new()
        .heads(args.heads.iter().copied())
        .on_progress(|now| {
            let progress = progress.get_or_init(|| Progress::of_bytes(now.bytes_total));
            progress.count(now.bytes);
            ControlFlow::Continue(())
        });
    if args.first {
        options = options.problem_limit(1);
    }
    let report = audit_jsonl::verify(&paths, &options);
    if let Some(progress) = progress.get() {
        progress.finish();
    }
    let mut report = report.map_err(|error| Failure::because(&error))?;
    if args.first {
        let logs = report.logs.iter_mut();
        logs.for_each(|log| log.problems.truncate(1));
    }
    spool.rename(&mut report);
    let mut output = Output::new();
    if args.json {
        print_json(&report, &mut output)?;
    } else {
        show::report(&report, &mut output)?;
    }
    output.flush()?;
    Ok(ExitCode::from(code(&report, args.require_complete)))
}

/// The paths, with files in the place of streams, which can't be read twice.
fn spooled(args: &VerifyArgs, spool: &Spool) -> Result<Vec<PathBuf>, Failure> {
    let path = |path: &PathBuf| match Stream::of(path) {
        Some(stream) => spool.take(&stream),
        None => compressed::refuse(path).map(|()| path.clone()),
    };
    args.paths.paths.iter().map(path).collect()
}

fn code(report: &Report, require_complete: bool) -> u8 {
    match report.integrity {
        Integrity::NotIntact => exit::FOUND_WRONG,
        Integrity::Unchecked => Failure::USAGE,
        Integrity::Intact if require_complete && !report.complete => exit::INCOMPLETE,
        Integrity::Intact => exit::FINE,
    }
}

fn print_json(report: &Report, output: &mut Output) -> Result<(), Failure> {
    let written = serde_json::to_string_pretty(report);
    let mut json = written.map_err(|error| Failure::could_not(error.to_string()))?;
    json.push('\n');
    if output.is_terminal() {
        return output.bytes(&text::harmless_json(json.as_bytes()));
    }
    output.bytes(json.as_bytes())
}
