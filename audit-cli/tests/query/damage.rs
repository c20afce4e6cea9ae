use std::fs::{self, OpenOptions};
use std::io::Write as _;

use crate::made::{calls, chained, plain};
use crate::support::{Dir, path_text, run, run_with};

#[test]
fn each_damaged_line_is_told_once_with_its_place() {
    let dir = Dir::new();
    let mut lines: Vec<String> = plain(&calls())
        .split_inclusive('\n')
        .map(str::to_owned)
        .collect();
    lines[2] = "garbage\n".into();
    lines[5] = "{\"a\":1}\n".into();
    lines.push("{\"ts\":\"20".into());
    let log = path_text(&dir.write("calls.jsonl", lines.concat()));
    let at = |nth: usize| lines[..nth].concat().len();
    let told = [(3, at(2)), (6, at(5)), (10, at(9))]
        .map(|(line, byte)| format!("calls.jsonl:{line} (byte {byte}): "));
    for args in [
        &["query", &log, "--format", "jsonl"][..],
        &["query", &log],
        &["stats", &log],
    ] {
        let ran = run(args);
        assert_eq!(ran.code, Some(0), "{args:?}");
        let err = dir.masked(&ran.err);
        assert_eq!(err.lines().count(), 3, "{err}");
        for (line, told) in err.lines().zip(&told) {
            assert!(
                line.starts_with(&format!("audit: warning: {told}")),
                "{line}"
            );
            assert!(line.ends_with("; passed over"), "{line}");
            assert!(!line.contains("garbage"), "{line}");
        }
    }
    let ran = run(&["query", &log, "--reverse", "--format", "jsonl"]);
    assert_eq!(ran.out.lines().count(), 7);
    assert!(
        ran.err.contains(&format!("(byte {})", at(2))),
        "{}",
        ran.err
    );
    let ran = run_with(&["query", "-", "--format", "jsonl"], lines[..9].concat());
    assert!(
        ran.err.contains(&format!("stdin:3 (byte {})", at(2))),
        "{}",
        ran.err
    );
}

#[test]
fn lines_are_counted_where_many_threads_read() {
    let dir = Dir::new();
    let text: String = (0..4_000).map(|_| plain(&calls())).collect();
    assert!(text.len() > 6 << 20, "more than one part");
    let path = dir.write("calls.jsonl", &text);
    let mut file = OpenOptions::new().append(true).open(&path).unwrap();
    file.write_all(b"no call\n").unwrap();
    let ran = run(&["stats", &path_text(&path), "--format", "json"]);
    let told = format!("calls.jsonl:36001 (byte {}): ", text.len());
    assert!(ran.err.contains(&told), "{}", ran.err);
    let counts: serde_json::Value = serde_json::from_str(&ran.out).unwrap();
    assert_eq!(counts["all"]["calls"], 36_000);
    assert_eq!(counts["damaged_lines"], 1);
}

#[test]
fn of_very_many_only_the_first_are_told() {
    let dir = Dir::new();
    let log = path_text(&dir.write(
        "calls.jsonl",
        "no call\n".repeat(500_000) + &plain(&calls()),
    ));
    let ran = run(&["query", &log, "--format", "jsonl"]);
    assert_eq!(ran.out.lines().count(), 9);
    assert_eq!(ran.err.lines().count(), 21, "{}", ran.err);
    assert!(ran.err.contains("499980 more damaged lines"), "{}", ran.err);
}

#[test]
fn a_chained_line_out_of_form_is_a_call_all_the_same() {
    let dir = Dir::new();
    let log = dir.path("audit.jsonl");
    chained(&log, &calls(), None);
    let text = fs::read_to_string(&log).unwrap();
    fs::write(&log, text.replacen(",\"tier\"", ", \"tier\"", 1)).unwrap();
    let (_, out) = run(&["query", &path_text(&log), "--format", "jsonl"]).quiet();
    assert_eq!(out.lines().count(), 9);
}
