use std::fs;
use std::process::Command;

use crate::support::{Dir, can, finish, path_text, run, run_with, usual};

#[test]
fn the_head_is_what_verify_compares_with() {
    let dir = Dir::new();
    let log = path_text(&dir.log("audit.jsonl", 3));
    let (code, head) = run(&["head", &log]).quiet();
    assert_eq!(code, 0);
    assert_eq!(dir.masked(&head), "3:HASH\n");
    let (code, report) = run(&["verify", "--json", "--head", head.trim(), &log]).quiet();
    let report: serde_json::Value = serde_json::from_str(&report).unwrap();
    assert_eq!(code, 0);
    assert_eq!(report["logs"][0]["heads"][0]["finding"], "agrees");
    let last = &report["logs"][0]["last"];
    assert_eq!(
        head.trim(),
        format!("{}:{}", last["seq"], last["hash"].as_str().unwrap())
    );
    // Of a stream too, and of the directory.
    let text = fs::read(&log).unwrap();
    assert_eq!(run_with(&["head", "-"], text).quiet(), (0, head.clone()));
    assert_eq!(run(&["head", &dir.text("")]).quiet(), (0, head));
}

#[test]
fn a_log_that_does_not_end_as_its_head_file_says_has_none() {
    let dir = Dir::new();
    let log = dir.log("audit.jsonl", 3);
    let whole = fs::read_to_string(&log).unwrap();
    let without_last = &whole[..=whole.trim_end().rfind('\n').unwrap()];
    fs::write(&log, without_last).unwrap();
    let ran = run(&["head", &path_text(&log)]);
    assert_eq!((ran.code, &*ran.out), (Some(1), ""));
    let wanted = "audit: error: audit.jsonl: the log ends before line #3, of which its head file \
                  tells; `audit verify` says more\n";
    assert_eq!(dir.masked(&ran.err), wanted);
    // The last line is another one.
    fs::write(
        &log,
        whole.replace("\"tier\":\"audit\"", "\"tier\":\"hidden\""),
    )
    .unwrap();
    let ran = run(&["head", &path_text(&log)]);
    assert_eq!((ran.code, &*ran.out), (Some(1), ""));
    assert!(
        ran.err.contains("has another line than line #3"),
        "{}",
        ran.err
    );
    // A line after what the head file knows of that doesn't link.
    let (_, stale) = (
        fs::write(&log, &whole).unwrap(),
        fs::read(dir.path("audit.jsonl.head")),
    );
    dir.log("audit.jsonl", 3);
    fs::write(dir.path("audit.jsonl.head"), stale.unwrap()).unwrap();
    assert_eq!(run(&["head", &path_text(&log)]).code, Some(0));
    let edited = fs::read_to_string(&log)
        .unwrap()
        .replace("call-2\"", "call-3\"");
    fs::write(&log, edited).unwrap();
    let ran = run(&["head", &path_text(&log)]);
    assert_eq!((ran.code, &*ran.out), (Some(1), ""));
    assert!(ran.err.contains("doesn't follow"), "{}", ran.err);
}

#[test]
fn without_a_chain_there_is_no_head() {
    let dir = Dir::new();
    let full = format!(
        "{{\"ts\":\"2026-11-20T09:30:00Z\",\"call_id\":\"1\",\"schema_version\":3,\
                        \"secrets_resolved\":false,{}}}\n",
        crate::support::rest()
    );
    let plain = dir.write("plain.jsonl", full.repeat(3));
    for (path, stdin) in [(path_text(&plain), String::new()), ("-".into(), full)] {
        let ran = run_with(&["head", &path], stdin);
        assert_eq!((ran.code, &*ran.out), (Some(2), ""));
        assert!(
            ran.err.contains("no line of it is part of a chain"),
            "{}",
            ran.err
        );
    }
    assert_eq!(run(&["head", &dir.text("nothing.jsonl")]).code, Some(2));
    dir.log("one.jsonl", 1);
    let ran = run(&["head", &dir.text("")]);
    assert_eq!(ran.code, Some(2));
    assert!(ran.err.contains("2 logs"), "{}", ran.err);
}

#[test]
fn sync_syncs_the_file_and_its_directory() {
    if !can("sync_syncs_the_file_and_its_directory", &["strace"]) {
        return;
    }
    let dir = Dir::new();
    let log = path_text(&dir.log("audit.jsonl", 1));
    let syncs = |args: &[&str]| {
        let trace = dir.text("trace");
        let mut strace = Command::new("strace");
        usual(strace.args(["-f", "-y", "-o", &trace, "-e", "trace=fsync,fdatasync"]));
        strace.arg(env!("CARGO_BIN_EXE_audit")).args(args).arg(&log);
        assert_eq!(finish(&mut strace, "").code, Some(0));
        let text = dir.read("trace");
        let calls = text
            .lines()
            .filter(|line| line.contains("sync(") && line.ends_with("= 0"));
        calls.map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(syncs(&["head"]), [""; 0]);
    let synced = syncs(&["head", "--sync"]);
    assert!(
        synced.len() == 2 && synced[0].contains("/audit.jsonl>"),
        "{synced:?}"
    );
}
