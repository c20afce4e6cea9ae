//! Finding a line again that was read before.

use std::collections::{HashMap, VecDeque};
use std::sync::atomic::{AtomicBool, Ordering};

use crate::chain::StreamId;
use crate::leaf::LeafHash;
use crate::log_files::LogFile;
use crate::verify::block::{Block, Fact, FileEnd, Kind, Range};
use crate::verify::reader::Blocks;

/// So many blocks that were read again are kept.
const KEPT: usize = 4;

/// Blocks may be read again so often, and twice more for each block of the log. In
/// a log whose lines are shuffled each look would read them all.
const READ_AGAIN: usize = 256;

/// Where the lines stand, block by block.
#[derive(Debug)]
pub(super) struct Index<'a> {
    files: &'a [LogFile],
    entries: Vec<Entry>,
    kept: VecDeque<(usize, Lines)>,
    read_again: usize,
    /// How many blocks were added.
    blocks: usize,
    cancel: Option<&'a AtomicBool>,
}

#[derive(Debug, Clone, Copy)]
struct Entry {
    range: Range,
    file: u32,
    offset: u64,
    length: u64,
}

/// The hashes of the lines with a number; hardly ever more than one.
type Lines = HashMap<(StreamId, u64), Vec<LeafHash>>;

/// What is known of a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Seen {
    /// That very line was seen.
    Same,
    /// Only others with its number were.
    Other,
    /// No line with its number was.
    Never,
    /// It can't be found out any more.
    Unknown,
}

impl<'a> Index<'a> {
    pub(super) fn new(files: &'a [LogFile], cancel: Option<&'a AtomicBool>) -> Self {
        Self {
            files,
            entries: Vec::new(),
            kept: VecDeque::new(),
            read_again: 0,
            blocks: 0,
            cancel,
        }
    }

    /// A block whose lines have all been judged.
    pub(super) fn add(&mut self, block: &Block) {
        self.blocks += 1;
        for range in &block.ranges {
            self.entries.push(Entry {
                range: *range,
                file: block.file as u32,
                offset: block.offset,
                length: block.bytes.len() as u64,
            });
        }
    }

    /// Whether a line was seen before the one at `at` in `block`.
    pub(super) fn look(&mut self, block: &Block, at: usize) -> Seen {
        let link = block.facts[at].link;
        let mut seen = Seen::Never;
        let is_of = |fact: &&Fact| {
            fact.kind == Kind::Link && fact.link.seq == link.seq && fact.link.stream == link.stream
        };
        for fact in block.facts[..at].iter().filter(is_of) {
            if fact.link.hash == link.hash {
                return Seen::Same;
            }
            seen = Seen::Other;
        }
        let key = (link.stream, link.seq);
        let mut kept = self.kept.iter().filter_map(|(_, lines)| lines.get(&key));
        if kept.any(|hashes| hashes.contains(&link.hash)) {
            return Seen::Same;
        }
        if self.is_exhausted() {
            return match seen {
                Seen::Other => Seen::Other,
                _ => Seen::Unknown,
            };
        }
        for nth in (0..self.entries.len()).rev() {
            let range = self.entries[nth].range;
            let holds = range.stream.is_none_or(|stream| stream == link.stream)
                && (range.least..=range.most).contains(&link.seq);
            if !holds {
                continue;
            }
            match self.lines(nth) {
                None if seen == Seen::Never => seen = Seen::Unknown,
                None => {}
                Some(lines) => match lines.get(&key) {
                    Some(hashes) if hashes.contains(&link.hash) => return Seen::Same,
                    Some(_) => seen = Seen::Other,
                    None => {}
                },
            }
        }
        seen
    }

    /// Whether nothing is read again any more.
    fn is_exhausted(&self) -> bool {
        let is_cancelled = |cancel: &AtomicBool| cancel.load(Ordering::Relaxed);
        self.read_again >= READ_AGAIN + 2 * self.blocks || self.cancel.is_some_and(is_cancelled)
    }

    fn lines(&mut self, nth: usize) -> Option<&Lines> {
        let place = self.kept.iter().position(|(kept, _)| *kept == nth);
        if let Some(place) = place {
            let found = self.kept.remove(place)?;
            self.kept.push_front(found);
        } else {
            if self.is_exhausted() {
                return None;
            }
            self.read_again += 1;
            let lines = self.read(self.entries[nth])?;
            self.kept.truncate(KEPT - 1);
            self.kept.push_front((nth, lines));
        }
        self.kept.front().map(|(_, lines)| lines)
    }

    fn read(&self, entry: Entry) -> Option<Lines> {
        let file = self.files.get(entry.file as usize)?.open().ok()??;
        let end = entry.offset + entry.length;
        let mut blocks = Blocks::between(file, entry.file as usize, entry.offset, end).ok()?;
        let mut block = Block::default();
        let mut lines = Lines::new();
        let never = AtomicBool::new(false);
        while blocks
            .next(&mut block, entry.length as usize, &never)
            .ok()?
        {
            block.examine();
            for fact in &block.facts {
                if fact.kind == Kind::Link {
                    let key = (fact.link.stream, fact.link.seq);
                    lines.entry(key).or_default().push(fact.link.hash);
                }
            }
            if let Some(FileEnd::Unfinished(_)) = block.end {
                return None;
            }
        }
        Some(lines)
    }
}
