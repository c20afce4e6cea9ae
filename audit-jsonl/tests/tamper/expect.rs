//! What a change of an intact log must show as, told by how it was made.

use crate::logs::{Log, Part, after};

/// What is to be found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Expect {
    /// The first problem is of this kind, in this file and line.
    First(&'static str, String, usize),
    /// Any problem: files are ordered by what was changed, so that it may show in
    /// several ways.
    Any,
    /// Nothing but the head tells of it, by one of these kinds.
    ByHead(&'static [&'static str]),
    /// Nothing is found for this reason, or some problem, for files are ordered by it.
    Either(&'static str),
    /// Nothing is found, for this reason.
    Nothing(&'static str),
}

pub(crate) const PLAIN_AT_END: &str = "plain lines that no chained line comes after";
pub(crate) const UNTOLD: &str = "plain lines at a file's end: told as not complete";
pub(crate) const FRONT: &str = "the log begins later: told as not complete";
pub(crate) const SET_ASIDE: &str = "lines that stand in a file set aside: told as not complete";
pub(crate) const COPY: &str = "a file begins with lines that the one before it holds";
pub(crate) const BEYOND: &str = "a good line after the head";
pub(crate) const SAME: &str = "the lines are the same in the same order";

/// A changed log.
#[derive(Debug, Clone)]
pub(crate) struct Change {
    pub(crate) what: &'static str,
    pub(crate) files: Vec<Part>,
    pub(crate) expect: Expect,
}

impl Log {
    /// The first problem is at line `at`, which has moved by so many lines.
    pub(crate) fn at(&self, kind: &'static str, at: usize, moved: isize) -> Expect {
        let line = &self.lines[at];
        let name = self.files[line.file].name.clone();
        Expect::First(kind, name, line.line.saturating_add_signed(moved))
    }

    /// By how much a line has moved when `lines` were put in before the line `before`
    /// or, when less than 0, taken out there.
    fn moved(&self, at: usize, before: usize, lines: isize) -> isize {
        let same_file = self.lines[at].file == self.lines[before].file;
        if same_file && at >= before { lines } else { 0 }
    }

    /// The bytes of a link were changed, and it is still one, of the same number.
    pub(crate) fn other_hash(&self, at: usize) -> Expect {
        match self.link_from(at + 1) {
            Some(next) => self.at("edited", next, 0),
            None => Expect::ByHead(&["rewritten"]),
        }
    }

    /// Plain lines were changed, taken out or put in before the link at or after `at`,
    /// which has moved.
    pub(crate) fn other_plain(&self, at: usize, moved: impl Fn(usize) -> isize) -> Expect {
        match self.link_from(at) {
            Some(next) => self.at("edited", next, moved(next)),
            None => Expect::Nothing(PLAIN_AT_END),
        }
    }

    /// The lines from `from` up to `to` are gone.
    pub(crate) fn lost(&self, from: usize, to: usize) -> Expect {
        let count = (to - from) as isize;
        let moved = |next: usize| self.moved(next, from, -count);
        if (from..to).any(|at| self.link(at).is_some_and(|link| after(link).is_some())) {
            return Expect::Any;
        }
        if self.link_from(from).is_none_or(|link| link >= to) {
            return self.other_plain(to, moved);
        }
        let Some(next) = self.link_from(to) else {
            // Another stream may have a line of that number.
            let streams = self.lines.iter().filter_map(|line| line.what.link());
            let mut streams: Vec<&str> = streams.map(|link| link.stream.as_str()).collect();
            streams.dedup();
            return match streams.len() {
                1 => Expect::ByHead(&["truncated"]),
                _ => Expect::ByHead(&["truncated", "rewritten"]),
            };
        };
        // Before it, plain lines may now stand that it doesn't tell of.
        let plain_before = (self.link_before(from).map_or(0, |link| link + 1), from);
        let plain_after = (self.link_before(next).unwrap() + 1, next);
        let same_plain = plain_before.0 == plain_before.1 && to <= plain_after.0;
        let told = self.link(next).unwrap().chain.contains_key("plain");
        let no_plain = plain_before.0 == plain_before.1 && to >= plain_after.1;
        let quiet = |why| {
            if same_plain || told && no_plain && why == FRONT {
                Expect::Nothing(why)
            } else {
                self.at("edited", next, moved(next))
            }
        };
        let (Some(before), Some(link)) = (self.link_before(from), self.link(next)) else {
            return quiet(FRONT);
        };
        let before = self.link(before).unwrap();
        match after(link) {
            Some(after) if before.stream != link.stream => {
                assert!(after["seq"].as_u64() > Some(before.seq));
                quiet(SET_ASIDE)
            }
            _ => self.at("missing", next, moved(next)),
        }
    }

    /// The files with other bytes in one of them.
    pub(crate) fn with(&self, file: usize, bytes: Vec<u8>) -> Vec<Part> {
        let mut files = self.files.clone();
        files[file].bytes = bytes;
        files
    }
}
