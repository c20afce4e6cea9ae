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

Exit code: 0, or 1 when something failed, the log doesn't agree with the calls
or it was altered, or 2 when the command line makes no sense.
";

#[derive(Debug)]
pub(crate) struct Options {
    pub(crate) root: PathBuf,
    pub(crate) log: PathBuf,
    pub(crate) calls: u64,
    pub(crate) threads: u64,
}

/// What the arguments ask for, or what is wrong with them; `None` for help.
pub(crate) fn parse(mut args: impl Iterator<Item = OsString>) -> Result<Option<Options>, String> {
    let mut options = Options {
        root: ".".into(),
        log: "audit.jsonl".into(),
        calls: 20_000,
        threads: 4,
    };
    let mut has_root = false;
    while let Some(arg) = args.next() {
        match arg.to_str() {
            Some("-h" | "--help") => return Ok(None),
            Some("--calls") => options.calls = number("--calls", args.next(), 1_000_000)?,
            Some("--threads") => options.threads = number("--threads", args.next(), 64)?,
            Some("--log") => options.log = args.next().ok_or("--log needs a path")?.into(),
            Some(option) if option.starts_with('-') => {
                return Err(format!("there is no option {option:?}"));
            }
            _ if has_root => return Err("more than one directory".into()),
            _ => (options.root, has_root) = (arg.into(), true),
        }
    }
    Ok(Some(options))
}

fn number(option: &str, value: Option<OsString>, most: u64) -> Result<u64, String> {
    let number = value.and_then(|value| value.to_str()?.parse().ok());
    number
        .filter(|number| (1..=most).contains(number))
        .ok_or_else(|| format!("{option} needs a number from 1 to {most}"))
}
