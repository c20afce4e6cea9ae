//! What is there, and what isn't.

use std::path::PathBuf;

use serde::Serialize;

use crate::chain::StreamId;
use crate::verify::report::lossily;

/// What is in a log, and what its lines say is not. None of it is tampering.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Completeness {
    /// Records of calls in chained lines.
    pub calls: u64,
    /// Records of the log's own.
    pub own_records: u64,
    /// The streams of the chain, in order, with their first and last numbers.
    pub streams: Vec<Extent>,
    /// Events that were lost, as lines tell.
    pub lost: u64,
    /// Events that went to a fallback.
    pub elsewhere: u64,
    /// Lines whose event was cut to fit.
    pub cut_lines: u64,
    /// How many bytes were cut from them.
    pub cut_bytes: u64,
    /// How often bytes that were no record were set aside.
    pub torn: u64,
    /// How many bytes that were.
    pub torn_bytes: u64,
    /// Lines that power losses took.
    pub gone: Vec<Extent>,
    /// Plain lines, which the chain protects if a later line tells of them.
    pub plain_lines: u64,
    /// Plain lines of which no line tells.
    pub untold_plain_lines: u64,
    /// How often a writer opened the log.
    pub opened: u64,
    /// How often one closed it.
    pub closed: u64,
    /// Writers that opened it and did not close it: they were killed, or still
    /// run.
    pub not_closed: u64,
    /// The number of the first line, when those before it are not there.
    pub front: Option<u64>,
    /// Streams whose end was set aside in files that weren't given.
    pub set_aside: Vec<SetAside>,
    /// Lines that the head file tells of and a power loss took, of which no line
    /// tells yet.
    pub not_there: Option<Extent>,
    /// Bytes after the last line feed of a file: a line that is being written, or
    /// whose writer died.
    pub unfinished: Vec<Unfinished>,
    /// Lines that a later version has written.
    pub newer: u64,
    /// Lines that a file begins with and the file before holds as well, which
    /// count once.
    pub overlap_lines: u64,
    /// Files that were removed while the log was verified.
    pub vanished: Vec<Vanished>,
    /// How many entries there are that `streams`, `gone` and `set_aside` have no
    /// room for: each has up to 1,000. The last of `streams` is always the last
    /// that there is.
    pub unlisted: u64,
}

/// So many entries has each list that lines make longer.
const LISTED: usize = 1_000;

/// No file system has longer names, in characters.
const LONGEST_NAME: usize = 255;

/// Some lines of a stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Extent {
    /// The stream.
    pub stream: StreamId,
    /// The first line's number.
    pub first: u64,
    /// The last line's number.
    pub last: u64,
}

/// The end of a stream that another replaces.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct SetAside {
    /// The stream that was replaced, from the first line that is not there to its
    /// last.
    pub lines: Extent,
    /// The name of the file they stand in.
    pub file: String,
}

/// Bytes after the last line feed of a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Unfinished {
    /// The file.
    #[serde(serialize_with = "lossily")]
    pub file: PathBuf,
    /// Where they begin.
    pub byte: u64,
    /// How many there are.
    pub bytes: u64,
}

/// A file that was removed while the log was verified.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Vanished {
    /// The file.
    #[serde(serialize_with = "lossily")]
    pub file: PathBuf,
}

impl Completeness {
    /// A line of the chain.
    pub(super) fn add_to_stream(&mut self, stream: StreamId, seq: u64) {
        match self.streams.last_mut() {
            Some(extent) if extent.stream == stream => {
                extent.last = seq;
                return;
            }
            _ => {}
        }
        if self.streams.len() >= LISTED {
            self.streams.pop();
            self.unlisted += 1;
        }
        self.streams.push(Extent {
            stream,
            first: seq,
            last: seq,
        });
    }

    pub(super) fn add_gone(&mut self, lines: Extent) {
        if self.gone.len() < LISTED {
            self.gone.push(lines);
        } else {
            self.unlisted += 1;
        }
    }

    pub(super) fn add_set_aside(&mut self, lines: Extent, file: &str) {
        if self.set_aside.len() < LISTED {
            let file = file.chars().take(LONGEST_NAME).collect();
            self.set_aside.push(SetAside { lines, file });
        } else {
            self.unlisted += 1;
        }
    }

    /// Whether nothing is said to be lacking.
    pub(super) fn is_complete(&self) -> bool {
        self.lost == 0
            && self.elsewhere == 0
            && self.cut_lines == 0
            && self.torn == 0
            && self.gone.is_empty()
            && self.not_closed == 0
            && self.front.is_none()
            && self.set_aside.is_empty()
            && self.not_there.is_none()
            && self.unfinished.is_empty()
            && self.untold_plain_lines == 0
            && self.vanished.is_empty()
    }
}
