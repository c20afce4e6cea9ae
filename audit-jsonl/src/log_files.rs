//! Which files make up a log, and in which order they are to be read.

mod find;
mod group;
mod order;

use std::collections::HashSet;
use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, ErrorKind, Read, Seek};
use std::path::{Path, PathBuf};

use audit_schema::CallEvent;
use serde_json::Value;

use crate::chain::{Head, StreamId};
use crate::log::files::Reading;
use crate::log::head_file::Record;
use crate::log::names::{self, FileId, RotatedName};
use crate::log::tail;
use crate::read_error::ReadError;

/// A first line that is longer says nothing of when it was written.
const LONGEST_FIRST_LINE: u64 = 64 * 1024;

/// The files of one log, in the order in which they are to be read: as they were
/// when they were looked for.
///
/// A log is its active file, the rotated files beside it, and its head file. Files
/// are ordered by their first links, not by their names. Nothing is kept open: a
/// log may have thousands of files.
///
/// ```
/// use audit_jsonl::{AuditSink, JsonLinesAuditSink, LogFiles};
/// # use std::time::Duration;
/// # let directory = std::env::temp_dir().join(format!("audit-files-{}", std::process::id()));
/// # std::fs::create_dir_all(&directory)?;
/// # let path = directory.join("audit.jsonl");
/// # JsonLinesAuditSink::builder().path(&path).open()?.close(Duration::from_secs(10))?;
///
/// // A log, or all of those in a directory.
/// let logs = LogFiles::find(&[&directory])?;
/// assert_eq!(logs.len(), 1);
/// assert_eq!(logs[0].path(), path);
/// for file in logs[0].files() {
///     println!("{}: {} bytes", file.path().display(), file.len());
/// }
/// # std::fs::remove_dir_all(&directory)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct LogFiles {
    path: PathBuf,
    head_path: Option<PathBuf>,
    head: HeadRead,
    files: Vec<LogFile>,
}

/// One file of a log.
#[derive(Debug, Clone)]
pub struct LogFile {
    path: PathBuf,
    len: u64,
    id: FileId,
    is_active: bool,
    first: Option<First>,
    /// Of the first record, when there is no link.
    first_ts: Option<String>,
    /// What its name says, if rotation gave it.
    rotated: Option<RotatedName>,
}

/// What a log's head file said before the log was looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum HeadRead {
    /// There is none.
    Absent,
    /// It can't be read, for this reason.
    Unreadable(String),
    /// It is empty, as it is before the first line.
    Empty,
    /// It isn't whole.
    Damaged,
    Found(Record),
}

/// The first link of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct First {
    pub(crate) head: Head,
    /// Where its line begins.
    pub(crate) begin: u64,
    /// The stream that its own replaces.
    pub(crate) after: Option<StreamId>,
    ts: String,
}

impl LogFiles {
    /// The logs that the paths are about.
    ///
    /// - The path of a log is that log with all its rotated files, be the file
    ///   itself there or not.
    /// - A directory is every log in it: what has a head file or rotated files
    ///   beside it, and what is called `.jsonl`. Directories in it are not looked
    ///   into.
    /// - Any other file is itself alone: a rotated file, a copy, one that was
    ///   moved elsewhere or set aside. It joins the log among those given whose
    ///   stream its first link has; files without links join the log whose name
    ///   theirs begins with. What joins none makes up a log with those of its
    ///   stream.
    ///
    /// A file that is given twice, or by two names, counts once. Logs come in the
    /// order in which they were given.
    ///
    /// # Errors
    ///
    /// When a path leads nowhere, or a file or directory can't be read.
    pub fn find(paths: &[impl AsRef<Path>]) -> Result<Vec<Self>, ReadError> {
        group::group(paths.iter().map(AsRef::as_ref))
    }

    /// The log's path: that of its active file, which need not be there. For files
    /// that were given without their log, that of the last one.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Where its head file stands, or would. `None` for files that were given
    /// without their log.
    #[must_use]
    pub fn head_path(&self) -> Option<&Path> {
        self.head_path.as_deref()
    }

    /// Its files, in the order in which they are to be read.
    #[must_use]
    pub fn files(&self) -> &[LogFile] {
        &self.files
    }

    /// How many bytes its files have together.
    #[must_use]
    pub fn total_len(&self) -> u64 {
        self.files.iter().map(LogFile::len).sum()
    }

    /// The files of the log at `path` that have come since its rotated files had
    /// the known names, in order.
    pub(crate) fn newer(path: &Path, known: &HashSet<OsString>) -> Result<Self, ReadError> {
        let mut log = find::newer(path, known)?;
        order::put_in_order(&mut log)?;
        Ok(log)
    }

    /// What the head file said before any file was looked at, so that a log that
    /// is being written is never shorter than it.
    pub(crate) fn head(&self) -> &HeadRead {
        &self.head
    }
}

impl LogFile {
    /// Where it was found. A log that is being written may rotate it away from
    /// there.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// How many bytes it had then.
    #[must_use]
    pub fn len(&self) -> u64 {
        self.len
    }

    /// Whether nothing stood in it.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Whether it is the one that is written to.
    #[must_use]
    pub fn is_active(&self) -> bool {
        self.is_active
    }

    /// Which file it is, whatever its name.
    pub(crate) fn id(&self) -> FileId {
        self.id
    }

    pub(crate) fn first(&self) -> Option<&First> {
        self.first.as_ref()
    }

    /// Opens it, by whatever name it has now in its directory; `None` when it is
    /// gone.
    pub(crate) fn open(&self) -> Result<Option<File>, ReadError> {
        for _ in 0..3 {
            match self.open_at(&self.path)? {
                Some(file) => return Ok(Some(file)),
                None => {
                    if let Some(path) = self.present_name()?
                        && let Some(file) = self.open_at(&path)?
                    {
                        return Ok(Some(file));
                    }
                }
            }
        }
        Ok(None)
    }

    fn open_at(&self, path: &Path) -> Result<Option<File>, ReadError> {
        match fs::symlink_metadata(path) {
            // To open something else might hang.
            Ok(metadata) if !metadata.is_file() => return Ok(None),
            Ok(_) => {}
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(ReadError::io(path)(error)),
        }
        match File::open(path) {
            Ok(mut file) => {
                let is_it = self.is_still(&mut file).map_err(ReadError::io(path))?;
                Ok(is_it.then_some(file))
            }
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(ReadError::io(path)(error)),
        }
    }

    /// Whether a file is this one. Numbers of files are used again at once by some
    /// file systems, so it must begin as this one did, too.
    fn is_still(&self, file: &mut File) -> io::Result<bool> {
        if FileId::of(&file.metadata()?) != self.id {
            return Ok(false);
        }
        let begins_as_before = match (&self.first, &self.first_ts) {
            (Some(_), _) => first_of(file)? == self.first,
            (None, Some(_)) => first_ts(file)? == self.first_ts,
            (None, None) => true,
        };
        file.rewind()?;
        Ok(begins_as_before)
    }

    /// The name that it has been given meanwhile.
    fn present_name(&self) -> Result<Option<PathBuf>, ReadError> {
        if !cfg!(unix) {
            return Ok(None);
        }
        let directory = names::directory(&self.path);
        let failed = || ReadError::io(directory);
        for entry in fs::read_dir(directory).map_err(failed())? {
            let entry = entry.map_err(failed())?;
            match entry.metadata() {
                Ok(metadata) if metadata.is_file() && FileId::of(&metadata) == self.id => {
                    return Ok(Some(self.path.with_file_name(entry.file_name())));
                }
                _ => {}
            }
        }
        Ok(None)
    }
}

/// The first link of a file, past whatever is none.
pub(crate) fn first_of(file: &mut File) -> io::Result<Option<First>> {
    let Some((head, begin, line)) = tail::first_link_line(file)? else {
        return Ok(None);
    };
    let line: Value = serde_json::from_slice(&line).unwrap_or_default();
    let after = line["chain"]["after"]["stream"].as_str();
    Ok(Some(First {
        head,
        begin,
        after: after.and_then(StreamId::parse),
        ts: line["ts"].as_str().unwrap_or_default().to_owned(),
    }))
}

/// When the first record was written, if that is the first line.
fn first_ts(file: &mut File) -> io::Result<Option<String>> {
    file.rewind()?;
    let mut line = Vec::new();
    let mut reader = BufReader::new(Reading(file).take(LONGEST_FIRST_LINE));
    reader.read_until(b'\n', &mut line)?;
    let event = serde_json::from_slice::<CallEvent>(&line);
    Ok(event.ok().map(|event| event.ts))
}
