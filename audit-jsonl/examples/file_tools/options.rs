//! The command line.

use std::ffi::OsString;
use std::path::PathBuf;

pub(crate) const HELP: &str = "\
A small tool runtime over the files below a directory, which records every call.

Usage: file_tools [OPTIONS] [DIRECTORY]

It reads files below DIRECTORY (by default the current one) and changes none.

Options:
  --calls N     make so many calls, 1 to 1000000 (default 20000)
  --threads N   on so many threads, 1 to 64 (default 4)
  --log PATH    append the log to this file (default audit.jsonl)
  -h, --help    print this

Exit code: 0, or 1 when something failed or the log doesn't agree with the
calls, or 2 when the command line makes no sense.
";

#[derive(Debug)]
pub(crate) struct Options {
    pub(crate) root: PathBuf,
    pub(crate) log: PathBuf,
    pub(crate) calls: u64,
    pub(crate) threads: u64,
}

#[derive(Debug)]
pub(crate) enum Wish {
    Run(Options),
    Help,
}

/// What the arguments ask for, or what is wrong with them.
pub(crate) fn parse(mut args: impl Iterator<Item = OsString>) -> Result<Wish, String> {
    let mut root = None;
    let mut log = PathBuf::from("audit.jsonl");
    let mut calls = 20_000;
    let mut threads = 4;
    let mut only_operands = false;
    while let Some(arg) = args.next() {
        match arg.to_str() {
            Some("--") if !only_operands => only_operands = true,
            Some("-h" | "--help") if !only_operands => return Ok(Wish::Help),
            Some("--calls") if !only_operands => {
                calls = number("--calls", args.next(), 1_000_000)?;
            }
            Some("--threads") if !only_operands => {
                threads = number("--threads", args.next(), 64)?;
            }
            Some("--log") if !only_operands => {
                log = args.next().ok_or("--log needs a path")?.into();
            }
            Some(option) if !only_operands && option.starts_with('-') => {
                return Err(format!("there is no option {option:?}"));
            }
            _ if root.is_some() => return Err("more than one directory".into()),
            _ => root = Some(PathBuf::from(arg)),
        }
    }
    Ok(Wish::Run(Options {
        root: root.unwrap_or_else(|| ".".into()),
        log,
        calls,
        threads,
    }))
}

fn number(option: &str, value: Option<OsString>, most: u64) -> Result<u64, String> {
    let number = value.and_then(|value| value.to_str()?.parse().ok());
    number
        .filter(|number| (1..=most).contains(number))
        .ok_or_else(|| format!("{option} needs a number from 1 to {most}"))
}
