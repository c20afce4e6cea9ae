//! Looking at a log to see what a writer would put right, and having it done.

use std::fs::{self, File};
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::{iter, mem};

use crate::chain::{Head, Notes, StreamId, Tip};
use crate::log::files::open_to_read;
use crate::log::head_file::Record;
use crate::log::lock::{has_the_name, lock_shared};
use crate::log::names::{self, FileId};
use crate::log::tail::Rest;
use crate::log::{Fault, Item, Log, Rotation, sleeping, tail};
use crate::repair::{Action, Step};

/// What a log is, for somebody who would repair it.
#[derive(Debug)]
pub(crate) enum Seen {
    /// There is neither a log nor a head file.
    Nothing,
    /// There is no head file, and no line of a chain.
    Unchained,
    /// There is no head file, and the chain is of this stream.
    Headless(StreamId, Vec<Step>),
    Chained(Vec<Step>),
}

/// What is not there is read as empty.
const NOTHING: &str = if cfg!(windows) { "NUL" } else { "/dev/null" };

/// And is no file that a head is about.
const NO_FILE: FileId = FileId {
    device: u64::MAX,
    inode: u64::MAX,
};

impl Log {
    /// What a writer would put right in this log. Nothing is made, and nothing
    /// changed.
    pub(crate) fn see(path: &Path) -> Result<Seen, Fault> {
        names::check_name(path)?;
        let head_path = names::with_suffix(path, ".head");
        let head_file = loop {
            let Some(head_file) = existing(&head_path)? else {
                break None;
            };
            lock_shared(&head_file, &head_path, &mut sleeping)?;
            if has_the_name(&head_file, &head_path)? {
                break Some(head_file);
            }
        };
        // The lock goes with the handle.
        let file = existing(path)?;
        if file.is_none() && head_file.is_none() {
            return Ok(Seen::Nothing);
        }
        let has_file = file.is_some();
        let has_head = head_file.is_some();
        let nothing = || File::open(NOTHING);
        let mut log = Self::of(
            path,
            file.map_or_else(nothing, Ok)?,
            head_file.map_or_else(nothing, Ok)?,
            Rotation::default(),
            0,
        )?;
        log.only_plans = true;
        if !has_file {
            log.has_no_file();
        }
        if has_head {
            log.look_for_repair()?;
            return Ok(Seen::Chained(log.steps));
        }
        let size = log.written;
        let Some((head, _)) = tail::last_link(&mut log.file, size)? else {
            return Ok(Seen::Unchained);
        };
        log.look_for_repair()?;
        Ok(Seen::Headless(head.stream, log.steps))
    }

    /// Does what a writer does when it opens the log, and writes `line`, which tells
    /// of it. What was done, and the line's place; nothing at all when there is
    /// nothing to do.
    pub(crate) fn put_right(
        path: &Path,
        line: &[u8],
        time: &str,
    ) -> Result<(Vec<Step>, Option<Head>), Fault> {
        let mut log = Self::open(path, Rotation::default(), 0)?;
        log.tell_opened(time.to_owned());
        let closed = Notes {
            closed: Some(time.to_owned()),
            ..Notes::default()
        };
        let mut told = None;
        log.under_lock(&mut sleeping, |log| {
            let tip = log.look_for_repair()?;
            if log.steps.is_empty() {
                return Ok(());
            }
            let item = iter::once(Item::new(line));
            log.append_after(tip, item, closed, |head| told = Some(*head))
        })?;
        if told.is_some() {
            log.sync(&mut sleeping)?;
        }
        Ok((mem::take(&mut log.steps), told))
    }

    fn look_for_repair(&mut self) -> Result<Tip, Fault> {
        let tip = self.look()?;
        let begins = matches!(tip, Tip::New(_)) && self.pending.after.is_none();
        let is_aside = |step: &Step| step.action == Action::SetAside;
        if begins && !self.steps.iter().any(is_aside) {
            // A log in which nothing stands yet, or plain lines alone.
            self.steps.clear();
        }
        Ok(tip)
    }

    /// As [`open_named`](Self::open_named), of a log that only plans.
    pub(super) fn see_named(&mut self) -> io::Result<()> {
        match existing(&self.path)? {
            Some(file) => {
                let metadata = file.metadata()?;
                self.file = file;
                self.file_id = FileId::of(&metadata);
                self.written = metadata.len();
            }
            None => {
                self.file = File::open(NOTHING)?;
                self.has_no_file();
            }
        }
        Ok(())
    }

    fn has_no_file(&mut self) {
        self.file_id = NO_FILE;
        self.written = 0;
    }

    /// A step that is about the log's file.
    pub(super) fn step(&self, action: Action, reason: &str) -> Step {
        Step {
            action,
            file: self.path.clone(),
            bytes: None,
            lines: None,
            plain_lines: None,
            aside: None,
            reason: reason.to_owned(),
        }
    }

    pub(super) fn note_plain(&mut self, file: PathBuf, bytes: (u64, u64), lines: u64) {
        self.steps.push(Step {
            file,
            bytes: Some(bytes),
            plain_lines: Some(lines),
            ..self.step(
                Action::TellPlain,
                "somebody else wrote them, and no line of the chain tells of them yet",
            )
        });
    }

    /// What is taken up beyond `tip`.
    pub(super) fn note_rest(&mut self, from: u64, tip: &Tip, rest: &Rest) {
        let (first, next) = (tip.next_seq(), rest.tip.next_seq());
        if first < next {
            self.steps.push(Step {
                bytes: Some((from, rest.last_link_end)),
                lines: Some((first, next - 1)),
                ..self.step(
                    Action::TakeUp,
                    "they follow the line of the head file: a writer ended before it wrote that \
                     file",
                )
            });
        }
        if let Some(plain) = &rest.plain {
            let bytes = (rest.plain_from, rest.end);
            self.note_plain(self.path.clone(), bytes, plain.count);
        }
    }

    /// The file ends before the head, and no power loss explains it.
    pub(super) fn note_cut(&mut self, last: Option<Head>, head: &Head) {
        let missing = match last {
            Some(last) if last.stream != head.stream => None,
            Some(last) if last.seq >= head.seq => return,
            Some(last) => Some((last.seq + 1, head.seq)),
            None => None,
        };
        let reason = if missing.is_some() {
            "the file was cut since; they are missing, and a verifier will say so"
        } else {
            EMPTIED
        };
        self.note_gap(missing, reason);
    }

    /// Another file bears the log's name, or none does.
    pub(super) fn note_another(&mut self, size: u64) {
        let reason = if size == 0 {
            EMPTIED
        } else {
            "another file bears the log's name; if that with the lines before is gone, a verifier \
             will say so"
        };
        self.note_gap(None, reason);
    }

    fn note_gap(&mut self, missing: Option<(u64, u64)>, reason: &str) {
        let step = Step {
            lines: missing,
            ..self.step(Action::GoOnFromHead, reason)
        };
        self.steps.push(step);
    }
}

const EMPTIED: &str = "no line of the chain is left in the file under the log's name: it was \
                       moved, deleted or emptied; if its lines are gone, a verifier will say so";

/// Opens a file as it is, to read it; `None` when there is none.
fn existing(path: &Path) -> io::Result<Option<File>> {
    let there = |error: io::Error| match error.kind() {
        ErrorKind::NotFound => Ok(None),
        _ => Err(names::explain(path, error)),
    };
    // Before it is opened, which may hang.
    match fs::symlink_metadata(path) {
        Ok(metadata) => names::check_kind(path, &metadata)?,
        Err(error) => return there(error),
    }
    open_to_read(path).map_or_else(there, |file| Ok(Some(file)))
}

/// The log of which a file is part by what it holds: that whose head file, in the
/// same directory, tells of this stream.
pub(crate) fn log_of_stream(path: &Path, stream: &StreamId) -> io::Result<Option<PathBuf>> {
    for entry in fs::read_dir(names::directory(path))? {
        let entry = entry?;
        let name = entry.file_name();
        let Some(log) = name.to_str().and_then(|name| name.strip_suffix(".head")) else {
            continue;
        };
        if entry.file_type()?.is_file()
            && let Ok(mut file) = open_to_read(&entry.path())
            && let Ok(Some(record)) = Record::read(&mut file)
            && record.head.stream == *stream
        {
            return Ok(Some(path.with_file_name(log)));
        }
    }
    Ok(None)
}
