//! A log for each kind of problem.

use std::fs;
use std::path::Path;

use crate::head_file::Head;
use crate::list::{Expect, INTACT, Vector};
use crate::support::{append, event, line_of, lines_of, log};

type Problems = &'static [(&'static str, &'static str, u64, Option<u64>)];

/// Name, what it is about, how it is made, and what is found.
type Made = (&'static str, &'static str, fn(&Path), Problems);

pub(crate) fn all() -> Vec<Vector> {
    const FILE: &str = "audit.jsonl";
    let rows: [Made; 11] = [
        (
            "garbled",
            "a quotation mark is gone from line 2",
            |path| {
                edit(path, |lines| {
                    lines[1] = lines[1].replacen("\"hot\"", "\"hot", 1);
                });
            },
            &[("garbled", FILE, 2, None), ("missing", FILE, 3, Some(2))],
        ),
        (
            "edited-event",
            "line 2 tells of another tool",
            |path| {
                edit(path, |lines| {
                    lines[1] = lines[1].replacen("files:read", "files:list", 1);
                });
            },
            &[("edited", FILE, 3, Some(2))],
        ),
        (
            "edited-number",
            "line 2 bears another number",
            |path| {
                edit(path, |lines| {
                    lines[1] = lines[1].replacen("\"seq\":1,", "\"seq\":7,", 1);
                });
            },
            &[("edited", FILE, 2, Some(7)), ("edited", FILE, 3, Some(2))],
        ),
        (
            "edited-plain",
            "a plain line was put in before line 3",
            |path| {
                edit(path, |lines| lines.insert(2, line_of(&event(100))));
            },
            &[("edited", FILE, 4, Some(2))],
        ),
        (
            "missing",
            "line 2 was deleted",
            |path| {
                edit(path, |lines| drop(lines.remove(1)));
            },
            &[("missing", FILE, 2, Some(2))],
        ),
        (
            "repeated",
            "line 2 stands there twice",
            |path| {
                edit(path, |lines| lines.insert(2, lines[1].clone()));
            },
            &[("repeated", FILE, 3, Some(1))],
        ),
        (
            "forked",
            "a line with the number of line 3 was put in before it",
            |path| {
                edit(path, |lines| {
                    lines.insert(2, lines[2].replacen("files:read", "files:list", 1));
                });
            },
            &[("forked", FILE, 4, Some(2)), ("edited", FILE, 5, Some(3))],
        ),
        (
            "misplaced",
            "lines 2 and 3 were exchanged",
            |path| {
                edit(path, |lines| lines.swap(1, 2));
            },
            &[
                ("missing", FILE, 2, Some(2)),
                ("misplaced", FILE, 3, Some(1)),
            ],
        ),
        (
            "foreign",
            "two lines of another log stand after line 2",
            |path| {
                let other = path.with_file_name("other.jsonl");
                log(&other, 50..51);
                let text = fs::read_to_string(&other).unwrap();
                edit(path, |lines| lines.insert(2, text));
                fs::remove_file(&other).unwrap();
                fs::remove_file(Head::path(&other)).unwrap();
            },
            &[("foreign", FILE, 3, Some(0))],
        ),
        (
            "truncated",
            "the last line was cut off; the head file tells of it",
            |path| {
                edit(path, |lines| drop(lines.pop()));
            },
            &[("truncated", FILE, 0, Some(4))],
        ),
        (
            "rewritten",
            "the last line is another; the head file tells of it",
            |path| {
                edit(path, |lines| {
                    let last = lines.pop().unwrap();
                    lines.push(last.replacen("\"dry_run\":false", "\"dry_run\":true", 1));
                });
            },
            &[("rewritten", FILE, 5, Some(4))],
        ),
    ];
    let mut vectors: Vec<Vector> = rows
        .into_iter()
        .map(|(name, about, make, problems)| {
            let expect = Expect {
                integrity: "not_intact",
                complete: false,
                problems,
            };
            Vector {
                name,
                about,
                make,
                expect,
                row: None,
            }
        })
        .collect();
    let vector = |name, about, make: fn(&Path), expect| Vector {
        name,
        about,
        make,
        expect,
        row: None,
    };
    vectors.push(vector(
        "unfinished",
        "the beginning of a line at the end",
        |path| {
            log(path, 0..4);
            append(path, "{\"ts\":\"2026");
        },
        INTACT,
    ));
    vectors.push(vector(
        "unchecked",
        "plain lines alone",
        |path| {
            fs::write(path, lines_of(100..102)).unwrap();
        },
        Expect {
            integrity: "unchecked",
            complete: false,
            problems: &[],
        },
    ));
    vectors
}

/// Changes the lines of a log of four calls, which ends with line 5.
fn edit(path: &Path, change: impl FnOnce(&mut Vec<String>)) {
    log(path, 0..4);
    let text = fs::read_to_string(path).unwrap();
    let mut lines: Vec<String> = text.split_inclusive('\n').map(String::from).collect();
    change(&mut lines);
    fs::write(path, lines.concat()).unwrap();
}
