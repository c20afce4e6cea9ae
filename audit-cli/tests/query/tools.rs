//! The commands of `docs/query.md`, run on a log.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::made::{MOST_BYTES, calls, chained};
use crate::support::{Dir, Ran, can, finish, skip, usual};

const DOCS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs");

/// The commands of one language, in order.
fn commands(language: &str) -> Vec<String> {
    let text = fs::read_to_string(format!("{DOCS}/query.md")).unwrap();
    let blocks = text.split("\n```").skip(1).step_by(2);
    let blocks = blocks.filter_map(|block| block.strip_prefix(&format!("{language}\n")));
    blocks.map(str::to_owned).collect()
}

/// A directory with a log of several files, where the commands run.
fn log() -> Dir {
    let dir = Dir::new();
    let events: Vec<_> = (0..40).flat_map(|_| calls()).collect();
    chained(&dir.path("audit.jsonl"), &events, Some(MOST_BYTES));
    fs::copy(
        format!("{DOCS}/audit.lnav.json"),
        dir.path("audit.lnav.json"),
    )
    .unwrap();
    dir
}

fn run_in(dir: &Dir, program: &str, args: &[&str]) -> Ran {
    let mut command = Command::new(program);
    command.args(args).current_dir(dir.path("."));
    usual(&mut command);
    // lnav keeps what is installed there; `audit` is the one that was built.
    command
        .env("HOME", dir.path("."))
        .env_remove("XDG_CONFIG_HOME");
    let audit = Path::new(env!("CARGO_BIN_EXE_audit")).parent().unwrap();
    let path = std::env::var_os("PATH").unwrap_or_default();
    let paths = [PathBuf::from(audit)]
        .into_iter()
        .chain(std::env::split_paths(&path));
    command.env("PATH", std::env::join_paths(paths).unwrap());
    let ran = finish(&mut command, "");
    assert_eq!(ran.code, Some(0), "{args:?}\n{}\n{}", ran.out, ran.err);
    ran
}

#[test]
fn commands_of_the_shell() {
    let dir = log();
    let mut seen = 0;
    for block in commands("sh") {
        let tool = block.split(' ').next().unwrap();
        let needs: &[&str] = match tool {
            "audit" => &["sh"],
            "jq" => &["sh", "jq", "sort", "uniq"],
            "lnav" => &["sh", "lnav"],
            other => panic!("{other} is not known"),
        };
        if !can("commands_of_the_shell", needs) {
            continue;
        }
        let ran = run_in(&dir, "sh", &["-euc", &block]);
        assert!(!ran.out.is_empty() || !ran.err.is_empty(), "{block}");
        seen += 1;
    }
    assert!(seen > 0);
    assert!(dir.read("denied.csv").lines().count() == 41);
}

#[test]
fn commands_of_jq_count_what_audit_counts() {
    if !can("commands_of_jq_count_what_audit_counts", &["jq", "sh"]) {
        return;
    }
    let dir = log();
    let blocks = commands("sh");
    let jq = blocks.iter().find(|block| block.starts_with("jq")).unwrap();
    let ran = run_in(&dir, "sh", &["-euc", jq]);
    // 40 times 9 calls through all files, by the last command alone.
    let counts = ran.out.lines().rev().take(3).map(|line| {
        line.split_whitespace()
            .next()
            .unwrap()
            .parse::<u64>()
            .unwrap()
    });
    assert_eq!(counts.sum::<u64>(), 360);
}

#[test]
fn statements_of_duckdb() {
    if !can("statements_of_duckdb", &["duckdb"]) {
        return;
    }
    let dir = log();
    let all = commands("sql").concat() + "SELECT 'calls', count(*) FROM calls;";
    let ran = run_in(&dir, "duckdb", &["-csv", "-c", &all]);
    assert!(ran.out.ends_with("calls,360\n"), "{}", ran.out);
}

#[test]
fn programs_of_pandas() {
    let python = std::env::var("AUDIT_PYTHON").unwrap_or("python3".into());
    let has = Command::new(&python).args(["-c", "import pandas"]).output();
    if !has.is_ok_and(|output| output.status.success()) {
        skip(
            "programs_of_pandas",
            "a python3 with pandas, or AUDIT_PYTHON",
        );
        return;
    }
    let dir = log();
    for program in commands("python") {
        let ran = run_in(&dir, &python, &["-c", &program]);
        assert!(ran.out.contains("success"), "{}", ran.out);
    }
}
