//! What a reader gives.

use std::fmt;
use std::path::Path;

use audit_schema::CallEvent;
use thiserror::Error;

use crate::form::{Chain, FormError, Line};
use crate::leaf::LeafHash;
use crate::reader::lines::{Frame, Held};

/// One line of a log, or what stands there instead. It lasts until the next one is
/// asked for.
#[derive(Debug, Clone, PartialEq)]
#[expect(
    clippy::large_enum_variant,
    reason = "the large one is what nearly every entry is"
)]
#[non_exhaustive]
pub enum Entry<'a> {
    /// A record.
    Line(LogLine<'a>),
    /// No record. Reading goes on after it.
    Damage(Damage<'a>),
}

/// A line that reads as a record.
#[derive(Debug, Clone, PartialEq)]
pub struct LogLine<'a> {
    pub(super) bytes: &'a [u8],
    pub(super) position: Position<'a>,
    pub(super) form: Result<Line<'a>, FormError>,
}

/// What stands in a log and is no record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Damage<'a> {
    pub(super) kind: DamageKind,
    pub(super) bytes: &'a [u8],
    pub(super) len: u64,
    pub(super) position: Position<'a>,
}

/// What kind of damage it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum DamageKind {
    /// A line that is no record of a tool call.
    NotARecord,
    /// A line of more than 16 MiB. Its bytes are not given.
    TooLong,
    /// The file ends without a line feed: a line that is being written, or one that
    /// a crash has left.
    Unfinished,
    /// The file was removed before it was read, as retention does it.
    FileGone,
}

/// Where something stands.
///
/// Prints as `audit.jsonl:41`, or as `audit.jsonl, byte 20480` where lines were not
/// counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Position<'a> {
    /// The file; none when it is no file that is read.
    pub path: Option<&'a Path>,
    /// Which line of the file it is, from 1. `None` when reading began somewhere
    /// else than at the beginning, so that nobody has counted.
    pub line: Option<u64>,
    /// How many bytes of the file stand before it.
    pub byte: u64,
}

/// Why a line gives no event. It never quotes the line.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{position}: {reason}")]
#[non_exhaustive]
pub struct RecordError {
    /// Where the line stands, in words.
    pub position: String,
    /// What is wrong with it.
    pub reason: String,
}

impl<'a> LogLine<'a> {
    /// Its bytes, without the line feed.
    #[must_use]
    pub fn bytes(&self) -> &'a [u8] {
        self.bytes
    }

    /// Where it stands.
    #[must_use]
    pub fn position(&self) -> Position<'a> {
        self.position
    }

    /// What stands in it, without a copy: for whoever needs a few members of very
    /// many lines.
    ///
    /// # Errors
    ///
    /// It reads as a record and is not in form: the chain of a verifier breaks
    /// here.
    pub fn form(&self) -> Result<&Line<'a>, &FormError> {
        self.form.as_ref()
    }

    /// The event.
    ///
    /// # Errors
    ///
    /// It is a link of a chain, and its event is none that this version can read.
    pub fn event(&self) -> Result<CallEvent, RecordError> {
        match &self.form {
            Ok(Line::Record(record)) => Ok(record.to_event()),
            Ok(Line::Loose(event)) => Ok(event.clone()),
            Err(_) => serde_json::from_slice(self.bytes).map_err(|error| RecordError {
                position: self.position.to_string(),
                reason: error.to_string(),
            }),
        }
    }

    /// Its place in the chain, and what it tells of; `None` for a plain line, and
    /// for one that is not in form.
    #[must_use]
    pub fn chain(&self) -> Option<&Chain<'a>> {
        match &self.form {
            Ok(Line::Record(record)) => record.chain.as_ref(),
            _ => None,
        }
    }

    /// Whether it is the log's own record, with which a writer ends, and no call.
    #[must_use]
    pub fn is_own(&self) -> bool {
        match &self.form {
            Ok(Line::Record(record)) => {
                let closed = record.chain.is_some_and(|chain| chain.closed.is_some());
                closed && record.tool_id.raw() == "audit:log"
            }
            _ => false,
        }
    }

    /// The hash by which the next line names it.
    #[must_use]
    pub fn leaf_hash(&self) -> LeafHash {
        LeafHash::of(self.bytes)
    }
}

impl<'a> Damage<'a> {
    /// What it is.
    #[must_use]
    pub fn kind(&self) -> DamageKind {
        self.kind
    }

    /// Its bytes, without the line feed; empty where they are not held.
    #[must_use]
    pub fn bytes(&self) -> &'a [u8] {
        self.bytes
    }

    /// How many bytes it has, with the line feed if there is one.
    #[must_use]
    pub fn len(&self) -> u64 {
        self.len
    }

    /// Whether it has no bytes: a file that is gone.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Where it stands.
    #[must_use]
    pub fn position(&self) -> Position<'a> {
        self.position
    }
}

impl fmt::Display for DamageKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotARecord => "no record of a tool call",
            Self::TooLong => "a line of more than 16 MiB",
            Self::Unfinished => "an unfinished line",
            Self::FileGone => "the file was removed while the log was read",
        })
    }
}

impl fmt::Display for Damage<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            kind,
            len,
            position,
            ..
        } = self;
        match kind {
            DamageKind::FileGone => match position.path {
                Some(path) => write!(f, "{}: {kind}", path.display()),
                None => write!(f, "{kind}"),
            },
            _ => write!(f, "{position}: {kind}, {len} bytes"),
        }
    }
}

impl fmt::Display for Position<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.path, self.line) {
            (Some(path), Some(line)) => write!(f, "{}:{line}", path.display()),
            (Some(path), None) => write!(f, "{}, byte {}", path.display(), self.byte),
            (None, Some(line)) => write!(f, "line {line}"),
            (None, None) => write!(f, "byte {}", self.byte),
        }
    }
}

/// What a line is that was cut out of a file. With `is_whole`, it ends in a line
/// feed.
pub(super) fn entry_of<'a>(
    lines: &'a impl Held,
    frame: &Frame,
    is_whole: bool,
    path: Option<&'a Path>,
    line: Option<u64>,
) -> Entry<'a> {
    let byte = frame.begin;
    let position = Position { path, line, byte };
    let bytes = lines.bytes(frame);
    let damage = |kind| {
        Entry::Damage(Damage {
            kind,
            bytes: bytes.unwrap_or_default(),
            len: frame.len,
            position,
        })
    };
    match bytes {
        None => damage(DamageKind::TooLong),
        Some(_) if !is_whole => damage(DamageKind::Unfinished),
        Some(bytes) => match Line::parse(bytes) {
            Err(_) if !is_readable(bytes) => damage(DamageKind::NotARecord),
            form => Entry::Line(LogLine {
                bytes,
                position,
                form,
            }),
        },
    }
}

/// Stands for a file that isn't there any more.
pub(super) fn gone(path: &Path) -> Entry<'_> {
    Entry::Damage(Damage {
        kind: DamageKind::FileGone,
        bytes: &[],
        len: 0,
        position: Position {
            path: Some(path),
            line: None,
            byte: 0,
        },
    })
}

/// Whether a line that is not in form is a record all the same.
#[cold]
fn is_readable(bytes: &[u8]) -> bool {
    use crate::chain::Line;
    let is_text = std::str::from_utf8(bytes).is_ok();
    let is_event = || serde_json::from_slice::<CallEvent>(bytes).is_ok();
    let is_link = || matches!(Line::parse(bytes), Line::Link { .. });
    is_text && (is_event() || is_link())
}
