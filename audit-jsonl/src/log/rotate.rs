//! Rotation, and what is kept of rotated files.

use std::fs::{self, File};
use std::io;
use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use crate::chain::{Head, Measured, StreamId, Tip};
use crate::log::files::{made, options};
use crate::log::head_file::Record;
use crate::log::names::{self, FileId};
use crate::log::{Fault, Log, tail};

/// When a new file is begun, and how many old ones are kept. Nothing of either
/// by default.
#[derive(Debug, Clone, Default)]
pub(crate) struct Rotation {
    /// Before a file would be larger.
    pub(crate) size: Option<u64>,
    /// Once a file is older.
    pub(crate) age: Option<Duration>,
    pub(crate) keep_files: Option<usize>,
    pub(crate) keep_bytes: Option<u64>,
    pub(crate) keep_age: Option<Duration>,
}

struct Rotated {
    path: PathBuf,
    /// No plain lines of others stand before the first link.
    is_ours_alone: bool,
    first_seq: u64,
    size: u64,
    modified: SystemTime,
}

impl Log {
    /// Begins a new file if this one is too old, or too full for so many bytes.
    pub(super) fn rotate_if_due(&mut self, tip: &Tip, more: usize) -> Result<(), Fault> {
        let Tip::After(head) = *tip else {
            return Ok(());
        };
        if self.written == 0 || !self.is_due(more) {
            return Ok(());
        }
        if self.pending.plain.is_some() || self.pending.gone.is_some() {
            // They would not be found again if the next line were not written. It
            // is the next batch's turn.
            return Ok(());
        }
        // What is renamed must be whole on disk: nobody will sync it again.
        if let Err(error) = self.settle_beside().and_then(|()| self.file.sync_all()) {
            let again = io::Error::new(error.kind(), error.to_string());
            self.note_failed_sync(error)?;
            return Err(Fault::Spoilt(again));
        }
        self.settle_head(head)?;
        let first_seq = self.first_seq_of_file()?.unwrap_or(head.seq);
        let wanted = names::rotated(&self.path, &head.stream, first_seq);
        names::rename_aside(&self.path, &wanted)?;
        let file = options(true).create_new(true).open(&self.path)?;
        let metadata = file.metadata()?;
        self.file = file;
        self.file_id = FileId::of(&metadata);
        self.first_seq = None;
        self.made = made(&metadata);
        self.written = 0;
        self.synced = 0;
        self.name_unsynced = true;
        self.write_head(head);
        names::sync_directory(&self.path)?;
        self.name_unsynced = false;
        self.remove_old(&head.stream)?;
        Ok(())
    }

    fn is_due(&self, more: usize) -> bool {
        let full = self
            .rotation
            .size
            .is_some_and(|most| self.written + more as u64 > most);
        let old = self.rotation.age.is_some_and(|most| {
            let age = SystemTime::now().duration_since(self.made);
            // A clock that was set back makes no file old.
            age.is_ok_and(|age| age > most)
        });
        full || old
    }

    /// Removes the oldest rotated files of the stream; the last one always stays.
    fn remove_old(&self, stream: &StreamId) -> io::Result<()> {
        let rotation = &self.rotation;
        let keeps_all = rotation.keep_files.is_none()
            && rotation.keep_bytes.is_none()
            && rotation.keep_age.is_none();
        if keeps_all {
            return Ok(());
        }
        let mut files = self.rotated(stream)?;
        files.retain(|file| file.is_ours_alone);
        let mut bytes: u64 = files.iter().map(|file| file.size).sum();
        let now = SystemTime::now();
        while files.len() > 1 {
            let oldest = &files[0];
            let too_many = rotation.keep_files.is_some_and(|most| files.len() > most);
            let too_large = rotation.keep_bytes.is_some_and(|most| bytes > most);
            let too_old = rotation.keep_age.is_some_and(|most| {
                let age = now.duration_since(oldest.modified);
                age.is_ok_and(|age| age > most)
            });
            if !(too_many || too_large || too_old) {
                break;
            }
            fs::remove_file(&oldest.path)?;
            bytes -= oldest.size;
            files.remove(0);
        }
        Ok(())
    }

    /// The rotated files whose first link is of this stream, in its order.
    fn rotated(&self, stream: &StreamId) -> io::Result<Vec<Rotated>> {
        let mut files = Vec::new();
        for path in names::rotated_files(&self.path, stream)? {
            // What is something else is none of ours, and opening it may hang.
            let metadata = fs::symlink_metadata(&path)?;
            if !metadata.is_file() {
                continue;
            }
            let mut file = File::open(&path)?;
            if let Some((head, begin)) = tail::first_link(&mut file)?
                && head.stream == *stream
            {
                files.push(Rotated {
                    path,
                    is_ours_alone: begin == 0,
                    first_seq: head.seq,
                    size: metadata.len(),
                    modified: metadata.modified()?,
                });
            }
        }
        files.sort_by_key(|file| (file.first_seq, file.size));
        Ok(files)
    }

    /// The last link in the rotated files of the stream.
    pub(super) fn last_rotated_link(&self, stream: &StreamId) -> io::Result<Option<Head>> {
        let mut last: Option<Head> = None;
        for rotated in self.rotated(stream)? {
            let mut file = File::open(&rotated.path)?;
            if let Some((head, _)) = tail::last_link(&mut file, rotated.size)?
                && last.is_none_or(|last| last.seq < head.seq)
            {
                last = Some(head);
            }
        }
        Ok(last)
    }

    /// Whether the file that a head is about is one that we have renamed, whatever
    /// is left in it.
    pub(super) fn is_rotated(&self, record: &Record) -> io::Result<bool> {
        Ok(self.rotated_file_of(record)?.is_some())
    }

    fn rotated_file_of(&self, record: &Record) -> io::Result<Option<PathBuf>> {
        for path in names::rotated_files(&self.path, &record.head.stream)? {
            if record.is_about(FileId::of(&fs::symlink_metadata(&path)?), &self.boot) {
                return Ok(Some(path));
            }
        }
        Ok(None)
    }

    /// Plain lines at the end of the file that a head is about, if its writer has
    /// renamed it and ended before it went on in the next one.
    pub(super) fn plain_left_behind(&mut self, record: &Record) -> io::Result<Option<Measured>> {
        let Some(path) = self.rotated_file_of(record)? else {
            return Ok(None);
        };
        let mut file = File::open(&path)?;
        let size = file.metadata()?.len();
        if size <= record.size {
            return Ok(None);
        }
        let tip = Tip::After(record.head);
        let rest = tail::read_rest(&mut file, record.size, size, tip, false)?;
        let plain = rest.plain.filter(|_| rest.tip == tip);
        if let Some(plain) = &plain {
            self.note_plain(path, (rest.plain_from, rest.end), plain.count);
        }
        Ok(plain)
    }
}
