//! Each vector read again: its hashes, what verifiers say, and what a writer does.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use audit_jsonl::verify;
use audit_jsonl::verify::VerifyOptions;
use audit_testkit::{DEADLINE, within};
use serde_json::{Value, json};

use crate::file::{State, place_head, vectors};
use crate::support::{Dir, log, skip};

/// Every vector, with its name and what is said of it.
fn each(mut see: impl FnMut(&Path, &Value)) {
    for entry in fs::read_dir(vectors()).unwrap() {
        let path = entry.unwrap().path();
        let text = fs::read_to_string(path.join("vector.json")).unwrap();
        see(&path, &serde_json::from_str(&text).unwrap());
    }
}

/// Each log of each vector, copied to where it may be changed.
fn each_log(mut see: impl FnMut(&str, &Path, &Value)) {
    each(|path, vector| {
        for part in ["log", "before", "after"] {
            if vector[part].is_object() {
                let what = format!("{} {part}", path.file_name().unwrap().to_str().unwrap());
                let (_dir, log) = copied(&path.join(part), &vector[part]);
                see(&what, &log, &vector[part]);
            }
        }
    });
}

fn copied(from: &Path, state: &Value) -> (Dir, PathBuf) {
    let (dir, log) = Dir::with_log();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        fs::copy(entry.path(), dir.path(entry.file_name().to_str().unwrap())).unwrap();
    }
    let is = |what: &str| state["head_file"][what] != false;
    place_head(&log, is("this_boot"), is("this_file"));
    (dir, log)
}

#[test]
fn hashes_are_those_of_the_lines() {
    each_log(|what, log, told| {
        let state = State::of(log.parent().unwrap());
        assert_eq!(json!(state.leaves), told["leaves"], "{what}");
        assert_eq!(json!(state.head), told["head"], "{what}");
        assert_eq!(
            json!(state.has_head_file),
            told["head_file"]["is_there"],
            "{what}"
        );
    });
}

#[test]
fn the_verifier_says_what_they_say() {
    within(DEADLINE, || {
        each_log(|what, log, told| {
            let report = verify(&[log], &VerifyOptions::new()).unwrap();
            let problems = report.logs.iter().flat_map(|log| &log.problems).map(|problem| {
                let file = problem.file.file_name().unwrap().to_str();
                json!({"kind": problem.kind.name(), "file": file, "line": problem.line, "seq": problem.seq})
            });
            let said = json!({
                "integrity": report.integrity,
                "complete": report.complete,
                "problems": problems.collect::<Vec<_>>(),
            });
            assert_eq!(said, told["expect"], "{what}");
        });
    });
}

#[test]
fn so_does_the_one_in_python() {
    let script = vectors().join("../verify.py");
    if Command::new("python3").arg("--version").output().is_err() {
        return skip("there is no python3");
    }
    each_log(|what, log, told| {
        let run = Command::new("python3")
            .arg(&script)
            .arg(log)
            .output()
            .unwrap();
        let stdout = String::from_utf8(run.stdout).unwrap();
        let lines = stdout
            .lines()
            .filter_map(|line| serde_json::from_str::<Value>(line).ok());
        let problems = lines.map(|mut problem| {
            problem.as_object_mut().unwrap().remove("message");
            let file = problem["file"]
                .as_str()
                .map(|file| file.rsplit('/').next().unwrap().to_owned());
            problem["file"] = file.into();
            problem
        });
        let expect = &told["expect"];
        assert_eq!(
            json!(problems.collect::<Vec<_>>()),
            expect["problems"],
            "{what}: {stdout}"
        );
        let integrity = expect["integrity"].as_str().unwrap();
        let complete = if expect["complete"] == true {
            "complete"
        } else {
            "not complete"
        };
        assert!(
            stdout.contains(&format!(": {integrity}, {complete}")),
            "{what}: {stdout}"
        );
        let code = ["intact", "not_intact", "unchecked"]
            .iter()
            .position(|word| *word == integrity);
        assert_eq!(run.status.code(), code.map(|code| code as i32), "{what}");
    });
}

#[test]
fn a_writer_does_what_the_row_says() {
    within(DEADLINE, || {
        each(|path, vector| {
            if vector["before"].is_object() {
                let (dir, path_of_log) = copied(&path.join("before"), &vector["before"]);
                log(&path_of_log, [10]);
                assert_eq!(
                    masked(&dir.path("")),
                    masked(&path.join("after")),
                    "{}",
                    path.display()
                );
            }
        });
    });
}

/// What stands in the files of a directory, but for random numbers, times, and the
/// hashes that hang on them.
fn masked(dir: &Path) -> BTreeMap<String, Vec<Value>> {
    let mut files = BTreeMap::new();
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        if name.ends_with(".head") {
            continue;
        }
        let text = fs::read_to_string(&path).unwrap();
        let lines = text
            .split_inclusive('\n')
            .map(|line| match serde_json::from_str(line) {
                Ok(line) => mask(line),
                Err(_) => line.into(),
            });
        files.insert(without_time(&name), lines.collect());
    }
    files
}

fn mask(mut line: Value) -> Value {
    if line["tool_id"] == "audit:log" {
        line["ts"] = "".into();
        line["call_id"] = "".into();
    }
    if let Some(chain) = line.get_mut("chain").and_then(Value::as_object_mut) {
        let is_new = chain.contains_key("after");
        for (name, value) in chain.iter_mut() {
            match name.as_str() {
                "opened" | "closed" => *value = "a time".into(),
                // Another each time, where an earlier line holds a time.
                "prev" => *value = "a hash".into(),
                "stream" => *value = if is_new { "a new one" } else { "a stream" }.into(),
                "after" => value["file"] = without_time(value["file"].as_str().unwrap()).into(),
                _ => {}
            }
        }
    }
    line
}

/// `audit.jsonl.damaged-20261120T093000Z` without its time.
fn without_time(name: &str) -> String {
    match name.split_once(".damaged-") {
        Some((before, _)) => format!("{before}.damaged-"),
        None => name.to_owned(),
    }
}
