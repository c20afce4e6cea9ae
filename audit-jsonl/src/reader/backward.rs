//! A log from its end to its beginning.

use std::fmt;
use std::iter;
use std::ops::Range;
use std::path::PathBuf;
use std::sync::Arc;

use crate::chain::Head;
use crate::log_files::LogFiles;
use crate::read_error::ReadError;
use crate::reader::back_lines::BackLines;
use crate::reader::entry::{self, Entry};
use crate::reader::lines::Frame;
use crate::reader::overlap::{self, Holder};
use crate::reader::part::Part;

/// Reads a log from its end to its beginning: the entries that a
/// [`LogReader`](crate::LogReader) gives, the last one first.
///
/// What it costs to read the last lines doesn't depend on the size of the log.
/// Lines have no numbers, for nobody has counted them; their bytes are counted as
/// ever.
///
/// ```
/// use audit_jsonl::{Entry, LogFiles, LogReader};
/// # let path = std::env::temp_dir().join(format!("audit-back-{}.jsonl", std::process::id()));
/// # let line = |id| format!("{{\"ts\":\"2026-11-20T09:30:00.000000Z\",\"call_id\":\"{id}\",\"tool_id\":\"a\",\"granted_capabilities\":[],\"duration_ms\":3,\"outcome\":{{\"kind\":\"success\"}},\"tier\":\"hot\",\"dry_run\":false,\"schema_version\":3,\"secrets_resolved\":false}}\n");
/// # std::fs::write(&path, line(1) + &line(2))?;
///
/// let files = LogFiles::find(&[&path])?;
/// let mut reader = LogReader::backward(&files[0]);
/// let Some(Entry::Line(line)) = reader.next_entry()? else { panic!() };
/// assert_eq!(line.event()?.call_id, "2");
/// # std::fs::remove_file(&path)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct BackwardReader {
    files: Arc<LogFiles>,
    /// So many files are not begun yet.
    left: usize,
    current: Option<Current>,
}

/// The file that is being read.
struct Current {
    nth: usize,
    path: PathBuf,
    lines: BackLines,
    copies: Copies,
}

/// The parts of a file that the one before it holds.
#[derive(Debug)]
enum Copies {
    /// Up to this link there may be some; nothing that was read was one.
    Before(Head),
    Known(Vec<Range<u64>>),
}

impl BackwardReader {
    /// Reads the files of a log, from where they ended when they were looked for.
    pub(super) fn new(files: &LogFiles) -> Self {
        Self {
            files: Arc::new(files.clone()),
            left: files.files().len(),
            current: None,
        }
    }

    /// The entry before; `None` at the beginning.
    ///
    /// # Errors
    ///
    /// When a file can't be read. The next call goes on with the file before it, if
    /// there is one.
    pub fn next_entry(&mut self) -> Result<Option<Entry<'_>>, ReadError> {
        loop {
            if self.current.is_none() {
                if self.left == 0 {
                    return Ok(None);
                }
                self.left -= 1;
                let nth = self.left;
                if !self.open(nth)? {
                    return Ok(Some(entry::gone(self.files.files()[nth].path())));
                }
            }
            let Some((frame, is_whole)) = self.next_frame()? else {
                self.current = None;
                continue;
            };
            let current = self.current.as_ref();
            return Ok(current.map(|current| current.entry(&frame, is_whole)));
        }
    }

    /// Opens a file; false when it is gone.
    fn open(&mut self, nth: usize) -> Result<bool, ReadError> {
        let files = self.files.files();
        let file = &files[nth];
        let Some(opened) = file.open()? else {
            return Ok(false);
        };
        let holder = match file.first() {
            Some(first) => Holder::find(&files[..nth], first)?,
            None => None,
        };
        self.current = Some(Current {
            nth,
            path: file.path().to_owned(),
            lines: BackLines::new(opened, file.len()),
            copies: match holder {
                Some(holder) => Copies::Before(holder.last),
                None => Copies::Known(Vec::new()),
            },
        });
        Ok(true)
    }

    /// The line before in the file that is open, unless it is a copy.
    fn next_frame(&mut self) -> Result<Option<(Frame, bool)>, ReadError> {
        while let Some(current) = &mut self.current {
            let (frame, is_whole) = match current.lines.next_line() {
                Ok(Some(next)) => next,
                Ok(None) => break,
                Err(source) => {
                    let path = current.path.clone();
                    self.current = None;
                    return Err(ReadError::Io { path, source });
                }
            };
            if let Copies::Before(last) = &current.copies
                && is_up_to(last, &current.entry(&frame, is_whole))
            {
                let copies = overlap::copies_in(self.files.files(), current.nth)?;
                current.copies = Copies::Known(copies);
            }
            let is_copy = match &current.copies {
                Copies::Known(copies) => copies.iter().any(|copy| copy.contains(&frame.begin)),
                Copies::Before(_) => false,
            };
            if !is_copy {
                return Ok(Some((frame, is_whole)));
            }
        }
        Ok(None)
    }

    /// The parts of the files in which the last so many calls stand, in order.
    pub(super) fn last(mut self, calls: usize) -> Result<Vec<Part>, ReadError> {
        let mut left = calls;
        let mut byte = None;
        while left > 0
            && let Some(entry) = self.next_entry()?
        {
            if let Entry::Line(line) = entry
                && !line.is_own()
            {
                left -= 1;
                byte = Some(line.position().byte);
            }
        }
        let files = &self.files;
        let whole = |nth: usize| Part::new(files, nth, 0, files.files()[nth].len());
        let Some(current) = self.current.filter(|_| left == 0) else {
            // With nothing asked for, not even what comes after the last call.
            let first = if calls == 0 { files.files().len() } else { 0 };
            return Ok((first..files.files().len()).map(whole).collect());
        };
        let copies = match current.copies {
            Copies::Known(copies) => copies,
            Copies::Before(_) => Vec::new(),
        };
        let len = files.files()[current.nth].len();
        let first = Part::new(files, current.nth, byte.unwrap_or(len), len).with_copies(copies);
        let later = (current.nth + 1..files.files().len()).map(whole);
        Ok(iter::once(first).chain(later).collect())
    }
}

impl Current {
    fn entry(&self, frame: &Frame, is_whole: bool) -> Entry<'_> {
        entry::entry_of(&self.lines, frame, is_whole, Some(&self.path), None)
    }
}

/// Whether a line may stand in a file that ends with the link `last`, too.
fn is_up_to(last: &Head, entry: &Entry<'_>) -> bool {
    let Entry::Line(line) = entry else {
        return true;
    };
    let is_later =
        |chain: &crate::form::Chain<'_>| chain.stream == last.stream && chain.seq > last.seq;
    !line.chain().is_some_and(is_later)
}

impl fmt::Debug for BackwardReader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // What it holds of a record is sensitive.
        let path = self.current.as_ref().map(|current| &current.path);
        f.debug_struct("BackwardReader")
            .field("path", &path)
            .field("files_left", &self.left)
            .finish_non_exhaustive()
    }
}
