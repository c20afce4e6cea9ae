//! Reading a log, or any JSON Lines of tool calls.

mod back_lines;
mod backward;
mod entry;
mod follow;
mod lines;
mod overlap;
mod part;

use std::collections::VecDeque;
use std::fmt;
use std::io::{self, Read};
use std::ops::Range;
use std::path::{Path, PathBuf};

pub use self::backward::BackwardReader;
pub use self::entry::{Damage, DamageKind, Entry, LogLine, Position, RecordError};
pub use self::follow::{LogFollower, Stopper};
use crate::log_files::LogFiles;
use crate::read_error::ReadError;
use crate::reader::lines::{Frame, Lines, Section};
use crate::reader::part::Part;

/// Reads records one after another, from the files of a log or from a stream.
///
/// Whatever the size of a log, no more than a line is held, and no more than one
/// file is open; a line has up to 16 MiB. Damage is given as an entry of its own,
/// and reading goes on behind the next line feed. A line that stands in two files,
/// as a sync that failed leaves it, is given once. A log that is being written is
/// read up to where it ended when its files were looked for.
///
/// Whether lines were changed, taken out or put in is not looked at.
///
/// ```
/// use audit_jsonl::{AuditSink, CallEvent, Entry, JsonLinesAuditSink, LogReader, Outcome};
/// # use std::time::Duration;
/// # let directory = std::env::temp_dir().join(format!("audit-reader-{}", std::process::id()));
/// # std::fs::create_dir_all(&directory)?;
/// # let path = directory.join("audit.jsonl");
///
/// let sink = JsonLinesAuditSink::builder().path(&path).open()?;
/// let ts = "2026-11-20T09:30:00.000000Z";
/// sink.on_call(&CallEvent::new(ts, "1", "files:read", 3, Outcome::Success, "hot"));
/// sink.close(Duration::from_secs(10))?;
///
/// let mut calls = Vec::new();
/// let mut reader = LogReader::open(&path)?;
/// while let Some(entry) = reader.next_entry()? {
///     match entry {
///         Entry::Line(line) if line.is_own() => {}
///         Entry::Line(line) => calls.push(line.event()?),
///         damage => eprintln!("{damage:?}"),
///     }
/// }
/// assert_eq!(calls[0].tool_id, "files:read");
/// # std::fs::remove_dir_all(&directory)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct LogReader {
    parts: VecDeque<Part>,
    lines: Lines<Source>,
    reading: Reading,
}

/// What is being read.
#[derive(Debug, Default)]
struct Reading {
    /// Whether anything is.
    is_open: bool,
    path: Option<PathBuf>,
    /// How many lines stand before the next one.
    line: Option<u64>,
    /// The parts of the file that the one before it holds.
    copies: VecDeque<Range<u64>>,
}

enum Source {
    Nothing,
    File(Section),
    Stream(Box<dyn Read + Send>),
}

impl LogReader {
    /// Reads what the path is about: a log, any other file, or each log of a
    /// directory, one after another. See [`LogFiles::find`].
    ///
    /// # Errors
    ///
    /// When the path leads nowhere, or a file or directory can't be read.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, ReadError> {
        let logs = LogFiles::find(&[path])?;
        Ok(Self::of_parts(logs.iter().flat_map(part::whole)))
    }

    /// Reads the files of a log, up to where they ended when they were looked for.
    #[must_use]
    pub fn of(files: &LogFiles) -> Self {
        Self::of_parts(part::whole(files))
    }

    /// Reads a stream to its end, as standard input.
    ///
    /// It need not be buffered.
    #[must_use]
    pub fn new(stream: impl Read + Send + 'static) -> Self {
        Self {
            parts: VecDeque::new(),
            lines: Lines::new(Source::Stream(Box::new(stream)), 0),
            reading: Reading {
                is_open: true,
                line: Some(0),
                ..Reading::default()
            },
        }
    }

    /// Cuts a log into so many parts of about the same size, or fewer, for as many
    /// threads. One after another they give what [`of`](Self::of) gives, but for
    /// the numbers of lines: in the midst of a file nobody has counted.
    ///
    /// # Errors
    ///
    /// When a file can't be read.
    pub fn split(files: &LogFiles, parts: usize) -> Result<Vec<Self>, ReadError> {
        let parts = part::split(files, parts)?;
        Ok(parts.into_iter().map(Self::of_parts).collect())
    }

    /// Reads the last so many calls of a log, and what stands between and after
    /// them: records of the log's own, damage. The size of the log makes no
    /// difference to what that costs.
    ///
    /// Lines have no numbers then, unless the log has no more calls than that.
    ///
    /// # Errors
    ///
    /// When a file can't be read.
    pub fn last(files: &LogFiles, calls: usize) -> Result<Self, ReadError> {
        let parts = BackwardReader::new(files).last(calls)?;
        Ok(Self::of_parts(parts))
    }

    /// Reads a log from its end to its beginning.
    #[must_use]
    pub fn backward(files: &LogFiles) -> BackwardReader {
        BackwardReader::new(files)
    }

    /// Waits for what is written to a log after its files were looked for.
    ///
    /// # Errors
    ///
    /// When the log's last file can't be read.
    pub fn follow(files: &LogFiles) -> Result<LogFollower, ReadError> {
        LogFollower::new(files)
    }

    fn of_parts(parts: impl IntoIterator<Item = Part>) -> Self {
        Self {
            parts: parts.into_iter().collect(),
            lines: Lines::new(Source::Nothing, 0),
            reading: Reading::default(),
        }
    }

    /// The next entry; `None` at the end.
    ///
    /// # Errors
    ///
    /// When a file can't be read. The next call goes on with the file after it, if
    /// there is one.
    pub fn next_entry(&mut self) -> Result<Option<Entry<'_>>, ReadError> {
        while self.reading.is_open || !self.parts.is_empty() {
            if !self.reading.is_open
                && let Some(part) = self.parts.pop_front()
                && !self.open_part(&part)?
            {
                let path = self.reading.path.insert(part.file().path().to_owned());
                return Ok(Some(entry::gone(path)));
            }
            if let Some((frame, is_whole)) = self.next_frame()? {
                let (path, line) = (self.reading.path.as_deref(), self.reading.line);
                let entry = entry::entry_of(&self.lines, &frame, is_whole, path, line);
                return Ok(Some(entry));
            }
        }
        Ok(None)
    }

    /// Opens a part; false when its file is gone.
    fn open_part(&mut self, part: &Part) -> Result<bool, ReadError> {
        let Some(file) = part.file().open()? else {
            return Ok(false);
        };
        self.reading = Reading {
            is_open: true,
            path: Some(part.file().path().to_owned()),
            line: (part.from() == 0).then_some(0),
            copies: part.copies()?.into(),
        };
        let section = Section::new(file, part.from(), part.to());
        let source = Source::File(section);
        self.lines.reuse(source, part.from());
        Ok(true)
    }

    /// The next line of what is open, and whether it ends in a line feed; `None` at
    /// the end, after which nothing is open.
    fn next_frame(&mut self) -> Result<Option<(Frame, bool)>, ReadError> {
        loop {
            let next = match self.lines.next_line() {
                Ok(Some(frame)) => Some((frame, true)),
                Ok(None) => {
                    self.reading.is_open = false;
                    self.lines.rest().map(|rest| (rest, false))
                }
                Err(source) => {
                    self.reading.is_open = false;
                    let path = self.reading.path.clone();
                    let path = path.unwrap_or_else(|| PathBuf::from("the stream"));
                    return Err(ReadError::Io { path, source });
                }
            };
            let Some((frame, _)) = &next else {
                return Ok(None);
            };
            if let Some(line) = &mut self.reading.line {
                *line += 1;
            }
            if !self.reading.is_copy(frame) {
                return Ok(next);
            }
        }
    }
}

impl Reading {
    fn is_copy(&mut self, frame: &Frame) -> bool {
        while self
            .copies
            .front()
            .is_some_and(|copy| copy.end <= frame.begin)
        {
            self.copies.pop_front();
        }
        let copy = self.copies.front();
        copy.is_some_and(|copy| copy.contains(&frame.begin))
    }
}

impl Read for Source {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Nothing => Ok(0),
            Self::File(section) => section.read(buffer),
            Self::Stream(stream) => loop {
                match stream.read(buffer) {
                    Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                    result => return result,
                }
            },
        }
    }
}

impl fmt::Debug for LogReader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // What it holds of a record is sensitive.
        f.debug_struct("LogReader")
            .field("reading", &self.reading)
            .field("parts", &self.parts.len())
            .finish_non_exhaustive()
    }
}
