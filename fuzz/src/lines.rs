//! What a line is, by `serde_json` and the format's page alone.

use std::collections::HashSet;

use audit_jsonl::CallEvent;
use serde_json::Value;

use crate::logs::{Part, leaf_hash};

/// A line with a `chain`.
#[derive(Debug, Clone)]
pub(crate) struct Link {
    pub(crate) stream: String,
    pub(crate) seq: u64,
    pub(crate) prev: Option<String>,
    pub(crate) hash: String,
    pub(crate) chain: Value,
}

#[derive(Debug, Clone)]
pub(crate) enum Line {
    Link(Link),
    Plain,
    /// No record at all.
    Other,
}

impl Line {
    /// Of a line without its line feed.
    pub(crate) fn read(body: &[u8]) -> Self {
        let Ok(value) = serde_json::from_slice::<Value>(body) else {
            return Self::Other;
        };
        let is_event = serde_json::from_slice::<CallEvent>(body).is_ok();
        match value.get("chain") {
            None if is_event => Self::Plain,
            Some(chain) if is_event => link(body, chain).map_or(Self::Other, Self::Link),
            _ => Self::Other,
        }
    }

    pub(crate) fn link(self) -> Option<Link> {
        match self {
            Self::Link(link) => Some(link),
            _ => None,
        }
    }
}

fn link(body: &[u8], chain: &Value) -> Option<Link> {
    let text = |name: &str| Some(chain.get(name)?.as_str()?.to_owned());
    Some(Link {
        stream: text("stream")?,
        seq: chain.get("seq")?.as_u64()?,
        prev: text("prev"),
        hash: leaf_hash(body),
        chain: chain.clone(),
    })
}

/// The lines of a file, each with its line feed; the last may lack it.
pub(crate) fn lines(bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
    bytes.split_inclusive(|byte| *byte == b'\n')
}

/// A line without its line feed.
pub(crate) fn body(line: &[u8]) -> &[u8] {
    line.strip_suffix(b"\n").unwrap_or(line)
}

/// Whether two of the files begin with the same link.
pub(crate) fn begin_alike(parts: &[Part]) -> bool {
    let first = |part: &Part| {
        let link = lines(&part.bytes).find_map(|line| Line::read(body(line)).link());
        link.map(|link| (link.stream, link.seq))
    };
    let mut begun = HashSet::new();
    let mut firsts = parts.iter().filter_map(first);
    !firsts.all(|first| begun.insert(first))
}
