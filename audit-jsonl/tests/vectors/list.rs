//! Which vectors there are, and how each is made.

use std::fs;
use std::path::Path;

use audit_testkit::{DEADLINE, within};
use serde_json::{Value, json};

use crate::file::{self, State, vectors};
use crate::support::{Dir, log};
use crate::{damaged, heads, members};

/// A log, as somebody found it.
pub(crate) struct Vector {
    pub(crate) name: &'static str,
    pub(crate) about: &'static str,
    /// Makes it in an empty directory. It is called `audit.jsonl`.
    pub(crate) make: fn(&Path),
    pub(crate) expect: Expect,
    /// What a writer does then, for a row of the head table.
    pub(crate) row: Option<Row>,
}

/// What a verifier says.
pub(crate) struct Expect {
    pub(crate) integrity: &'static str,
    pub(crate) complete: bool,
    /// Kind, file, line (0 for none) and `seq`.
    pub(crate) problems: &'static [(&'static str, &'static str, u64, Option<u64>)],
}

pub(crate) struct Row {
    /// Whether the head file was written since the machine was started, and says of
    /// the very file that bears the log's name.
    pub(crate) this_boot: bool,
    pub(crate) this_file: bool,
    /// After a writer has recorded call 10.
    pub(crate) after: Expect,
}

pub(crate) const WHOLE: Expect = Expect {
    integrity: "intact",
    complete: true,
    problems: &[],
};
pub(crate) const INTACT: Expect = Expect {
    integrity: "intact",
    complete: false,
    problems: &[],
};

fn all() -> Vec<Vector> {
    let parts = [members::all(), heads::all(), damaged::all()];
    parts.into_iter().flatten().collect()
}

#[test]
fn each_is_there() {
    within(DEADLINE, || {
        let add = std::env::var("AUDIT_VECTORS").is_ok_and(|what| what == "add");
        for vector in all() {
            let path = vectors().join(vector.name);
            if add && !path.exists() {
                make(&vector, &path);
            }
            let text = fs::read_to_string(path.join("vector.json")).unwrap_or_default();
            let value: Value = serde_json::from_str(&text).unwrap_or_default();
            assert_eq!(
                value["about"], vector.about,
                "{}: AUDIT_VECTORS=add makes it",
                vector.name
            );
        }
        let names = fs::read_dir(vectors()).unwrap();
        assert_eq!(names.count(), all().len(), "some are not in the list");
    });
}

fn make(vector: &Vector, path: &Path) {
    let dir = Dir::new();
    let log_path = dir.path("audit.jsonl");
    (vector.make)(&log_path);
    let mut value = json!({"about": vector.about});
    match &vector.row {
        None => value["log"] = save(&dir, &path.join("log"), &vector.expect),
        Some(row) => {
            file::place_head(&log_path, row.this_boot, row.this_file);
            let mut before = save(&dir, &path.join("before"), &vector.expect);
            before["head_file"]["this_boot"] = row.this_boot.into();
            before["head_file"]["this_file"] = row.this_file.into();
            value["before"] = before;
            log(&log_path, [10]);
            value["after"] = save(&dir, &path.join("after"), &row.after);
        }
    }
    fs::write(path.join("vector.json"), format!("{value:#}\n")).unwrap();
}

/// Copies the files there, and says what is in them.
fn save(dir: &Dir, to: &Path, expect: &Expect) -> Value {
    fs::create_dir_all(to).unwrap();
    for name in dir.names() {
        fs::copy(dir.path(&name), to.join(&name)).unwrap();
    }
    file::take_machine_out(&to.join("audit.jsonl"));
    let state = State::of(to);
    let problems = expect.problems.iter().map(|(kind, file, line, seq)| {
        let line = Some(*line).filter(|line| *line > 0);
        json!({"kind": kind, "file": file, "line": line, "seq": seq})
    });
    json!({
        "leaves": state.leaves,
        "head": state.head,
        "head_file": {"is_there": state.has_head_file},
        "expect": {
            "integrity": expect.integrity,
            "complete": expect.complete,
            "problems": problems.collect::<Vec<_>>(),
        },
    })
}
