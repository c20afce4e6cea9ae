//! The log file: where this run's records begin, and what they say afterwards.

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::{self, BufRead, BufReader, ErrorKind, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use audit_jsonl::CallEvent;

use crate::ids::CallIds;
use crate::tally::{Counts, kind_of};

pub(crate) struct Log {
    path: PathBuf,
    file: File,
    begin: u64,
}

/// What this run's part of the log holds.
#[derive(Debug, Default)]
pub(crate) struct Reread {
    pub(crate) counts: Counts,
    pub(crate) records: u64,
    pub(crate) bytes: u64,
    /// The first line of each kind of outcome.
    pub(crate) samples: BTreeMap<&'static str, String>,
}

impl Log {
    /// Opens the file to append to it. The error names the path.
    pub(crate) fn open(path: &Path) -> Result<Self, String> {
        let opened = open(path).map_err(|error| format!("{}: {error}", path.display()))?;
        let (file, begin) = opened;
        Ok(Self {
            path: path.into(),
            file,
            begin,
        })
    }

    /// A handle for the sink.
    pub(crate) fn writer(&self) -> io::Result<File> {
        self.file.try_clone()
    }

    /// Reads what was appended since the log was opened. Records that another
    /// run appended meanwhile are passed over.
    pub(crate) fn reread(&self, ids: &CallIds) -> Result<Reread, String> {
        let mut reread = Reread::default();
        let mut at = self.begin;
        let failed = |at, what: String| format!("{}, byte {at}: {what}", self.path.display());
        let mut lines = BufReader::new(&self.file);
        lines
            .seek(SeekFrom::Start(at))
            .map_err(|error| failed(at, error.to_string()))?;
        let mut line = String::new();
        loop {
            line.clear();
            let length = lines
                .read_line(&mut line)
                .map_err(|error| failed(at, error.to_string()))? as u64;
            if length == 0 {
                return Ok(reread);
            }
            let event: CallEvent = serde_json::from_str(&line)
                .map_err(|error| failed(at, format!("not a record: {error}")))?;
            at += length;
            if ids.made(&event.call_id) {
                let kind = kind_of(&event.outcome);
                let sample = || line.trim_end().to_owned();
                reread.samples.entry(kind).or_insert_with(sample);
                *reread.counts.entry((event.tool_id, kind)).or_default() += 1;
                reread.records += 1;
                reread.bytes += length;
            }
        }
    }
}

/// The file, and where its end is.
fn open(path: &Path) -> io::Result<(File, u64)> {
    let mut options = OpenOptions::new();
    options.read(true).append(true).create(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        options.mode(0o600);
    }
    let mut file = options.open(path)?;
    if !file.metadata()?.is_file() {
        let reason = "not a regular file, and the log is read again at the end";
        return Err(io::Error::new(ErrorKind::Unsupported, reason));
    }
    // A crash may have left the last line without its end.
    if file.seek(SeekFrom::End(0))? > 0 {
        let mut last = [0];
        file.seek(SeekFrom::End(-1))?;
        file.read_exact(&mut last)?;
        if last != *b"\n" {
            file.write_all(b"\n")?;
        }
    }
    let end = file.seek(SeekFrom::End(0))?;
    Ok((file, end))
}
