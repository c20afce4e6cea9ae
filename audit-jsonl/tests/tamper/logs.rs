//! The logs that are changed, in memory, and what stands where in them.

use std::fs;
use std::path::Path;

use audit_jsonl::{AuditSink, CallEvent, CapProvenance, Outcome, ProvSource};
use audit_testkit::DEADLINE;
use serde_json::Value;

use crate::link::{Line, Link, Tip};
use crate::support::{Dir, append, builder, close, event, line_of, lines_of};

pub(crate) const ACTIVE: &str = "audit.jsonl";

/// A file of a log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Part {
    pub(crate) name: String,
    pub(crate) bytes: Vec<u8>,
}

/// Where a line stands, and what it is.
#[derive(Debug, Clone)]
pub(crate) struct Placed {
    pub(crate) file: usize,
    /// From 1.
    pub(crate) line: usize,
    /// Without the line feed.
    pub(crate) start: usize,
    pub(crate) end: usize,
    pub(crate) what: Line,
}

/// An intact log: its files in their order, the active one last.
#[derive(Debug, Clone)]
pub(crate) struct Log {
    pub(crate) name: &'static str,
    pub(crate) files: Vec<Part>,
    /// Of all files, in order.
    pub(crate) lines: Vec<Placed>,
    /// As one gives it to a verifier.
    pub(crate) head: String,
}

impl Log {
    pub(crate) fn new(name: &'static str, files: Vec<Part>) -> Self {
        let mut lines = Vec::new();
        for (file, part) in files.iter().enumerate() {
            let mut start = 0;
            for (nth, body) in part
                .bytes
                .split_inclusive(|byte| *byte == b'\n')
                .enumerate()
            {
                let end = start + body.len() - 1;
                let what = Line::read(&part.bytes[start..end]);
                assert!(!matches!(what, Line::Garbled), "{name}: a line is none");
                let line = nth + 1;
                lines.push(Placed {
                    file,
                    line,
                    start,
                    end,
                    what,
                });
                start = end + 1;
            }
        }
        let last = lines
            .iter()
            .rev()
            .find_map(|line: &Placed| line.what.link())
            .unwrap();
        let head = format!("{}:{}", last.seq, last.hash);
        Self {
            name,
            files,
            lines,
            head,
        }
    }

    /// The bytes of a line with its line feed.
    pub(crate) fn bytes(&self, at: usize) -> &[u8] {
        let line = &self.lines[at];
        &self.files[line.file].bytes[line.start..=line.end]
    }

    pub(crate) fn link(&self, at: usize) -> Option<&Link> {
        self.lines[at].what.link()
    }

    /// The first chained line at that place or after it.
    pub(crate) fn link_from(&self, at: usize) -> Option<usize> {
        (at..self.lines.len()).find(|at| self.link(*at).is_some())
    }

    /// The last chained line before that place.
    pub(crate) fn link_before(&self, at: usize) -> Option<usize> {
        (0..at).rev().find(|at| self.link(*at).is_some())
    }

    /// Whether it is the first chained line of its file, and the order of the files
    /// depends on it.
    pub(crate) fn orders(&self, at: usize) -> bool {
        let file = self.lines[at].file;
        let first = self
            .lines
            .iter()
            .position(|line| line.file == file && line.what.link().is_some());
        self.files.len() > 1 && first == Some(at)
    }

    /// The lines of a file: from, up to.
    pub(crate) fn range(&self, file: usize) -> std::ops::Range<usize> {
        let from = self.lines.iter().filter(|line| line.file < file).count();
        let count = self.lines.iter().filter(|line| line.file == file).count();
        from..from + count
    }
}

/// One of each outcome, with and without what may be absent.
pub(crate) fn events() -> Vec<CallEvent> {
    let with = |number: u64, outcome| {
        let mut event = event(number);
        event.outcome = outcome;
        event
    };
    vec![
        with(0, Outcome::Success).with_caller_id(Some("a\"b\\c\n\u{1b}[31m".into())),
        with(
            1,
            Outcome::RateLimited {
                retry_after_ms: None,
            },
        ),
        with(
            2,
            Outcome::ExecutionFailed {
                code: "ENOENT".into(),
                retryable: true,
            },
        )
        .with_cursor_page(Some(7)),
        with(
            3,
            Outcome::CapabilityDenied {
                missing: vec!["fs.write".into()],
            },
        )
        .with_granted_capabilities(vec!["fs.read".into(), "ü\u{2028}".into()]),
        with(
            4,
            Outcome::InvalidArgs {
                message: String::new(),
            },
        )
        .with_capability_provenance(Some(vec![
            CapProvenance {
                cap: "a".into(),
                source: ProvSource::StringAllowList,
            },
            CapProvenance {
                cap: "b".into(),
                source: ProvSource::UcanChain {
                    issuer_did: "did:x".into(),
                    chain_depth: 1,
                },
            },
        ])),
        with(5, Outcome::ToolNotFound),
    ]
}

/// Records these events one after the other, and closes.
pub(crate) fn record(path: &Path, events: &[CallEvent]) {
    let sink = builder(path).open().unwrap();
    for event in events {
        sink.on_call(event);
        sink.flush(DEADLINE).unwrap();
    }
    close(&sink);
}

/// Renames the active file as rotation does.
pub(crate) fn rotate(path: &Path) {
    let text = fs::read(path).unwrap();
    let first = text
        .split(|byte| *byte == b'\n')
        .find_map(|body| Line::read(body).link().cloned());
    let first = first.unwrap();
    let name = format!("audit-{}-{:020}.jsonl", &first.stream[..8], first.seq);
    fs::rename(path, path.with_file_name(name)).unwrap();
}

/// What stands in a directory, but for the head file.
pub(crate) fn read(name: &'static str, dir: &Dir) -> Log {
    let mut files = dir.names();
    files.retain(|name| !name.contains("jsonl."));
    // Those of one stream are in their order by name; the active one is the last.
    let part = |name: String| {
        let bytes = fs::read(dir.path(&name)).unwrap();
        Part { name, bytes }
    };
    Log::new(name, files.into_iter().map(part).collect())
}

/// One file.
pub(crate) fn single() -> Log {
    let (dir, path) = Dir::with_log();
    let mut events = events();
    events.drain(1..3);
    record(&path, &events[..3]);
    read("a file", &dir)
}

/// Three files; plain lines at the end of one of them and at the beginning of another.
pub(crate) fn rotated() -> Log {
    let (dir, path) = Dir::with_log();
    let events = events();
    record(&path, &events[..1]);
    rotate(&path);
    record(&path, &events[1..2]);
    rotate(&path);
    fs::write(&path, lines_of([100])).unwrap();
    record(&path, &events[5..]);
    read("three files", &dir)
}

/// Plain lines before all, in between and after the last link.
pub(crate) fn plain() -> Log {
    let (dir, path) = Dir::with_log();
    fs::write(&path, lines_of([100, 101])).unwrap();
    record(&path, &events()[..1]);
    let spaced =
        line_of(&event(102)).replace(",\"tier\"", " ,\t\"other\":[1.5,{\"a\":null}], \"tier\"");
    append(&path, spaced);
    append(&path, lines_of([103]));
    record(&path, &events()[3..4]);
    append(&path, lines_of([104, 105]));
    read("plain lines", &dir)
}

/// Every member of `chain`, in two streams and two files.
pub(crate) fn members() -> Log {
    let time = "2026-11-20T09:30:00.123456Z";
    let hash = "ab".repeat(32);
    let notes = [
        ",\"lost\":12,\"elsewhere\":3,\"cut\":1042".to_owned(),
        format!(",\"torn\":{{\"bytes\":7,\"sha256\":\"{hash}\"}}"),
        format!(",\"gone\":{{\"seq\":9,\"hash\":\"{hash}\"}}"),
        format!(
            ",\"lost\":1,\"elsewhere\":2,\"cut\":3,\"opened\":\"{time}\",\"closed\":\"{time}\""
        ),
    ];
    let mut tip = Tip {
        stream: "0".repeat(31) + "a",
        seq: 0,
        prev: None,
    };
    let mut first: Vec<u8> = Vec::new();
    for (event, notes) in events().iter().zip(&notes) {
        first.extend(tip.link(event, notes));
    }
    let (stream, seq, hash) = (tip.stream, tip.seq - 1, tip.prev.unwrap());
    let after = format!(
        ",\"opened\":\"{time}\",\"after\":{{\"stream\":\"{stream}\",\"seq\":{seq},\
         \"hash\":\"{hash}\",\"file\":\"audit.jsonl.damaged-20261120T093000Z\"}}"
    );
    let plain = line_of(&event(7));
    let told = crate::form::sha256(plain.as_bytes());
    let told = format!(",\"plain\":{{\"lines\":1,\"sha256\":\"{told}\"}}");
    let mut tip = Tip {
        stream: "0".repeat(31) + "b",
        seq: 0,
        prev: None,
    };
    let mut second = tip.link(&event(6), &after);
    second.extend(plain.into_bytes());
    second.extend(tip.link(&event(8), &format!(",\"closed\":\"{time}\"{told}")));
    let named = |name: &str, bytes| Part {
        name: name.into(),
        bytes,
    };
    let rotated = "audit-00000000-00000000000000000000.jsonl";
    Log::new(
        "every member",
        vec![named(rotated, first), named(ACTIVE, second)],
    )
}

/// Whether a line's link says that it replaces another stream.
pub(crate) fn after(link: &Link) -> Option<&Value> {
    link.chain.get("after")
}

/// Leaves files where one can look at them.
pub(crate) fn keep(files: &[Part]) {
    let dir = Path::new(env!("CARGO_TARGET_TMPDIR")).join("tamper-wrong");
    fs::remove_dir_all(&dir).ok();
    fs::create_dir_all(&dir).unwrap();
    for part in files {
        fs::write(dir.join(&part.name), &part.bytes).unwrap();
    }
}
