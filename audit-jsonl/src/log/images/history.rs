//! What a real writer wrote, and how it came about.

use std::fs::{self, File};
use std::sync::Arc;

use crate::chain::Notes;
use crate::log::head_file::Record;
use crate::log::images::check::{Known, Link};
use crate::log::images::support::{Directory, Numbers, OPENED, line};
use crate::log::names::{rotated, with_suffix};
use crate::log::{Item, Log, Rotation, sleeping};

#[derive(Debug, Clone)]
pub(super) struct Line {
    pub(super) link: Arc<Link>,
    /// Where it ends.
    pub(super) end: usize,
}

/// One file of a log: its bytes, and all that the head file ever said of it.
#[derive(Debug)]
pub(super) struct Part {
    pub(super) bytes: Vec<u8>,
    pub(super) lines: Vec<Line>,
    pub(super) heads: Vec<Record>,
}

#[derive(Debug)]
pub(super) struct History {
    /// The log before a rotation, and after it.
    pub(super) old: Part,
    pub(super) new: Part,
    pub(super) rotated_name: String,
    pub(super) known: Known,
}

impl History {
    pub(super) fn new(numbers: &mut Numbers) -> Self {
        let here = Directory::new();
        let path = here.log();
        let mut log = Log::open(&path, Rotation::default(), 0).expect("a log");
        log.tell_opened(OPENED.into());
        let mut made = 0;
        let mut batches = |numbers: &mut Numbers, count: u64| -> Part {
            let mut heads = Vec::new();
            for _ in 0..count {
                let events: Vec<Vec<u8>> = (0..=numbers.below(3))
                    .map(|_| {
                        made += 1;
                        line(&format!("{made:04}"), numbers.below(60) as usize)
                    })
                    .collect();
                let items = events.iter().map(|line| Item::new(line));
                let appended = log.append(items, Notes::default(), &mut sleeping, |_| {});
                appended.expect("a batch");
                let mut head = File::open(with_suffix(&path, ".head")).expect("a head file");
                let record = Record::read(&mut head).expect("it can be read");
                heads.push(record.expect("a head"));
            }
            let bytes = fs::read(&path).expect("the log");
            let lines = lines_of(&bytes);
            Part {
                bytes,
                lines,
                heads,
            }
        };
        let old = batches(numbers, 4);
        // What is written by hand stands for a file that has become full.
        let rotated_path = rotated(&path, &old.heads[0].head.stream, 0);
        let rotated_name = rotated_path.file_name().expect("a name");
        let rotated_name = rotated_name.to_string_lossy().into_owned();
        let whole = batches(numbers, 3);
        let from = old.bytes.len();
        let known = whole
            .lines
            .iter()
            .scan(0, |begin, line| {
                let text = whole.bytes[*begin..line.end - 1].to_vec();
                *begin = line.end;
                Some((text, Arc::clone(&line.link)))
            })
            .collect();
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
                .map(|record| Record {
                    size: record.size - from as u64,
                    ..record.clone()
                })
                .collect(),
        };
        Self {
            old,
            new,
            rotated_name,
            known,
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
        let link = Arc::new(Link::parse(text).expect("a link"));
        lines.push(Line { link, end });
    }
    lines
}
