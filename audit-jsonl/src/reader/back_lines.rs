//! The lines of a file from its end to its beginning, in bounded memory.

use std::fs::File;
use std::io::{self, Read};
use std::ops::Range;

use crate::form::LONGEST_PLAIN_LINE;
use crate::reader::lines::{Frame, Held, Section};

/// So much is read at once: a few hundred lines.
const BLOCK: usize = 64 * 1024;

#[derive(Debug)]
pub(super) struct BackLines {
    file: File,
    buffer: Vec<u8>,
    /// The bytes that were read and not given yet: `buffer[start..end]`. No line
    /// feed is in those from `scanned` on, but for the last byte.
    start: usize,
    scanned: usize,
    end: usize,
    /// Where `start` stands in the file.
    at: u64,
    /// Where the lines that are not given yet end, if the last of them is too long
    /// to be held.
    dropped_to: Option<u64>,
    /// Whether it was seen what stands behind the last line feed.
    begun: bool,
}

impl BackLines {
    /// Of the first `len` bytes of a file.
    pub(super) fn new(file: File, len: u64) -> Self {
        Self {
            file,
            buffer: Vec::new(),
            start: 0,
            scanned: 0,
            end: 0,
            at: len,
            dropped_to: None,
            begun: false,
        }
    }

    /// The line before, and whether it ends in a line feed.
    pub(super) fn next_line(&mut self) -> io::Result<Option<(Frame, bool)>> {
        let is_whole = self.begun;
        if !self.begun {
            self.begun = true;
            if self.at == 0 || !self.fill()? {
                return Ok(None);
            }
            if self.buffer[self.end - 1] == b'\n' {
                return Ok(self.line(true)?.map(|line| (line, true)));
            }
            self.scanned = self.end;
        }
        Ok(self.line(is_whole)?.map(|line| (line, is_whole)))
    }

    fn line(&mut self, is_whole: bool) -> io::Result<Option<Frame>> {
        loop {
            let unseen = &self.buffer[self.start..self.scanned];
            if let Some(at) = memchr::memrchr(b'\n', unseen) {
                let begin = self.start + at + 1;
                return Ok(Some(self.cut(begin, is_whole)));
            }
            self.scanned = self.start;
            if self.end - self.start > LONGEST_PLAIN_LINE {
                self.drop_held();
            }
            if !self.fill()? {
                let is_empty = self.start == self.end && self.dropped_to.is_none();
                return Ok((!is_empty).then(|| self.cut(self.start, is_whole)));
            }
        }
    }

    /// Frames off the last line, which begins at that place of the buffer.
    fn cut(&mut self, begin: usize, is_whole: bool) -> Frame {
        let begins_at = self.at + (begin - self.start) as u64;
        let ends_at = match self.dropped_to.take() {
            Some(ends_at) => ends_at,
            None => self.at + (self.end - self.start) as u64,
        };
        let len = ends_at - begins_at;
        let text: Range<usize> = begin..self.end - usize::from(is_whole && self.end > begin);
        // With the line feed that it lacks, too.
        let whole_len = len + u64::from(!is_whole);
        let is_held = len == (self.end - begin) as u64 && whole_len <= LONGEST_PLAIN_LINE as u64;
        self.end = begin;
        // The line feed of the line before is its own.
        self.scanned = begin.saturating_sub(1).max(self.start);
        Frame {
            begin: begins_at,
            len,
            range: is_held.then_some(text),
        }
    }

    fn drop_held(&mut self) {
        let ends_at = self.at + (self.end - self.start) as u64;
        self.dropped_to.get_or_insert(ends_at);
        self.end = self.start;
        self.scanned = self.start;
    }

    /// Reads the bytes before; false at the beginning.
    fn fill(&mut self) -> io::Result<bool> {
        let more = self.at.min(BLOCK as u64) as usize;
        if more == 0 {
            return Ok(false);
        }
        // Its last line feed ends the line that is looked for.
        let ends_line = self.start == self.end && self.dropped_to.is_none();
        if self.start == self.end {
            if self.buffer.len() != BLOCK {
                // After a long line, too.
                self.buffer = vec![0; BLOCK];
            }
            (self.start, self.scanned, self.end) = (BLOCK, BLOCK, BLOCK);
        } else if self.start < more {
            let held = self.end - self.start;
            if held + more > self.buffer.len() {
                let larger = (self.buffer.len() * 2).max(held + more);
                self.buffer.resize(larger, 0);
            }
            self.move_to(self.buffer.len());
        }
        let from = self.at - more as u64;
        let begin = self.start - more;
        let mut section = Section::new(self.file.try_clone()?, from, self.at);
        section.read_exact(&mut self.buffer[begin..self.start])?;
        self.start = begin;
        self.at = from;
        self.scanned -= usize::from(ends_line);
        Ok(true)
    }

    /// Moves what is held so that it ends there.
    fn move_to(&mut self, end: usize) {
        let held = self.end - self.start;
        self.buffer.copy_within(self.start..self.end, end - held);
        self.scanned = end - held + (self.scanned - self.start);
        self.start = end - held;
        self.end = end;
    }
}

impl Held for BackLines {
    fn bytes(&self, frame: &Frame) -> Option<&[u8]> {
        frame.range.clone().map(|range| &self.buffer[range])
    }
}
