//! What is there and what isn't, none of which is tampering.

use audit_jsonl::verify::{Integrity, LogReport};

use crate::made::{Chain, after, gone, said_of, said_of_files};
use crate::support::lines_of;

const TIME: &str = "2026-11-20T09:30:00.000000Z";

#[track_caller]
fn said(notes: &[&str]) -> LogReport {
    let mut chain = Chain::new();
    let lines: Vec<String> = notes.iter().map(|notes| chain.with(notes)).collect();
    let report = said_of(&lines);
    assert_eq!(report.integrity, Integrity::Intact, "{report}");
    report
}

#[test]
fn a_complete_log() {
    let opened = format!(",\"opened\":\"{TIME}\"");
    let closed = format!(",\"closed\":\"{TIME}\"");
    let report = said(&[&opened, "", "", &closed]);
    assert!(report.complete, "{report}");
    let is = &report.completeness;
    assert_eq!((is.calls, is.own_records), (4, 0));
    assert_eq!((is.opened, is.closed, is.not_closed), (1, 1, 0));
    assert_eq!((is.streams[0].first, is.streams[0].last), (0, 3));
    assert_eq!((report.lines, report.files), (4, 1));
}

#[test]
fn a_writer_that_never_closed() {
    let opened = format!(",\"opened\":\"{TIME}\"");
    let report = said(&[&opened, "", &opened]);
    assert_eq!(report.completeness.not_closed, 2);
    assert!(!report.complete);
}

#[test]
fn losses_and_cuts() {
    let torn = format!(
        ",\"torn\":{{\"bytes\":7,\"sha256\":\"{}\"}}",
        "0".repeat(64)
    );
    let report = said(&[
        "",
        ",\"lost\":2,\"elsewhere\":3",
        ",\"lost\":5,\"cut\":9",
        &torn,
    ]);
    let is = &report.completeness;
    assert_eq!((is.lost, is.elsewhere), (7, 3));
    assert_eq!((is.cut_lines, is.cut_bytes), (1, 9));
    assert_eq!((is.torn, is.torn_bytes), (1, 7));
    for note in [",\"lost\":1", ",\"elsewhere\":1", ",\"cut\":1", &torn] {
        assert!(!said(&["", note]).complete, "{note}");
    }
    // However large they are.
    let most = format!(",\"lost\":{}", u64::MAX);
    assert_eq!(said(&[&most, &most]).completeness.lost, u64::MAX);
}

#[test]
fn a_power_loss() {
    let mut chain = Chain::new();
    let mut lines = chain.lines(5);
    let mut taken = chain.clone();
    taken.lines(3);
    // Its numbers are used again.
    let line = chain.with(&gone(7, &taken.hash));
    lines.push(line);
    lines.extend(chain.lines(2));
    let report = said_of(&lines);
    assert_eq!(report.integrity, Integrity::Intact, "{report}");
    let [extent] = report.completeness.gone[..] else {
        panic!("{report}");
    };
    assert_eq!((extent.first, extent.last), (5, 7));
    assert!(!report.complete);

    // Or, with nothing left of the file, they are not.
    let mut lines = Chain::new().lines(5);
    lines.push(taken.with(&gone(7, &taken.hash.clone())));
    lines.extend(taken.lines(2));
    let report = said_of(&lines);
    assert_eq!(report.integrity, Integrity::Intact, "{report}");
    let [extent] = report.completeness.gone[..] else {
        panic!("{report}");
    };
    assert_eq!((extent.first, extent.last), (5, 7));
    // Whether files before it were removed, nobody can tell.
    let report = said_of(&lines[5..]);
    assert_eq!(report.integrity, Integrity::Intact, "{report}");
    assert_eq!(report.completeness.front, Some(8));
    let [extent] = report.completeness.gone[..] else {
        panic!("{report}");
    };
    assert_eq!((extent.first, extent.last), (0, 7));

    // What doesn't say so is missing: another line, another number, no word of it.
    let mut chain = Chain::new();
    let first = chain.lines(5);
    chain.lines(3);
    for notes in [
        "".to_owned(),
        gone(7, &"0".repeat(64)),
        gone(6, &chain.hash),
        gone(8, &chain.hash),
    ] {
        let mut chain = chain.clone();
        let lines = [first.clone(), vec![chain.with(&notes)]].concat();
        assert_eq!(
            said_of(&lines).problems[0].kind.name(),
            "missing",
            "{notes}"
        );
    }
}

#[test]
fn a_front_that_is_gone() {
    let lines = Chain::new().lines(9);
    let report = said_of(&lines[4..]);
    assert_eq!(report.integrity, Integrity::Intact);
    assert_eq!(report.completeness.front, Some(4));
    assert!(!report.complete);
}

#[test]
fn a_file_that_was_set_aside() {
    let mut old = Chain::new();
    let first = old.lines(3);
    let rest = old.lines(4);
    let mut new = Chain::named(2);
    let second = vec![new.with(&after(&old, 6, "audit.jsonl.damaged-20261120T093000Z"))];
    let lines = [first.clone(), second.clone()].concat();
    let report = said_of(&lines);
    assert_eq!(report.integrity, Integrity::Intact, "{report}");
    let [aside] = &report.completeness.set_aside[..] else {
        panic!("{report}");
    };
    assert_eq!((aside.lines.first, aside.lines.last), (3, 6));
    assert_eq!(aside.file, "audit.jsonl.damaged-20261120T093000Z");
    // With the file given nothing is lacking.
    let report = said_of(&[first, rest, second.clone()].concat());
    assert!(report.complete, "{report}");
    let report = said_of(&second);
    assert_eq!(report.completeness.set_aside.len(), 1);
    assert_eq!(report.integrity, Integrity::Intact);
}

#[test]
fn an_unfinished_line() {
    let lines = Chain::new().lines(3);
    for tail in [
        "{",
        "\0\0\0",
        &lines[2][..lines[2].len() - 1],
        &*"x".repeat(17 << 20),
    ] {
        let text = lines[..2].concat() + tail;
        let report = said_of(std::slice::from_ref(&text));
        assert_eq!(report.integrity, Integrity::Intact, "{report}");
        let [unfinished] = &report.completeness.unfinished[..] else {
            panic!("{report}");
        };
        assert_eq!(unfinished.byte, lines[..2].concat().len() as u64);
        assert_eq!(unfinished.bytes, tail.len() as u64);
        assert!(!report.complete);
    }
    // In a file that was left as well.
    let first = lines[..2].concat() + "{\"ts\"";
    let report = said_of_files(&[&first, &lines[2]]);
    assert_eq!(report.integrity, Integrity::Intact, "{report}");
    assert_eq!(report.completeness.unfinished.len(), 1);
}

#[test]
fn lines_that_are_carried_over() {
    // A sync failed: the next file begins with what may not be on disk.
    let mut chain = Chain::new();
    let first = chain.lines(3).concat();
    let plain_lines = lines_of(100..102);
    let told = chain.with(&crate::made::plain(&plain_lines));
    let carried = chain.lines(3);
    let first = first + &plain_lines + &told + &carried.concat();
    let rest = chain.lines(4).concat();
    for again in [
        carried[2..].concat(),
        carried.concat(),
        told.clone() + &carried.concat(),
        plain_lines.clone() + &told + &carried.concat(),
    ] {
        let report = said_of_files(&[&first, &(again.clone() + &rest)]);
        assert_eq!(report.integrity, Integrity::Intact, "{report}");
        assert!(report.complete, "{report}");
        assert_eq!(report.completeness.calls, 11);
        let copies = again.lines().filter(|line| line.contains("chain")).count() as u64;
        assert_eq!(report.completeness.overlap_lines, copies);
    }
    // Plain lines at the end go with them, and the next line tells of them once.
    let left = lines_of(200..202);
    let mut chain = chain.clone();
    chain.seq = 7;
    let mut base = Chain::new();
    base.lines(3);
    base.with(&crate::made::plain(&plain_lines));
    base.lines(3);
    let line = base.with(&crate::made::plain(&left));
    let report = said_of_files(&[
        &(first.clone() + &left),
        &(carried[2].clone() + &left + &line),
    ]);
    assert_eq!(report.integrity, Integrity::Intact, "{report}");
    assert_eq!(report.completeness.untold_plain_lines, 0, "{report}");
    // A copy that differs is none.
    let other = carried[2].replace("\"tier\":\"hot\"", "\"tier\":\"cold\"");
    let report = said_of_files(&[&first, &(other + &rest)]);
    assert_eq!(report.problems[0].kind.name(), "forked", "{report}");
}

#[test]
fn lines_of_a_later_version_are_counted() {
    let mut chain = Chain::new();
    let mut event = crate::support::event(1);
    event.schema_version = 4;
    let lines = [
        chain.with(""),
        chain.of(&event, ""),
        chain.of(&event, ",\"news\":1"),
    ];
    let report = said_of(&lines);
    assert_eq!(report.integrity, Integrity::Intact, "{report}");
    assert_eq!(report.completeness.newer, 2);
}
