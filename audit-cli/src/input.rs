//! Where records come from: logs by their paths, and streams.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use audit_jsonl::LogFiles;
use clap::Args;

use crate::compressed;
use crate::exit::Failure;
use crate::output;

/// How many damaged lines are told one by one.
pub(crate) const DAMAGE_TOLD: u64 = 20;

/// The logs that a verb looks at.
#[derive(Debug, Args)]
pub(crate) struct Paths {
    /// Logs, with all their rotated files; directories of them; single files; `-`
    /// for stdin
    #[arg(value_name = "PATH", required = true)]
    pub(crate) paths: Vec<PathBuf>,
}

/// One thing to read.
#[derive(Debug)]
pub(crate) enum Input {
    /// A log with its files.
    Log(LogFiles),
    /// Stdin, a pipe or the like, which is read once from its beginning.
    Stream(Stream),
}

/// A source that can't be read twice.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Stream {
    Stdin,
    File(PathBuf),
}

impl Stream {
    pub(crate) fn open(&self) -> Result<Box<dyn Read + Send>, Failure> {
        match self {
            Self::Stdin => Ok(Box::new(io::stdin())),
            Self::File(path) => match File::open(path) {
                Ok(file) => Ok(Box::new(file)),
                Err(error) => Err(Failure::could_not(format!("{}: {error}", path.display()))),
            },
        }
    }

    /// What it is called in messages.
    pub(crate) fn name(&self) -> String {
        match self {
            Self::Stdin => "stdin".into(),
            Self::File(path) => path.display().to_string(),
        }
    }

    /// What a path is, if not the path of a log.
    pub(crate) fn of(path: &Path) -> Option<Self> {
        if path.as_os_str() == "-" {
            return Some(Self::Stdin);
        }
        let kind = fs::metadata(path).ok()?.file_type();
        (!kind.is_file() && !kind.is_dir()).then(|| Self::File(path.to_owned()))
    }
}

impl Paths {
    /// The logs, in the order in which they were given, and the streams after
    /// them.
    pub(crate) fn find(&self) -> Result<Vec<Input>, Failure> {
        let mut streams: Vec<Stream> = Vec::new();
        let mut files = Vec::new();
        for path in &self.paths {
            match Stream::of(path) {
                Some(stream) if streams.contains(&stream) => {}
                Some(stream) => streams.push(stream),
                None => {
                    compressed::refuse(path)?;
                    files.push(path);
                }
            }
        }
        let logs = LogFiles::find(&files)?.into_iter().map(Input::Log);
        Ok(logs.chain(streams.into_iter().map(Input::Stream)).collect())
    }
}

/// Lines that can't be read: told on stderr, passed over, and counted.
#[derive(Debug, Default)]
pub(crate) struct Damage {
    lines: u64,
}

impl Damage {
    /// Tells of one line. `line` counts from 1, if anybody has counted; `byte` is
    /// where the line begins in its file.
    pub(crate) fn line(&mut self, file: &str, line: Option<u64>, byte: u64, what: &str) {
        if self.is_told() {
            let line = line.map_or(String::new(), |line| format!(":{line}"));
            output::warn(format_args!(
                "{file}{line} (byte {byte}): {what}; passed over"
            ));
        }
        self.lines += 1;
    }

    /// Whether the next one is told, and not only counted.
    pub(crate) fn is_told(&self) -> bool {
        self.lines < DAMAGE_TOLD
    }

    /// Counts more of them.
    pub(crate) fn more(&mut self, lines: u64) {
        self.lines += lines;
    }

    /// How many there were.
    pub(crate) fn lines(&self) -> u64 {
        self.lines
    }

    /// Tells how many there were, if they were not all told.
    pub(crate) fn end(&self) {
        if self.lines > DAMAGE_TOLD {
            output::warn(format_args!(
                "{} more damaged lines were passed over; `audit verify` tells of all",
                self.lines - DAMAGE_TOLD
            ));
        }
    }
}
