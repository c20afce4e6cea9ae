//! The chained log on disk: a file, its head file, the lock, and what is done
//! when they don't agree.
//!
//! Any number of these, in one process or in many, share a log: each batch is
//! written under the lock, after a look at where the log ends now.

mod aside;
mod carry;
pub(crate) mod files;
pub(crate) mod head_file;
#[cfg(test)]
mod images;
mod lock;
pub(crate) mod names;
mod planned;
mod recover;
mod rotate;
mod sync;
pub(crate) mod tail;

use std::fs::{self, File};
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

pub(crate) use self::lock::sleeping;
pub(crate) use self::names::create_directories;
pub(crate) use self::planned::{Seen, log_of_stream};
pub(crate) use self::rotate::Rotation;
use self::sync::Beside;
pub(crate) use self::sync::SyncBeside;
use crate::chain::{Head, Notes, Tip};
use crate::link::Drafts;
pub(crate) use crate::link::Item;
use crate::log::carry::Carry;
use crate::log::files::{Aside, cut, made, open, write_counting};
use crate::log::head_file::{Record, Written};
use crate::log::lock::{has_the_name, lock};
use crate::log::names::FileId;
use crate::repair::Step;

#[derive(Debug)]
pub(crate) struct Log {
    path: PathBuf,
    head_path: PathBuf,
    rotation: Rotation,
    /// Free bytes that are left to others.
    reserve: u64,
    boot: String,

    file: File,
    file_id: FileId,
    head_file: File,
    /// What we left in the head file; `None` when we don't know what it says.
    left: Option<Written>,
    /// Of the file: the first link's number, and when the file was made.
    first_seq: Option<u64>,
    made: SystemTime,

    /// For the next line.
    pending: Notes,
    /// What `torn` in it is about.
    aside: Option<Aside>,
    /// The lines of a batch.
    lines: Vec<u8>,

    /// So much of the file is known to be on disk.
    synced: u64,
    /// So much is written.
    written: u64,
    /// The file is new, and its name not known to be on disk.
    name_unsynced: bool,
    failed_syncs: u32,
    /// Nothing is appended to the file any more; what is not known to be on disk
    /// goes to the next one.
    spoilt: bool,
    /// For a sync of it has failed.
    doubt: bool,
    /// Where the good lines of the spoilt file end, if what was begun after them
    /// could not be taken back.
    torn_at: Option<u64>,
    /// Lines of a spoilt file that the new one must begin with.
    carry: Option<Carry>,
    /// A sync that failed, and of which nobody was told.
    untold: Option<io::Error>,
    /// A sync of the file that is made meanwhile.
    beside: Option<Beside>,

    /// What the last look put right.
    steps: Vec<Step>,
    /// Nothing is put right, and nothing written: the steps say what would be.
    only_plans: bool,
}

/// Why a batch is not written.
#[derive(Debug)]
pub(crate) enum Fault {
    /// Nothing of it is in the log.
    Io(io::Error),
    /// Writing failed in a way that says nothing good of the file; the next try
    /// goes to a new one.
    Spoilt(io::Error),
    /// Lines that were written before may not be on disk, and can't be brought
    /// there any more.
    Unsynced(io::Error),
    /// Nothing will ever be written any more.
    Failed(io::Error),
    /// There is to be no other try.
    Abandoned,
}

impl From<io::Error> for Fault {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

impl Log {
    /// Opens the log, and makes it if it isn't there. Nothing is written to it
    /// before the first batch.
    pub(crate) fn open(path: &Path, rotation: Rotation, reserve: u64) -> Result<Self, Fault> {
        let head_path = names::with_suffix(path, ".head");
        let pause = &mut sleeping;
        // Before anything is made beside it.
        names::check_name(path)?;
        match fs::symlink_metadata(path) {
            Ok(metadata) => names::check_kind(path, &metadata)?,
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            Err(error) => return Err(names::explain(path, error).into()),
        }
        let head_file = loop {
            let head_file = open(&head_path, false)?;
            lock(&head_file, &head_path, pause)?;
            if has_the_name(&head_file, &head_path)? {
                break head_file;
            }
        };
        let file = open(path, true)?;
        // No decision on what may not be on disk.
        file.sync_all()?;
        head_file.sync_all()?;
        names::sync_directory(path)?;
        let mut log = Self::of(path, file, head_file, rotation, reserve)?;
        // What can't be gone on with is an error here and now.
        log.check()?;
        fs4::FileExt::unlock(&log.head_file)?;
        Ok(log)
    }

    fn of(
        path: &Path,
        file: File,
        head_file: File,
        rotation: Rotation,
        reserve: u64,
    ) -> io::Result<Self> {
        let metadata = file.metadata()?;
        Ok(Self {
            path: path.to_owned(),
            head_path: names::with_suffix(path, ".head"),
            rotation,
            reserve,
            boot: names::boot_id(),
            file_id: FileId::of(&metadata),
            file,
            head_file,
            left: None,
            first_seq: None,
            made: made(&metadata),
            pending: Notes::default(),
            aside: None,
            lines: Vec::new(),
            synced: metadata.len(),
            written: metadata.len(),
            name_unsynced: false,
            failed_syncs: 0,
            spoilt: false,
            doubt: false,
            torn_at: None,
            carry: None,
            untold: None,
            beside: None,
            steps: Vec::new(),
            only_plans: false,
        })
    }

    /// Says in the next line that this writer opened the log.
    pub(crate) fn tell_opened(&mut self, time: String) {
        self.pending.opened = Some(time);
    }

    /// Appends a batch; `linked` is called with each line's place in the chain.
    /// The first line tells of `lost` and `elsewhere`.
    ///
    /// `pause` waits between two tries at the lock, and says whether to go on.
    pub(crate) fn append<'a>(
        &mut self,
        items: impl Iterator<Item = Item<'a>>,
        first: Notes,
        pause: &mut dyn FnMut(Duration) -> bool,
        linked: impl FnMut(&Head),
    ) -> Result<(), Fault> {
        self.append_drafted(&mut Drafts::default(), items, first, pause, linked)
    }

    /// As [`append`](Self::append), of a batch that was drafted for where the log was
    /// expected to end. The drafts are used if it ends there and the first line has
    /// nothing to tell; otherwise they are made unfit.
    pub(crate) fn append_drafted<'a>(
        &mut self,
        drafts: &mut Drafts,
        items: impl Iterator<Item = Item<'a>>,
        first: Notes,
        pause: &mut dyn FnMut(Duration) -> bool,
        mut linked: impl FnMut(&Head),
    ) -> Result<(), Fault> {
        self.under_lock(pause, |log| {
            let tip = log.look()?;
            let has_to_tell = first != Notes::default() || log.pending != Notes::default();
            let mut end = tip;
            if !has_to_tell && drafts.link(&mut end, &mut linked) {
                return log.write_batch(&tip, &end, drafts.bytes());
            }
            drafts.clear();
            log.append_after(tip, items, first, linked)
        })
    }

    /// The last line that this writer has left in the log; others may have written since.
    pub(crate) fn left(&self) -> Option<&Head> {
        self.left.as_ref().map(|left| &left.record.head)
    }

    /// Under the lock, with what a look gave.
    fn append_after<'a>(
        &mut self,
        tip: Tip,
        items: impl Iterator<Item = Item<'a>>,
        first: Notes,
        linked: impl FnMut(&Head),
    ) -> Result<(), Fault> {
        let mut lines = std::mem::take(&mut self.lines);
        lines.clear();
        let end = self.link_batch(tip, items, first, linked, &mut lines);
        let result = self.write_batch(&tip, &end, &lines);
        self.lines = lines;
        result
    }

    /// Makes sure that the file is the one under the log's name, as after a
    /// rotation by somebody else.
    pub(crate) fn reopen(&mut self, pause: &mut dyn FnMut(Duration) -> bool) -> Result<(), Fault> {
        self.under_lock(pause, |log| {
            log.open_another()?;
            Ok(())
        })
    }

    pub(crate) fn size(&self) -> u64 {
        self.written
    }

    /// Calls `work` with the lock held on the head file that has the name.
    fn under_lock<T>(
        &mut self,
        pause: &mut dyn FnMut(Duration) -> bool,
        work: impl FnOnce(&mut Self) -> Result<T, Fault>,
    ) -> Result<T, Fault> {
        let result = self.lock_head(pause).and_then(|()| work(self));
        // What is written is written: that the lock can't be given back must not
        // have it written again. It goes with the handle.
        if fs4::FileExt::unlock(&self.head_file).is_err()
            && let Ok(head_file) = open(&self.head_path, false)
        {
            self.head_file = head_file;
            self.left = None;
        }
        result
    }

    /// Takes the lock on the head file that has the name.
    fn lock_head(&mut self, pause: &mut dyn FnMut(Duration) -> bool) -> Result<(), Fault> {
        loop {
            lock(&self.head_file, &self.head_path, pause)?;
            if has_the_name(&self.head_file, &self.head_path)? {
                return Ok(());
            }
            self.head_file = open(&self.head_path, false)?;
            self.left = None;
        }
    }

    fn check_space(&self, bytes: usize) -> Result<(), Fault> {
        if self.reserve == 0 {
            return Ok(());
        }
        let free = fs4::available_space(names::directory(&self.path))?;
        if free < self.reserve.saturating_add(bytes as u64) {
            let message = format!(
                "{free} bytes are free, and {} are to be left free",
                self.reserve
            );
            return Err(io::Error::new(ErrorKind::StorageFull, message).into());
        }
        Ok(())
    }

    /// Links a batch to `tip`; the tip after it.
    fn link_batch<'a>(
        &self,
        mut tip: Tip,
        items: impl Iterator<Item = Item<'a>>,
        first: Notes,
        mut linked: impl FnMut(&Head),
        lines: &mut Vec<u8>,
    ) -> Tip {
        let mut told = Some(Notes {
            lost: first.lost,
            elsewhere: first.elsewhere,
            closed: first.closed,
            ..self.pending.clone()
        });
        let mut notes_of = |item: &Item<'_>| match (told.take(), item.cut) {
            (None, 0) => None,
            (told, cut) => Some(Notes {
                cut,
                ..told.unwrap_or_default()
            }),
        };
        let mut items = items.fuse();
        while let Some(item) = items.next() {
            let notes = notes_of(&item);
            match items.next() {
                None => tip
                    .link([item.event(notes.as_ref())], lines)
                    .iter()
                    .for_each(&mut linked),
                Some(second) => {
                    let seconds = notes_of(&second);
                    let events = [item.event(notes.as_ref()), second.event(seconds.as_ref())];
                    tip.link(events, lines).iter().for_each(&mut linked);
                }
            }
        }
        tip
    }

    /// Writes a batch whose lines lead from `tip` to `end`, to a new file if it
    /// is time for one.
    fn write_batch(&mut self, tip: &Tip, end: &Tip, lines: &[u8]) -> Result<(), Fault> {
        self.check_space(lines.len())?;
        self.rotate_if_due(tip, lines.len())?;
        if self.written == 0 {
            self.first_seq = Some(tip.next_seq());
        }
        self.write_lines(lines, end)?;
        self.pending = Notes::default();
        self.aside = None;
        Ok(())
    }

    /// Writes whole lines, or nothing, and the head after them.
    fn write_lines(&mut self, lines: &[u8], tip: &Tip) -> Result<(), Fault> {
        let start = self.written;
        let mut taken = 0;
        if let Err(error) = write_counting(&mut self.file, lines, &mut taken) {
            // What was begun is taken back. If that fails too, the next look
            // finds it beyond the head.
            self.left = None;
            let taken_back = cut(&self.file, start, start + taken as u64);
            // Of a file in which nothing stands, nothing is to be feared.
            if taken_back.is_ok() && (passes(error.kind()) || start == 0) {
                return Err(Fault::Io(error));
            }
            self.spoilt = true;
            if taken_back.is_err() {
                // While we have the lock: others would take up whole lines of it,
                // which are going to be written again.
                self.torn_at = Some(start);
                if let Err(Fault::Failed(error)) = self.move_spoilt_away() {
                    return Err(Fault::Failed(error));
                }
            }
            return Err(Fault::Spoilt(error));
        }
        self.written = start + lines.len() as u64;
        if let Tip::After(head) = tip {
            self.write_head(*head);
        }
        Ok(())
    }

    /// Writes the head. If that fails, it says less than there is, and the next
    /// look takes up the lines that link.
    fn write_head(&mut self, head: Head) {
        self.write_head_at(head, self.written);
    }

    fn write_head_at(&mut self, head: Head, end: u64) {
        // `left` says whether it did.
        drop(self.try_write_head(head, end));
    }

    fn try_write_head(&mut self, head: Head, end: u64) -> io::Result<()> {
        let unknown = self.left.take().is_none();
        let record = Record {
            head,
            size: end,
            file: self.file_id,
            boot: self.boot.clone(),
        };
        let written = Written::write(record, &mut self.head_file)?;
        if unknown {
            Record::cut(&self.head_file)?;
        }
        self.left = Some(written);
        Ok(())
    }

    /// Makes the head durable, as it must be before the file gets another name:
    /// from then on nothing else tells where the chain goes on.
    fn settle_head(&mut self, head: Head) -> io::Result<()> {
        self.try_write_head(head, self.written)?;
        self.head_file.sync_data()
    }
}

/// Whether an error of `write` may pass, and says nothing of the file.
pub(crate) fn passes(kind: ErrorKind) -> bool {
    matches!(kind, ErrorKind::StorageFull | ErrorKind::QuotaExceeded)
}
