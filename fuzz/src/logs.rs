//! Small logs that are as writers leave them, each made of an input.

use arbitrary::{Result, Unstructured};
use audit_jsonl::{CallEvent, CapProvenance, Outcome, ProvSource};
use sha2::{Digest as _, Sha256};

pub(crate) const ACTIVE: &str = "audit.jsonl";
pub(crate) const HEAD: &str = "audit.jsonl.head";

/// A time; later ones have greater numbers.
fn time(minute: usize) -> String {
    format!("2026-11-20T09:{minute:02}:00.000000Z")
}

/// So many lines has a log.
const MOST_STEPS: usize = 14;

/// A file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Part {
    pub(crate) name: String,
    pub(crate) bytes: Vec<u8>,
}

/// The last line of a chain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Head {
    pub(crate) stream: String,
    pub(crate) seq: u64,
    pub(crate) hash: String,
}

/// An intact log.
#[derive(Debug, Clone)]
pub(crate) struct Log {
    /// In their order, the active file last.
    pub(crate) parts: Vec<Part>,
    pub(crate) head: Option<Head>,
    /// Where the head's line ends in the active file.
    pub(crate) head_end: usize,
    /// The lines in their order, each once, up to the head's.
    pub(crate) lines: Vec<Vec<u8>>,
    /// Nothing in it tells that anything is lacking.
    pub(crate) is_whole: bool,
}

/// Where the next line of a stream goes.
#[derive(Debug, Clone)]
pub(crate) struct Tip {
    pub(crate) stream: String,
    pub(crate) seq: u64,
    pub(crate) prev: Option<String>,
}

impl Tip {
    pub(crate) fn new(stream: u8) -> Self {
        Self {
            stream: format!("{stream:032x}"),
            seq: 0,
            prev: None,
        }
    }

    /// The next line, with its line feed: an event's plain line, and what follows
    /// `prev`, each with a comma before it.
    pub(crate) fn link(&mut self, event: &str, notes: &str) -> Vec<u8> {
        let Self { stream, seq, prev } = &*self;
        let open = event.strip_suffix('}').unwrap_or(event);
        let prev = match prev {
            Some(prev) => format!(",\"prev\":\"{prev}\""),
            None => String::new(),
        };
        let line =
            format!("{open},\"chain\":{{\"stream\":\"{stream}\",\"seq\":{seq}{prev}{notes}}}}}");
        self.prev = Some(leaf_hash(line.as_bytes()));
        self.seq = self.seq.saturating_add(1);
        (line + "\n").into_bytes()
    }

    fn head(&self) -> Option<Head> {
        Some(Head {
            stream: self.stream.clone(),
            seq: self.seq.checked_sub(1)?,
            hash: self.prev.clone()?,
        })
    }
}

pub(crate) fn leaf_hash(line: &[u8]) -> String {
    hex(&Sha256::new()
        .chain_update([0])
        .chain_update(line)
        .finalize())
}

pub(crate) fn sha256(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

fn hex(bytes: &[u8]) -> String {
    let digits = bytes.iter().flat_map(|byte| [byte >> 4, byte & 15]);
    digits
        .map(|digit| char::from_digit(digit.into(), 16).unwrap_or_default())
        .collect()
}

/// One of a few events, which hold each outcome and each member.
pub(crate) fn event(kind: u8, minute: usize) -> String {
    let outcome = match kind % 6 {
        0 => Outcome::Success,
        1 => Outcome::ToolNotFound,
        2 => Outcome::RateLimited {
            retry_after_ms: (kind > 64).then_some(250),
        },
        3 => Outcome::ExecutionFailed {
            code: "ENOENT\n".into(),
            retryable: true,
        },
        4 => Outcome::CapabilityDenied {
            missing: vec!["fs.write".into(), String::new()],
        },
        _ => Outcome::InvalidArgs {
            message: "\"é\u{1b}\u{2028}".into(),
        },
    };
    let tool = if kind & 8 == 0 { "files:read" } else { "a" };
    let mut event = CallEvent::new(time(minute), kind.to_string(), tool, 3, outcome, "hot");
    if kind & 16 != 0 {
        event = event
            .with_caller_id(Some("ann".into()))
            .with_cursor_page(Some(2));
    }
    if kind & 32 != 0 {
        let source = ProvSource::UcanChain {
            issuer_did: "did:key:z".into(),
            chain_depth: 1,
        };
        let cap = "fs.read".to_owned();
        event = event
            .with_granted_capabilities(vec![cap.clone()])
            .with_capability_provenance(Some(vec![CapProvenance { cap, source }]));
    }
    serde_json::to_string(&event).expect("an event is JSON")
}

fn own_record(minute: usize) -> String {
    let event = CallEvent::new(time(minute), "1", "audit:log", 0, Outcome::Success, "audit");
    serde_json::to_string(&event).expect("an event is JSON")
}

/// A log in the making.
struct Maker {
    log: Log,
    active: Vec<u8>,
    tip: Tip,
    /// The first link of the active file.
    first: Option<u64>,
    /// Plain lines that no line tells of yet.
    plain: Vec<Vec<u8>>,
    streams: u8,
}

/// A log of what the input says.
pub(crate) fn log(u: &mut Unstructured<'_>) -> Result<Log> {
    let mut maker = Maker {
        log: Log {
            parts: Vec::new(),
            head: None,
            head_end: 0,
            lines: Vec::new(),
            is_whole: true,
        },
        active: Vec::new(),
        tip: Tip::new(1),
        first: None,
        plain: Vec::new(),
        streams: 1,
    };
    for _ in 0..u.int_in_range(1..=MOST_STEPS)? {
        maker.step(u)?;
    }
    Ok(maker.end())
}

impl Maker {
    fn step(&mut self, u: &mut Unstructured<'_>) -> Result<()> {
        let kind = u.arbitrary::<u8>()?;
        let (now, time) = (self.now(), time(self.now()));
        match u.int_in_range(0..=19_u8)? {
            10..=12 => {
                let line = (event(kind, now) + "\n").into_bytes();
                self.active.extend_from_slice(&line);
                self.plain.push(line);
            }
            13 | 14 => self.rotate(kind % 3),
            15 => self.new_stream(),
            16 => {
                let note = match kind % 5 {
                    0 => ",\"lost\":2".to_owned(),
                    1 => ",\"elsewhere\":1".to_owned(),
                    2 => ",\"cut\":9".to_owned(),
                    3 => format!(",\"opened\":\"{time}\""),
                    _ => format!(",\"torn\":{{\"bytes\":1,\"sha256\":\"{}\"}}", sha256(b"x")),
                };
                self.log.is_whole = false;
                self.link(&event(kind, now), &note);
            }
            17 => self.link(
                &own_record(now),
                &format!(",\"opened\":\"{time}\",\"closed\":\"{time}\""),
            ),
            18 => self.gone(kind),
            _ => self.link(&event(kind, now), ""),
        }
        Ok(())
    }

    fn now(&self) -> usize {
        self.log.lines.len() + self.plain.len()
    }

    fn link(&mut self, event: &str, notes: &str) {
        let mut notes = notes.to_owned();
        if !self.plain.is_empty() {
            // Stands behind all but `torn`, `gone` and `after`.
            let at = [",\"torn\"", ",\"gone\"", ",\"after\""]
                .iter()
                .find_map(|later| notes.find(later))
                .unwrap_or(notes.len());
            let (lines, hash) = (self.plain.len(), sha256(&self.plain.concat()));
            notes.insert_str(
                at,
                &format!(",\"plain\":{{\"lines\":{lines},\"sha256\":\"{hash}\"}}"),
            );
        }
        self.first.get_or_insert(self.tip.seq);
        let line = self.tip.link(event, &notes);
        self.active.extend_from_slice(&line);
        self.log.lines.append(&mut self.plain);
        self.log.lines.push(line);
        self.log.head = self.tip.head();
        self.log.head_end = self.active.len();
    }

    /// The new file begins with so many lines of the old one, as after a failed sync.
    fn rotate(&mut self, carried: u8) {
        if !self.plain.is_empty() {
            return;
        }
        let Some(first) = self.first.take() else {
            return;
        };
        let stream = self.log.head.as_ref().map_or("", |head| &head.stream[..8]);
        let mut name = format!("audit-{stream}-{first:020}.jsonl");
        let taken = |name: &str| self.log.parts.iter().any(|part| part.name == name);
        let nth = (0..).find(|nth| !taken(&numbered(&name, *nth)));
        name = numbered(&name, nth.unwrap_or_default());
        let bytes = std::mem::take(&mut self.active);
        let lines: Vec<&[u8]> = bytes.split_inclusive(|byte| *byte == b'\n').collect();
        // Those of the stream alone.
        let carried = self.tip.seq.min(carried.into());
        let from = lines.len().saturating_sub(carried as usize);
        // A plain line alone would be told of by no link of the new file.
        if lines[from..].iter().all(|line| is_chained(line)) {
            self.active = lines[from..].concat();
            self.first = lines
                .get(from)
                .map(|_| self.tip.seq.saturating_sub(carried));
        }
        self.log.head_end = self.active.len();
        self.log.parts.push(Part { name, bytes });
    }

    fn new_stream(&mut self) {
        let Some(Head { stream, seq, hash }) = self.log.head.clone() else {
            return;
        };
        if !self.plain.is_empty() || self.first.is_none() {
            return;
        }
        // It stands in a file of its own.
        self.rotate(0);
        self.streams += 1;
        let now = self.now();
        self.tip = Tip::new(self.streams);
        self.link(
            &event(self.streams, now),
            &format!(
                ",\"after\":{{\"stream\":\"{stream}\",\"seq\":{seq},\"hash\":\"{hash}\",\
                 \"file\":\"audit.jsonl.damaged-20261120T093000Z\"}}"
            ),
        );
    }

    /// A power loss took lines, and the chain goes on from what was left, or from
    /// the head.
    fn gone(&mut self, kind: u8) {
        let Some(head) = self.log.head.clone() else {
            return;
        };
        self.log.is_whole = false;
        let now = self.now();
        let lost = u64::from(kind % 4) + 1;
        let hash = sha256(&[kind]);
        let seq = head.seq + lost;
        if kind & 64 == 0 {
            self.link(
                &event(kind, now),
                &format!(",\"gone\":{{\"seq\":{seq},\"hash\":\"{hash}\"}}"),
            );
        } else {
            (self.tip.seq, self.tip.prev) = (seq + 1, Some(hash.clone()));
            self.link(
                &event(kind, now),
                &format!(",\"gone\":{{\"seq\":{seq},\"hash\":\"{hash}\"}}"),
            );
        }
    }

    fn end(mut self) -> Log {
        self.log.is_whole &= self.plain.is_empty();
        self.log.parts.push(Part {
            name: ACTIVE.into(),
            bytes: self.active,
        });
        self.log
    }
}

fn numbered(name: &str, nth: usize) -> String {
    match nth {
        0 => name.to_owned(),
        nth => format!("{name}.{nth}"),
    }
}

fn is_chained(line: &[u8]) -> bool {
    line.ends_with(b"}}\n")
}
