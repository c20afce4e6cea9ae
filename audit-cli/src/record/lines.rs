//! Cutting a stream into lines, and saying when the next one must be waited for.

use std::io::{self, ErrorKind, Read};
use std::ops::Range;

/// A longer line is no event.
pub(crate) const LONGEST: usize = 16 << 20;

const CHUNK: usize = 256 * 1024;

/// One line, without its line feed.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Line<'a> {
    Bytes(&'a [u8]),
    /// It has more than [`LONGEST`] bytes.
    TooLong,
}

/// The lines of a stream. A last line need not end in a line feed.
pub(crate) struct Lines<R> {
    stream: R,
    buffer: Vec<u8>,
    /// What is read and not yet given.
    unread: Range<usize>,
    /// How far of that there is no line feed.
    searched: usize,
    is_ended: bool,
    /// Inside a line that is too long.
    skips: bool,
}

impl<R: Read> Lines<R> {
    pub(crate) fn new(stream: R) -> Self {
        Self {
            stream,
            buffer: vec![0; CHUNK],
            unread: 0..0,
            searched: 0,
            is_ended: false,
            skips: false,
        }
    }

    /// The next line that is at hand without reading.
    pub(crate) fn at_hand(&mut self) -> Option<Line<'_>> {
        let from = self.searched.max(self.unread.start);
        let feed = memchr::memchr(b'\n', &self.buffer[from..self.unread.end]);
        let (line, next) = match feed {
            Some(at) => (self.unread.start..from + at, from + at + 1),
            None if self.is_ended && !self.unread.is_empty() => {
                (self.unread.clone(), self.unread.end)
            }
            None => {
                self.searched = self.unread.end;
                let was_last = self.is_ended && std::mem::take(&mut self.skips);
                return was_last.then_some(Line::TooLong);
            }
        };
        self.unread.start = next;
        if std::mem::take(&mut self.skips) || line.len() > LONGEST {
            return Some(Line::TooLong);
        }
        Some(Line::Bytes(&self.buffer[line]))
    }

    /// Waits for more; false at the end, when all is at hand.
    pub(crate) fn read_more(&mut self) -> io::Result<bool> {
        if self.is_ended {
            return Ok(false);
        }
        if self.skips || self.unread.len() > LONGEST {
            self.skips = true;
            self.unread = 0..0;
        }
        if self.unread.start > 0 {
            self.buffer.copy_within(self.unread.clone(), 0);
            self.unread = 0..self.unread.len();
        }
        self.searched = self.unread.end;
        if self.buffer.len() - self.unread.end < CHUNK {
            self.buffer.resize(self.unread.end + 2 * CHUNK, 0);
        } else if self.unread.is_empty() && self.buffer.len() > 4 * CHUNK {
            // A long line has passed.
            self.buffer = vec![0; CHUNK];
        }
        loop {
            match self.stream.read(&mut self.buffer[self.unread.end..]) {
                Ok(0) => self.is_ended = true,
                Ok(read) => self.unread.end += read,
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Err(error) => return Err(error),
            }
            return Ok(true);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Gives as many bytes at a time.
    struct Dripping<'a>(&'a [u8], usize);

    impl Read for Dripping<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            let some = self.1.min(buffer.len()).min(self.0.len());
            buffer[..some].copy_from_slice(&self.0[..some]);
            self.0 = &self.0[some..];
            Ok(some)
        }
    }

    fn all(text: &[u8], at_a_time: usize) -> Vec<Option<Vec<u8>>> {
        let mut lines = Lines::new(Dripping(text, at_a_time));
        let mut found = Vec::new();
        loop {
            while let Some(line) = lines.at_hand() {
                found.push(match line {
                    Line::Bytes(bytes) => Some(bytes.to_vec()),
                    Line::TooLong => None,
                });
            }
            if !lines.read_more().unwrap() {
                return found;
            }
        }
    }

    #[test]
    fn a_stream_is_cut_at_its_line_feeds() {
        for at_a_time in [1, 2, 3, 1000] {
            let found = all(b"one\n\ntwo\r\nthree", at_a_time);
            let wanted = ["one", "", "two\r", "three"];
            assert_eq!(found, wanted.map(|line| Some(line.into())));
            assert_eq!(all(b"", at_a_time).len(), 0);
            assert_eq!(all(b"\n", at_a_time), [Some(vec![])]);
        }
    }

    #[test]
    fn a_line_that_is_too_long_is_passed_over() {
        let mut text = b"one\n".to_vec();
        text.resize(text.len() + LONGEST + 1, b'x');
        let unended = text.clone();
        text.extend_from_slice(b"\ntwo\n");
        for at_a_time in [100_000, usize::MAX] {
            assert_eq!(
                all(&text, at_a_time),
                [Some(b"one".to_vec()), None, Some(b"two".to_vec())]
            );
            assert_eq!(all(&unended, at_a_time), [Some(b"one".to_vec()), None]);
        }
        let longest = vec![b'x'; LONGEST];
        assert_eq!(all(&longest, usize::MAX), [Some(longest)]);
    }
}
