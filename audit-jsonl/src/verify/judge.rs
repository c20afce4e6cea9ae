//! The one place where it is decided what a line is, after those before it.
//!
//! Lines come in order, file by file. What is kept of them is bounded: the last
//! line of the chain, the plain lines since then as a number and a hash, and the
//! sums for the report. A line whose number goes back is looked up in the files.

mod stray;

use std::sync::atomic::AtomicBool;

use crate::log_files::LogFile;
use crate::verify::block::{Block, FileEnd, Kind, Link, Notes};
use crate::verify::compare::{Heads, Sighting};
use crate::verify::completeness::{Extent, Unfinished, Vanished};
use crate::verify::found::{Place, Problems};
use crate::verify::index::Index;
use crate::verify::judge::stray::Stray;
use crate::verify::plain::{Agreement, Pending};
use crate::verify::{Completeness, ProblemKind};

#[derive(Debug)]
pub(super) struct Judge<'a> {
    pub(super) problems: Problems<'a>,
    pub(super) completeness: Completeness,
    pub(super) heads: Heads,
    pub(super) lines: u64,
    /// The last line of the chain.
    pub(super) tip: Option<Link>,
    index: Index<'a>,
    /// Lines of another stream, which go on.
    stray: Option<Stray>,
    pending: Pending,
    /// Lines of this file that were judged with earlier blocks.
    lines_before: u64,
    /// All links of this file so far are copies of earlier lines.
    only_copies: bool,
    /// A file has vanished since the last line of the chain.
    vanished: bool,
}

/// How a line stands to the one that it should follow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    Next,
    /// Its number is the next, and it names another line before it.
    WrongPrev,
    /// It names the line before it, and has another number.
    WrongSeq,
    Ahead,
    Back,
}

impl Step {
    fn of(tip: &Link, link: &Link) -> Self {
        let is_next = tip.seq.checked_add(1) == Some(link.seq);
        match (is_next, link.prev == Some(tip.hash)) {
            (true, true) => Self::Next,
            (true, false) => Self::WrongPrev,
            (false, true) => Self::WrongSeq,
            (false, false) if link.seq > tip.seq => Self::Ahead,
            (false, false) => Self::Back,
        }
    }
}

impl<'a> Judge<'a> {
    pub(super) fn new(
        files: &'a [LogFile],
        heads: Heads,
        limit: usize,
        cancel: Option<&'a AtomicBool>,
    ) -> Self {
        Self {
            problems: Problems::new(files, limit),
            completeness: Completeness::default(),
            heads,
            lines: 0,
            tip: None,
            index: Index::new(files, cancel),
            stray: None,
            pending: Pending::default(),
            lines_before: 0,
            only_copies: true,
            vanished: false,
        }
    }

    /// The next block.
    pub(super) fn block(&mut self, block: &Block) {
        let mut at = 0;
        while let Some(fact) = block.facts.get(at) {
            let place = Place {
                file: block.file,
                line: self.lines_before + at as u64 + 1,
                byte: block.offset_of(fact),
            };
            match fact.kind {
                Kind::Garbled { byte, what } => self.garbled(place, byte, what),
                Kind::Plain => {
                    self.pending.add(block.line(fact));
                    self.completeness.plain_lines += 1;
                }
                Kind::Link => {
                    self.link(block, at, place);
                    if fact.run > 0
                        && self.tip == Some(fact.link)
                        && !self.is_copying()
                        && self.pending.lines() == 0
                    {
                        at += self.run(block, at, place);
                    }
                }
            }
            at += 1;
        }
        self.lines += block.facts.len() as u64;
        self.lines_before += block.facts.len() as u64;
        self.index.add(block);
        if let Some(end) = block.end {
            self.end_of_file(block, end);
        }
    }

    /// The lines that follow one of the chain and say nothing else; how many.
    fn run(&mut self, block: &Block, at: usize, place: Place) -> usize {
        let run = block.facts[at].run as usize;
        let facts = &block.facts[at + 1..=at + run];
        self.heads.run(facts, place, |fact| block.offset_of(fact));
        self.completeness.calls += run as u64;
        let last = facts.last().map(|fact| fact.link);
        self.tip = last.or(self.tip);
        self.vanished = false;
        if let (Some(extent), Some(last)) = (self.completeness.streams.last_mut(), last) {
            extent.last = last.seq;
        }
        run
    }

    /// The line that was just judged was a copy, be it that of the last line.
    fn is_copying(&self) -> bool {
        self.only_copies
    }

    fn end_of_file(&mut self, block: &Block, end: FileEnd) {
        let path = self.problems.path(block.file);
        match end {
            FileEnd::Whole => {}
            FileEnd::Unfinished(bytes) => self.completeness.unfinished.push(Unfinished {
                file: path.to_owned(),
                byte: block.offset + block.bytes.len() as u64,
                bytes,
            }),
            FileEnd::Vanished => {
                self.vanished = true;
                self.completeness.vanished.push(Vanished {
                    file: path.to_owned(),
                });
            }
        }
        self.stray = None;
        self.lines_before = 0;
        self.only_copies = true;
        self.pending.next_file();
    }

    fn garbled(&mut self, place: Place, byte: u32, what: &str) {
        let message = format!("{what}, at byte {byte} of the line");
        let listed = self
            .problems
            .add(ProblemKind::Garbled, place, None, message);
        if let Some(listed) = listed {
            self.problems.list[listed].byte_in_line = Some(byte.into());
        }
    }

    fn link(&mut self, block: &Block, at: usize, place: Place) {
        let fact = &block.facts[at];
        let link = fact.link;
        let notes = block.notes(fact);
        let Some(tip) = self.tip else {
            self.first(link, notes, place);
            return;
        };
        if link.stream != tip.stream {
            self.of_other_stream(block, at, &tip, notes, place);
            return;
        }
        self.stray = None;
        match Step::of(&tip, &link) {
            Step::Next => self.accept(link, notes, place),
            Step::WrongPrev => {
                let seq = link.seq;
                let message = format!(
                    "line #{seq} names another line before it than the #{} that \
                     stands there: one of the two was changed",
                    tip.seq
                );
                self.edited(place, seq, message);
                self.accept(link, notes, place);
            }
            Step::WrongSeq => {
                let message = wrong_seq(&tip, &link);
                self.edited(place, link.seq, message);
                self.heads.stray(&link);
                let link = Link {
                    seq: tip.seq.saturating_add(1),
                    ..link
                };
                self.accept(link, notes, place);
            }
            Step::Ahead => {
                self.gap(&tip, &link, notes, place);
                self.accept(link, notes, place);
            }
            Step::Back => self.back(block, at, &tip, place),
        }
    }

    /// The first line of the chain that there is.
    fn first(&mut self, link: Link, notes: Option<&Notes>, place: Place) {
        if link.seq > 0 {
            let last = link.seq - 1;
            if notes.is_some_and(|notes| notes.announces(&link)) {
                self.completeness.add_gone(Extent {
                    stream: link.stream,
                    first: 0,
                    last,
                });
            }
            // How many of them went is told by the lines that were left, and those
            // stand in files that aren't there.
            self.completeness.front = Some(link.seq);
            let plain = notes.and_then(|notes| notes.plain.as_ref());
            if self.pending.lines() == 0 && plain.is_some() {
                // They stood in a file that isn't there.
                self.heads.line(&link, place);
                self.take(link, notes);
                return;
            }
        }
        if let Some(after) = notes.and_then(|notes| notes.after.as_ref()) {
            self.heads.told(&after.end);
            self.set_aside(0, &after.end, &after.file);
        }
        self.accept(link, notes, place);
    }

    fn of_other_stream(
        &mut self,
        block: &Block,
        at: usize,
        tip: &Link,
        notes: Option<&Notes>,
        place: Place,
    ) {
        let link = block.facts[at].link;
        let after = notes.and_then(|notes| notes.after.as_ref());
        let announced = after.filter(|after| link.seq == 0 && after.end.stream == tip.stream);
        let Some(after) = announced else {
            self.heads.stray(&link);
            self.only_copies = false;
            self.foreign(block, at, place);
            return;
        };
        self.stray = None;
        if after.end.seq < tip.seq || after.end.seq == tip.seq && after.end.hash != tip.hash {
            let message = format!(
                "the stream that this one replaces should end with another line #{}",
                after.end.seq
            );
            self.edited(place, link.seq, message);
        }
        self.heads.told(&after.end);
        if after.end.seq > tip.seq {
            self.set_aside(tip.seq + 1, &after.end, &after.file);
        }
        self.accept(link, notes, place);
    }

    fn set_aside(&mut self, first: u64, end: &Link, file: &str) {
        let lines = Extent {
            stream: end.stream,
            first,
            last: end.seq,
        };
        self.completeness.add_set_aside(lines, file);
    }

    /// Numbers are skipped: missing, unless that is told or known.
    fn gap(&mut self, tip: &Link, link: &Link, notes: Option<&Notes>, place: Place) {
        let (first, last) = (tip.seq + 1, link.seq - 1);
        if notes.is_some_and(|notes| notes.announces(link)) {
            self.completeness.add_gone(Extent {
                stream: link.stream,
                first,
                last,
            });
            return;
        }
        let seen = match self.vanished {
            true => Sighting::Vanished,
            false => Sighting::Missing,
        };
        self.heads.missing(link.stream, first, last, seen);
        if !self.vanished {
            let message = missing(first, last);
            self.problems
                .add(ProblemKind::Missing, place, Some(link.seq), message);
        }
    }

    /// A line whose number is not beyond the last.
    fn back(&mut self, block: &Block, at: usize, tip: &Link, place: Place) {
        let link = block.facts[at].link;
        self.heads.stray(&link);
        let seen = self.index.look(block, at);
        if self.only_copies && stray::is_copy(seen) {
            self.completeness.overlap_lines += 1;
            if link.hash == tip.hash {
                // Plain lines after the original are copied as well.
                self.pending.forget_all();
            } else {
                self.pending.forget_here();
            }
            return;
        }
        self.only_copies = false;
        let (kind, message) = stray::went_back(seen, tip, &link);
        self.problems.add(kind, place, Some(link.seq), message);
    }

    /// A line that is the last of the chain from now on.
    fn accept(&mut self, link: Link, notes: Option<&Notes>, place: Place) {
        self.heads.line(&link, place);
        match self
            .pending
            .settle(notes.and_then(|notes| notes.plain.as_ref()))
        {
            Agreement::Untold(lines) => self.completeness.untold_plain_lines += lines,
            Agreement::Contradiction => {
                let seq = link.seq;
                let message =
                    format!("the plain lines before line #{seq} are not those that it tells of");
                self.edited(place, seq, message);
            }
        }
        self.take(link, notes);
    }

    fn take(&mut self, link: Link, notes: Option<&Notes>) {
        self.only_copies = false;
        self.vanished = false;
        self.tip = Some(link);
        self.completeness.add_to_stream(link.stream, link.seq);
        match notes {
            Some(notes) => self.note(&link, notes),
            None => self.completeness.calls += 1,
        }
    }

    fn note(&mut self, link: &Link, notes: &Notes) {
        let completeness = &mut self.completeness;
        if notes.own {
            completeness.own_records += 1;
        } else {
            completeness.calls += 1;
        }
        let add = |sum: &mut u64, count: u64| *sum = sum.saturating_add(count);
        add(&mut completeness.lost, notes.lost);
        add(&mut completeness.elsewhere, notes.elsewhere);
        completeness.cut_lines += u64::from(notes.cut > 0);
        add(&mut completeness.cut_bytes, notes.cut);
        completeness.torn += u64::from(notes.torn.is_some());
        add(&mut completeness.torn_bytes, notes.torn.unwrap_or_default());
        completeness.opened += u64::from(notes.opened);
        completeness.closed += u64::from(notes.closed);
        completeness.newer += u64::from(notes.newer);
        // A gap that it tells of was seen already.
        if let Some(gone) = notes.gone.filter(|gone| gone.seq >= link.seq) {
            completeness.add_gone(Extent {
                stream: link.stream,
                first: link.seq,
                last: gone.seq,
            });
        }
    }

    fn edited(&mut self, place: Place, seq: u64, message: String) {
        self.problems
            .add(ProblemKind::Edited, place, Some(seq), message);
    }

    /// All lines were judged.
    pub(super) fn end(&mut self) {
        if self.vanished {
            self.heads.vanished_after(self.tip);
        }
        let completeness = &mut self.completeness;
        completeness.untold_plain_lines += self.pending.lines();
        completeness.not_closed = completeness.opened.saturating_sub(completeness.closed);
    }
}

fn wrong_seq(tip: &Link, link: &Link) -> String {
    format!(
        "the line names line #{} before it, and has the number #{}",
        tip.seq, link.seq
    )
}

fn missing(first: u64, last: u64) -> String {
    if first == last {
        format!("line #{first} is missing before this one")
    } else {
        format!("lines #{first} to #{last} are missing before this one")
    }
}
