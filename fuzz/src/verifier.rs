//! The verifier on logs that were changed: it never panics, says the same with any
//! number of threads, and calls no log intact that isn't, by a walk over its lines
//! that knows `serde_json` and SHA-256 alone.

use std::collections::HashSet;
use std::num::NonZeroUsize;
use std::path::Path;

use arbitrary::Unstructured;
use audit_jsonl::verify::{
    Head, HeadFinding, HeadReport, HeadSource, Integrity, LogReport, VerifyOptions,
};
use audit_jsonl::{LogFiles, verify};

use crate::dir::Dir;
use crate::head_file;
use crate::lines::{Line, Link, body, lines};
use crate::logs::{self, ACTIVE, Log, Part, sha256};
use crate::mutate::mutate;

pub fn run(data: &[u8]) {
    let mut u = Unstructured::new(data);
    // An input that is too short says what it says.
    judge(&mut u).ok();
}

fn judge(u: &mut Unstructured<'_>) -> arbitrary::Result<()> {
    let log = logs::log(u)?;
    let choice: u8 = u.arbitrary()?;
    let with_head_file = choice & 3 == 1;
    let mut parts = log.parts.clone();
    mutate(u, &mut parts)?;
    let is_changed = parts != log.parts;
    let dir = Dir::with(&parts);
    if with_head_file {
        head_file::lay(&dir, &log, u)?;
    }
    if parts.is_empty() && !with_head_file {
        return Ok(());
    }
    let given: Option<Head> = log.head.as_ref().map(|head| {
        let text = format!("{}:{}", head.seq, head.hash);
        text.parse().expect("a head")
    });
    let path = dir.path(ACTIVE);
    let heads = match choice & 4 {
        0 => given.as_slice(),
        _ => &[],
    };
    // To start threads takes longer than all else.
    let threads: &[usize] = match choice & 24 {
        24 => &[1, 3],
        _ => &[1],
    };
    let Some(report) = report(&path, heads, threads) else {
        return Ok(());
    };
    check(&report, &path);
    if !is_changed && !with_head_file {
        let integrity = report.integrity;
        assert_ne!(integrity, Integrity::NotIntact, "an intact log: {report:?}");
        assert_eq!(report.complete, log.is_whole, "{report:?}");
    }
    if let [_] = heads {
        check_head(&report, &log, &parts);
    }
    Ok(())
}

/// What is found, with so many threads each the same. None when there is no such log.
fn report(path: &Path, heads: &[Head], threads: &[usize]) -> Option<LogReport> {
    let mut reports = threads.iter().map(|threads| {
        let threads = NonZeroUsize::new(*threads).expect("not 0");
        let options = VerifyOptions::new()
            .threads(threads)
            .heads(heads.iter().copied());
        verify(&[path], &options).map_err(|error| error.to_string())
    });
    let report = reports.next()?;
    for other in reports {
        assert_eq!(report, other, "threads make a difference");
    }
    let mut report = report.ok()?;
    // Both are to be had, whatever is in it.
    assert!(!report.to_string().is_empty());
    serde_json::to_value(&report).expect("a report is JSON");
    assert_eq!(report.logs.len(), 1);
    report.logs.pop()
}

/// What is called intact is so line by line, and what is said of heads is so.
fn check(report: &LogReport, path: &Path) {
    let counted: u64 = report.problem_counts.values().sum();
    assert_eq!(report.integrity == Integrity::NotIntact, counted > 0);
    assert_eq!(counted, report.problems.len() as u64);
    let logs = LogFiles::find(&[path]).expect("the log is there");
    let files: Vec<Vec<u8>> = logs[0]
        .files()
        .iter()
        .map(|file| std::fs::read(file.path()).expect("a file of the log"))
        .collect();
    if report.integrity == Integrity::Intact {
        walk(&files);
    }
    for head in &report.heads {
        let there = links(&files).any(|link| link.hash == head.head.hash.to_string());
        match head.finding {
            HeadFinding::Agrees => assert!(there, "agrees with a line that isn't there"),
            HeadFinding::Rewritten | HeadFinding::Truncated => {
                assert_eq!(report.integrity, Integrity::NotIntact);
            }
            _ => {}
        }
    }
}

fn links(files: &[Vec<u8>]) -> impl Iterator<Item = Link> {
    let lines = files.iter().flat_map(|file| lines(file));
    lines.filter_map(|line| Line::read(body(line)).link())
}

/// Each chained line follows the one before, or says why not, and tells of the plain
/// lines between.
fn walk(files: &[Vec<u8>]) {
    let mut seen = HashSet::new();
    let mut last: Option<Link> = None;
    // Plain lines since the last link: those of earlier files, and those of this one.
    let (mut early, mut here) = (Vec::new(), Vec::new());
    for file in files {
        early.append(&mut here);
        for line in lines(file) {
            let Some(text) = line.strip_suffix(b"\n") else {
                continue;
            };
            let link = match Line::read(text) {
                Line::Plain => {
                    here.extend_from_slice(line);
                    continue;
                }
                Line::Other => panic!("no record in what is called intact"),
                Line::Link(link) => link,
            };
            if !seen.insert((link.stream.clone(), link.hash.clone())) {
                // A copy, and the plain lines before it are copied as well.
                if last.as_ref().is_some_and(|last| last.hash == link.hash) {
                    early.clear();
                }
                here.clear();
                continue;
            }
            let is_first = last.is_none();
            if let Some(last) = &last {
                assert!(
                    follows(last, &link),
                    "{last:?} and {link:?} in what is called intact"
                );
            }
            let told = link.chain.get("plain");
            let told = told.and_then(|told| Some(told.get("sha256")?.as_str()?.to_owned()));
            let all = [&early[..], &here[..]].concat();
            let is_told = match &told {
                Some(told) => [&all, &here].iter().any(|lines| sha256(lines) == *told),
                None => here.is_empty(),
            };
            let at_front = is_first && link.seq > 0 && all.is_empty();
            assert!(
                is_told || at_front,
                "plain lines in what is called intact: {link:?}"
            );
            early.clear();
            here.clear();
            last = Some(link);
        }
    }
}

/// Whether a line may stand after another.
fn follows(last: &Link, link: &Link) -> bool {
    let of = |note: &str, member: &str| Some(link.chain.get(note)?.get(member)?.clone());
    if link.stream != last.stream {
        return of("after", "stream").is_some_and(|stream| stream == last.stream.as_str());
    }
    let is_next = link.seq == last.seq + 1 && link.prev.as_ref() == Some(&last.hash);
    // The jump is announced.
    let gone = of("gone", "seq").and_then(|seq| seq.as_u64());
    let is_told = link.seq > last.seq + 1
        && gone.and_then(|seq| seq.checked_add(1)) == Some(link.seq)
        && of("gone", "hash").as_ref().and_then(|hash| hash.as_str()) == link.prev.as_deref();
    is_next || is_told
}

/// A log that agrees with its head, and of which nothing is said to be lacking, holds
/// the very lines that were written, up to the head.
fn check_head(report: &LogReport, log: &Log, parts: &[Part]) {
    let given = |head: &&HeadReport| head.source == HeadSource::Given;
    let head = report
        .heads
        .iter()
        .find(given)
        .expect("the head that was given");
    let is_whole = report.integrity == Integrity::Intact
        && report.complete
        && head.finding == HeadFinding::Agrees;
    if !is_whole {
        return;
    }
    let there: HashSet<&[u8]> = parts.iter().flat_map(|part| lines(&part.bytes)).collect();
    for line in &log.lines {
        let text = String::from_utf8_lossy(line);
        assert!(there.contains(&line[..]), "called whole without {text}");
    }
}
