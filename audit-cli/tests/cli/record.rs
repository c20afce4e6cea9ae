use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::process::{Child, Stdio};

use serde_json::Value;

use crate::support::{
    Dir, audit, event, kill, lines, on_terminal, path_text, reading, rest, run, run_with, until,
    wait,
};

fn record(log: &Path, stdin: impl AsRef<[u8]>) -> crate::support::Ran {
    run_with(&["record", "--log", &path_text(log)], stdin)
}

/// That the log is intact and closed, and holds so many calls.
#[track_caller]
fn assert_whole(log: &Path, calls: u64) {
    let (code, out) = run(&["verify", "--json", "--require-complete", &path_text(log)]).quiet();
    assert_eq!(code, 0, "{out}");
    let report: Value = serde_json::from_str(&out).unwrap();
    assert_eq!(report["logs"][0]["completeness"]["calls"], calls);
}

#[test]
fn events_become_lines_and_what_is_missing_is_filled_in() {
    let dir = Dir::new();
    let log = dir.path("audit.jsonl");
    let ran = record(&log, format!("{}{{{}}}\n", event(7), rest()));
    assert_eq!(ran.quiet(), (0, String::new()));
    let lines = lines(&log);
    assert_eq!(lines.len(), 3);
    assert_eq!(lines[0]["call_id"], "call-7");
    assert_eq!(lines[0]["ts"], "2026-11-20T09:30:07.000000Z");
    assert_eq!(lines[0]["tool_id"], "files:read");
    assert_eq!(lines[1]["call_id"].as_str().unwrap().len(), 26);
    assert!(lines[1]["ts"].as_str().unwrap().ends_with('Z'));
    assert_eq!(lines[1]["schema_version"], 3);
    assert_whole(&log, 2);
}

#[test]
fn bad_lines_are_told_by_line_and_column() {
    let dir = Dir::new();
    let log = dir.path("audit.jsonl");
    let mut input = event(0).into_bytes();
    input.extend_from_slice(b"hunter2\n\n{\"tool_id\":[\"hunter2\"]}\r\n");
    input.extend_from_slice(b"{\"tool_id\":\"hunter2\xff\"}\n");
    input.extend_from_slice(
        event(1)
            .replace("\"success\"", "\"rate_limited\"")
            .as_bytes(),
    );
    input.extend_from_slice(event(2).trim_end().as_bytes());
    let ran = record(&log, &input);
    assert_eq!((ran.code, &*ran.out), (Some(1), ""));
    assert_eq!(
        ran.err.replace(&path_text(&log), "LOG"),
        "audit: error: stdin:2:1: expected value
audit: error: stdin:4:22: member `tool_id` must be a string
audit: error: stdin:5:20: bytes that are not UTF-8
audit: error: stdin:6:162: kind `rate_limited` lacks its member `retry_after_ms`
audit: 2 events recorded in LOG; 4 lines were not
"
    );
    assert_whole(&log, 2);
}

#[test]
fn unknown_members_are_counted_and_told() {
    let dir = Dir::new();
    let log = dir.path("audit.jsonl");
    let with = |more: &str| event(0).replacen('{', &format!("{{{more},"), 1);
    let mut input = with("\"user\":{\"id\":1},\"team\":2") + &with("\"user\":3") + &event(1);
    let ran = record(&log, &input);
    assert_eq!(ran.code, Some(0));
    let told = ran.err.replace(&path_text(&log), "LOG");
    assert_eq!(
        told,
        "audit: warning: 3 unknown members were not recorded: user (2), team (1)
audit: 3 events recorded in LOG
"
    );
    // No more than ten names.
    input = (0..30).map(|n| with(&format!("\"m{n:02}\":1"))).collect();
    let err = record(&log, &input).err;
    assert!(
        err.contains("30 unknown members") && err.contains("m09 (1) and others\n"),
        "{err}"
    );
    assert_whole(&log, 33);
}

#[test]
fn strict_stops_at_the_first_that_is_wrong() {
    for (wrong, told) in [
        ("nonsense\n".to_owned(), "stdin:3:2: expected ident"),
        (
            event(5).replacen('{', "{\"user\":1,", 1),
            "stdin:3:1: the member `user` is unknown",
        ),
    ] {
        let dir = Dir::new();
        let log = dir.path("audit.jsonl");
        let input = event(0) + &event(1) + &wrong + &event(2);
        let ran = run_with(&["record", "--strict", "--log", &path_text(&log)], input);
        assert_eq!(ran.code, Some(1));
        assert!(ran.err.contains(told), "{}", ran.err);
        assert_whole(&log, 2);
    }
}

#[test]
fn several_files_and_stdin() {
    let dir = Dir::new();
    let log = dir.path("audit.jsonl");
    dir.write("one", event(1).trim_end());
    dir.write("two", format!("\u{feff}\n{}", event(2)));
    let args = [
        "record",
        "--log",
        &path_text(&log),
        &dir.text("one"),
        "-",
        &dir.text("two"),
    ];
    let ran = run_with(&args, event(3));
    assert_eq!(ran.code, Some(1));
    assert!(
        dir.masked(&ran.err).starts_with("audit: error: two:1:1: "),
        "{}",
        ran.err
    );
    let ids: Vec<Value> = lines(&log)
        .iter()
        .map(|line| line["call_id"].clone())
        .collect();
    assert_eq!(ids[..3], ["call-1", "call-3", "call-2"]);
    assert_whole(&log, 3);
}

#[test]
fn a_second_run_goes_on_with_the_chain() {
    let dir = Dir::new();
    let log = dir.log("audit.jsonl", 3);
    dir.log("audit.jsonl", 2);
    assert_eq!(lines(&log)[4]["chain"]["seq"], 4);
    assert_whole(&log, 5);
}

#[test]
fn what_cant_be_opened_is_named_and_nothing_is_recorded() {
    let dir = Dir::new();
    let log = dir.log("audit.jsonl", 1);
    let before = fs::read(&log).unwrap();
    dir.write("events", event(1));
    dir.write("notes.txt", "no log\n");
    for (log, file, wanted) in [
        (
            "no/audit.jsonl",
            "events",
            "no/audit.jsonl: its directory does not exist; make it",
        ),
        (
            "notes.txt",
            "events",
            "the log notes.txt can't be opened: the line at byte 0",
        ),
        (
            "audit.jsonl",
            "nothing",
            "nothing: No such file or directory (os error 2)",
        ),
        (
            "audit.jsonl",
            "audit.jsonl",
            "audit.jsonl: it is the log itself, which would grow",
        ),
    ] {
        let ran = run(&[
            "record",
            "--log",
            &dir.text(log),
            &dir.text("events"),
            &dir.text(file),
        ]);
        assert_eq!((ran.code, &*ran.out), (Some(2), ""), "{log} {file}");
        let err = dir.masked(&ran.err);
        assert!(err.starts_with(&format!("audit: error: {wanted}")), "{err}");
    }
    assert_eq!(fs::read(&log).unwrap(), before);
}

/// A run whose stdin stays open.
fn started(log: &Path, options: &[&str]) -> Child {
    let mut command = audit(&["record", "--log", &path_text(log)]);
    let command = command.args(options).stdin(Stdio::piped());
    command
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}

#[test]
fn a_signal_closes_the_log() {
    for (signal, code) in [("TERM", 143), ("INT", 130)] {
        let dir = Dir::new();
        let log = dir.path("audit.jsonl");
        let mut child = started(&log, &[]);
        let err = reading(child.stderr.take().unwrap());
        let mut stdin = child.stdin.take().unwrap();
        stdin
            .write_all((0..50).map(event).collect::<String>().as_bytes())
            .unwrap();
        until("the lines are there", || lines(&log).len() == 50);
        kill(child.id(), signal);
        assert_eq!(wait(&mut child).code(), Some(code));
        assert_eq!(err.recv().unwrap(), "");
        assert_whole(&log, 50);
    }
}

#[test]
fn durable_lines_are_there_before_more_is_read() {
    let dir = Dir::new();
    let log = dir.path("audit.jsonl");
    let mut child = started(&log, &["--durable"]);
    let mut stdin = child.stdin.take().unwrap();
    for number in 0..20 {
        stdin.write_all(event(number).as_bytes()).unwrap();
        until("the line is there", || {
            lines(&log).len() as u64 == number + 1
        });
    }
    drop(stdin);
    assert_eq!(wait(&mut child).code(), Some(0));
    assert_whole(&log, 20);
}

#[test]
fn a_line_without_end_takes_no_memory_without_end() {
    let dir = Dir::new();
    let log = dir.path("audit.jsonl");
    let mut input = event(0).into_bytes();
    input.resize(input.len() + (17 << 20), b' ');
    input.push(b'\n');
    input.extend_from_slice(event(1).as_bytes());
    let ran = record(&log, &input);
    assert_eq!(ran.code, Some(1));
    assert!(
        ran.err
            .contains("stdin:2:16777217: a line of more than 16 MiB"),
        "{}",
        ran.err
    );
    assert_whole(&log, 2);
}

#[test]
fn the_number_of_events_is_drawn_on_a_terminal() {
    let dir = Dir::new();
    let events = dir.write("events", (0..5).map(event).collect::<String>());
    let args = format!(
        "record --log '{}' '{}'",
        dir.text("a.jsonl"),
        events.display()
    );
    let test = "the_number_of_events_is_drawn_on_a_terminal";
    let Some(sent) = on_terminal(test, 80, "", &args) else {
        return;
    };
    assert!(sent.contains("events recorded, "), "{sent:?}");
    assert!(sent.contains("audit: 5 events recorded in "), "{sent:?}");
}
