//! Cutting bytes into lines, in bounded memory.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::ops::Range;

use crate::form::LONGEST_PLAIN_LINE;
use crate::log::files::Reading;

/// So much is read at once.
const BLOCK: usize = 256 * 1024;

/// A line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Frame {
    /// Where it begins.
    pub(super) begin: u64,
    /// How long it is, its line feed included where it has one.
    pub(super) len: u64,
    /// Where it stands in the buffer, without its line feed; `None` when it is
    /// longer than 16 MiB and was not held.
    pub(super) range: Option<Range<usize>>,
}

/// Where the bytes of lines are held.
pub(super) trait Held {
    /// The bytes of a line, until the next one is asked for.
    fn bytes(&self, frame: &Frame) -> Option<&[u8]>;
}

/// The lines of anything that can be read.
#[derive(Debug)]
pub(super) struct Lines<R> {
    from: R,
    buffer: Vec<u8>,
    /// The bytes that were read and not given yet: `buffer[start..end]`. No line
    /// feed is in those before `scanned`.
    start: usize,
    scanned: usize,
    end: usize,
    /// Where `start` stands in what is read.
    at: u64,
    /// So much of the line was too long to be held.
    dropped: u64,
}

impl<R: Read> Lines<R> {
    /// Of what begins at the byte `at`.
    pub(super) fn new(from: R, at: u64) -> Self {
        Self::with_buffer(from, at, Vec::new())
    }

    fn with_buffer(from: R, at: u64, buffer: Vec<u8>) -> Self {
        Self {
            from,
            buffer,
            start: 0,
            scanned: 0,
            end: 0,
            at,
            dropped: 0,
        }
    }

    /// The same memory for something else.
    pub(super) fn reuse(&mut self, from: R, at: u64) {
        let mut buffer = std::mem::take(&mut self.buffer);
        if buffer.len() > BLOCK {
            buffer = Vec::new();
        }
        *self = Self::with_buffer(from, at, buffer);
    }

    /// Where the next line begins.
    pub(super) fn at(&self) -> u64 {
        self.at
    }

    /// So much was read.
    pub(super) fn read_to(&self) -> u64 {
        self.at + self.dropped + (self.end - self.start) as u64
    }

    /// The next line that ends in a line feed; `None` at the end, where there may
    /// be another after more was written.
    pub(super) fn next_line(&mut self) -> io::Result<Option<Frame>> {
        loop {
            if let Some(frame) = self.next_held() {
                return Ok(Some(frame));
            }
            if !self.fill()? {
                return Ok(None);
            }
        }
    }

    /// The next line, if it was read already.
    pub(super) fn next_held(&mut self) -> Option<Frame> {
        let unseen = &self.buffer[self.scanned..self.end];
        let Some(at) = memchr::memchr(b'\n', unseen) else {
            self.scanned = self.end;
            if self.end - self.start >= LONGEST_PLAIN_LINE {
                self.drop_held();
            }
            return None;
        };
        let feed = self.scanned + at;
        let len = self.dropped + (feed + 1 - self.start) as u64;
        let range = (len <= LONGEST_PLAIN_LINE as u64).then_some(self.start..feed);
        let frame = Frame {
            begin: self.at,
            len,
            range,
        };
        self.at += len;
        self.dropped = 0;
        self.start = feed + 1;
        self.scanned = self.start;
        Some(frame)
    }

    /// What stands after the last line feed, at the end.
    pub(super) fn rest(&mut self) -> Option<Frame> {
        let len = self.dropped + (self.end - self.start) as u64;
        let frame = Frame {
            begin: self.at,
            len,
            range: (self.dropped == 0).then_some(self.start..self.end),
        };
        self.at += len;
        self.dropped = 0;
        self.start = self.end;
        self.scanned = self.end;
        (len > 0).then_some(frame)
    }

    fn drop_held(&mut self) {
        self.dropped += (self.end - self.start) as u64;
        self.start = 0;
        self.scanned = 0;
        self.end = 0;
    }

    /// Reads more; false at the end.
    fn fill(&mut self) -> io::Result<bool> {
        if self.start == self.end {
            self.start = 0;
            self.scanned = 0;
            self.end = 0;
            if self.buffer.len() != BLOCK {
                // After a long line, too.
                self.buffer = vec![0; BLOCK];
            }
        } else if self.end == self.buffer.len() {
            if self.start > 0 {
                self.buffer.copy_within(self.start..self.end, 0);
                self.end -= self.start;
                self.scanned -= self.start;
                self.start = 0;
            } else {
                self.buffer.resize(self.buffer.len() * 2, 0);
            }
        }
        let read = self.from.read(&mut self.buffer[self.end..])?;
        self.end += read;
        Ok(read > 0)
    }
}

impl<R> Held for Lines<R> {
    fn bytes(&self, frame: &Frame) -> Option<&[u8]> {
        frame.range.clone().map(|range| &self.buffer[range])
    }
}

/// Part of a file. It goes its own way, whoever else reads the same file.
#[derive(Debug)]
pub(super) struct Section {
    file: File,
    at: u64,
    to: u64,
}

impl Section {
    pub(super) fn new(file: File, from: u64, to: u64) -> Self {
        Self { file, at: from, to }
    }
}

impl Read for Section {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let left = usize::try_from(self.to - self.at).unwrap_or(usize::MAX);
        let length = buffer.len().min(left);
        if length == 0 {
            return Ok(0);
        }
        (&self.file).seek(SeekFrom::Start(self.at))?;
        let read = Reading(&self.file).read(&mut buffer[..length])?;
        self.at += read as u64;
        Ok(read)
    }
}
