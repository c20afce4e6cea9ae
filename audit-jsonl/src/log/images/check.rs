//! Checks what lies in a directory by the format alone: it shares no code with
//! what wrote it.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::fs;
use std::path::Path;
use std::sync::Arc;

use audit_schema::CallEvent;
use serde_json::Value;
use sha2::{Digest, Sha256};

/// A line of a chain.
#[derive(Debug)]
pub(super) struct Link {
    pub(super) stream: String,
    pub(super) seq: u64,
    pub(super) hash: String,
    prev: Option<String>,
    gone: Option<(u64, String)>,
    torn: Option<(u64, String)>,
}

/// Lines that were parsed before: most stand in image after image.
pub(super) type Known = HashMap<Vec<u8>, Arc<Link>>;

impl Link {
    /// Of a line without its line feed; `None` when it is none.
    pub(super) fn parse(text: &[u8]) -> Option<Self> {
        serde_json::from_slice::<CallEvent>(text).ok()?;
        let value: Value = serde_json::from_slice(text).ok()?;
        let chain = value.get("chain")?;
        let hash = Sha256::new().chain_update([0]).chain_update(text);
        let pair = |name: &str, number: &str, hash: &str| {
            let member = chain.get(name)?;
            Some((member[number].as_u64()?, member[hash].as_str()?.to_owned()))
        };
        Some(Self {
            stream: chain["stream"].as_str()?.to_owned(),
            seq: chain["seq"].as_u64()?,
            hash: hex(&hash.finalize()),
            prev: chain["prev"].as_str().map(String::from),
            gone: pair("gone", "seq", "hash"),
            torn: pair("torn", "bytes", "sha256"),
        })
    }

    /// Whether it says that the line before it is gone, and all between.
    fn tells_of_those_before(&self) -> bool {
        self.gone.as_ref().is_some_and(|(seq, hash)| {
            seq.checked_add(1) == Some(self.seq) && Some(hash) == self.prev.as_ref()
        })
    }
}

/// What lies in a directory.
#[derive(Debug, Default)]
pub(super) struct Found {
    /// By number.
    links: BTreeMap<u64, Arc<Link>>,
    /// Bytes that were set aside.
    torn: HashSet<(u64, String)>,
    /// Files that end inside a line.
    pub(super) unfinished: Vec<String>,
    pub(super) problems: Vec<String>,
}

impl Found {
    pub(super) fn hash(&self, seq: u64) -> Option<&str> {
        self.links.get(&seq).map(|link| link.hash.as_str())
    }

    /// How many lines tell that others are gone.
    pub(super) fn gone(&self) -> usize {
        let links = self.links.values();
        links.filter(|link| link.gone.is_some()).count()
    }

    /// How many lines tell that bytes were set aside.
    pub(super) fn torn(&self) -> usize {
        let links = self.links.values();
        links.filter(|link| link.torn.is_some()).count()
    }

    fn read_lines(&mut self, name: &str, bytes: &[u8], known: &Known) {
        let mut before = None;
        for line in bytes.split_inclusive(|&byte| byte == b'\n') {
            let Some(text) = line.strip_suffix(b"\n") else {
                let bytes = line.len();
                self.unfinished
                    .push(format!("{name} ends in {bytes} bytes that are no line"));
                break;
            };
            let link = known.get(text).cloned();
            let link = link.or_else(|| Link::parse(text).map(Arc::new));
            let Some(link) = link else {
                self.problems
                    .push(format!("{name} holds a line that is no link"));
                continue;
            };
            let seq = link.seq;
            if before.is_some_and(|before| before >= seq) {
                self.problems
                    .push(format!("{name} holds {seq} after {before:?}"));
            }
            before = Some(seq);
            if let Some(other) = self.links.insert(seq, Arc::clone(&link))
                && (&other.stream, &other.hash) != (&link.stream, &link.hash)
            {
                self.problems
                    .push(format!("two lines have the number {seq}"));
            }
        }
    }

    fn check_links(&mut self) {
        let mut problems = Vec::new();
        let mut before: Option<&Link> = None;
        for link in self.links.values() {
            let seq = link.seq;
            let follows = match before {
                None => seq == 0 && link.prev.is_none(),
                Some(before) => {
                    seq == before.seq + 1
                        && link.prev.as_ref() == Some(&before.hash)
                        && link.stream == before.stream
                }
            };
            let is_told =
                link.tells_of_those_before() && before.is_none_or(|before| seq > before.seq + 1);
            if !follows && !is_told {
                let before = before.map(|before| before.seq);
                problems.push(format!("{seq} does not follow {before:?}"));
            }
            if let Some(torn) = &link.torn
                && !self.torn.contains(torn)
            {
                problems.push(format!("the torn bytes that {seq} tells of lie nowhere"));
            }
            before = Some(link);
        }
        if self.torn.is_empty() != (self.torn() == 0) {
            let files = self.torn.len();
            problems.push(format!("{files} torn files, told {} times", self.torn()));
        }
        self.problems.append(&mut problems);
    }

    fn check_head(&mut self, text: &[u8]) {
        let last = self.links.values().next_back();
        let last = last.map(|link| (link.stream.clone(), link.seq, link.hash.clone()));
        let head = head_of(text);
        if head.is_none() || head != last {
            self.problems.push("the head is not the last line".into());
        }
    }
}

/// Checks all files of a log.
pub(super) fn check(log: &Path, known: &Known) -> Found {
    let mut found = Found::default();
    let directory = log.parent().expect("a directory");
    let mut head = Vec::new();
    for entry in fs::read_dir(directory).expect("the directory is readable") {
        let entry = entry.expect("an entry");
        let name = entry.file_name().to_string_lossy().into_owned();
        let bytes = fs::read(entry.path()).expect("a readable file");
        if name.contains(".torn-") {
            let hash = hex(&Sha256::digest(&bytes));
            found.torn.insert((bytes.len() as u64, hash));
        } else if name.ends_with(".head") {
            head = bytes;
        } else if name == "audit.jsonl" || name.starts_with("audit-") {
            found.read_lines(&name, &bytes, known);
        } else {
            found.problems.push(format!("{name} was moved aside"));
        }
    }
    found.check_links();
    found.check_head(&head);
    found
}

/// The stream, the number and the hash that a head file names.
fn head_of(text: &[u8]) -> Option<(String, u64, String)> {
    let text = std::str::from_utf8(text).ok()?.trim_end();
    let (covered, _) = text.rsplit_once(",\"sum\":")?;
    let value: Value = serde_json::from_str(text).ok()?;
    let sum = hex(&Sha256::digest(covered.as_bytes())[..8]);
    let text_of = |name: &str| Some(value.get(name)?.as_str()?.to_owned());
    (text_of("sum")? == sum).then_some(())?;
    Some((text_of("stream")?, value["seq"].as_u64()?, text_of("hash")?))
}

fn hex(bytes: &[u8]) -> String {
    let digits = bytes.iter().flat_map(|byte| [byte >> 4, byte & 15]);
    digits
        .map(|digit| char::from_digit(digit.into(), 16).unwrap_or_default())
        .collect()
}
