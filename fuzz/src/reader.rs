//! The reader on any bytes, in one file or in several: it accounts for every byte, and
//! forward, backward, in parts, from a stream and from the last calls on it gives the
//! same.

use std::collections::HashSet;
use std::io::Read;
use std::path::PathBuf;

use audit_jsonl::form::{self, Line};
use audit_jsonl::{
    CallEvent, DamageKind, Entry, LogFiles, LogReader, Outcome, ProvSource, SCHEMA_VERSION,
};
use serde_json::Value;

use crate::dir::Dir;
use crate::expand::expand;
use crate::lines::{body, lines};
use crate::logs::{ACTIVE, Part};

/// Stands between two files; the last one is the active one.
const BETWEEN_FILES: u8 = 0x1E;

const MOST_FILES: usize = 4;

/// More than is read at once.
const MOST_BYTES: usize = 384 * 1024;

pub fn run(data: &[u8]) {
    let data = expand(data, MOST_BYTES);
    let parts = parts(&data);
    for part in &parts {
        for line in lines(&part.bytes) {
            check_form(body(line));
        }
    }
    let dir = Dir::with(&parts);
    let logs = LogFiles::find(&[dir.path(ACTIVE)]).expect("the log is there");
    let [log] = &logs[..] else {
        panic!("one log, and not {}", logs.len());
    };
    let forward = all(LogReader::of(log));
    check_bytes(log, &forward);
    if let [part] = &parts[..] {
        check_stream(&part.bytes, &forward);
    }

    let mut backward = Vec::new();
    let mut reader = LogReader::backward(log);
    while let Some(entry) = reader.next_entry().expect("the files are readable") {
        backward.push(Found::of(&entry));
    }
    backward.reverse();
    assert_same(&forward, &backward, "backward");

    for parts in 1..=4 {
        let readers = LogReader::split(log, parts).expect("the files are readable");
        assert!(readers.len() <= parts);
        let found: Vec<Found> = readers.into_iter().flat_map(all).collect();
        assert_same(&forward, &found, "in parts");
    }
    check_last(log, &forward);
}

fn parts(data: &[u8]) -> Vec<Part> {
    let mut files: Vec<&[u8]> = data
        .splitn(MOST_FILES, |byte| *byte == BETWEEN_FILES)
        .collect();
    let active = files.pop().unwrap_or_default();
    let rotated = files.into_iter().enumerate().map(|(nth, bytes)| Part {
        name: format!("audit-00000000-{nth:020}.jsonl"),
        bytes: bytes.to_vec(),
    });
    let active = Part {
        name: ACTIVE.into(),
        bytes: active.to_vec(),
    };
    rotated.chain([active]).collect()
}

/// An entry, without what a reader may leave out.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Found {
    path: Option<PathBuf>,
    byte: u64,
    bytes: Vec<u8>,
    /// With the line feed.
    len: u64,
    damage: Option<DamageKind>,
    is_own: bool,
    line: Option<u64>,
}

impl Found {
    fn of(entry: &Entry<'_>) -> Self {
        let (bytes, position) = match entry {
            Entry::Line(line) => (line.bytes(), line.position()),
            Entry::Damage(damage) => (damage.bytes(), damage.position()),
            other => panic!("an entry of a new kind: {other:?}"),
        };
        if let Entry::Line(line) = entry
            && let Err(error) = line.event()
        {
            // A link whose event this version can't read.
            assert!(line.form().is_err() && has_chain(bytes));
            assert!(!error.to_string().is_empty());
        }
        Self {
            path: position.path.map(PathBuf::from),
            byte: position.byte,
            bytes: bytes.to_vec(),
            len: match entry {
                Entry::Damage(damage) => damage.len(),
                _ => bytes.len() as u64 + 1,
            },
            damage: match entry {
                Entry::Damage(damage) => Some(damage.kind()),
                _ => None,
            },
            is_own: matches!(entry, Entry::Line(line) if line.is_own()),
            line: position.line,
        }
    }

    fn is_call(&self) -> bool {
        self.damage.is_none() && !self.is_own
    }
}

fn all(mut reader: LogReader) -> Vec<Found> {
    let mut found = Vec::new();
    while let Some(entry) = reader.next_entry().expect("the files are readable") {
        found.push(Found::of(&entry));
    }
    found
}

/// The same entries; lines need not be counted, but not wrongly.
#[track_caller]
fn assert_same(forward: &[Found], other: &[Found], how: &str) {
    assert_eq!(forward.len(), other.len(), "{how}");
    for (one, other) in forward.iter().zip(other) {
        let mut counted = other.clone();
        counted.line = other.line.or(one.line);
        assert_eq!(one, &counted, "{how}");
    }
}

/// Each file is given whole and in order, but for lines that the files before hold.
fn check_bytes(log: &LogFiles, forward: &[Found]) {
    let mut earlier: HashSet<Vec<u8>> = HashSet::new();
    for file in log.files() {
        let bytes = std::fs::read(file.path()).expect("a file of the log");
        assert_eq!(file.len(), bytes.len() as u64);
        let mut at = 0;
        let found = forward
            .iter()
            .filter(|found| found.path.as_deref() == Some(file.path()));
        for found in found {
            let byte = usize::try_from(found.byte).expect("a place in a small file");
            assert!(
                at <= byte,
                "an entry stands before the one that was given before it"
            );
            check_left_out(&bytes[at..byte], &earlier);
            let line = lines(&bytes[byte..]).next().unwrap_or_default();
            assert_eq!(body(line), found.bytes);
            assert_eq!(line.len() as u64, found.len);
            let count = memchr::memchr_iter(b'\n', &bytes[..byte]).count() as u64;
            assert_eq!(found.line, Some(count + 1));
            check_kind(line, found);
            at = byte + line.len();
        }
        check_left_out(&bytes[at..], &earlier);
        earlier.extend(lines(&bytes).map(<[u8]>::to_vec));
    }
}

fn check_left_out(bytes: &[u8], earlier: &HashSet<Vec<u8>>) {
    for line in lines(bytes) {
        let text = String::from_utf8_lossy(line);
        assert!(
            earlier.contains(line),
            "left out, and in no earlier file: {text}"
        );
    }
}

fn check_kind(line: &[u8], found: &Found) {
    let is_whole = line.ends_with(b"\n");
    assert_eq!(found.damage == Some(DamageKind::Unfinished), !is_whole);
    if !is_whole {
        return;
    }
    let text = std::str::from_utf8(&found.bytes);
    if text.is_ok_and(|text| serde_json::from_str::<CallEvent>(text).is_ok()) {
        assert_eq!(found.damage, None, "a record is given as damage");
    } else {
        let is_given = found.damage.is_none();
        assert!(
            !is_given || has_chain(&found.bytes),
            "no record is given as one"
        );
    }
}

/// A stream that comes in pieces of all sizes gives what the file gives.
fn check_stream(bytes: &[u8], forward: &[Found]) {
    let pieces = Pieces {
        bytes: bytes.to_vec(),
        at: 0,
        next: 1,
    };
    let mut found = all(LogReader::new(pieces));
    for (found, forward) in found.iter_mut().zip(forward) {
        assert_eq!(found.path, None);
        found.path.clone_from(&forward.path);
    }
    assert_eq!(found, forward, "from a stream");
}

struct Pieces {
    bytes: Vec<u8>,
    at: usize,
    next: usize,
}

impl Read for Pieces {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let rest = &self.bytes[self.at..];
        let length = self.next.min(rest.len()).min(buffer.len());
        buffer[..length].copy_from_slice(&rest[..length]);
        self.at += length;
        self.next = self.next * 3 % 65_537;
        Ok(length)
    }
}

/// From so many calls before the end on.
fn check_last(log: &LogFiles, forward: &[Found]) {
    let calls: Vec<usize> = (0..forward.len())
        .filter(|at| forward[*at].is_call())
        .collect();
    for wanted in [0, 1, 2, calls.len(), calls.len() + 1] {
        let from = match wanted {
            0 => forward.len(),
            wanted => match calls.len().checked_sub(wanted) {
                Some(first) => calls[first],
                None => 0,
            },
        };
        let reader = LogReader::last(log, wanted).expect("the files are readable");
        assert_same(&forward[from..], &all(reader), "the last calls");
    }
}

/// What is in form reads as `serde_json` reads it, and is written as it stood there.
fn check_form(line: &[u8]) {
    let parsed = match Line::parse(line) {
        Ok(parsed) => parsed,
        Err(error) => {
            assert!(error.byte <= line.len().max(form::LONGEST_PLAIN_LINE));
            return;
        }
    };
    let read: CallEvent = serde_json::from_slice(line).expect("what is in form is a record");
    let record = match parsed {
        Line::Loose(event) => {
            assert_eq!(event, read);
            return;
        }
        Line::Record(record) => record,
    };
    let event = record.to_event();
    assert_eq!(event, read);
    assert_eq!(record.tool_id.unescaped(), event.tool_id);
    let capabilities = record.granted_capabilities.iter();
    let capabilities: Vec<_> = capabilities.map(|text| text.unescaped()).collect();
    assert_eq!(capabilities, event.granted_capabilities);
    let text = std::str::from_utf8(line).expect("what is in form is UTF-8");
    let ours = serde_json::to_string(&event).expect("an event is JSON");
    let open = ours.strip_suffix('}').expect("an object");
    // Kinds that are not known, and later versions, may have members of their own.
    if let Some(rest) = text.strip_prefix(open) {
        assert_eq!(rest == "}", record.chain.is_none());
    } else {
        assert!(event.schema_version > SCHEMA_VERSION || has_unknown(&event));
    }
}

fn has_chain(line: &[u8]) -> bool {
    let value = serde_json::from_slice::<Value>(line);
    value.is_ok_and(|value| value.get("chain").is_some())
}

fn has_unknown(event: &CallEvent) -> bool {
    let provenance = event.capability_provenance.iter().flatten();
    let mut sources = provenance.map(|item| &item.source);
    matches!(event.outcome, Outcome::Unknown { .. })
        || sources.any(|source| matches!(source, ProvSource::Unknown { .. }))
}
