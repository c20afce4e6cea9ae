//! Files, read in blocks of whole lines.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::sync::atomic::{AtomicBool, Ordering};

use crate::form::LONGEST_PLAIN_LINE;
use crate::log::files::Reading;
use crate::verify::block::{Block, FileEnd};

/// Cuts one file into blocks. It is read up to the size that it had when the log
/// was looked at.
pub(super) struct Blocks {
    file: File,
    nth: usize,
    /// Where the next byte that is read stands.
    at: u64,
    /// Where reading ends.
    end: u64,
    /// What was read and has not been in a block, from `taken` on: lines that the
    /// last block had no room for, which end at `whole`, and the beginning of one.
    rest: Vec<u8>,
    taken: usize,
    whole: usize,
    /// Nothing comes after the rest.
    at_end: bool,
    ended: bool,
}

/// A block has no more lines than if all were so long, in bytes. No record is
/// shorter, but what is none may be: what is known of a line is larger then.
const SHORT_LINE: usize = 128;

impl Blocks {
    pub(super) fn new(file: File, nth: usize, size: u64) -> Self {
        Self {
            file,
            nth,
            at: 0,
            end: size,
            rest: Vec::new(),
            taken: 0,
            whole: 0,
            at_end: false,
            ended: false,
        }
    }

    /// Of part of a file.
    pub(super) fn between(mut file: File, nth: usize, from: u64, to: u64) -> io::Result<Self> {
        file.seek(SeekFrom::Start(from))?;
        Ok(Self {
            at: from,
            ..Self::new(file, nth, to)
        })
    }

    /// Puts the next lines into `block`, about so many bytes; false at the end.
    /// Once `stop` is true it may end before the file does.
    pub(super) fn next(
        &mut self,
        block: &mut Block,
        size: usize,
        stop: &AtomicBool,
    ) -> io::Result<bool> {
        if self.ended {
            return Ok(false);
        }
        block.file = self.nth;
        block.offset = self.at - (self.rest.len() - self.taken) as u64;
        block.too_long = false;
        block.end = None;
        let bytes = &mut block.bytes;
        bytes.clear();
        let most = size / SHORT_LINE + 1;
        if self.taken < self.whole {
            block.end = self.take_lines(bytes, most);
            return Ok(true);
        }
        bytes.append(&mut self.rest);
        let mut wanted = size.max(bytes.len() + size / 2);
        let mut looked = 0;
        loop {
            let was_end = !self.fill(bytes, wanted)?;
            if let Some(last) = memchr::memrchr(b'\n', &bytes[looked..]) {
                let end = looked + last + 1;
                let cut = end_of_lines(&bytes[..end], most);
                self.rest.extend_from_slice(&bytes[cut..]);
                bytes.truncate(cut);
                self.whole = end - cut;
                self.at_end = was_end;
                if was_end && cut == end {
                    block.end = Some(self.finish());
                }
                return Ok(true);
            }
            looked = bytes.len();
            if was_end {
                self.rest.append(bytes);
                block.end = Some(self.finish());
                return Ok(true);
            }
            if bytes.len() > LONGEST_PLAIN_LINE {
                let ended = self.pass_over(bytes, stop)?;
                bytes.clear();
                if ended {
                    // No line feed came: it is no line.
                    let length = self.at - block.offset;
                    block.end = Some(FileEnd::Unfinished(length));
                    self.ended = true;
                } else {
                    block.too_long = true;
                }
                return Ok(true);
            }
            wanted = bytes.len() * 2;
        }
    }

    /// Lines that were read with those of the last block.
    fn take_lines(&mut self, bytes: &mut Vec<u8>, most: usize) -> Option<FileEnd> {
        let left = &self.rest[self.taken..self.whole];
        let end = end_of_lines(left, most);
        bytes.extend_from_slice(&left[..end]);
        self.taken += end;
        if self.taken < self.whole {
            return None;
        }
        self.rest.drain(..self.whole);
        self.taken = 0;
        self.whole = 0;
        self.at_end.then(|| self.finish())
    }

    /// Reads on until there are so many bytes; false at the end of the file.
    fn fill(&mut self, bytes: &mut Vec<u8>, wanted: usize) -> io::Result<bool> {
        while bytes.len() < wanted {
            let more = (wanted - bytes.len()) as u64;
            let more = more.min(self.end - self.at);
            if more == 0 {
                return Ok(false);
            }
            let read = Reading(&self.file).take(more).read_to_end(bytes)? as u64;
            self.at += read;
            if read < more {
                // Somebody has cut it meanwhile.
                self.end = self.at;
            }
        }
        Ok(self.at < self.end)
    }

    /// Reads up to the end of a line that is too long; whether the file ended
    /// first.
    fn pass_over(&mut self, bytes: &mut Vec<u8>, stop: &AtomicBool) -> io::Result<bool> {
        loop {
            bytes.clear();
            let more = self.fill(bytes, 1 << 20)?;
            if let Some(feed) = memchr::memchr(b'\n', bytes) {
                self.rest.extend_from_slice(&bytes[feed + 1..]);
                return Ok(false);
            }
            if !more || stop.load(Ordering::Relaxed) {
                return Ok(true);
            }
        }
    }

    fn finish(&mut self) -> FileEnd {
        self.ended = true;
        match self.rest.len() {
            0 => FileEnd::Whole,
            bytes => FileEnd::Unfinished(bytes as u64),
        }
    }
}

/// Where the last of so many lines ends, or of all that there are.
fn end_of_lines(lines: &[u8], most: usize) -> usize {
    let mut feeds = memchr::memchr_iter(b'\n', lines);
    feeds
        .nth(most.saturating_sub(1))
        .map_or(lines.len(), |feed| feed + 1)
}
