//! Plain lines among chained ones: records that somebody else has appended.

use audit_jsonl::verify::Integrity;

use crate::made::{Chain, plain, problems, said_of, said_of_files};
use crate::support::lines_of;

#[test]
fn are_protected_by_the_line_that_tells_of_them() {
    let mut chain = Chain::new();
    let mut lines = chain.lines(3);
    let theirs = lines_of(100..103);
    lines.push(theirs.clone());
    lines.push(chain.with(&plain(&theirs)));
    lines.extend(chain.lines(2));
    let report = said_of(&lines);
    assert_eq!(problems(&report), [""; 0], "{report}");
    assert!(report.complete);
    assert_eq!(report.completeness.plain_lines, 3);

    for changed in [
        theirs.replace("\"duration_ms\":3", "\"duration_ms\":4"),
        lines_of(100..102),
        lines_of([100, 102, 101]),
        String::new(),
        lines_of(100..104),
    ] {
        let mut lines = lines.clone();
        let line = 4 + changed.matches('\n').count();
        lines[3] = changed;
        assert_eq!(problems(&said_of(&lines)), [format!("edited {line} #3")]);
    }
}

#[test]
fn of_which_no_line_tells() {
    let mut chain = Chain::new();
    let mut lines = chain.lines(3);
    // Somebody put one in afterwards.
    lines.insert(2, lines_of([100]));
    assert_eq!(problems(&said_of(&lines)), ["edited 4 #2"]);
    // At the end nothing can tell of them yet.
    let mut lines = Chain::new().lines(3);
    lines.push(lines_of(100..102));
    let report = said_of(&lines);
    assert_eq!(report.integrity, Integrity::Intact);
    assert_eq!(report.completeness.untold_plain_lines, 2);
    assert!(!report.complete);
}

#[test]
fn alone_are_unchecked() {
    let report = said_of(&[lines_of(0..5)]);
    assert_eq!(report.integrity, Integrity::Unchecked, "{report}");
    assert_eq!(report.completeness.plain_lines, 5);
    let report = said_of(&[]);
    assert_eq!(report.integrity, Integrity::Unchecked);
}

#[test]
fn at_the_end_of_a_file_that_was_left() {
    let mut chain = Chain::new();
    let first = chain.lines(3).concat() + &lines_of(100..102);
    // The next line may tell of them, or of those in its own file alone, or of both.
    for (here, told, untold) in [
        ("", lines_of(100..102), 0),
        ("", String::new(), 2),
        (&*lines_of(200..201), lines_of(200..201), 2),
        (
            &*lines_of(200..201),
            lines_of(100..102) + &lines_of(200..201),
            0,
        ),
    ] {
        let mut chain = chain.clone();
        let note = if told.is_empty() {
            String::new()
        } else {
            plain(&told)
        };
        let second = here.to_owned() + &chain.with(&note) + &chain.with("");
        let report = said_of_files(&[&first, &second]);
        assert_eq!(report.integrity, Integrity::Intact, "{report}");
        assert_eq!(report.completeness.untold_plain_lines, untold);
    }
    for (here, told) in [
        ("", lines_of(100..101)),
        (&*lines_of(200..201), lines_of(100..102)),
        (&*lines_of(200..201), String::new()),
    ] {
        let mut chain = chain.clone();
        let note = if told.is_empty() {
            String::new()
        } else {
            plain(&told)
        };
        let second = here.to_owned() + &chain.with(&note);
        let report = said_of_files(&[&first, &second]);
        assert_eq!(problems(&report).len(), 1, "{report}");
    }
}

#[test]
fn that_went_with_the_file_before() {
    // Retention took the file whose end they were.
    let mut chain = Chain::new();
    chain.lines(3);
    let line = chain.with(&plain(&lines_of(100..102)));
    let mut lines = vec![line];
    lines.extend(chain.lines(2));
    let report = said_of(&lines);
    assert_eq!(report.integrity, Integrity::Intact, "{report}");
    assert_eq!(report.completeness.front, Some(3));
}

#[test]
fn of_any_spacing_are_records() {
    let loose = lines_of([100]).replace(':', ": ");
    let mut chain = Chain::new();
    let lines = [chain.with(""), loose.clone(), chain.with(&plain(&loose))];
    assert_eq!(said_of(&lines).integrity, Integrity::Intact);
}
