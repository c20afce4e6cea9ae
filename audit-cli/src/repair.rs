//! `audit repair`: what the next writer would put right at the end of a log.

use std::path::PathBuf;
use std::process::ExitCode;

use audit_jsonl::repair::{self, Step};
use clap::Args;
use serde::Serialize;

use crate::exit::{self, Failure};
use crate::input::Stream;
use crate::output::Output;
use crate::text;

/// What `audit repair` was asked to do.
#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP)]
pub(crate) struct RepairOptions {
    /// A log
    #[arg(value_name = "PATH")]
    path: PathBuf,

    /// Does it; without this nothing is changed
    #[arg(long)]
    apply: bool,

    /// Prints the steps as JSON
    #[arg(long)]
    json: bool,
}

const AFTER_HELP: &str = "\
A log that doesn't end as its head file says, as after a crash, a power loss or
somebody's mistake, is put right by its next writer. This says what that writer will
do, and with --apply does it at once, under the log's lock: writers may go on. Nothing
is deleted; what is no record is set aside, and a line in the log tells of it. Run it
as the user who writes the log.

Lines before the end that were changed or are missing are not repaired: `audit verify`
names them.

Examples:
  audit repair audit.jsonl
  audit repair --apply audit.jsonl && audit verify audit.jsonl

Exit code: 0 nothing to do, or done with --apply; 1 there is something to do; 2 it
could not be done.";

/// One form for both, so that programs need not know which it was.
#[derive(Debug, Serialize)]
struct Told<'a> {
    path: String,
    applied: bool,
    steps: &'a [Step],
    head: Option<String>,
}

pub(crate) fn run(options: &RepairOptions) -> Result<ExitCode, Failure> {
    if let Some(stream) = Stream::of(&options.path) {
        return Err(Failure::could_not(format!(
            "{}: a stream can't be repaired; give the path of a log",
            stream.name()
        )));
    }
    let mut output = Output::new();
    let code = if options.apply {
        let repaired = repair::apply(&options.path).map_err(|error| Failure::because(&error))?;
        let head = repaired.head.map(|head| head.to_string());
        print(options, &repaired, &repaired.steps, head, &mut output)?;
        exit::FINE
    } else {
        let plan = repair::plan(&options.path).map_err(|error| Failure::because(&error))?;
        print(options, &plan, &plan.steps, None, &mut output)?;
        if plan.is_empty() {
            exit::FINE
        } else {
            exit::FOUND_WRONG
        }
    };
    output.flush()?;
    Ok(ExitCode::from(code))
}

fn print(
    options: &RepairOptions,
    text: &dyn std::fmt::Display,
    steps: &[Step],
    head: Option<String>,
    output: &mut Output,
) -> Result<(), Failure> {
    if !options.json {
        let text = text.to_string();
        return output.bytes(text.as_bytes());
    }
    let told = Told {
        path: options.path.display().to_string(),
        applied: options.apply,
        steps,
        head,
    };
    let written = serde_json::to_string_pretty(&told);
    let mut json = written.map_err(|error| Failure::could_not(error.to_string()))?;
    json.push('\n');
    if output.is_terminal() {
        return output.bytes(&text::harmless_json(json.as_bytes()));
    }
    output.bytes(json.as_bytes())
}
