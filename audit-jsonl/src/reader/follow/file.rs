//! A file that somebody is writing.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use crate::log::names::FileId;
use crate::log::tail;
use crate::log_files::{First, LogFile, first_of};
use crate::reader::entry::{self, Entry};
use crate::reader::lines::{Frame, Held, Lines, Section};
use crate::reader::overlap::{Overlap, Verdict};

/// A file that begins with other bytes than it did is another text.
const FRONT: u64 = 256;

/// A file that is followed.
#[derive(Debug)]
pub(super) struct Followed {
    path: PathBuf,
    file: File,
    id: FileId,
    lines: Lines<Section>,
    /// How many lines stand before the next one.
    line: Option<u64>,
    /// How it began when it was looked at last, and what told that it was changed.
    front: Vec<u8>,
    changed: Option<(u64, SystemTime)>,
    copies: Copies,
    has_links: bool,
}

/// Whether the file begins with lines of the one before.
#[derive(Debug)]
enum Copies {
    /// To be seen when its first line is there.
    Perhaps(Before),
    Some(Overlap),
    None,
}

/// The file before.
#[derive(Debug)]
struct Before {
    file: File,
    len: u64,
}

impl Followed {
    /// From a place at which a line begins.
    pub(super) fn new(file: File, of: &LogFile, from: u64) -> io::Result<Self> {
        let section = Section::new(file.try_clone()?, from, u64::MAX);
        let mut followed = Self {
            path: of.path().to_owned(),
            id: of.id(),
            lines: Lines::new(section, from),
            line: (from == 0).then_some(0),
            front: Vec::new(),
            changed: None,
            copies: Copies::None,
            has_links: of.first().is_some(),
            file,
        };
        followed.front = followed.read_front()?;
        Ok(followed)
    }

    /// That comes after another.
    pub(super) fn after(self, before: &Self) -> io::Result<Self> {
        if !before.has_links {
            return Ok(self);
        }
        let before = Before {
            file: before.file.try_clone()?,
            len: before.lines.at(),
        };
        Ok(Self {
            copies: Copies::Perhaps(before),
            ..self
        })
    }

    pub(super) fn id(&self) -> FileId {
        self.id
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Whether lines of a chain were seen in it: whoever writes those looks first
    /// whether the file still has its name.
    pub(super) fn has_links(&self) -> bool {
        self.has_links
    }

    fn read_line(&mut self) -> io::Result<Option<Frame>> {
        if let Some(frame) = self.lines.next_held() {
            return Ok(Some(frame));
        }
        // However long ago it was read last.
        self.look()?;
        self.lines.next_line()
    }

    /// Looks whether the file was cut, or is another text by now.
    fn look(&mut self) -> io::Result<()> {
        let metadata = self.file.metadata()?;
        let changed = (metadata.len(), metadata.modified()?);
        if self.changed == Some(changed) {
            return Ok(());
        }
        self.changed = Some(changed);
        let front = self.read_front()?;
        let from = if !front.starts_with(&self.front) {
            self.line = Some(0);
            0
        } else if metadata.len() < self.lines.read_to() {
            self.line = None;
            tail::last_line_end(&mut self.file, metadata.len())?.min(self.lines.at())
        } else {
            self.front = front;
            return Ok(());
        };
        self.front = front;
        self.copies = Copies::None;
        let section = Section::new(self.file.try_clone()?, from, u64::MAX);
        self.lines.reuse(section, from);
        Ok(())
    }

    /// The next line that is new.
    pub(super) fn next_line(&mut self) -> io::Result<Option<Frame>> {
        self.look_for_copies()?;
        while let Some(frame) = self.read_line()? {
            if let Some(line) = &mut self.line {
                *line += 1;
            }
            let bytes = self.lines.bytes(&frame).unwrap_or_default();
            self.has_links |= memchr::memmem::find(bytes, b"\"chain\":{").is_some();
            let Copies::Some(overlap) = &mut self.copies else {
                return Ok(Some(frame));
            };
            match overlap.judge(bytes)? {
                Verdict::Copy => {}
                Verdict::New => return Ok(Some(frame)),
                Verdict::Over => {
                    self.copies = Copies::None;
                    return Ok(Some(frame));
                }
            }
        }
        Ok(None)
    }

    /// What stands behind the last line feed.
    pub(super) fn rest(&mut self) -> Option<Frame> {
        self.lines.rest()
    }

    pub(super) fn entry(&self, frame: &Frame, is_whole: bool) -> Entry<'_> {
        entry::entry_of(&self.lines, frame, is_whole, Some(&self.path), self.line)
    }

    /// Whether the file before holds the first link, once there is one.
    fn look_for_copies(&mut self) -> io::Result<()> {
        let Copies::Perhaps(before) = &mut self.copies else {
            return Ok(());
        };
        let len = self.file.metadata()?.len();
        if tail::last_line_end(&mut self.file, len)? == 0 {
            return Ok(());
        }
        let overlap = match first_of(&mut self.file)? {
            Some(first) => before.overlap(&first)?,
            None => None,
        };
        self.copies = overlap.map_or(Copies::None, Copies::Some);
        Ok(())
    }

    fn read_front(&self) -> io::Result<Vec<u8>> {
        let mut front = Vec::new();
        Section::new(self.file.try_clone()?, 0, FRONT).read_to_end(&mut front)?;
        Ok(front)
    }
}

impl Before {
    fn overlap(&mut self, first: &First) -> io::Result<Option<Overlap>> {
        let Some(its_first) = first_of(&mut self.file)? else {
            return Ok(None);
        };
        let last = tail::last_link(&mut self.file, self.len)?;
        let is_of_stream = its_first.head.stream == first.head.stream;
        let reaches = last.is_some_and(|(last, _)| last.seq >= first.head.seq);
        if !is_of_stream || !reaches || its_first.head.seq > first.head.seq {
            return Ok(None);
        }
        Overlap::new(&self.file, self.len, &its_first, first)
    }
}
