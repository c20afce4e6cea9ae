//! The report, as text and as JSON.

use std::fs;

use serde_json::{Value, json};

use crate::made::{Chain, report_of};
use crate::support::Dir;

/// A log with a line missing and a line garbled, and what is said of it.
fn broken() -> (Dir, String, Value) {
    let (dir, path) = Dir::with_log();
    let mut chain = Chain::new();
    let mut lines = chain.lines(5);
    lines.remove(2);
    lines.push("{\"secret\":1}\n".into());
    fs::write(&path, lines.concat()).unwrap();
    let report = report_of(&[&path], [chain.head()]);
    let json = serde_json::to_value(&report).unwrap();
    (dir, report.to_string(), json)
}

#[test]
fn says_the_verdicts_first_and_quotes_nothing() {
    let (dir, text, json) = broken();
    let log = dir.path("audit.jsonl").display().to_string();
    let hash = json["logs"][0]["last"]["hash"].as_str().unwrap();
    let garbled = json["logs"][0]["problems"][1]["byte"].as_u64().unwrap();
    let missing = json["logs"][0]["problems"][0]["byte"].as_u64().unwrap();
    let size = json["logs"][0]["bytes"].as_u64().unwrap();
    let expected = format!(
        "{log}
  integrity     NOT intact: 1 garbled, 1 missing
  completeness  not complete
  read          5 lines in 1 file, {size} bytes

problems
  {log}:3:{missing}: missing: line #2 is missing before this one
  {log}:5:{garbled}: garbled: no record of a tool call, at byte 11 of the line

what is there
  4 calls, 0 records of the log's own
  lines #0 to #4 of stream 0000000100000000000000000000abcd

head
  4:{hash}
  the last line, in stream 0000000100000000000000000000abcd
  the head given for line #4 agrees
  there is no head file
"
    );
    assert_eq!(text, expected);
    assert!(!text.contains("secret"));
}

#[test]
fn has_a_shape_in_json() {
    let (dir, _, json) = broken();
    let log = dir.path("audit.jsonl");
    assert_eq!(json["integrity"], "not_intact");
    assert_eq!(json["complete"], false);
    let one = &json["logs"][0];
    assert_eq!(one["path"], log.to_str().unwrap());
    assert_eq!(one["problem_counts"], json!({"garbled": 1, "missing": 1}));
    let problem = &one["problems"][0];
    assert_eq!(
        *problem,
        json!({
            "kind": "missing",
            "file": log.to_str().unwrap(),
            "line": 3,
            "byte": problem["byte"],
            "byte_in_line": null,
            "seq": 3,
            "message": "line #2 is missing before this one",
        })
    );
    assert_eq!(one["heads"][0]["source"], "given");
    assert_eq!(one["heads"][0]["finding"], "agrees");
    assert_eq!(one["head_file"], "absent");
    assert_eq!(one["last"]["seq"], 4);
    let completeness = one["completeness"].as_object().unwrap();
    assert_eq!(completeness["calls"], 4);
    assert_eq!(
        completeness["streams"],
        json!([{"stream": one["last"]["stream"], "first": 0, "last": 4}])
    );
    assert_eq!(completeness.len(), 23, "{completeness:?}");
}

#[test]
fn names_that_would_command_a_terminal_are_shown() {
    let dir = Dir::new();
    let path = dir.path("audit\u{1b}[2J\u{202e}.jsonl");
    fs::write(&path, Chain::new().lines(2).concat()).unwrap();
    let text = report_of(&[&path], []).to_string();
    assert!(text.contains("audit\\u{1b}[2J\\u{202e}.jsonl"), "{text}");
    assert!(!text.contains('\u{1b}'));
}
