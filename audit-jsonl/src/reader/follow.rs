//! A log that is being written, as it grows.

mod file;

use std::collections::{HashSet, VecDeque};
use std::ffi::OsString;
use std::fmt;
use std::fs;
use std::io::ErrorKind;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::{Condvar, Mutex};

use crate::log::names::FileId;
use crate::log::tail;
use crate::log_files::{LogFile, LogFiles};
use crate::read_error::ReadError;
use crate::reader::entry::{self, Entry};
use crate::reader::follow::file::Followed;
use crate::reader::lines::Frame;

/// How often to look: new lines are seen within a quarter of a second, and an idle
/// log costs a few system calls a second.
const PAUSE: Duration = Duration::from_millis(100);

/// Waits for the lines that are written to a log, through rotation (by us or by
/// others), copytruncate, removal and a new beginning.
///
/// A line is given when its line feed is there, and once. What was written to a
/// file before it was moved away is given before what stands in the next one. New
/// lines are seen within a quarter of a second; it looks ten times a second, which
/// costs next to nothing.
///
/// What nobody can see: lines that were written and cut off again between two looks,
/// and those of a file that came and went in between.
///
/// ```
/// use std::time::Duration;
/// use audit_jsonl::{AuditSink, CallEvent, Entry, JsonLinesAuditSink, LogFiles, LogReader, Outcome};
/// # let directory = std::env::temp_dir().join(format!("audit-follow-{}", std::process::id()));
/// # std::fs::create_dir_all(&directory)?;
/// # let path = directory.join("audit.jsonl");
///
/// let sink = JsonLinesAuditSink::builder().path(&path).open()?;
/// let files = LogFiles::find(&[&path])?.remove(0);
/// // First what is there: `LogReader::last(&files, 10)?`. Then what comes.
/// let mut follower = LogReader::follow(&files)?;
/// let ts = "2026-11-20T09:30:00.000000Z";
/// sink.on_call(&CallEvent::new(ts, "1", "files:read", 3, Outcome::Success, "hot"));
/// let Some(Entry::Line(line)) = follower.next_entry()? else { panic!() };
/// assert_eq!(line.event()?.call_id, "1");
///
/// // From any thread; a signal handler's, say.
/// follower.stopper().stop();
/// assert!(follower.next_entry()?.is_none());
/// # sink.close(Duration::from_secs(10))?;
/// # std::fs::remove_dir_all(&directory)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct LogFollower {
    path: PathBuf,
    /// The names of rotated files that are of the past.
    known: HashSet<OsString>,
    current: Option<Followed>,
    /// The file before, for whoever still writes to it.
    before: Option<Followed>,
    next: VecDeque<LogFile>,
    /// Where a file was that was removed before it was read.
    gone: PathBuf,
    stop: Arc<Stop>,
}

#[derive(Default)]
struct Stop {
    stopped: Mutex<bool>,
    changed: Condvar,
}

/// Ends the waiting of a [`LogFollower`], from any thread.
#[derive(Clone)]
pub struct Stopper(Arc<Stop>);

impl Stopper {
    /// From now on there is no next entry, and nobody waits for one.
    pub fn stop(&self) {
        *self.0.stopped.lock() = true;
        self.0.changed.notify_all();
    }
}

/// What there is to give.
enum Found {
    InCurrent(Frame, bool),
    InBefore(Frame, bool),
    Gone(PathBuf),
}

impl LogFollower {
    pub(super) fn new(files: &LogFiles) -> Result<Self, ReadError> {
        let rotated = files.files().iter().filter(|file| !file.is_active());
        let known = rotated.filter_map(|file| file.path().file_name());
        let mut follower = Self {
            path: files.path().to_owned(),
            known: known.map(OsString::from).collect(),
            current: None,
            before: None,
            next: VecDeque::new(),
            gone: PathBuf::new(),
            stop: Arc::default(),
        };
        if let Some(last) = files.files().last()
            && let Some(mut file) = last.open()?
        {
            let failed = || ReadError::io(last.path());
            let from = tail::last_line_end(&mut file, last.len()).map_err(failed())?;
            let followed = Followed::new(file, last, from).map_err(failed())?;
            follower.current = Some(followed);
        }
        Ok(follower)
    }

    /// The next entry, waited for however long it takes; `None` when it was
    /// stopped.
    ///
    /// # Errors
    ///
    /// When a file can't be read, or the directory. The next call tries again.
    pub fn next_entry(&mut self) -> Result<Option<Entry<'_>>, ReadError> {
        self.next_until(None)
    }

    /// As [`next_entry`](Self::next_entry); `None` when there is nothing new for so
    /// long, too. With no time at all it gives what is there and never waits.
    ///
    /// # Errors
    ///
    /// As `next_entry`.
    pub fn next_within(&mut self, timeout: Duration) -> Result<Option<Entry<'_>>, ReadError> {
        self.next_until(Instant::now().checked_add(timeout))
    }

    /// What stops it from elsewhere.
    #[must_use]
    pub fn stopper(&self) -> Stopper {
        Stopper(Arc::clone(&self.stop))
    }

    fn next_until(&mut self, deadline: Option<Instant>) -> Result<Option<Entry<'_>>, ReadError> {
        let found = loop {
            if *self.stop.stopped.lock() {
                return Ok(None);
            }
            if let Some(found) = self.look()? {
                break found;
            }
            let now = Instant::now();
            if deadline.is_some_and(|deadline| deadline <= now) {
                return Ok(None);
            }
            let next = now + PAUSE;
            self.stop
                .wait_until(deadline.map_or(next, |deadline| deadline.min(next)));
        };
        Ok(match found {
            Found::InCurrent(frame, is_whole) => {
                let current = self.current.as_ref();
                current.map(|current| current.entry(&frame, is_whole))
            }
            Found::InBefore(frame, is_whole) => {
                let before = self.before.as_ref();
                before.map(|before| before.entry(&frame, is_whole))
            }
            Found::Gone(path) => {
                self.gone = path;
                Some(entry::gone(&self.gone))
            }
        })
    }

    /// What there is to give now.
    fn look(&mut self) -> Result<Option<Found>, ReadError> {
        loop {
            if let Some(frame) = next_in(&mut self.before)? {
                return Ok(Some(Found::InBefore(frame, true)));
            }
            if let Some(frame) = next_in(&mut self.current)? {
                return Ok(Some(Found::InCurrent(frame, true)));
            }
            if self.next.is_empty() {
                self.find_next()?;
                if self.next.is_empty() {
                    return Ok(None);
                }
                // It may have been written to until it was renamed.
                continue;
            }
            if let Some(found) = self.leave_current() {
                return Ok(Some(found));
            }
            if let Some(gone) = self.open_next()? {
                return Ok(Some(gone));
            }
        }
    }

    /// The files that come after the current one, if it has lost the log's name to
    /// another.
    fn find_next(&mut self) -> Result<(), ReadError> {
        let id = match fs::symlink_metadata(&self.path) {
            Ok(metadata) => FileId::of(&metadata),
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
            Err(error) => return Err(ReadError::io(&self.path)(error)),
        };
        let current = self.current.as_ref().map(Followed::id);
        if current == Some(id) {
            return Ok(());
        }
        let newer = LogFiles::newer(&self.path, &self.known)?;
        let files = newer.files();
        let place = files.iter().position(|file| Some(file.id()) == current);
        let next = &files[place.map_or(0, |place| place + 1)..];
        let rotated = files.iter().filter(|file| !file.is_active());
        let names = rotated.filter_map(|file| file.path().file_name());
        self.known.extend(names.map(OsString::from));
        self.next.extend(next.iter().cloned());
        Ok(())
    }

    /// What is unfinished in files that nobody writes to any more.
    fn leave_current(&mut self) -> Option<Found> {
        // Who writes plain lines may not have noticed yet.
        if let Some(current) = &mut self.current
            && current.has_links()
            && let Some(rest) = current.rest()
        {
            return Some(Found::InCurrent(rest, false));
        }
        let rest = self.before.as_mut().and_then(Followed::rest)?;
        Some(Found::InBefore(rest, false))
    }

    fn open_next(&mut self) -> Result<Option<Found>, ReadError> {
        let Some(next) = self.next.pop_front() else {
            return Ok(None);
        };
        let Some(file) = next.open()? else {
            return Ok(Some(Found::Gone(next.path().to_owned())));
        };
        let failed = || ReadError::io(next.path());
        let mut followed = Followed::new(file, &next, 0).map_err(failed())?;
        if let Some(current) = self.current.take() {
            followed = followed.after(&current).map_err(failed())?;
            self.before = Some(current);
        }
        self.current = Some(followed);
        Ok(None)
    }
}

fn next_in(file: &mut Option<Followed>) -> Result<Option<Frame>, ReadError> {
    let Some(file) = file else {
        return Ok(None);
    };
    let next = file.next_line();
    next.map_err(ReadError::io(file.path()))
}

impl Stop {
    fn wait_until(&self, deadline: Instant) {
        let mut stopped = self.stopped.lock();
        while !*stopped && !self.changed.wait_until(&mut stopped, deadline).timed_out() {}
    }
}

impl fmt::Debug for LogFollower {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // What it holds of a record is sensitive.
        f.debug_struct("LogFollower")
            .field("path", &self.path)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Stopper {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Stopper")
            .field(&*self.0.stopped.lock())
            .finish()
    }
}
