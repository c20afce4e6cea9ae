//! Logs made by hand, line by line, and what verifying says of them.

use std::fs;
use std::path::{Path, PathBuf};

use audit_jsonl::verify::{Head, LogReport, Report, VerifyOptions};
use audit_jsonl::{CallEvent, verify};

use crate::form_of_chain::leaf_hash;
use crate::support::{Dir, event, line_of};

/// A stream, which makes its lines.
#[derive(Debug, Clone)]
pub(crate) struct Chain {
    pub(crate) stream: String,
    /// The number of the next line.
    pub(crate) seq: u64,
    /// The hash of the last.
    pub(crate) hash: String,
}

impl Chain {
    pub(crate) fn new() -> Self {
        Self::named(1)
    }

    pub(crate) fn named(number: u64) -> Self {
        Self {
            stream: format!("{number:08x}{:024x}", 0xABCD),
            seq: 0,
            hash: String::new(),
        }
    }

    /// The next line, its line feed included; `notes` go to the end of `chain`.
    pub(crate) fn with(&mut self, notes: &str) -> String {
        let event = event(self.seq);
        self.of(&event, notes)
    }

    pub(crate) fn of(&mut self, event: &CallEvent, notes: &str) -> String {
        let Self { stream, seq, hash } = self;
        let event = line_of(event);
        let event = event.strip_suffix("}\n").unwrap();
        let prev = match seq {
            0 => String::new(),
            _ => format!(",\"prev\":\"{hash}\""),
        };
        let line =
            format!("{event},\"chain\":{{\"stream\":\"{stream}\",\"seq\":{seq}{prev}{notes}}}}}\n");
        self.hash = leaf_hash(line.trim_end_matches('\n').as_bytes());
        self.seq += 1;
        line
    }

    pub(crate) fn lines(&mut self, count: u64) -> Vec<String> {
        (0..count).map(|_| self.with("")).collect()
    }

    /// The head after the last line.
    pub(crate) fn head(&self) -> Head {
        format!("{}:{}", self.seq - 1, self.hash).parse().unwrap()
    }
}

/// Ten lines of a chain.
pub(crate) fn ten() -> Vec<String> {
    Chain::new().lines(10)
}

/// `,"gone":…`
pub(crate) fn gone(seq: u64, hash: &str) -> String {
    format!(",\"gone\":{{\"seq\":{seq},\"hash\":\"{hash}\"}}")
}

/// `,"after":…` that names the end of a stream.
pub(crate) fn after(chain: &Chain, seq: u64, file: &str) -> String {
    let Chain { stream, hash, .. } = chain;
    format!(
        ",\"after\":{{\"stream\":\"{stream}\",\"seq\":{seq},\"hash\":\"{hash}\",\"file\":\"{file}\"}}"
    )
}

/// `,"plain":…` of these lines.
pub(crate) fn plain(lines: &str) -> String {
    let hash = crate::form_of_chain::sha256(lines.as_bytes());
    let count = lines.matches('\n').count();
    format!(",\"plain\":{{\"lines\":{count},\"sha256\":\"{hash}\"}}")
}

/// What is said of one file with these lines.
#[track_caller]
pub(crate) fn said_of(lines: &[String]) -> LogReport {
    said_with(lines, [])
}

#[track_caller]
pub(crate) fn said_with(lines: &[String], heads: impl IntoIterator<Item = Head>) -> LogReport {
    let (_dir, path) = Dir::with_log();
    fs::write(&path, lines.concat()).unwrap();
    said_at(&[&path], heads)
}

/// What is said of a log in several files, the last of which is the active one.
#[track_caller]
pub(crate) fn said_of_files(files: &[&str]) -> LogReport {
    let (dir, path) = Dir::with_log();
    let mut paths = vec![path];
    for (nth, text) in files.iter().enumerate() {
        if nth + 1 == files.len() {
            fs::write(&paths[0], text).unwrap();
        } else {
            let path = dir.path(&format!("audit.jsonl.{nth}"));
            fs::write(&path, text).unwrap();
            paths.push(path);
        }
    }
    said_at(&paths, [])
}

#[track_caller]
pub(crate) fn said_at(
    paths: &[impl AsRef<Path>],
    heads: impl IntoIterator<Item = Head>,
) -> LogReport {
    let report = report_of(paths, heads);
    assert_eq!(report.logs.len(), 1, "{report}");
    report.logs.into_iter().next().unwrap()
}

#[track_caller]
pub(crate) fn report_of(
    paths: &[impl AsRef<Path>],
    heads: impl IntoIterator<Item = Head>,
) -> Report {
    let paths: Vec<PathBuf> = paths.iter().map(|path| path.as_ref().to_owned()).collect();
    verify(&paths, &VerifyOptions::new().heads(heads)).unwrap()
}

/// Kind, line and number of each problem, as `missing 6 #6`.
pub(crate) fn problems(report: &LogReport) -> Vec<String> {
    let problems = report.problems.iter();
    problems
        .map(|problem| {
            let line = problem.line.map(|line| format!(" {line}"));
            let seq = problem.seq.map(|seq| format!(" #{seq}"));
            [problem.kind.name().to_owned()]
                .into_iter()
                .chain(line)
                .chain(seq)
                .collect()
        })
        .collect()
}
