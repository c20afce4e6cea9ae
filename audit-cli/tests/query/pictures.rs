//! What people see, to the letter.

use crate::made::{calls, hostile, plain};
use crate::support::{Dir, audit, finish, path_text};

#[track_caller]
fn looks(args: &[&str], text: &str, env: [(&str, &str); 2], wanted: &str) {
    let dir = Dir::new();
    let log = path_text(&dir.write("calls.jsonl", text));
    let mut command = audit(args);
    let (code, out) = finish(command.arg(log).envs(env), "").quiet();
    assert_eq!(code, 0);
    assert!(out == wanted, "{args:?} {env:?} looks like this:\n{out}");
}

const UTF_8: (&str, &str) = ("LC_ALL", "C.UTF-8");

#[test]
fn at_80_columns() {
    let columns = ("COLUMNS", "80");
    let (usual, bad) = (plain(&calls()), plain(&hostile()));
    let all = [UTF_8, columns];
    looks(
        &["query"],
        &usual,
        all,
        include_str!("pictures/query-80.txt"),
    );
    looks(
        &["query"],
        &bad,
        all,
        include_str!("pictures/query-hostile-80.txt"),
    );
    looks(
        &["stats"],
        &usual,
        all,
        include_str!("pictures/stats-80.txt"),
    );
    looks(
        &["stats", "--by", "caller"],
        &usual,
        all,
        include_str!("pictures/stats-caller-80.txt"),
    );
    looks(
        &["stats"],
        &bad,
        all,
        include_str!("pictures/stats-hostile-80.txt"),
    );
    let ascii = [("LC_ALL", "C"), columns];
    looks(
        &["stats"],
        &usual,
        ascii,
        include_str!("pictures/stats-ascii-80.txt"),
    );
    looks(
        &["query"],
        &usual,
        ascii,
        include_str!("pictures/query-ascii-80.txt"),
    );
}

#[test]
fn at_120_columns() {
    let all = [UTF_8, ("COLUMNS", "120")];
    let (usual, bad) = (plain(&calls()), plain(&hostile()));
    looks(
        &["query"],
        &usual,
        all,
        include_str!("pictures/query-120.txt"),
    );
    looks(
        &["query"],
        &bad,
        all,
        include_str!("pictures/query-hostile-120.txt"),
    );
    looks(
        &["stats"],
        &usual,
        all,
        include_str!("pictures/stats-120.txt"),
    );
    looks(
        &["stats", "--by", "hour"],
        &usual,
        all,
        include_str!("pictures/stats-hour-120.txt"),
    );
    looks(
        &["stats"],
        &bad,
        all,
        include_str!("pictures/stats-hostile-120.txt"),
    );
}

#[test]
fn in_colour() {
    let usual = plain(&calls());
    let all = [UTF_8, ("COLUMNS", "80")];
    looks(
        &["query", "--color", "always"],
        &usual,
        all,
        include_str!("pictures/query-colour-80.txt"),
    );
    looks(
        &["stats", "--color", "always"],
        &usual,
        all,
        include_str!("pictures/stats-colour-80.txt"),
    );
}

#[test]
fn no_line_of_a_table_is_wider_than_a_narrow_terminal() {
    let dir = Dir::new();
    let log = path_text(&dir.write("audit.jsonl", plain(&calls())));
    for columns in [20, 24, 30, 40, 60, 80] {
        for args in [&["query", &log][..], &["tail", &log], &["stats", &log]] {
            let mut command = audit(args);
            let (code, out) = finish(command.env("COLUMNS", columns.to_string()), "").quiet();
            let table: Vec<&str> = match args[0] {
                // The first line is a sentence.
                "stats" => out.split("\n\n").nth(1).unwrap().lines().collect(),
                _ => out.lines().collect(),
            };
            assert!(code == 0 && table.len() > 3, "{out}");
            for line in table {
                assert!(
                    line.chars().count() <= columns,
                    "{columns}: {args:?}\n{out}"
                );
                let names = ["files:", "shell:", "…:", "TOOL", "all"];
                assert!(names.iter().any(|name| line.contains(name)), "{line}");
            }
        }
    }
}
