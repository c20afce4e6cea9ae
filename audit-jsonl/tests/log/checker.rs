//! Reads a log as docs/log-format.md states it, and says what is wrong with it.
//!
//! Written apart from the library, so that both can't share a mistake: it knows
//! the schema's types, `serde_json` and SHA-256, and nothing else. At the end the
//! library's verifier has to agree.

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};

use audit_jsonl::verify::{Integrity, VerifyOptions};
use audit_jsonl::{CallEvent, verify};
use serde_json::{Map, Value};

use crate::form::{form, is_hex, leaf_hash, sha256};
use crate::head_file::Head;

/// A chained line.
#[derive(Debug, Clone)]
pub(crate) struct Row {
    pub(crate) stream: String,
    pub(crate) seq: u64,
    pub(crate) hash: String,
    pub(crate) event: CallEvent,
    pub(crate) chain: Map<String, Value>,
    /// Which file it stands in.
    pub(crate) file: usize,
}

impl Row {
    pub(crate) fn has(&self, member: &str) -> bool {
        self.chain.contains_key(member)
    }

    pub(crate) fn number(&self, member: &str) -> u64 {
        self.chain
            .get(member)
            .and_then(Value::as_u64)
            .unwrap_or_default()
    }

    /// Whether it is the log's own, and no call.
    pub(crate) fn is_own(&self) -> bool {
        self.event.tool_id == "audit:log"
    }
}

/// What a log holds.
#[derive(Debug, Default)]
pub(crate) struct Found {
    /// What is against the format, in words. Empty for a log that is whole.
    pub(crate) problems: Vec<String>,
    pub(crate) files: Vec<PathBuf>,
    /// Each chained line, once.
    pub(crate) rows: Vec<Row>,
    pub(crate) plain: Vec<CallEvent>,
}

impl Found {
    /// The numbers of the calls in chained lines.
    pub(crate) fn numbers(&self) -> Vec<u64> {
        let calls = self.rows.iter().filter(|row| !row.is_own());
        calls.map(|row| number(&row.event)).collect()
    }

    pub(crate) fn plain_numbers(&self) -> Vec<u64> {
        self.plain.iter().map(number).collect()
    }

    /// The lines with a member.
    pub(crate) fn with(&self, member: &str) -> Vec<&Row> {
        self.rows.iter().filter(|row| row.has(member)).collect()
    }

    pub(crate) fn sum(&self, member: &str) -> u64 {
        self.rows.iter().map(|row| row.number(member)).sum()
    }

    /// The sum of a number inside a member.
    pub(crate) fn sum_of(&self, member: &str, name: &str) -> u64 {
        let members = self.rows.iter().filter_map(|row| row.chain.get(member));
        members.filter_map(|member| member[name].as_u64()).sum()
    }

    pub(crate) fn streams(&self) -> Vec<&str> {
        let mut streams: Vec<&str> = self.rows.iter().map(|row| row.stream.as_str()).collect();
        streams.dedup();
        streams
    }

    #[track_caller]
    pub(crate) fn assert_whole(self) -> Self {
        assert!(self.problems.is_empty(), "{:#?}", self.problems);
        self
    }

    /// Every problem is of this kind, and there is one.
    #[track_caller]
    pub(crate) fn assert_only(self, kind: &str) -> Self {
        let all = self.problems.iter().all(|problem| problem.contains(kind));
        assert!(all && !self.problems.is_empty(), "{:#?}", self.problems);
        self
    }
}

fn number(event: &CallEvent) -> u64 {
    event.call_id.parse().unwrap_or(u64::MAX)
}

/// Checks the log at `path` with the files that rotation made of it.
pub(crate) fn check(path: &Path) -> Found {
    check_with(path, &[])
}

/// As [`check`], with files that somebody has moved away.
pub(crate) fn check_with(path: &Path, more: &[PathBuf]) -> Found {
    let mut files = rotated(path);
    files.extend(more.iter().cloned());
    if path.exists() {
        files.push(path.to_owned());
    }
    let mut checker = Checker::new(path);
    for file in in_order(files) {
        checker.read(&file);
    }
    checker.end();
    compare(path, more, &checker.found);
    checker.found
}

/// The library's verifier must say the same.
#[track_caller]
fn compare(path: &Path, more: &[PathBuf], found: &Found) {
    let paths: Vec<&Path> = [path]
        .into_iter()
        .chain(more.iter().map(PathBuf::as_path))
        .collect();
    let report = verify(&paths, &VerifyOptions::new()).unwrap();
    let kinds = [
        "garbled", "foreign", "edited", "missing", "repeated", "forked", "back", "plain:",
    ];
    let is_broken = |problem: &String| kinds.iter().any(|kind| problem.starts_with(kind));
    let is_broken = found.problems.iter().any(is_broken);
    let is_whole = found.problems.is_empty();
    match report.integrity {
        Integrity::NotIntact => assert!(!is_whole, "{report}"),
        _ => assert!(!is_broken, "{:#?}\n{report}", found.problems),
    }
}

/// The files beside a log that bear a rotated file's name.
pub(crate) fn rotated(path: &Path) -> Vec<PathBuf> {
    let stem = format!("{}-", path.file_stem().unwrap().to_str().unwrap());
    let mut files = Vec::new();
    for entry in fs::read_dir(path.parent().unwrap()).unwrap() {
        let entry = entry.unwrap();
        let name = entry.file_name().into_string().unwrap_or_default();
        let Some(rest) = name.strip_prefix(&stem) else {
            continue;
        };
        let (stream, rest) = rest.split_at_checked(8).unwrap_or_default();
        let (seq, rest) = rest.split_at_checked(21).unwrap_or_default();
        let ends = rest == ".jsonl" || rest.starts_with(".jsonl.");
        if is_hex(stream, 8) && seq.starts_with('-') && ends {
            files.push(entry.path());
        }
    }
    files.sort();
    files
}

/// By their first chained line: streams in the order of `after`, then by `seq`; of
/// those with the same, the one that reaches less far first.
fn in_order(files: Vec<PathBuf>) -> Vec<PathBuf> {
    let mut keyed: Vec<(String, (u64, u64), Option<String>, PathBuf)> = Vec::new();
    for file in files {
        let bytes = fs::read(&file).unwrap();
        let mut chains = bytes.split(|&byte| byte == b'\n').filter_map(chain_of);
        let first = chains.next();
        let seq_of = |chain: &Map<String, Value>| chain["seq"].as_u64().unwrap_or_default();
        let last = chains.last().as_ref().map_or(0, seq_of);
        let (stream, seq, after) = match first {
            None => (String::new(), u64::MAX, None),
            Some(chain) => (
                text(&chain, "stream"),
                seq_of(&chain),
                chain.get("after").map(|after| text_of(after, "stream")),
            ),
        };
        keyed.push((stream, (seq, last), after, file));
    }
    // A stream stands after the one that it replaces.
    let replaced: HashMap<String, String> = keyed
        .iter()
        .filter_map(|(stream, _, after, _)| Some((stream.clone(), after.clone()?)))
        .collect();
    let depth = |stream: &str| {
        let (mut stream, mut depth) = (stream, if stream.is_empty() { 1_000 } else { 0 });
        while let Some(before) = replaced.get(stream).filter(|_| depth < 1_000) {
            stream = before;
            depth += 1;
        }
        depth
    };
    keyed.sort_by_cached_key(|(stream, seqs, _, _)| (depth(stream), stream.clone(), *seqs));
    keyed.into_iter().map(|(_, _, _, file)| file).collect()
}

fn chain_of(line: &[u8]) -> Option<Map<String, Value>> {
    let value: Value = serde_json::from_slice(line).ok()?;
    value.get("chain")?.as_object().cloned()
}

fn text(members: &Map<String, Value>, name: &str) -> String {
    members
        .get(name)
        .and_then(Value::as_str)
        .unwrap_or_default()
        .to_owned()
}

fn text_of(value: &Value, name: &str) -> String {
    value
        .as_object()
        .map(|members| text(members, name))
        .unwrap_or_default()
}

struct Checker {
    path: PathBuf,
    found: Found,
    /// Each line's hash, by stream and number.
    seen: HashMap<(String, u64), String>,
    last: Option<Row>,
    plain_lines: u64,
    plain_bytes: Vec<u8>,
}

impl Checker {
    fn new(path: &Path) -> Self {
        Self {
            path: path.to_owned(),
            found: Found::default(),
            seen: HashMap::new(),
            last: None,
            plain_lines: 0,
            plain_bytes: Vec::new(),
        }
    }

    fn problem(&mut self, kind: &str, what: impl std::fmt::Display) {
        let file = self.found.files.last().and_then(|file| file.file_name());
        let problem = format!("{kind}: {what} ({file:?})");
        self.found.problems.push(problem);
    }

    fn read(&mut self, file: &Path) {
        self.found.files.push(file.to_owned());
        let bytes = fs::read(file).unwrap();
        // A file may begin with lines that the one before holds.
        let mut at_start = true;
        for line in bytes.split_inclusive(|&byte| byte == b'\n') {
            let Some(body) = line.strip_suffix(b"\n") else {
                self.problem("unfinished", String::from_utf8_lossy(line));
                return;
            };
            self.line(line, body, &mut at_start);
        }
    }

    fn line(&mut self, line: &[u8], body: &[u8], at_start: &mut bool) {
        let Ok(event) = serde_json::from_slice::<CallEvent>(body) else {
            return self.problem("garbled", String::from_utf8_lossy(body));
        };
        let plain = serde_json::to_vec(&event).unwrap();
        let Some(chain) = chain_of(body) else {
            if plain != body {
                self.problem("garbled", "a plain line is not in canonical form");
            }
            self.plain_lines += 1;
            self.plain_bytes.extend_from_slice(line);
            self.found.plain.push(event);
            return;
        };
        if let Err(what) = form(body, &plain, &chain) {
            self.problem("garbled", what);
        }
        if line.len() > 61_440 || plain.len() > 60_416 {
            self.problem("long", format!("{} and {} bytes", line.len(), plain.len()));
        }
        let row = Row {
            stream: text(&chain, "stream"),
            seq: chain["seq"].as_u64().unwrap_or_default(),
            hash: leaf_hash(body),
            event,
            chain,
            file: self.found.files.len() - 1,
        };
        let key = (row.stream.clone(), row.seq);
        if self.seen.get(&key) == Some(&row.hash) {
            if !*at_start {
                return self.problem("repeated", row.seq);
            }
            // The plain lines before it are copies too.
            self.plain_lines = 0;
            self.plain_bytes.clear();
            return;
        }
        *at_start = false;
        if self.seen.insert(key, row.hash.clone()).is_some() {
            self.problem("forked", row.seq);
        }
        self.place(&row);
        self.notes(&row);
        self.last = Some(row.clone());
        self.found.rows.push(row);
    }

    /// Whether the line stands where it may.
    fn place(&mut self, row: &Row) {
        let Some(last) = self.last.take() else {
            // All that came before may be told to be gone.
            let gone = row.chain.get("gone").and_then(|gone| gone["hash"].as_str());
            let prev = text(&row.chain, "prev");
            if row.seq > 0 && (gone.is_none() || gone != Some(&prev)) {
                self.problem("front", format!("the first line is {}", row.seq));
            }
            return;
        };
        let prev = text(&row.chain, "prev");
        if row.stream != last.stream {
            let after = row.chain.get("after").cloned().unwrap_or_default();
            if row.seq > 0 || text_of(&after, "stream") != last.stream {
                self.problem("foreign", format!("{} at {}", row.stream, row.seq));
            }
        } else if row.seq == last.seq + 1 {
            if prev != last.hash {
                self.problem("edited", format!("`prev` of {} is wrong", row.seq));
            }
        } else if prev == last.hash {
            self.problem("edited", format!("{} after {}", row.seq, last.seq));
        } else if row.seq > last.seq {
            self.problem("missing", format!("{} to {}", last.seq + 1, row.seq - 1));
        } else {
            self.problem("back", format!("{} after {}", row.seq, last.seq));
        }
    }

    fn notes(&mut self, row: &Row) {
        let seq = row.seq;
        let told = row.chain.get("plain");
        let bytes = std::mem::take(&mut self.plain_bytes);
        let lines = std::mem::take(&mut self.plain_lines);
        match told {
            None if lines > 0 => self.problem("plain", format!("{lines} lines before {seq}")),
            Some(told) if told["lines"] != lines || told["sha256"] != sha256(&bytes) => {
                self.problem("plain", format!("{told} of {lines} lines before {seq}"));
            }
            _ => {}
        }
        if let Some(torn) = row.chain.get("torn")
            && !self.is_kept(torn, seq)
        {
            self.problem("torn", format!("{torn} of {seq} is in no file"));
        }
        if let Some(gone) = row.chain.get("gone")
            && gone["seq"].as_u64().is_none_or(|gone| gone + 1 < seq)
        {
            self.problem("gone", format!("{gone} at {seq}"));
        }
        if let Some(after) = row.chain.get("after") {
            let file = self.path.with_file_name(text_of(after, "file"));
            if seq > 0 || !file.exists() {
                self.problem("after", format!("{after} at {seq}"));
            }
        }
        let own = &row.event;
        let is_close = own.tier == "audit"
            && own.outcome == audit_jsonl::Outcome::Success
            && own.call_id.len() == 26
            && own
                .call_id
                .bytes()
                .all(|byte| b"0123456789ABCDEFGHJKMNPQRSTVWXYZ".contains(&byte));
        if row.has("closed") != row.is_own() || (row.is_own() && !is_close) {
            self.problem("closed", format!("{own:?}"));
        }
    }

    fn is_kept(&self, torn: &Value, seq: u64) -> bool {
        let name = self.path.file_name().unwrap().to_str().unwrap();
        let prefix = format!("{name}.torn-{seq}");
        let directory = fs::read_dir(self.path.parent().unwrap()).unwrap();
        directory.map(|entry| entry.unwrap().path()).any(|path| {
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            let rest = name.strip_prefix(&prefix);
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
                && fs::read(&path).is_ok_and(|bytes| {
                    torn["bytes"] == bytes.len() && torn["sha256"] == sha256(&bytes)
                })
        })
    }

    fn end(&mut self) {
        let Some(last) = self.last.take() else {
            return;
        };
        let head = Head::read(&self.path);
        match head {
            None => self.problem("head", "there is none, or it is not whole"),
            Some(head) => {
                let size = fs::metadata(&self.path).map_or(0, |log| log.len());
                let told = (&head["stream"], &head["seq"], &head["hash"]);
                let (stream, seq, hash) = (last.stream, last.seq, last.hash);
                let true_ones = (&stream.into(), &seq.into(), &hash.into());
                if told != true_ones {
                    self.problem("head", format!("{told:?}, not {true_ones:?}"));
                }
                if self.plain_lines == 0 && head["size"] != size {
                    self.problem("head", format!("{} bytes, not {size}", head["size"]));
                }
            }
        }
    }
}
