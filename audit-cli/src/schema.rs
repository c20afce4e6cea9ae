//! `audit schema`: the JSON Schema of a record.

use std::process::ExitCode;

use clap::Args;

use crate::exit::Failure;
use crate::output::Output;

/// Made from the types by `cargo xtask schema`, which fails when they differ.
const SCHEMA: &str = include_str!("../../audit-schema/call-event.schema.json");

/// What `audit schema` was asked to do.
#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP)]
pub(crate) struct SchemaOptions {}

const AFTER_HELP: &str = "\
Examples:
  audit schema > call-event.schema.json
  audit schema | jq '.required'

Exit code: 0, or 2 when stdout can't be written.";

pub(crate) fn run() -> Result<ExitCode, Failure> {
    let mut output = Output::new();
    output.bytes(SCHEMA.as_bytes())?;
    output.flush()?;
    Ok(ExitCode::SUCCESS)
}
