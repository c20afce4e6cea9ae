//! Leaving a file: what of it may not be on disk begins the next one.

use std::fs::{self, File};
use std::io::{self, ErrorKind, Seek, SeekFrom};
use std::mem;

use sha2::{Digest, Sha256};

use crate::chain::{Head, Line, Measured, Tip};
use crate::leaf::LeafHash;
use crate::log::files::{Reading, made, open, write_whole};
use crate::log::head_file::Record;
use crate::log::names::{self, FileId};
use crate::log::{Fault, Log, tail};

/// What is synced is doubted, when a sync has failed, back to a multiple of this:
/// such lines share blocks and writes with those that failed.
const DOUBTED: u64 = 64 * 1024;

/// So much is written at once.
const CHUNK: usize = 256 * 1024;

/// Part of a file that may not be on disk, and is to stand in the one after it.
#[derive(Debug)]
pub(super) struct Carry {
    file: File,
    from: u64,
    to: u64,
}

impl Carry {
    /// Of a file of which so much is synced, and which ends there. With `doubt`, a
    /// sync of it has failed.
    fn of(mut file: File, synced: u64, to: u64, doubt: bool) -> Self {
        let mut from = synced.min(to);
        if doubt {
            // What can't be read is doubted from the beginning.
            from = tail::last_line_end(&mut file, from / DOUBTED * DOUBTED).unwrap_or(0);
        }
        Self { file, from, to }
    }

    /// Calls `work` with each line, its line feed included.
    fn each_line(&self, mut work: impl FnMut(&[u8]) -> Result<(), Fault>) -> Result<(), Fault> {
        let mut file = &self.file;
        file.seek(SeekFrom::Start(self.from))?;
        let mut lines = tail::Lines::new(Reading(&self.file), self.to - self.from);
        while let Some(line) = lines.next_line()? {
            work(line)?;
        }
        Ok(())
    }
}

/// The last link of a spoilt file, and what stands after it.
struct End {
    head: Head,
    /// Where the link's line ends.
    at: u64,
    /// Where plain lines behind it end.
    plain_at: u64,
}

/// Plain lines, and how many bytes they have.
type Plain = Option<(Measured, u64)>;

impl Log {
    /// Opens what bears the log's name now, or makes it.
    pub(super) fn open_named(&mut self) -> io::Result<()> {
        if self.only_plans {
            return self.see_named();
        }
        self.settle_or_give_up();
        let end = self.end_of_left()?;
        let file = open(&self.path, true)?;
        let old = mem::replace(&mut self.file, file);
        if self.synced < self.written && self.carry.is_none() {
            // A sync that has failed is never tried again on the same file.
            if !self.spoilt
                && let Err(error) = old.sync_data()
            {
                self.note_untold(error);
            }
            if self.spoilt {
                self.carry = Some(Carry::of(old, self.synced, end, self.doubt));
            }
        }
        self.spoilt = false;
        self.doubt = false;
        self.torn_at = None;
        let metadata = self.file.metadata()?;
        self.file_id = FileId::of(&metadata);
        self.first_seq = None;
        self.made = made(&metadata);
        self.synced = 0;
        self.written = metadata.len();
        self.name_unsynced = true;
        self.left = None;
        Ok(())
    }

    /// Where the lines of a file that is left end: others may have written since, and
    /// the next line goes on from the last of theirs.
    fn end_of_left(&mut self) -> io::Result<u64> {
        let record = Record::read(&mut self.head_file)?;
        let is_ours = |record: &Record| record.file == self.file_id;
        let told = record.filter(is_ours).map_or(0, |record| record.size);
        Ok(self.written.max(told))
    }

    /// A file on which a sync or a write failed is never appended to again. What
    /// is not known to be on disk is to begin the new one.
    pub(super) fn move_spoilt_away(&mut self) -> Result<(), Fault> {
        self.settle_or_give_up();
        let is_ours = match fs::symlink_metadata(&self.path) {
            Ok(named) => FileId::of(&named) == self.file_id,
            Err(error) if error.kind() == ErrorKind::NotFound => false,
            Err(error) => return Err(error.into()),
        };
        if is_ours {
            self.rename_spoilt()?;
        }
        // Otherwise somebody else has renamed it.
        Ok(self.open_named()?)
    }

    fn rename_spoilt(&mut self) -> Result<(), Fault> {
        let record = Record::read(&mut self.head_file)?;
        let Some(end) = self.end_of_spoilt(record.as_ref())? else {
            let wanted = names::with_suffix(&self.path, ".spoilt");
            names::rename_aside(&self.path, &wanted)?;
            return Ok(());
        };
        let goes_back = record.is_some_and(|record| {
            record.head.stream == end.head.stream && record.head.seq > end.head.seq
        });
        self.written = end.at;
        if !goes_back {
            // Once the file has another name, only the head tells where it ended.
            self.settle_head(end.head)?;
        }
        let first_seq = self.first_seq_of_file()?.unwrap_or(end.head.seq + 1);
        let wanted = names::rotated(&self.path, &end.head.stream, first_seq);
        let carry = Carry::of(self.file.try_clone()?, self.synced, end.at, self.doubt);
        names::rename_aside(&self.path, &wanted)?;
        // Nobody would look for plain lines there again.
        self.carry = Some(Carry {
            to: end.plain_at,
            ..carry
        });
        Ok(())
    }

    /// Where the chain ends in a spoilt file. The head file may lag behind.
    fn end_of_spoilt(&mut self, record: Option<&Record>) -> Result<Option<End>, Fault> {
        let mut size = self.file.metadata()?.len();
        let record = record.filter(|record| record.file == self.file_id && record.size <= size);
        if let Some(torn_at) = self.torn_at {
            // Unless others have written since.
            if record.is_none_or(|record| record.size <= torn_at) {
                size = size.min(torn_at);
            }
        }
        let (head, from) = match record {
            Some(record) => (record.head, record.size),
            None => match tail::last_link(&mut self.file, size)? {
                Some(last) => last,
                None => return Ok(None),
            },
        };
        let rest = tail::read_rest(&mut self.file, from, size, Tip::After(head), false)?;
        Ok(match rest.tip {
            Tip::After(head) => Some(End {
                head,
                at: rest.last_link_end,
                plain_at: rest.end,
            }),
            Tip::New(_) => None,
        })
    }

    /// Begins the new file with the lines of the old one that may not be on disk,
    /// unless it holds them already: another writer may have brought them there,
    /// or we, before a stop in between. Where what was brought there ends, but for
    /// plain lines that the next line is to tell of.
    pub(super) fn carry_over(&mut self, tip: &Tip) -> Result<Option<u64>, Fault> {
        let Some(carry) = self.carry.take() else {
            return Ok(None);
        };
        match self.carry_lines(&carry, tip) {
            Ok(brought) => Ok(brought.map(|plain| {
                // Whatever else was found stands before lines that are no news.
                let bytes = plain.as_ref().map_or(0, |(_, bytes)| *bytes);
                self.pending.plain = plain.map(|(measured, _)| measured);
                self.written - bytes
            })),
            Err(fault) => {
                if let Fault::Io(_) = fault {
                    // To be tried again.
                    self.carry = Some(carry);
                }
                Err(fault)
            }
        }
    }

    /// The plain lines at the end of what was brought over, and how many bytes they
    /// have; `None` if nothing was.
    fn carry_lines(&mut self, carry: &Carry, tip: &Tip) -> Result<Option<Plain>, Fault> {
        let first_there = tail::first_link(&mut self.file)?.map(|(head, _)| head);
        let last_there = tail::last_link(&mut self.file, self.written)?.map(|(head, _)| head);
        let start = self.written;
        let mut before: Option<Tip> = None;
        let mut appended = false;
        let mut missing = false;
        let (mut plain, mut lines) = (Vec::new(), Vec::new());
        let file = &mut self.file;
        let carried = carry.each_line(|line| {
            let head = match Line::parse(line.strip_suffix(b"\n").unwrap_or(line)) {
                Line::Link { head, prev } if follows(before, &head, prev) => head,
                // It goes with the link after it, which tells of it.
                Line::Plain => {
                    plain.extend_from_slice(line);
                    return Ok(());
                }
                _ => return Err(unreadable()),
            };
            before = Some(Tip::After(head));
            let of_stream = |there: &Head| there.stream == head.stream;
            match (first_there.filter(of_stream), last_there.filter(of_stream)) {
                (Some(first), Some(last)) if first.seq <= head.seq && head.seq <= last.seq => {}
                // Others have gone on in the new file without this line.
                (Some(first), Some(_)) if head.seq < first.seq => missing = true,
                _ => {
                    appended = true;
                    lines.extend_from_slice(&plain);
                    lines.extend_from_slice(line);
                }
            }
            plain.clear();
            if lines.len() > CHUNK {
                write_whole(file, &lines)?;
                lines.clear();
            }
            Ok(())
        });
        let carried = carried.and_then(|()| {
            if missing {
                return Err(Fault::Unsynced(io::Error::other(
                    "lines that could not be synced stand in a file that is not written any more",
                )));
            }
            if appended && before.is_some_and(|last| last != *tip) {
                return Err(unreadable());
            }
            if start > 0 && !appended {
                // Others have gone on behind them, and told of plain lines.
                plain.clear();
            }
            lines.extend_from_slice(&plain);
            Ok(write_whole(file, &lines)?)
        });
        if let Err(fault) = carried {
            self.file.set_len(start)?;
            return Err(fault);
        }
        self.written = self.file.metadata()?.len();
        if !appended && plain.is_empty() {
            return Ok(None);
        }
        let measured = Measured {
            count: plain.iter().filter(|&&byte| byte == b'\n').count() as u64,
            sha256: Sha256::digest(&plain).into(),
        };
        Ok(Some(
            (measured.count > 0).then_some((measured, plain.len() as u64)),
        ))
    }
}

fn follows(before: Option<Tip>, head: &Head, prev: Option<LeafHash>) -> bool {
    before.is_none_or(|tip| tip.is_followed_by(head, prev))
}

/// Lines that are not known to be on disk don't read back as they were written,
/// so they can't be written anew.
fn unreadable() -> Fault {
    let message = "lines that could not be synced don't read back as they were";
    Fault::Failed(io::Error::new(ErrorKind::InvalidData, message))
}
