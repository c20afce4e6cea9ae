//! Each kind of problem, found where it is.

use std::fs;

use audit_jsonl::verify;
use audit_jsonl::verify::{Integrity, Problem, ProblemKind, VerifyOptions};

use crate::made::{Chain, after, gone, problems, said_of, said_of_files, said_with, ten};
use crate::support::Dir;

/// Such a log has these problems.
#[track_caller]
fn check(lines: &[String], expected: &[&str]) {
    let report = said_of(lines);
    assert_eq!(problems(&report), expected, "{report}");
    let intact = expected.is_empty();
    let integrity = if intact {
        Integrity::Intact
    } else {
        Integrity::NotIntact
    };
    assert_eq!(report.integrity, integrity);
    assert!(intact || !report.complete);
    for problem in &report.problems {
        let (Some(line), Some(byte)) = (problem.line, problem.byte) else {
            panic!("{problem}");
        };
        let before: usize = lines[..line as usize - 1].iter().map(String::len).sum();
        assert_eq!(byte, before as u64, "{problem}");
        assert!(!problem.message.contains("files:read"));
    }
    let counted: u64 = report.problem_counts.values().sum();
    assert_eq!(counted, expected.len() as u64);
}

#[test]
fn a_log_without_any() {
    check(&ten(), &[]);
    check(&ten()[..1], &[]);
}

#[test]
fn a_line_that_is_garbled() {
    for bad in ["", "{}", "{\"ts\":\"\"}", "\0\0\0\0", "\u{FEFF}"] {
        let mut lines = ten();
        lines.insert(3, format!("{bad}\n"));
        check(&lines, &["garbled 4"]);
    }
    let mut lines = ten();
    lines[5] = lines[5].replace(",\"chain\"", ", \"chain\"");
    check(&lines, &["garbled 6", "missing 7 #6"]);
    // The line itself is not there any more, so the next one misses it; the last is
    // missed by nobody.
    let mut lines = ten();
    lines[9] = lines[9].replace("}}", "} }");
    check(&lines, &["garbled 10"]);
    let report = said_of(&lines);
    let byte = lines[9].find("} }").unwrap() as u64 + 1;
    assert_eq!(report.problems[0].byte_in_line, Some(byte), "{report}");
}

#[test]
fn a_line_that_was_edited() {
    // In its event: the line after it shows it.
    let mut lines = ten();
    lines[4] = lines[4].replace("\"duration_ms\":3", "\"duration_ms\":4");
    check(&lines, &["edited 6 #5"]);
    // The number, or the link.
    let mut lines = ten();
    lines[4] = lines[4].replace("\"seq\":4", "\"seq\":7");
    check(&lines, &["edited 5 #7", "edited 6 #5"]);
    let message = &said_of(&lines).problems[0].message;
    assert_eq!(
        message,
        "the line names line #3 before it, and has the number #7"
    );
    let mut lines = ten();
    lines[4] = lines[4].replace("\"seq\":4", "\"seq\":2");
    check(&lines, &["edited 5 #2", "edited 6 #5"]);
    let mut lines = ten();
    let at = lines[4].find("\"prev\":\"").unwrap() + 8;
    let digit = if lines[4].as_bytes()[at] == b'0' {
        "1"
    } else {
        "0"
    };
    lines[4].replace_range(at..=at, digit);
    check(&lines, &["edited 5 #4", "edited 6 #5"]);
}

#[test]
fn lines_that_are_missing() {
    for (from, to, expected) in [
        (4, 5, vec!["missing 5 #5"]),
        (1, 9, vec!["missing 2 #9"]),
        // Of the end only a head tells, and the front may have been removed.
        (8, 10, vec![]),
        (0, 3, vec![]),
    ] {
        let mut lines = ten();
        lines.drain(from..to);
        check(&lines, &expected);
    }
    let mut lines = ten();
    lines.drain(4..7);
    let message = &said_of(&lines).problems[0].message;
    assert_eq!(message, "lines #4 to #6 are missing before this one");
}

#[test]
fn a_line_that_is_repeated() {
    for (line, at) in [(4, 5), (4, 7), (0, 9), (9, 10), (8, 9)] {
        let mut lines = ten();
        lines.insert(at, lines[line].clone());
        check(&lines, &[&format!("repeated {} #{line}", at + 1)]);
    }
    // Plain lines don't pass behind a copy of the last line.
    let mut lines = ten();
    let copy = lines[4].clone();
    lines.splice(5..5, [crate::support::lines_of([100]), copy]);
    check(&lines, &["repeated 7 #4", "edited 8 #5"]);
    // All of them once more.
    let lines = [ten(), ten()].concat();
    assert_eq!(said_of(&lines).problem_counts[&ProblemKind::Repeated], 10);
}

#[test]
fn two_lines_that_were_swapped() {
    let mut lines = ten();
    lines.swap(4, 5);
    check(&lines, &["missing 5 #5", "misplaced 6 #4"]);
    let mut lines = ten();
    lines.swap(2, 7);
    let report = said_of(&lines);
    let kinds: Vec<_> = report
        .problem_counts
        .keys()
        .map(|kind| kind.name())
        .collect();
    assert_eq!(kinds, ["missing", "misplaced"], "{report}");
    // A line that was moved back to the front.
    let mut lines = ten();
    let last = lines.pop().unwrap();
    lines.insert(0, last);
    assert_eq!(said_of(&lines).problem_counts[&ProblemKind::Misplaced], 9);
}

#[test]
fn a_chain_that_forks() {
    let mut chain = Chain::new();
    let mut lines = chain.lines(5);
    let mut other = chain.clone();
    lines.extend(chain.lines(5));
    // Two writers that didn't see each other.
    let ours = other.with(",\"lost\":1");
    lines.insert(6, ours);
    check(&lines, &["forked 7 #5"]);
    lines.insert(7, other.with(""));
    // What follows on it is taken for the chain, which is then wrong once more.
    check(
        &lines,
        &["forked 7 #5", "edited 8 #6", "forked 9 #6", "edited 10 #7"],
    );
}

#[test]
fn lines_of_a_foreign_stream() {
    let theirs = Chain::named(9).lines(5);
    let mut lines = ten();
    lines.splice(4..4, theirs[1..3].iter().cloned());
    check(&lines, &["foreign 5 #1"]);
    let message = &said_of(&lines).problems[0].message;
    assert_eq!(
        message,
        "2 lines of another stream, from its line #1 on, which nothing announces"
    );
    // Inside them a chain is looked at too.
    let mut lines = ten();
    lines.splice(
        4..4,
        [&theirs[1], &theirs[3], &theirs[3], &theirs[2]].map(Clone::clone),
    );
    check(
        &lines,
        &[
            "foreign 5 #1",
            "missing 6 #3",
            "repeated 7 #3",
            "misplaced 8 #2",
        ],
    );
    let message = &said_of(&lines).problems[1].message;
    assert_eq!(message, "line #2 is missing before this one");
    // A jump that is announced is none there either.
    let mut told = Chain::named(9);
    let first = told.with("");
    (told.seq, told.hash) = (12, "ab".repeat(32));
    let jump = told.with(&gone(11, &told.hash.clone()));
    lines = ten();
    lines.splice(4..4, [first, jump]);
    check(&lines, &["foreign 5 #0"]);
    // Another log that is put behind ours.
    let lines = [ten(), theirs.clone()].concat();
    check(&lines, &["foreign 11 #0"]);
    // Line by line.
    let mixed: Vec<String> = ten()[..5]
        .iter()
        .zip(&theirs)
        .flat_map(|(a, b)| [a.clone(), b.clone()])
        .collect();
    assert_eq!(said_of(&mixed).problem_counts[&ProblemKind::Foreign], 5);
}

#[test]
fn a_stream_that_says_after_what_it_comes() {
    let mut old = Chain::new();
    let lines = old.lines(5);
    let new = |end: &Chain, seq| {
        let mut new = Chain::named(2);
        let mut lines = vec![new.with(&after(end, seq, "audit.jsonl.damaged"))];
        lines.extend(new.lines(3));
        lines
    };
    check(&[lines.clone(), new(&old, 4)].concat(), &[]);
    // Somebody made it go on.
    let mut longer = old.clone();
    let forged = [lines.clone(), longer.lines(1), new(&old, 4)].concat();
    check(&forged, &["edited 7 #0"]);
    // With another end than the one that is there.
    let mut wrong = old.clone();
    wrong.hash = "12".repeat(32);
    check(&[lines.clone(), new(&wrong, 4)].concat(), &["edited 6 #0"]);
    let mut stranger = Chain::named(7);
    stranger.lines(5);
    // After a stream that isn't this one, or not at its beginning.
    check(
        &[lines.clone(), new(&stranger, 4)].concat(),
        &["foreign 6 #0"],
    );
    check(
        &[lines.clone(), new(&old, 4)[1..].to_vec()].concat(),
        &["foreign 6 #1"],
    );
    // In a file of its own.
    let said = said_of_files(&[&lines.concat(), &new(&old, 4).concat()]);
    assert_eq!(said.integrity, Integrity::Intact, "{said}");
    assert_eq!(said.completeness.streams.len(), 2);
}

#[test]
fn a_line_that_is_too_long() {
    let mut lines = ten();
    lines.insert(3, "x".repeat((16 << 20) + 1) + "\n");
    check(&lines, &["garbled 4"]);
    // As long as it may be: a plain one.
    let mut event = crate::support::event(0);
    let least = crate::support::line_of(&event).len() - 1;
    event.tool_id += &"x".repeat((16 << 20) - least);
    lines[3] = crate::support::line_of(&event);
    assert_eq!(lines[3].len(), (16 << 20) + 1);
    let report = said_of(&lines);
    // Nothing tells of it.
    assert_eq!(problems(&report), ["edited 5 #3"]);
    assert_eq!(report.completeness.plain_lines, 1);
}

#[test]
fn lines_that_are_shuffled_end_soon() {
    // Each has to be looked up, and they lie in many blocks.
    let mut lines = Chain::new().lines(20_000);
    let mut random = crate::support::Random::new(7);
    for at in (1..lines.len()).rev() {
        lines.swap(at, random.below(at as u64 + 1) as usize);
    }
    // Another line with the number of one that stands close before is told of still.
    let last = lines.last().unwrap();
    lines.push(last.replace("\"duration_ms\":3", "\"duration_ms\":4"));
    let (_dir, path) = Dir::with_log();
    fs::write(&path, lines.concat()).unwrap();
    let options = VerifyOptions::new().problem_limit(lines.len());
    let report = verify(&[&path], &options).unwrap().logs.remove(0);
    let counts = &report.problem_counts;
    assert!(counts[&ProblemKind::Misplaced] > 19_000, "{counts:?}");
    assert_eq!(counts[&ProblemKind::Forked], 1, "{counts:?}");
    // That the others are no copies was not looked up for most of the last blocks.
    let given_up = |problem: &&Problem| problem.message.ends_with("whether it is a copy");
    let given_up = report.problems.iter().filter(given_up).count();
    assert!(given_up > 1_000, "{given_up}");
}

#[test]
fn lines_that_are_repeated_far_behind() {
    let mut lines = Chain::new().lines(20_000);
    let again = [10, 9_000, 11, 15_000, 9_001, 12];
    lines.extend(again.map(|seq| lines[seq].clone()));
    let expected = (20_001..).zip(again);
    let expected = expected.map(|(line, seq)| format!("repeated {line} #{seq}"));
    assert_eq!(problems(&said_of(&lines)), expected.collect::<Vec<_>>());
}

#[test]
fn whatever_is_cut_anywhere_is_found_with_a_head() {
    let mut chain = Chain::new();
    let bytes = chain.lines(6).concat();
    for cut in 0..bytes.len() {
        let report = said_with(&[bytes[..cut].to_owned()], [chain.head()]);
        assert_eq!(problems(&report), ["truncated #5"], "{cut}: {report}");
        let whole = report.completeness.unfinished.is_empty();
        assert_eq!(
            whole,
            cut == 0 || bytes.as_bytes()[cut - 1] == b'\n',
            "{cut}"
        );
    }
}
