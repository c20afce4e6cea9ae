//! docs/verify.py and the verifier say the same of logs that were changed: verdicts,
//! problems with their places, and what the log tells of itself.

use std::cell::RefCell;
use std::num::NonZeroUsize;

use arbitrary::Unstructured;
use audit_jsonl::form;
use audit_jsonl::verify;
use audit_jsonl::verify::{Head, Integrity, LogReport, VerifyOptions};
use serde_json::{Map, Value, json};

use crate::dir::Dir;
use crate::lines::{begin_alike, body, lines};
use crate::logs::{self, ACTIVE, Part};
use crate::mutate::mutate;
use crate::python::Python;

thread_local! {
    static PYTHON: RefCell<Option<Python>> = RefCell::new(Python::start());
}

/// Whether there is a Python to ask.
#[must_use]
pub fn is_possible() -> bool {
    PYTHON.with_borrow(Option::is_some)
}

pub fn run(data: &[u8]) {
    let mut u = Unstructured::new(data);
    // An input that is too short says what it says.
    compare(&mut u).ok();
}

fn compare(u: &mut Unstructured<'_>) -> arbitrary::Result<()> {
    let log = logs::log(u)?;
    let mut parts = log.parts;
    mutate(u, &mut parts)?;
    // The driver takes the files that it is given, whatever they are called.
    parts.retain(|part| part.name == ACTIVE || part.name.starts_with("audit-"));
    if !parts.iter().any(|part| part.name == ACTIVE) {
        return Ok(());
    }
    if is_any_order(&parts) {
        return Ok(());
    }
    let head = log.head.map(|head| format!("{}:{}", head.seq, head.hash));
    let dir = Dir::with(&parts);
    for heads in [&[][..], head.as_slice()] {
        let mut said = ours(&dir, heads);
        let mut theirs = PYTHON.with_borrow_mut(|python| {
            let python = python.as_mut().expect("python3, to run docs/verify.py");
            python.judge(&parts, heads)
        });
        for report in [&mut said, &mut theirs] {
            normalise(report);
        }
        assert_eq!(
            said, theirs,
            "left what we say, right what verify.py says, with {heads:?}"
        );
    }
    Ok(())
}

/// Of two damaged files that begin with the same link, any may be the first.
fn is_any_order(parts: &[Part]) -> bool {
    let is_damaged =
        |part: &Part| lines(&part.bytes).any(|line| form::Line::parse(body(line)).is_err());
    begin_alike(parts) && parts.iter().any(is_damaged)
}

fn ours(dir: &Dir, heads: &[String]) -> Value {
    let heads = heads
        .iter()
        .map(|head| head.parse::<Head>().expect("a head"));
    let options = VerifyOptions::new().threads(NonZeroUsize::MIN).heads(heads);
    let report = verify(&[dir.path(ACTIVE)], &options).expect("the log is there");
    let log = &report.logs[0];
    let problems: Vec<Value> = log
        .problems
        .iter()
        .map(|problem| {
            let file = problem.file.file_name().unwrap_or_default();
            json!({
                "kind": problem.kind.name(),
                "file": file.to_string_lossy(),
                "line": problem.line,
                "seq": problem.seq,
            })
        })
        .collect();
    let verdict = match log.integrity {
        Integrity::Intact => "intact",
        Integrity::Unchecked => "unchecked",
        Integrity::NotIntact => "not_intact",
    };
    json!({
        "verdict": verdict,
        "complete": log.complete,
        "problems": problems,
        "facts": facts(log),
    })
}

fn facts(log: &LogReport) -> Map<String, Value> {
    let told = &log.completeness;
    let unfinished: u64 = told.unfinished.iter().map(|end| end.bytes).sum();
    let facts = [
        ("records", told.calls),
        ("own", told.own_records),
        ("lost", told.lost),
        ("elsewhere", told.elsewhere),
        ("cut", told.cut_bytes),
        ("torn", told.torn),
        ("plain", told.plain_lines),
        ("untold", told.untold_plain_lines),
        ("opened", told.opened),
        ("closed", told.closed),
        ("front", told.front.is_some().into()),
        ("set_aside", told.set_aside.len() as u64),
        ("unfinished", unfinished),
        ("newer", told.newer),
        ("overlap", told.overlap_lines),
    ];
    let facts = facts.into_iter().filter(|(_, number)| *number > 0);
    facts
        .map(|(name, number)| (name.to_owned(), number.into()))
        .collect()
}

/// Without what the two may say differently.
fn normalise(report: &mut Value) {
    if let Some(problems) = report["problems"].as_array_mut() {
        // Of two damaged files that begin alike, any may be the first.
        problems.sort_by_key(Value::to_string);
    }
    if let Some(facts) = report["facts"].as_object_mut() {
        // One counts lines that tell of a power loss, the other what it took.
        facts.remove("gone");
        for fact in facts.values_mut() {
            if *fact == true {
                *fact = 1.into();
            }
        }
    }
}
