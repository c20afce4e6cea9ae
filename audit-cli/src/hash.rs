//! `audit hash`: what stands in a log for a value that was redacted by a keyed hash.

use std::env;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use audit_sink::redact::HashKey;
use clap::{ArgGroup, Args};

use crate::exit::Failure;
use crate::output::Output;
use crate::record::lines::{Line, Lines};

/// A larger file is no key.
const LARGEST_KEY: u64 = 64 * 1024;

/// What `audit hash` was asked to do.
#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP)]
#[command(group = ArgGroup::new("key").args(["key_file", "key_env"]).required(true))]
pub(crate) struct HashOptions {
    /// The key is what this file holds, without the line feed at its end
    #[arg(long, value_name = "FILE")]
    key_file: Option<PathBuf>,

    /// The key is the value of this environment variable
    #[arg(long, value_name = "NAME")]
    key_env: Option<String>,

    /// What to hash; `-` for the lines of stdin
    #[arg(value_name = "VALUE", required = true)]
    values: Vec<String>,
}

const AFTER_HELP: &str = "\
Prints a line for each value: what a `Redact` sink with `Action::Hash` and the same
key has written in its place. The key, of 16 bytes or more, is never an argument,
because others on the machine see those.

Examples:
  audit hash --key-file key ada@example.org
  audit query audit.jsonl --caller \"$(audit hash --key-file key ada@example.org)\"
  AUDIT_KEY=\"$(pass audit/key)\" audit hash --key-env AUDIT_KEY - < callers.txt

Exit code: 0; 2 when there is no such key, it is too short, or a value can't be read.";

pub(crate) fn run(options: &HashOptions) -> Result<ExitCode, Failure> {
    let key = key(options)?;
    let mut output = Output::new();
    let mut was_read = false;
    for value in &options.values {
        if value != "-" {
            output.line(key.hash(value))?;
        } else if !std::mem::replace(&mut was_read, true) {
            of_lines(&key, io::stdin(), &mut output)?;
        }
    }
    output.flush()?;
    Ok(ExitCode::SUCCESS)
}

/// Whoever asks a line at a time gets his answers as soon as there are no more lines
/// at hand.
fn of_lines(key: &HashKey, stream: impl Read, output: &mut Output) -> Result<(), Failure> {
    let mut lines = Lines::new(stream);
    let mut number: u64 = 0;
    loop {
        while let Some(line) = lines.at_hand() {
            number += 1;
            let wrong = |what| Failure::could_not(format!("stdin:{number}: {what}"));
            let Line::Bytes(line) = line else {
                return Err(wrong("the line is longer than 16 MiB"));
            };
            let line = line.strip_suffix(b"\r").unwrap_or(line);
            let value = std::str::from_utf8(line)
                .map_err(|_| wrong("the line isn't UTF-8, and no value in a log is another"))?;
            output.line(key.hash(value))?;
        }
        output.flush()?;
        let more = lines.read_more();
        if !more.map_err(|error| Failure::could_not(format!("stdin: {error}")))? {
            return Ok(());
        }
    }
}

fn key(options: &HashOptions) -> Result<HashKey, Failure> {
    let (name, bytes) = match (&options.key_file, &options.key_env) {
        (Some(path), _) => (path.display().to_string(), of_file(path)?),
        (None, Some(name)) => (name.clone(), of_variable(name)?),
        // clap asks for one of them.
        (None, None) => return Err(Failure::could_not("no key is given")),
    };
    HashKey::new(&bytes).map_err(|error| Failure::could_not(format!("{name}: {error}")))
}

fn of_file(path: &Path) -> Result<Vec<u8>, Failure> {
    let mut bytes = Vec::new();
    let read = File::open(path).and_then(|file| file.take(LARGEST_KEY + 1).read_to_end(&mut bytes));
    read.map_err(|error| Failure::could_not(format!("{}: {error}", path.display())))?;
    if bytes.len() as u64 > LARGEST_KEY {
        return Err(Failure::could_not(format!(
            "{}: that is no key, for it has more than 64 KiB",
            path.display()
        )));
    }
    if bytes.last() == Some(&b'\n') {
        bytes.pop();
        if bytes.last() == Some(&b'\r') {
            bytes.pop();
        }
    }
    Ok(bytes)
}

fn of_variable(name: &str) -> Result<Vec<u8>, Failure> {
    // std's look-up panics at a name that no variable can have on some platforms.
    let can_be = !name.is_empty() && !name.contains(['=', '\0']);
    let value = can_be.then(|| env::var_os(name)).flatten();
    let value = value
        .ok_or_else(|| Failure::could_not(format!("there is no environment variable `{name}`")))?;
    Ok(value.into_encoded_bytes())
}
