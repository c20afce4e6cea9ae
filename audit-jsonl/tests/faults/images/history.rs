//! What a real writer wrote, and how it came about.

use std::fs;
use std::time::Duration;

use audit_jsonl::{AuditSink, Durability, JsonLinesAuditSink};
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::head::Head;
use crate::tools::{Directory, Numbers, event};

#[derive(Debug, Clone)]
pub(super) struct Line {
    pub(super) stream: String,
    pub(super) seq: u64,
    pub(super) hash: String,
    /// Where it ends.
    pub(super) end: usize,
}

/// One file of a log: its bytes, and all that the head file ever said of it.
#[derive(Debug)]
pub(super) struct Part {
    pub(super) bytes: Vec<u8>,
    pub(super) lines: Vec<Line>,
    pub(super) heads: Vec<Head>,
}

#[derive(Debug)]
pub(super) struct History {
    /// The log before a rotation, and after it.
    pub(super) old: Part,
    pub(super) new: Part,
    pub(super) rotated_name: String,
}

impl History {
    pub(super) fn new(numbers: &mut Numbers) -> Self {
        let here = Directory::new();
        let log = here.log();
        let builder = JsonLinesAuditSink::builder().path(&log);
        let builder = builder
            .durability(Durability::Written)
            .rotate_at_bytes(65_536);
        let sink = builder.open().expect("a log");
        let mut made = 0;
        let mut batches = |numbers: &mut Numbers, count: u64| -> Part {
            let mut heads = Vec::new();
            for _ in 0..count {
                for _ in 0..=numbers.below(3) {
                    let bytes = numbers.below(60) as usize;
                    sink.on_call(&event(&format!("{made:04}"), bytes));
                    made += 1;
                }
                sink.flush(Duration::from_secs(30)).expect("a flush");
                heads.push(Head::read(&log).expect("a head"));
            }
            let bytes = fs::read(&log).expect("the log");
            let lines = lines_of(&bytes);
            Part {
                bytes,
                lines,
                heads,
            }
        };
        let old = batches(numbers, 4);
        // What is written by hand stands for a file that has become full.
        let rotated_name = format!("audit-{}-{:020}.jsonl", &old.heads[0].stream[..8], 0);
        let whole = batches(numbers, 3);
        let from = old.bytes.len();
        let new = Part {
            bytes: whole.bytes[from..].to_vec(),
            lines: whole.lines[old.lines.len()..]
                .iter()
                .map(|line| Line {
                    end: line.end - from,
                    ..line.clone()
                })
                .collect(),
            heads: whole
                .heads
                .iter()
                .map(|head| Head {
                    size: head.size - from as u64,
                    ..head.clone()
                })
                .collect(),
        };
        drop(sink);
        Self {
            old,
            new,
            rotated_name,
        }
    }
}

/// The whole lines of a log's file.
pub(super) fn lines_of(bytes: &[u8]) -> Vec<Line> {
    let mut end = 0;
    let mut lines = Vec::new();
    for line in bytes.split_inclusive(|&byte| byte == b'\n') {
        end += line.len();
        let Some(text) = line.strip_suffix(b"\n") else {
            break;
        };
        let value: Value = serde_json::from_slice(text).expect("a record");
        let hash = Sha256::new()
            .chain_update([0])
            .chain_update(text)
            .finalize();
        lines.push(Line {
            stream: value["chain"]["stream"].as_str().expect("a stream").into(),
            seq: value["chain"]["seq"].as_u64().expect("a seq"),
            hash: hash.iter().map(|byte| format!("{byte:02x}")).collect(),
            end,
        });
    }
    lines
}
