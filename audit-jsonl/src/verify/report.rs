//! What verifying has found.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::{Serialize, Serializer};

use crate::chain::StreamId;
use crate::leaf::LeafHash;
use crate::verify::{Completeness, Head};

/// What [`verify`](crate::verify()) has found, log by log.
///
/// Serialises to an object with the members here, names in snake case; members
/// may be added. Prints, with `Display`, as text for people.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Report {
    /// The worst of the logs: `not_intact`, else `unchecked`, else `intact`.
    pub integrity: Integrity,
    /// Whether all logs are complete.
    pub complete: bool,
    /// The logs, in the order in which they were given.
    pub logs: Vec<LogReport>,
}

/// Whether a log is as its writers left it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Integrity {
    /// Every chained line follows the one before, and the heads at hand agree.
    /// Of the last line only a head tells.
    Intact,
    /// There is no chained line, so nothing can be said.
    Unchecked,
    /// There are problems.
    NotIntact,
}

/// What has been found of one log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct LogReport {
    /// The log.
    #[serde(serialize_with = "lossily")]
    pub path: PathBuf,
    /// Whether it is unaltered.
    pub integrity: Integrity,
    /// Whether everything is there that was ever offered to the log, as far as
    /// its lines tell.
    pub complete: bool,
    /// What is wrong, in the order of the files; no more than the options allow.
    /// Those about heads come last, whatever the limit.
    pub problems: Vec<Problem>,
    /// How many there are of each kind, listed or not.
    pub problem_counts: BTreeMap<ProblemKind, u64>,
    /// The last line of the chain: what to keep, to compare with later.
    pub last: Option<Last>,
    /// The heads that the log was compared with.
    pub heads: Vec<HeadReport>,
    /// What there was of a head file.
    pub head_file: HeadFile,
    /// What is there, and what isn't.
    pub completeness: Completeness,
    /// How many files it has.
    pub files: u64,
    /// How many lines, of any kind.
    pub lines: u64,
    /// How many bytes.
    pub bytes: u64,
}

/// The last line of a log's chain.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Last {
    /// Its stream.
    pub stream: StreamId,
    /// Its number.
    pub seq: u64,
    /// Its hash.
    pub hash: LeafHash,
}

impl Last {
    /// What to keep.
    #[must_use]
    pub fn head(&self) -> Head {
        Head {
            seq: self.seq,
            hash: self.hash,
        }
    }
}

/// Something that is not as a writer of the library leaves it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Problem {
    /// What it is.
    pub kind: ProblemKind,
    /// The file.
    #[serde(serialize_with = "lossily")]
    pub file: PathBuf,
    /// The line in it, counted from 1; none when the log ends too early.
    pub line: Option<u64>,
    /// Where that line begins: so many bytes stand before it in the file.
    pub byte: Option<u64>,
    /// Where in the line its form breaks, for `garbled`.
    pub byte_in_line: Option<u64>,
    /// The line's number in the chain, or that of the head.
    pub seq: Option<u64>,
    /// What is wrong, in words. It never quotes a line.
    pub message: String,
}

/// What a problem is, in the order in which it is decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum ProblemKind {
    /// A line is no record, or not in the form that it must have.
    Garbled,
    /// Lines of another stream, which nothing announces.
    Foreign,
    /// A line doesn't follow the one before, though one of its number and its link
    /// is right; or it tells of plain lines other than those that stand there.
    Edited,
    /// Numbers are skipped.
    Missing,
    /// A line stands there once more.
    Repeated,
    /// Two different lines have the same number.
    Forked,
    /// A line stands behind lines that come after it.
    Misplaced,
    /// The log ends before a head.
    Truncated,
    /// The line that a head is about is another.
    Rewritten,
}

impl ProblemKind {
    /// Its name, as in the format's description and in JSON.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Garbled => "garbled",
            Self::Foreign => "foreign",
            Self::Edited => "edited",
            Self::Missing => "missing",
            Self::Repeated => "repeated",
            Self::Forked => "forked",
            Self::Misplaced => "misplaced",
            Self::Truncated => "truncated",
            Self::Rewritten => "rewritten",
        }
    }
}

/// How the log compares with a head.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct HeadReport {
    /// The head.
    pub head: Head,
    /// Where it came from.
    pub source: HeadSource,
    /// What was found.
    pub finding: HeadFinding,
}

/// Where a head came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum HeadSource {
    /// It was given.
    Given,
    /// From the head file beside the log, which whoever can change the log can
    /// change as well.
    HeadFile,
}

/// What a head says of the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum HeadFinding {
    /// The line is there as it was.
    Agrees,
    /// Another line has its number: a problem.
    Rewritten,
    /// The log ends before it, or lacks it: a problem.
    Truncated,
    /// The line stands before the first that is there.
    Before,
    /// The line is one of those that are missing, which is a problem already.
    Missing,
    /// The stream ended with that line; it stands in a file that was set aside and
    /// not given.
    SetAside,
    /// It may have stood in a file that was removed while the log was verified, as
    /// retention does: verify again.
    Vanished,
    /// A power loss took it, and no writer has come back yet: lines that were
    /// written and not synced.
    NotThere,
}

/// What there was of a head file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum HeadFile {
    /// None; or files were given without their log.
    Absent,
    /// It can't be read.
    Unreadable,
    /// It is empty, as it is before the first line.
    Empty,
    /// It isn't whole.
    Damaged,
    /// It was read, and is among the heads.
    Read,
}

/// Paths may be no UTF-8.
pub(super) fn lossily<S: Serializer>(path: &Path, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(&path.display())
}
