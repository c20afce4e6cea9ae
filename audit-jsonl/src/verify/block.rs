//! A piece of a file, some whole lines, and what each line is by itself.

use memchr::memchr;

use crate::chain::StreamId;
use crate::form::{Chain, Gone, Line, Told};
use crate::leaf::LeafHash;

/// Stands where a line has no notes.
const NO_NOTES: u32 = u32::MAX;

/// In a log that is what it should be a block has lines of one stream, or two.
const MOST_STREAMS: usize = 8;

/// Whole lines of one file.
#[derive(Debug, Default)]
pub(super) struct Block {
    /// Which file, of those of the log.
    pub(super) file: usize,
    /// Where the lines begin there.
    pub(super) offset: u64,
    /// The lines, each with its line feed.
    pub(super) bytes: Vec<u8>,
    /// It stands for one line that is too long to be read.
    pub(super) too_long: bool,
    /// How its file ends, if it ends here.
    pub(super) end: Option<FileEnd>,
    pub(super) facts: Vec<Fact>,
    notes: Vec<Notes>,
    /// Of each stream, the lowest number and the highest; but for the first few,
    /// streams share one.
    pub(super) ranges: Vec<Range>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum FileEnd {
    /// After a line feed, or with nothing in it.
    Whole,
    /// After so many bytes more.
    Unfinished(u64),
    /// It was not there any more.
    Vanished,
}

#[derive(Debug, Clone, Copy)]
pub(super) struct Range {
    /// `None` stands for any.
    pub(super) stream: Option<StreamId>,
    pub(super) least: u64,
    pub(super) most: u64,
}

/// What one line is.
#[derive(Debug, Clone, Copy)]
pub(super) struct Fact {
    /// Where it begins in the block's bytes, and how long it is without its line
    /// feed.
    pub(super) start: u32,
    pub(super) len: u32,
    pub(super) kind: Kind,
    /// So many of the lines after it are links each of which follows the one
    /// before, is a call, and says nothing else.
    pub(super) run: u32,
    notes: u32,
    pub(super) link: Link,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Link,
    Plain,
    Garbled { byte: u32, what: &'static str },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Link {
    pub(super) stream: StreamId,
    pub(super) seq: u64,
    pub(super) hash: LeafHash,
    pub(super) prev: Option<LeafHash>,
}

/// What a line says besides.
#[derive(Debug, Clone, Default)]
pub(super) struct Notes {
    /// It is of the log's own, and no call.
    pub(super) own: bool,
    pub(super) newer: bool,
    pub(super) lost: u64,
    pub(super) elsewhere: u64,
    pub(super) cut: u64,
    pub(super) opened: bool,
    pub(super) closed: bool,
    pub(super) plain: Option<Told>,
    pub(super) torn: Option<u64>,
    pub(super) gone: Option<Gone>,
    pub(super) after: Option<After>,
}

#[derive(Debug, Clone)]
pub(super) struct After {
    pub(super) end: Link,
    pub(super) file: String,
}

impl Block {
    /// Finds out what each line is.
    pub(super) fn examine(&mut self) {
        self.facts.clear();
        self.notes.clear();
        self.ranges.clear();
        if self.too_long {
            self.facts
                .push(Fact::garbled(0, 0, 0, "a line of more than 16 MiB"));
            return;
        }
        let mut start = 0;
        while let Some(len) = memchr(b'\n', &self.bytes[start..]) {
            let fact = self.fact(start, len);
            self.facts.push(fact);
            start += len + 1;
        }
        self.hash_links();
        self.count_runs();
    }

    /// Two at a time, which is faster than one after the other.
    fn hash_links(&mut self) {
        let Self { bytes, facts, .. } = self;
        let line = |fact: &Fact| &bytes[fact.start as usize..][..fact.len as usize];
        let mut links = facts.iter_mut().filter(|fact| fact.kind == Kind::Link);
        while let Some(first) = links.next() {
            match links.next() {
                None => first.link.hash = LeafHash::of(line(first)),
                Some(second) => {
                    [first.link.hash, second.link.hash] =
                        LeafHash::of_each([line(first), line(second)]);
                }
            }
        }
    }

    fn fact(&mut self, start: usize, len: usize) -> Fact {
        let line = &self.bytes[start..start + len];
        let record = match Line::parse(line) {
            Ok(Line::Record(record)) => record,
            Ok(Line::Loose(_)) => return Fact::new(start, len, Kind::Plain),
            Err(error) => return Fact::garbled(start, len, error.byte, error.what),
        };
        let Some(chain) = record.chain else {
            return Fact::new(start, len, Kind::Plain);
        };
        let own = record.tool_id.raw() == "audit:log";
        let newer = record.schema_version > audit_schema::SCHEMA_VERSION;
        let notes = if own || newer || !chain.is_bare() {
            self.notes.push(Notes::of(&chain, own, newer));
            self.notes.len() as u32 - 1
        } else {
            NO_NOTES
        };
        let (stream, seq, prev) = (chain.stream, chain.seq, chain.prev);
        self.widen(stream, seq);
        Fact {
            notes,
            link: Link {
                stream,
                seq,
                prev,
                ..Link::NONE
            },
            ..Fact::new(start, len, Kind::Link)
        }
    }

    fn widen(&mut self, stream: StreamId, seq: u64) {
        let is_full = self.ranges.len() >= MOST_STREAMS;
        let stream = (!is_full || self.has_range_of(stream)).then_some(stream);
        match self.ranges.iter_mut().find(|range| range.stream == stream) {
            Some(range) => {
                range.least = range.least.min(seq);
                range.most = range.most.max(seq);
            }
            None => self.ranges.push(Range {
                stream,
                least: seq,
                most: seq,
            }),
        }
    }

    fn has_range_of(&self, stream: StreamId) -> bool {
        let mut ranges = self.ranges.iter();
        ranges.any(|range| range.stream == Some(stream))
    }

    fn count_runs(&mut self) {
        for at in (1..self.facts.len()).rev() {
            let (before, this) = (&self.facts[at - 1], &self.facts[at]);
            let linked = before.kind == Kind::Link
                && this.kind == Kind::Link
                && this.notes == NO_NOTES
                && this.link.follows(&before.link);
            if linked {
                self.facts[at - 1].run = this.run + 1;
            }
        }
    }

    pub(super) fn notes(&self, fact: &Fact) -> Option<&Notes> {
        self.notes.get(fact.notes as usize)
    }

    /// A line with its line feed.
    pub(super) fn line(&self, fact: &Fact) -> &[u8] {
        let start = fact.start as usize;
        &self.bytes[start..start + fact.len as usize + 1]
    }

    /// Where a line begins in its file.
    pub(super) fn offset_of(&self, fact: &Fact) -> u64 {
        self.offset + u64::from(fact.start)
    }
}

impl Fact {
    fn new(start: usize, len: usize, kind: Kind) -> Self {
        Self {
            start: start as u32,
            len: len as u32,
            kind,
            run: 0,
            notes: NO_NOTES,
            link: Link::NONE,
        }
    }

    fn garbled(start: usize, len: usize, byte: usize, what: &'static str) -> Self {
        let byte = byte as u32;
        Self::new(start, len, Kind::Garbled { byte, what })
    }
}

impl Link {
    const NONE: Self = Self {
        stream: StreamId::from_digits([b'0'; 32]),
        seq: 0,
        hash: LeafHash::from_bytes([0; 32]),
        prev: None,
    };

    pub(super) fn follows(&self, before: &Self) -> bool {
        self.seq == before.seq + 1 && self.prev == Some(before.hash) && self.stream == before.stream
    }
}

impl Notes {
    fn of(chain: &Chain<'_>, own: bool, newer: bool) -> Self {
        Self {
            own,
            newer,
            lost: chain.lost,
            elsewhere: chain.elsewhere,
            cut: chain.cut,
            opened: chain.opened.is_some(),
            closed: chain.closed.is_some(),
            plain: chain.plain,
            torn: chain.torn.map(|torn| torn.count),
            gone: chain.gone,
            after: chain.after.map(|after| After {
                end: Link {
                    stream: after.stream,
                    seq: after.seq,
                    hash: after.hash,
                    prev: None,
                },
                file: after.file.unescaped().into_owned(),
            }),
        }
    }

    /// Whether the line tells that those before it are gone.
    pub(super) fn announces(&self, link: &Link) -> bool {
        self.gone.is_some_and(|gone| {
            gone.seq.checked_add(1) == Some(link.seq) && Some(gone.hash) == link.prev
        })
    }
}
