//! Reading the end of a log, in bounded memory.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom};

use sha2::{Digest, Sha256};

use crate::chain::{Head, Line, Measured, Tip};
use crate::log::files::Reading;

const BLOCK: u64 = 64 * 1024;

/// A line longer than this is no record of ours, and isn't read whole.
const LONGEST: usize = 16 * 1024 * 1024;

/// What stands in a log after a line of the chain.
#[derive(Debug)]
pub(crate) struct Rest {
    /// The last link.
    pub(crate) tip: Tip,
    /// Plain lines after it.
    pub(crate) plain: Option<Measured>,
    /// Where the last link ends; at first, where the reading begins.
    pub(crate) last_link_end: u64,
    /// Where the plain lines begin.
    pub(crate) plain_from: u64,
    /// Where the good lines end.
    pub(crate) end: u64,
    /// Whether what comes then begins with a whole line.
    pub(crate) bad_line: bool,
}

/// Reads lines from `from` to `size`: links that follow `tip`, plain lines, until
/// something else. With `passing_over`, links of the same stream that come before
/// the tip are none of that.
pub(crate) fn read_rest(
    file: &mut File,
    from: u64,
    size: u64,
    tip: Tip,
    passing_over: bool,
) -> io::Result<Rest> {
    file.seek(SeekFrom::Start(from))?;
    let mut reader = BufReader::with_capacity(BLOCK as usize, Reading(file).take(size - from));
    let mut rest = Rest {
        tip,
        plain: None,
        last_link_end: from,
        plain_from: from,
        end: from,
        bad_line: false,
    };
    let mut plain = Sha256::new();
    let mut plain_lines = 0;
    let mut line = Vec::new();
    loop {
        line.clear();
        let read = (&mut reader)
            .take(LONGEST as u64)
            .read_until(b'\n', &mut line)?;
        if line.last() != Some(&b'\n') {
            rest.bad_line = read == LONGEST;
            break;
        }
        match Line::parse(&line[..read - 1]) {
            Line::Link { head, prev } if rest.tip.is_followed_by(&head, prev) => {
                rest.tip = Tip::After(head);
                rest.last_link_end = rest.end + read as u64;
                plain = Sha256::new();
                plain_lines = 0;
            }
            Line::Link { head, .. } if passing_over && comes_before(&rest.tip, &head) => {
                // What stands before it was told of.
                plain = Sha256::new();
                plain_lines = 0;
            }
            Line::Plain => {
                if plain_lines == 0 {
                    rest.plain_from = rest.end;
                }
                plain.update(&line);
                plain_lines += 1;
            }
            _ => {
                rest.bad_line = true;
                break;
            }
        }
        rest.end += read as u64;
    }
    if plain_lines > 0 {
        rest.plain = Some(Measured {
            count: plain_lines,
            sha256: plain.finalize().into(),
        });
    }
    Ok(rest)
}

fn comes_before(tip: &Tip, head: &Head) -> bool {
    match tip {
        Tip::New(_) => false,
        Tip::After(last) => head.stream == last.stream && head.seq <= last.seq,
    }
}

/// The last link that ends at or before `size`, and where it ends.
pub(crate) fn last_link(file: &mut File, size: u64) -> io::Result<Option<(Head, u64)>> {
    let mut lines = Backward::new(file, size);
    while let Some((end, line)) = lines.next_line()? {
        if let Line::Link { head, .. } = Line::parse(&line) {
            return Ok(Some((head, end)));
        }
    }
    Ok(None)
}

/// Whether the line after `head` stands before `size`, and names it.
pub(crate) fn goes_on_from(file: &mut File, size: u64, head: &Head) -> io::Result<bool> {
    let mut lines = Backward::new(file, size);
    while let Some((_, line)) = lines.next_line()? {
        if let Line::Link { head: link, prev } = Line::parse(&line)
            && link.seq <= head.seq + 1
        {
            return Ok(Tip::After(*head).is_followed_by(&link, prev));
        }
    }
    Ok(false)
}

/// So much of the end of a file is searched for what a power loss left out.
const SEARCHED: u64 = 64 * 1024 * 1024;

/// Where the lines end before the first NUL byte near the end of the file; its end
/// if there is none. Blocks may get to the disk in another order than that in which
/// they were written, and read as NUL bytes where they did not.
pub(crate) fn end_before_nul(file: &mut File, size: u64) -> io::Result<u64> {
    let mut start = size.saturating_sub(SEARCHED);
    let mut block = Vec::new();
    while start < size {
        let end = size.min(start + BLOCK);
        read_block(file, start, end, &mut block)?;
        if let Some(at) = block.iter().position(|&byte| byte == 0) {
            return last_line_end(file, start + at as u64);
        }
        start = end;
    }
    Ok(size)
}

/// Where the last line of that kind ends, if that is after `start`.
pub(crate) fn last_line_after(
    file: &mut File,
    start: u64,
    size: u64,
    is_it: impl Fn(&[u8]) -> bool,
) -> io::Result<Option<u64>> {
    let mut lines = Backward::new(file, size);
    while let Some((end, line)) = lines.next_line()? {
        if end <= start {
            break;
        }
        if is_it(&line) {
            return Ok(Some(end));
        }
    }
    Ok(None)
}

/// The line that ends just before `end`, if one does, without its line feed.
pub(crate) fn line_ending_at(file: &mut File, end: u64) -> io::Result<Option<Vec<u8>>> {
    let mut lines = Backward::new(file, end);
    match lines.next_line()? {
        Some((at, line)) if at == end => Ok(Some(line)),
        _ => Ok(None),
    }
}

/// Where the last whole line before `end` ends.
pub(crate) fn last_line_end(file: &mut File, end: u64) -> io::Result<u64> {
    let last = Backward::new(file, end).next_line()?;
    Ok(last.map_or(0, |(end, _)| end))
}

/// The first link, and where its line begins. Plain lines may stand before it, and
/// lines that are no records; there is an end to what is read of them.
pub(crate) fn first_link(file: &mut File) -> io::Result<Option<(Head, u64)>> {
    let first = first_link_line(file)?;
    Ok(first.map(|(head, begin, _)| (head, begin)))
}

/// As [`first_link`], with its line.
pub(crate) fn first_link_line(file: &mut File) -> io::Result<Option<(Head, u64, Vec<u8>)>> {
    file.seek(SeekFrom::Start(0))?;
    let mut reader = BufReader::new(Reading(file).take(LONGEST as u64));
    let mut begin = 0;
    let mut line = Vec::new();
    loop {
        line.clear();
        let read = reader.read_until(b'\n', &mut line)?;
        if line.pop() != Some(b'\n') {
            return Ok(None);
        }
        // Most lines that are no links are told by a look.
        if line.windows(7).any(|word| word == b"\"chain\"")
            && let Line::Link { head, .. } = Line::parse(&line)
            && crate::form::Line::parse(&line).is_ok()
        {
            return Ok(Some((head, begin, line)));
        }
        begin += read as u64;
    }
}

/// Whole lines from the end of a file to its beginning.
struct Backward<'a> {
    file: &'a mut File,
    /// What was read, from `start` on.
    bytes: Vec<u8>,
    start: u64,
}

impl<'a> Backward<'a> {
    fn new(file: &'a mut File, end: u64) -> Self {
        Self {
            file,
            bytes: Vec::new(),
            start: end,
        }
    }

    /// The next line and where it ends. What is no whole line at the end of the
    /// file is passed over.
    fn next_line(&mut self) -> io::Result<Option<(u64, Vec<u8>)>> {
        // Cut down to what ends with a line feed.
        loop {
            match self.bytes.iter().rposition(|&byte| byte == b'\n') {
                Some(at) => {
                    self.bytes.truncate(at + 1);
                    break;
                }
                None => {
                    self.bytes.clear();
                    if !self.read_more()? {
                        return Ok(None);
                    }
                }
            }
        }
        let end = self.start + self.bytes.len() as u64;
        loop {
            let before = &self.bytes[..self.bytes.len() - 1];
            let begin = before.iter().rposition(|&byte| byte == b'\n');
            if begin.is_none() && self.bytes.len() < LONGEST && self.read_more()? {
                continue;
            }
            let begin = begin.map_or(0, |at| at + 1);
            let mut line = self.bytes.split_off(begin);
            line.pop();
            return Ok(Some((end, line)));
        }
    }

    fn read_more(&mut self) -> io::Result<bool> {
        if self.start == 0 {
            return Ok(false);
        }
        let start = self.start.saturating_sub(BLOCK);
        let mut block = Vec::new();
        read_block(self.file, start, self.start, &mut block)?;
        block.extend_from_slice(&self.bytes);
        self.bytes = block;
        self.start = start;
        Ok(true)
    }
}

fn read_block(file: &mut File, start: u64, end: u64, block: &mut Vec<u8>) -> io::Result<()> {
    block.resize((end - start) as usize, 0);
    file.seek(SeekFrom::Start(start))?;
    Reading(file).read_exact(block)
}

/// The whole lines of a part of a file, one at a time.
pub(crate) struct Lines<R> {
    reader: BufReader<io::Take<R>>,
    line: Vec<u8>,
}

impl<R: Read> Lines<R> {
    pub(crate) fn new(from: R, bytes: u64) -> Self {
        Self {
            reader: BufReader::with_capacity(BLOCK as usize, from.take(bytes)),
            line: Vec::new(),
        }
    }

    /// The next, its line feed included.
    pub(crate) fn next_line(&mut self) -> io::Result<Option<&[u8]>> {
        self.line.clear();
        self.reader.read_until(b'\n', &mut self.line)?;
        Ok(self.line.ends_with(b"\n").then_some(&self.line))
    }
}
