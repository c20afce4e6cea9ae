//! A log for each row of the head table.

use std::fs;
use std::path::Path;

use crate::head_file::Head;
use crate::list::{Expect, INTACT, Row, Vector, WHOLE};
use crate::support::{append, cut_to, flip, lines_of, log};

const SAME: (bool, bool) = (true, true);
const OTHER_FILE: (bool, bool) = (true, false);
const OTHER_BOOT: (bool, bool) = (false, true);

const TRUNCATED: Expect = broken(&[("truncated", "audit.jsonl", 0, Some(2))]);

const fn broken(problems: &'static [(&'static str, &'static str, u64, Option<u64>)]) -> Expect {
    Expect {
        integrity: "not_intact",
        complete: false,
        problems,
    }
}

const fn unchecked(complete: bool) -> Expect {
    Expect {
        integrity: "unchecked",
        complete,
        problems: &[],
    }
}

pub(crate) fn all() -> Vec<Vector> {
    type Made = (
        &'static str,
        &'static str,
        (bool, bool),
        fn(&Path),
        Expect,
        Expect,
    );
    let rows: [Made; 14] = [
        ("head-agrees", "as the head says", SAME, two, WHOLE, WHOLE),
        (
            "head-longer-linked",
            "a line more than the head says",
            SAME,
            |path| {
                two(path);
                let head = fs::read(Head::path(path)).unwrap();
                log(path, 2..3);
                fs::write(Head::path(path), head).unwrap();
            },
            WHOLE,
            WHOLE,
        ),
        (
            "head-longer-plain",
            "plain lines after the head",
            SAME,
            |path| {
                two(path);
                append(path, lines_of([100, 101]));
            },
            INTACT,
            WHOLE,
        ),
        (
            "head-longer-torn",
            "the beginning of a line after the head",
            SAME,
            |path| {
                two(path);
                append(path, "{\"ts\":\"2026");
            },
            INTACT,
            INTACT,
        ),
        (
            "head-missing",
            "the log was moved away",
            OTHER_FILE,
            |path| {
                two(path);
                fs::rename(path, path.with_file_name("audit.jsonl.1")).unwrap();
            },
            TRUNCATED,
            INTACT,
        ),
        (
            "head-another-file",
            "another file has its name, with a plain line",
            OTHER_FILE,
            |path| {
                two(path);
                fs::write(path, lines_of([100])).unwrap();
            },
            TRUNCATED,
            INTACT,
        ),
        (
            "head-another-file-damaged",
            "another file has its name, and holds no records",
            OTHER_FILE,
            |path| {
                two(path);
                fs::write(path, "no record\n").unwrap();
            },
            broken(&[
                ("garbled", "audit.jsonl", 1, None),
                ("truncated", "audit.jsonl", 0, Some(2)),
            ]),
            INTACT,
        ),
        (
            "head-shorter",
            "somebody cut it",
            SAME,
            |path| {
                two(path);
                keep_one(path);
            },
            TRUNCATED,
            broken(&[("missing", "audit.jsonl", 2, Some(3))]),
        ),
        (
            "head-shorter-power",
            "a power loss cut it",
            OTHER_BOOT,
            |path| {
                two(path);
                keep_one(path);
            },
            INTACT,
            INTACT,
        ),
        (
            "head-empty-power",
            "a power loss left nothing",
            OTHER_BOOT,
            |path| {
                two(path);
                cut_to(path, 0);
            },
            unchecked(false),
            INTACT,
        ),
        (
            "head-another-line",
            "its last line is another than the head says",
            SAME,
            |path| {
                two(path);
                let text = fs::read_to_string(path).unwrap();
                let at = text.rfind("audit:log").unwrap();
                flip(path, at as u64);
            },
            broken(&[("rewritten", "audit.jsonl", 3, Some(2))]),
            INTACT,
        ),
        (
            "head-none",
            "there is no head file",
            SAME,
            |path| {
                two(path);
                fs::remove_file(Head::path(path)).unwrap();
            },
            WHOLE,
            WHOLE,
        ),
        (
            "head-damaged",
            "the head file's checksum is wrong",
            SAME,
            |path| {
                two(path);
                flip(&Head::path(path), 40);
            },
            WHOLE,
            WHOLE,
        ),
        (
            "head-none-plain",
            "there is no head file, and plain lines alone",
            SAME,
            |path| {
                fs::write(path, lines_of([100])).unwrap();
            },
            unchecked(false),
            WHOLE,
        ),
    ];
    let vector = |(name, about, (this_boot, this_file), make, expect, after): Made| {
        let row = Some(Row {
            this_boot,
            this_file,
            after,
        });
        Vector {
            name,
            about,
            make,
            expect,
            row,
        }
    };
    rows.into_iter().map(vector).collect()
}

/// Two calls and a closing line: the head is 2.
fn two(path: &Path) {
    log(path, 0..2);
}

fn keep_one(path: &Path) {
    let text = fs::read(path).unwrap();
    let end = text.iter().position(|byte| *byte == b'\n').unwrap() + 1;
    cut_to(path, end as u64);
}
