//! What a reader gave, kept.

use std::fs;
use std::path::PathBuf;

use audit_jsonl::{DamageKind, Entry, LogFiles, LogReader, Position, ReadError};

use crate::made::name_of;

#[derive(Debug, Clone, PartialEq)]
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

    /// The name of its file.
    pub(crate) fn file(&self) -> &str {
        self.path.as_deref().map_or("", name_of)
    }

    /// That what it says of its place is so.
    #[track_caller]
    pub(crate) fn check_position(&self) {
        let Some(path) = &self.path else {
            return;
        };
        if self.damage == Some(DamageKind::FileGone) {
            return;
        }
        let bytes = fs::read(path).unwrap();
        let begin = self.byte as usize;
        let at = &bytes[begin..begin + self.len as usize];
        assert!(at.starts_with(&self.bytes), "{self:?}");
        let before = bytes[..begin].iter().filter(|&&byte| byte == b'\n').count();
        if let Some(line) = self.line {
            assert_eq!(line, before as u64 + 1, "{self:?}");
        }
    }
}

pub(crate) fn all(reader: LogReader) -> Vec<Seen> {
    let seen = try_all(reader).unwrap();
    seen.iter().for_each(Seen::check_position);
    seen
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
pub(crate) fn find(paths: &[impl AsRef<std::path::Path>]) -> LogFiles {
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
