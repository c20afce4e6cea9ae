//! Stdin and pipes, which are read once.

use std::io::{self, Read};
use std::path::Path;

use audit_jsonl::{LogFiles, LogReader};
use tempfile::NamedTempFile;

use crate::exit::Failure;
use crate::input::Stream;
use crate::scan::damage::{Damages, Noted};
use crate::scan::{Flow, Visitor, look_at};

/// Reads a stream line by line: what is found is handed on at once, for the next
/// line may be long in coming.
pub(super) fn read<V: Visitor>(
    stream: &Stream,
    visitor: &mut V,
    take: &mut impl FnMut(V::Found) -> Result<Flow, Failure>,
    damages: &mut Damages,
) -> Result<Flow, Failure> {
    let mut reader = LogReader::new(EndsLine::new(stream.open()?));
    let mut noted = Noted::default();
    while let Some(entry) = reader.next_entry()? {
        let mut found = V::Found::default();
        let is_found = look_at(&entry, visitor, &mut found, &mut noted)?;
        if !noted.is_empty() {
            damages.tell(std::mem::take(&mut noted));
        }
        if is_found && take(found)? == Flow::Enough {
            return Ok(Flow::Enough);
        }
    }
    Ok(Flow::On)
}

/// Ends the last line of a stream, which in a pipe is whole without a line feed.
struct EndsLine<R> {
    from: R,
    is_ended: bool,
}

impl<R> EndsLine<R> {
    fn new(from: R) -> Self {
        Self {
            from,
            is_ended: true,
        }
    }
}

impl<R: Read> Read for EndsLine<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.from.read(buffer)?;
        if let Some(last) = buffer[..read].last() {
            self.is_ended = *last == b'\n';
        } else if !self.is_ended
            && let Some(first) = buffer.first_mut()
        {
            *first = b'\n';
            self.is_ended = true;
            return Ok(1);
        }
        Ok(read)
    }
}

/// A stream in a file that nobody else knows, so that it can be read from its end.
pub(super) struct Spooled {
    file: NamedTempFile,
    log: LogFiles,
}

pub(super) fn spool(stream: &Stream) -> Result<Spooled, Failure> {
    let failed = |error: io::Error| {
        Failure::could_not(format!(
            "{} can't be kept in a temporary file, to be read from its end: {error}; TMPDIR says where",
            stream.name()
        ))
    };
    let mut from = EndsLine::new(stream.open()?);
    let mut file = NamedTempFile::new().map_err(failed)?;
    io::copy(&mut from, file.as_file_mut()).map_err(failed)?;
    let mut logs = LogFiles::find(&[file.path()])?;
    match logs.pop() {
        Some(log) => Ok(Spooled { file, log }),
        None => Err(failed(io::ErrorKind::NotFound.into())),
    }
}

impl Spooled {
    pub(super) fn log(&self) -> &LogFiles {
        &self.log
    }

    pub(super) fn path(&self) -> &Path {
        self.file.path()
    }
}
