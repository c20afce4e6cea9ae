//! What a reader gave, kept.

use std::collections::HashMap;
use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};

use audit_jsonl::{DamageKind, Entry, LogFiles, LogReader, Position, ReadError};

use crate::made::name_of;

#[derive(Clone, PartialEq)]
pub(crate) struct Seen {
    pub(crate) path: Option<PathBuf>,
    pub(crate) line: Option<u64>,
    pub(crate) byte: u64,
    /// `None` for a record.
    pub(crate) damage: Option<DamageKind>,
    pub(crate) bytes: Vec<u8>,
    /// With the line feed, if there is one.
    pub(crate) len: u64,
    pub(crate) call_id: String,
    pub(crate) seq: Option<u64>,
    pub(crate) is_own: bool,
}

impl fmt::Debug for Seen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = self.path.as_deref().map_or("", name_of);
        write!(f, "{name}:{:?} at {}: ", self.line, self.byte)?;
        match self.damage {
            Some(kind) => write!(f, "{kind:?}"),
            None => write!(f, "call {} ({:?})", self.call_id, self.seq),
        }?;
        write!(f, ", {} bytes", self.len)
    }
}

impl Seen {
    pub(crate) fn of(entry: &Entry<'_>) -> Self {
        let at = |position: Position<'_>| Self {
            path: position.path.map(Into::into),
            line: position.line,
            byte: position.byte,
            damage: None,
            bytes: Vec::new(),
            len: 0,
            call_id: String::new(),
            seq: None,
            is_own: false,
        };
        match entry {
            Entry::Line(line) => Self {
                bytes: line.bytes().to_owned(),
                len: line.bytes().len() as u64 + 1,
                call_id: line.event().map(|event| event.call_id).unwrap_or_default(),
                seq: line.chain().map(|chain| chain.seq),
                is_own: line.is_own(),
                ..at(line.position())
            },
            Entry::Damage(damage) => Self {
                bytes: damage.bytes().to_owned(),
                len: damage.len(),
                damage: Some(damage.kind()),
                ..at(damage.position())
            },
            other => panic!("{other:?}"),
        }
    }
}

/// What a reader gives; each stands where it says.
pub(crate) fn all(reader: LogReader) -> Vec<Seen> {
    let seen = try_all(reader).unwrap();
    check_positions(&seen);
    seen
}

#[track_caller]
pub(crate) fn check_positions(all: &[Seen]) {
    let mut files: HashMap<&Path, (Vec<u8>, Vec<usize>)> = HashMap::new();
    for seen in all {
        let Some(path) = &seen.path else {
            continue;
        };
        let (bytes, feeds) = files.entry(path).or_insert_with(|| {
            let bytes = fs::read(path).unwrap();
            let feeds = bytes.iter().enumerate().filter(|(_, byte)| **byte == b'\n');
            let feeds = feeds.map(|(at, _)| at).collect();
            (bytes, feeds)
        });
        let begin = seen.byte as usize;
        let at = &bytes[begin..begin + seen.len as usize];
        assert!(at.starts_with(&seen.bytes), "{seen:?}");
        if let Some(line) = seen.line {
            let before = feeds.partition_point(|feed| *feed < begin);
            assert_eq!(line, before as u64 + 1, "{seen:?}");
        }
    }
}

pub(crate) fn try_all(mut reader: LogReader) -> Result<Vec<Seen>, ReadError> {
    let mut seen = Vec::new();
    while let Some(entry) = reader.next_entry()? {
        seen.push(Seen::of(&entry));
    }
    Ok(seen)
}

/// The only log that a path is about.
#[track_caller]
pub(crate) fn find(paths: &[impl AsRef<Path>]) -> LogFiles {
    let mut logs = LogFiles::find(paths).unwrap();
    assert_eq!(logs.len(), 1);
    logs.remove(0)
}

/// The calls among them.
pub(crate) fn calls(seen: &[Seen]) -> Vec<u64> {
    let calls = seen
        .iter()
        .filter(|seen| seen.damage.is_none() && !seen.is_own);
    calls.map(|seen| seen.call_id.parse().unwrap()).collect()
}

/// What was damaged, in order.
pub(crate) fn kinds(seen: &[Seen]) -> Vec<DamageKind> {
    seen.iter().filter_map(|seen| seen.damage).collect()
}
