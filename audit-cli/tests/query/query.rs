use std::fs;
use std::process::Stdio;

use crate::made::{MOST_BYTES, calls, chained, hostile, lines_of, plain};
use crate::support::{Dir, audit, finish, on_terminal, path_text, reading, run, run_with, wait};

/// The `call_id`s of what a query finds.
fn found(args: &[&str], log: &str) -> String {
    let mut all = vec!["query", log, "--format", "jsonl"];
    all.extend(args);
    let (code, out) = run(&all).quiet();
    assert_eq!(code, 0);
    let ids = out.lines().map(|line| {
        let line: serde_json::Value = serde_json::from_str(line).unwrap();
        line["call_id"].as_str().unwrap().to_owned()
    });
    ids.collect::<Vec<String>>().join(" ")
}

#[test]
fn each_option_chooses() {
    let dir = Dir::new();
    let log = dir.write("calls.jsonl", plain(&calls()));
    let chain = dir.path("audit.jsonl");
    chained(&chain, &calls(), None);
    for (args, wanted) in [
        (&[][..], "c0 c1 c2 c3 c4 c5 c6 c7 c8"),
        (&["--tool", "files:*"], "c0 c1 c3 c4 c6 c7"),
        (
            &["--tool", "files:list", "--tool", "shell:*"],
            "c1 c2 c4 c5 c7 c8",
        ),
        (&["--tool", "{shell,web}:r?n"], "c2 c5 c8"),
        (&["--caller", "assistant"], "c0 c4 c8"),
        (&["--caller", "[!a]*"], "c1 c5"),
        (&["--caller", ""], "c2 c3 c6 c7"),
        (&["--outcome", "success"], "c0 c2 c6"),
        (&["--outcome", "denied,rate_limited"], "c3 c4"),
        (&["--outcome", "unknown"], "c8"),
        (&["--failed"], "c1 c3 c4 c5 c7 c8"),
        (&["--failed", "--outcome", "success"], ""),
        (&["--capability", "net"], "c3"),
        (&["--capability", "fs.*", "--caller", "editor"], "c1 c5"),
        (&["--call-id", "c3"], "c3"),
        (&["--since", "2026-11-20T10:00:00Z"], "c3 c4 c5 c6 c7 c8"),
        (&["--until", "2026-11-20T10:00:00Z"], "c0 c1 c2"),
        (
            &[
                "--since",
                "2026-11-20 10:00",
                "--until",
                "2026-11-20T12:10:00+02:00",
            ],
            "c3",
        ),
        (&["--since", "2026-11-21"], ""),
        (&["--min-duration", "1s"], "c3 c4 c8"),
        (&["-n", "2"], "c0 c1"),
        (&["-n", "0"], ""),
        (&["--reverse"], "c8 c7 c6 c5 c4 c3 c2 c1 c0"),
        (&["--reverse", "-n", "2", "--failed"], "c8 c7"),
    ] {
        assert_eq!(found(args, &path_text(&log)), wanted, "{args:?}");
        assert_eq!(found(args, &path_text(&chain)), wanted, "chained: {args:?}");
    }
}

#[test]
fn jsonl_is_the_very_lines_through_all_files() {
    let dir = Dir::new();
    let log = dir.path("audit.jsonl");
    let events: Vec<_> = (0..60).flat_map(|_| calls()).chain(hostile()).collect();
    chained(&log, &events, Some(MOST_BYTES));
    let directory = log.parent().unwrap();
    assert!(fs::read_dir(directory).unwrap().count() > 4);
    let lines = lines_of(directory);
    assert_eq!(lines.lines().count(), events.len());
    for path in [path_text(&log), path_text(directory)] {
        let (_, out) = run(&["query", &path, "--format", "jsonl"]).quiet();
        assert!(out == lines, "{path}");
        let (_, out) = run(&["query", &path, "--format", "jsonl", "--reverse"]).quiet();
        let reversed: String = lines
            .lines()
            .rev()
            .map(|line| line.to_owned() + "\n")
            .collect();
        assert!(out == reversed, "{path}");
    }
}

#[test]
fn lines_that_two_files_hold_count_once() {
    let dir = Dir::new();
    let log = dir.path("audit.jsonl");
    chained(&log, &calls(), None);
    let text = fs::read_to_string(&log).unwrap();
    let lines: Vec<&str> = text.split_inclusive('\n').collect();
    let first: serde_json::Value = serde_json::from_str(lines[0]).unwrap();
    let stream = first["chain"]["stream"].as_str().unwrap();
    // As a sync that failed leaves them: the new file begins with lines of the old.
    dir.write(
        &format!("audit-{}-{:020}.jsonl", &stream[..8], 0),
        lines[..6].concat(),
    );
    dir.write("audit.jsonl", lines[3..].concat());
    assert_eq!(found(&[], &path_text(&log)), "c0 c1 c2 c3 c4 c5 c6 c7 c8");
    assert_eq!(
        found(&["--reverse"], &path_text(&log)),
        "c8 c7 c6 c5 c4 c3 c2 c1 c0"
    );
}

#[test]
fn several_logs_come_one_after_the_other() {
    let dir = Dir::new();
    let one = path_text(&dir.write("one.jsonl", plain(&calls()[..2])));
    let other = path_text(&dir.path("other.jsonl"));
    chained(&dir.path("other.jsonl"), &calls()[2..4], None);
    assert_eq!(found(&[&one], &other), "c2 c3 c0 c1");
    assert_eq!(found(&[&one, "--reverse"], &other), "c1 c0 c3 c2");
    assert_eq!(found(&[&one, &one], &one), "c0 c1");
}

#[test]
fn stdin_is_a_log_too() {
    let text = plain(&calls());
    // In a pipe the last line is whole without a line feed.
    let text = text.trim_end();
    let args = ["query", "-", "--format", "jsonl", "--failed", "-n", "2"];
    let expected = |nths: [usize; 2]| nths.map(|nth| plain(&calls()[nth..=nth])).concat();
    assert_eq!(run_with(&args, text).quiet(), (0, expected([1, 3])));
    let args = ["query", "-", "--format", "jsonl", "--reverse", "-n", "2"];
    assert_eq!(run_with(&args, text).quiet(), (0, expected([8, 7])));
    let args = ["query", "-", "--format", "jsonl"];
    assert_eq!(run_with(&args, "").quiet(), (0, String::new()));
}

#[test]
fn a_log_that_is_empty_or_has_no_calls() {
    let dir = Dir::new();
    let log = dir.path("audit.jsonl");
    chained(&log, &[], None);
    let empty = path_text(&dir.write("empty.jsonl", ""));
    for path in [path_text(&log), empty] {
        for format in ["table", "jsonl"] {
            let ran = run(&["query", &path, "--format", format]);
            assert_eq!(ran.quiet(), (0, String::new()));
        }
        let (_, out) = run(&["query", &path, "--format", "csv"]).quiet();
        assert_eq!(out.lines().count(), 1);
    }
}

#[test]
fn csv_has_values_as_they_are() {
    let dir = Dir::new();
    let events: Vec<_> = calls().into_iter().chain(hostile()).collect();
    let log = path_text(&dir.write("calls.jsonl", plain(&events)));
    let (_, out) = run(&["query", &log, "--format", "csv"]).quiet();
    let mut reader = csv::Reader::from_reader(out.as_bytes());
    let heading = reader.headers().unwrap().clone();
    let records: Vec<csv::StringRecord> = reader.records().map(Result::unwrap).collect();
    assert_eq!(records.len(), events.len());
    for (record, event) in records.iter().zip(&events) {
        let value = |name| {
            let column = heading.iter().position(|heading| heading == name);
            record.get(column.unwrap()).unwrap()
        };
        assert_eq!(value("tool_id"), event.tool_id);
        assert_eq!(
            value("caller_id"),
            event.caller_id.as_deref().unwrap_or_default()
        );
        assert_eq!(value("outcome"), event.outcome.kind());
        assert_eq!(value("duration_ms"), event.duration_ms.to_string());
        assert_eq!((value("stream"), value("seq")), ("", ""));
        let granted: Vec<String> = serde_json::from_str(value("granted_capabilities")).unwrap();
        assert_eq!(granted, event.granted_capabilities);
    }
    let chain = dir.path("audit.jsonl");
    chained(&chain, &events[..2], None);
    let (_, out) = run(&["query", &path_text(&chain), "--format", "csv"]).quiet();
    assert!(out.lines().nth(2).unwrap().ends_with(",1"), "{out}");
    let denied = &records[3];
    assert_eq!(&denied[10], "[\"fs.write\",\"net\"]");
    assert_eq!(&records[4][11], "1500");
    assert_eq!((&records[1][7], &records[1][8]), ("ENOENT", "false"));
}

#[test]
fn nothing_hostile_reaches_a_terminal() {
    let dir = Dir::new();
    let log = path_text(&dir.write("hostile.jsonl", plain(&hostile())));
    for verb in [
        "query",
        "tail",
        "stats",
        "query --format csv",
        "query --format jsonl",
        "tail --format jsonl",
        "stats --format json",
    ] {
        let args = format!("{verb} {log}");
        let Some(out) = on_terminal(
            "nothing_hostile_reaches_a_terminal",
            100,
            "NO_COLOR=1",
            &args,
        ) else {
            return;
        };
        // The terminal adds the carriage returns at the ends of lines.
        let out = out.replace("\r\n", "\n");
        let hostile = |c: &char| {
            (c.is_control() && *c != '\n') || "\u{202e}\u{2066}\u{2028}\u{feff}".contains(*c)
        };
        assert_eq!(out.chars().find(hostile), None, "{verb}:\n{out}");
        assert!(out.contains("plain"), "{verb}:\n{out}");
    }
}

#[test]
fn colours_are_for_terminals_and_for_who_asks() {
    let dir = Dir::new();
    let log = path_text(&dir.write("calls.jsonl", plain(&calls())));
    for verb in ["query", "tail", "stats"] {
        let (_, out) = run(&[verb, &log]).quiet();
        assert!(!out.contains('\x1b'), "{verb}");
        let (_, painted) = run(&[verb, &log, "--color", "always"]).quiet();
        assert!(painted.contains("\x1b[32m"), "{verb}");
        let mut command = audit(&[verb, &log, "--color", "never"]);
        let never = finish(command.env("CLICOLOR_FORCE", "1"), "").quiet();
        assert_eq!(never, (0, out), "{verb}");
    }
}

#[test]
fn a_reader_that_has_seen_enough_ends_it_quietly() {
    let dir = Dir::new();
    let events: Vec<_> = (0..500).flat_map(|_| calls()).collect();
    let log = path_text(&dir.write("calls.jsonl", plain(&events)));
    for args in [
        ["query", &log, "--format=jsonl"],
        ["query", &log, "--format=table"],
        ["stats", &log, "--by=tool"],
    ] {
        let mut command = audit(&args);
        let command = command.stdin(Stdio::null()).stdout(Stdio::piped());
        let mut child = command.stderr(Stdio::piped()).spawn().unwrap();
        drop(child.stdout.take());
        let err = reading(child.stderr.take().unwrap());
        assert_eq!(wait(&mut child).code(), Some(0), "{args:?}");
        assert_eq!(err.recv().unwrap(), "", "{args:?}");
    }
}

#[test]
fn what_makes_no_sense_ends_with_2() {
    let dir = Dir::new();
    let log = path_text(&dir.write("calls.jsonl", plain(&calls())));
    let nowhere = path_text(&dir.path("nowhere.jsonl"));
    for (args, told) in [
        (&["query"][..], "PATH"),
        (&["query", &nowhere], "no such file"),
        (&["stats", &nowhere], "no such file"),
        (&["tail", &nowhere], "no such file"),
        (&["query", &log, "--tool", "[a"], "`[` without `]`"),
        (&["query", &log, "--since", "noonish"], "yesterday"),
        (&["query", &log, "--min-duration", "2"], "250ms"),
        (&["query", &log, "--outcome", "fine"], "execution_failed"),
        (&["query", &log, "-n", "-1"], "-1"),
        (
            &["query", &log, "--since", "1h", "--until", "2h"],
            "is after",
        ),
        (
            &["stats", &log, "--since", "now", "--until", "today"],
            "is after",
        ),
        (
            &["tail", &log, "--since", "1h", "--until", "2h"],
            "is after",
        ),
        (&["stats", &log, "--by", "moon"], "caller"),
        (&["stats", &log, "--format", "jsonl"], "table"),
        (&["tail", &log, "--format", "csv"], "human"),
    ] {
        let ran = run(args);
        assert_eq!((ran.code, &*ran.out), (Some(2), ""), "{args:?}");
        assert!(
            ran.err.starts_with("audit: ") && ran.err.contains(told),
            "{args:?}: {}",
            ran.err
        );
    }
}

#[test]
fn calls_whose_time_is_none_are_told() {
    let dir = Dir::new();
    let text = plain(&calls()).replacen("2026-11-20T09:40:00.000000Z", "half past", 1);
    let log = path_text(&dir.write("calls.jsonl", text));
    let ran = run(&[
        "query",
        &log,
        "--until",
        "2026-11-20T09:55:00Z",
        "--format",
        "jsonl",
    ]);
    assert_eq!(ran.out.lines().count(), 2);
    assert!(
        ran.err
            .contains("1 calls were left out: their `ts` is no time"),
        "{}",
        ran.err
    );
    let ran = run(&["query", &log, "-n", "2"]);
    assert!(ran.out.contains("half past"), "{}", ran.out);
}
