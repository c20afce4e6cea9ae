//! What stands in a contender's file after a run, counted and compared byte by byte.

use std::fs::{self, File};
use std::io::{self, Read};
#[cfg(feature = "peers")]
use std::io::{BufRead, BufReader};
use std::path::Path;

use crate::chain;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    /// The event's line, and nothing else.
    Lines,
    /// The event's line with a link at its end: our chain.
    Chained,
    /// The event's line after something of the contender's own.
    #[cfg(feature = "peers")]
    Prefixed,
    /// The records of audit-trail.
    #[cfg(feature = "peers")]
    Trail,
}

impl Form {
    /// About so many bytes stand in the file for a line.
    pub(crate) fn bytes(self, line: usize) -> usize {
        match self {
            Self::Lines => line,
            _ => line + 160,
        }
    }
}

/// How many events are in the file. Whatever is in it and is none of them is an error.
pub(crate) fn count(form: Form, path: &Path, line: &[u8]) -> io::Result<u64> {
    match form {
        Form::Lines => lines(path, line),
        Form::Chained => Ok(chain::check(path, line)?.len() as u64),
        #[cfg(feature = "peers")]
        Form::Prefixed => prefixed(path, line),
        #[cfg(feature = "peers")]
        Form::Trail => trail(path, line),
    }
}

/// Removes the file, and what belongs to it.
pub(crate) fn remove(form: Form, path: &Path) -> io::Result<()> {
    fs::remove_file(path)?;
    if form == Form::Chained {
        fs::remove_file(chain::head_path(path))?;
    }
    Ok(())
}

fn lines(path: &Path, line: &[u8]) -> io::Result<u64> {
    let bytes = fs::metadata(path)?.len();
    let length = line.len() as u64;
    if bytes % length != 0 {
        return wrong("a line is not whole");
    }
    let at_once = (256 * 1024 / line.len()).max(1);
    let expected = line.repeat(at_once);
    let mut found = vec![0; expected.len()];
    let mut file = File::open(path)?;
    let mut left = bytes;
    while left > 0 {
        let some = found.len().min(usize::try_from(left).unwrap_or(usize::MAX));
        file.read_exact(&mut found[..some])?;
        if found[..some] != expected[..some] {
            return wrong("a line is not the event's");
        }
        left -= some as u64;
    }
    Ok(bytes / length)
}

#[cfg(feature = "peers")]
fn prefixed(path: &Path, line: &[u8]) -> io::Result<u64> {
    let mut file = BufReader::with_capacity(256 * 1024, File::open(path)?);
    let mut found = Vec::new();
    let mut count = 0;
    while file.read_until(b'\n', &mut found)? > 0 {
        if !found.ends_with(line) {
            return wrong("a line doesn't end in the event's");
        }
        found.clear();
        count += 1;
    }
    Ok(count)
}

#[cfg(feature = "peers")]
fn trail(path: &Path, line: &[u8]) -> io::Result<u64> {
    let text = line.strip_suffix(b"\n").unwrap_or(line);
    let mut count = 0;
    for record in audit_trail::FileReader::open(path)? {
        let record = record.map_err(|error| io::Error::other(error.to_string()))?;
        if record.target.as_bytes() != text {
            return wrong("a record is not the event's");
        }
        count += 1;
    }
    Ok(count)
}

pub(crate) fn wrong<T>(what: &str) -> io::Result<T> {
    Err(io::Error::new(io::ErrorKind::InvalidData, what))
}
