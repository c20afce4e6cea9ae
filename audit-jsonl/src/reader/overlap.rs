//! Lines at the beginning of a file that the file before it already holds, as a
//! sync that failed leaves them behind.

use std::fs::File;
use std::io;
use std::ops::Range;

use crate::chain::{Head, Line};
use crate::log::tail;
use crate::log_files::{First, LogFile};
use crate::read_error::ReadError;
use crate::reader::lines::{Frame, Held, Lines, Section};

/// A search by halves ends here, and looks at each line.
const FEW_BYTES: u64 = 64 * 1024;

/// The lines of an earlier file, beside which those of a later one are held.
#[derive(Debug)]
pub(super) struct Overlap {
    earlier: Lines<Section>,
    /// The line of the earlier file that is the next to come again.
    next: Option<Frame>,
}

/// What a line of the later file is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    /// The earlier file holds it.
    Copy,
    /// It is new, and copies may come after it.
    New,
    /// It is new, and so is all that comes after it.
    Over,
}

/// A file that holds the first link of a later one.
#[derive(Debug)]
pub(super) struct Holder<'a> {
    file: &'a LogFile,
    opened: File,
    /// Its last link. No line after that is copied, but plain ones.
    pub(super) last: Head,
}

impl<'a> Holder<'a> {
    /// Of a file that begins with `first`; `None` when all of it is new. `earlier`
    /// are the files before it, in order.
    pub(super) fn find(earlier: &'a [LogFile], first: &First) -> Result<Option<Self>, ReadError> {
        for file in earlier.iter().rev() {
            let Some(its_first) = file.first() else {
                continue;
            };
            if its_first.head.stream != first.head.stream {
                return Ok(None);
            }
            if its_first.head.seq > first.head.seq {
                continue;
            }
            let Some(mut opened) = file.open()? else {
                continue;
            };
            let last = tail::last_link(&mut opened, file.len());
            let last = last.map_err(ReadError::io(file.path()))?;
            let holds =
                |last: &Head| last.stream == first.head.stream && last.seq >= first.head.seq;
            return Ok(last.map(|(last, _)| last).filter(holds).map(|last| Self {
                file,
                opened,
                last,
            }));
        }
        Ok(None)
    }

    fn overlap(&self, first: &First) -> Result<Option<Overlap>, ReadError> {
        let overlap = match self.file.first() {
            Some(its_first) => Overlap::new(&self.opened, self.file.len(), its_first, first),
            None => Ok(None),
        };
        overlap.map_err(ReadError::io(self.file.path()))
    }
}

impl Overlap {
    /// Of a file that begins with `first` with an earlier one of that length, which
    /// begins with `its_first`.
    pub(super) fn new(
        file: &File,
        len: u64,
        its_first: &First,
        first: &First,
    ) -> io::Result<Option<Self>> {
        let Some(begin) = find_link(file, len, its_first, &first.head)? else {
            return Ok(None);
        };
        // Plain lines may stand before the first link, which were copied with it.
        let from = match begin.checked_sub(first.begin) {
            Some(from) if begins_a_line(file, from)? => from,
            _ => begin,
        };
        let section = Section::new(file.try_clone()?, from, len);
        let mut earlier = Lines::new(section, from);
        let next = earlier.next_line()?;
        Ok(Some(Self { earlier, next }))
    }

    /// What the next line of the later file is.
    pub(super) fn judge(&mut self, line: &[u8]) -> io::Result<Verdict> {
        loop {
            let Some(frame) = &self.next else {
                return Ok(Verdict::Over);
            };
            let there = self.earlier.bytes(frame).unwrap_or_default();
            if there == line {
                self.next = self.earlier.next_line()?;
                return Ok(Verdict::Copy);
            }
            match Line::parse(line) {
                // Somebody wrote it while others were copied.
                Line::Plain => return Ok(Verdict::New),
                Line::Garbage => return Ok(Verdict::Over),
                Line::Link { .. } => {}
            }
            if matches!(Line::parse(there), Line::Link { .. }) {
                return Ok(Verdict::Over);
            }
            // Not every plain line is copied.
            self.next = self.earlier.next_line()?;
        }
    }
}

/// The parts of a file that hold copies.
pub(super) fn copies_in(files: &[LogFile], nth: usize) -> Result<Vec<Range<u64>>, ReadError> {
    let mut copies: Vec<Range<u64>> = Vec::new();
    let file = &files[nth];
    let failed = || ReadError::io(file.path());
    let Some(first) = file.first() else {
        return Ok(copies);
    };
    let Some(holder) = Holder::find(&files[..nth], first)? else {
        return Ok(copies);
    };
    let Some(mut overlap) = holder.overlap(first)? else {
        return Ok(copies);
    };
    let Some(opened) = file.open()? else {
        return Ok(copies);
    };
    let mut lines = Lines::new(Section::new(opened, 0, file.len()), 0);
    while let Some(frame) = lines.next_line().map_err(failed())? {
        let Some(line) = lines.bytes(&frame) else {
            break;
        };
        match overlap.judge(line).map_err(failed())? {
            Verdict::Copy => match copies.last_mut() {
                Some(last) if last.end == frame.begin => last.end += frame.len,
                _ => copies.push(frame.begin..frame.begin + frame.len),
            },
            Verdict::New => {}
            Verdict::Over => break,
        }
    }
    Ok(copies)
}

fn begins_a_line(file: &File, at: u64) -> io::Result<bool> {
    if at == 0 {
        return Ok(true);
    }
    let mut last = [0];
    let read = io::Read::read(&mut Section::new(file.try_clone()?, at - 1, at), &mut last)?;
    Ok(read == 1 && last == *b"\n")
}

/// Where the line with that number begins in a file of that length: numbers grow,
/// so by halves.
fn find_link(file: &File, len: u64, first: &First, wanted: &Head) -> io::Result<Option<u64>> {
    if first.head.seq == wanted.seq {
        return Ok(Some(first.begin));
    }
    // The wanted line begins at or after `low`, and before `high`.
    let (mut low, mut high) = (first.begin, len);
    while high - low > FEW_BYTES {
        let middle = low + (high - low) / 2;
        match link_after(file, middle, high, wanted)? {
            Some((seq, begin)) if seq <= wanted.seq => low = begin,
            _ => high = middle,
        }
    }
    let mut lines = Lines::new(Section::new(file.try_clone()?, low, len), low);
    while let Some(frame) = lines.next_line()? {
        let line = lines.bytes(&frame).unwrap_or_default();
        if let Line::Link { head, .. } = Line::parse(line)
            && head.stream == wanted.stream
            && head.seq >= wanted.seq
        {
            return Ok((head.seq == wanted.seq).then_some(frame.begin));
        }
    }
    Ok(None)
}

/// The first link of the stream whose line begins after `from` and before `to`.
fn link_after(file: &File, from: u64, to: u64, of: &Head) -> io::Result<Option<(u64, u64)>> {
    let mut lines = Lines::new(Section::new(file.try_clone()?, from, u64::MAX), from);
    // The end of a line.
    lines.next_line()?;
    while lines.at() < to
        && let Some(frame) = lines.next_line()?
    {
        let line = lines.bytes(&frame).unwrap_or_default();
        if let Line::Link { head, .. } = Line::parse(line)
            && head.stream == of.stream
        {
            return Ok(Some((head.seq, frame.begin)));
        }
    }
    Ok(None)
}
