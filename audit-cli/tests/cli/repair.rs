use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use serde_json::Value;

use crate::support::{Dir, path_text, run};

fn append(path: &Path, text: &str) {
    let mut file = OpenOptions::new().append(true).open(path).unwrap();
    file.write_all(text.as_bytes()).unwrap();
}

/// What stands in a directory: names, modes and bytes.
fn all(dir: &Dir) -> Vec<(String, u32, Vec<u8>)> {
    let entries = fs::read_dir(dir.path("")).unwrap();
    let mut all: Vec<_> = entries
        .map(|entry| {
            let entry = entry.unwrap();
            let name = entry.file_name().into_string().unwrap();
            let mode = entry.metadata().unwrap().permissions().mode();
            (name, mode, fs::read(entry.path()).unwrap())
        })
        .collect();
    all.sort();
    all
}

#[test]
fn it_says_what_there_is_to_do_and_does_it_when_asked() {
    let dir = Dir::new();
    let log = dir.log("audit.jsonl", 3);
    let end = fs::metadata(&log).unwrap().len();
    append(&log, "{\"ts\":");
    let before = all(&dir);
    let log = path_text(&log);
    let (code, plan) = run(&["repair", &log]).quiet();
    assert_eq!((code, all(&dir)), (1, before));
    let step = format!(
        "1. set aside bytes {end} to {} of audit.jsonl as audit.jsonl.torn-4: \
         a line was begun there, and never ended\n",
        end + 6
    );
    let wanted = format!(
        "audit.jsonl: to do\n  {step}  then append a record of the log's own that tells of it\n"
    );
    assert!(dir.masked(&plan).starts_with(&wanted), "{plan}");
    assert!(plan.contains("`verify` names them"), "{plan}");

    let (code, done) = run(&["repair", "--apply", &log]).quiet();
    assert_eq!(code, 0);
    let wanted = format!("audit.jsonl: done\n  {step}  line #4 tells of it: 4:HASH\n");
    assert_eq!(dir.masked(&done), wanted);
    assert_eq!(dir.read("audit.jsonl.torn-4"), "{\"ts\":");
    let head = done.trim().rsplit(' ').next().unwrap();
    assert_eq!(run(&["verify", "--head", head, &log]).quiet().0, 0);

    // Now there is nothing to do, and nothing is done.
    let before = all(&dir);
    for args in [&["repair", &log][..], &["repair", "--apply", &log]] {
        let (code, said) = run(args).quiet();
        assert_eq!(code, 0);
        assert!(said.contains("audit.jsonl: nothing to do"), "{said}");
    }
    assert_eq!(all(&dir), before);
}

#[test]
fn as_json_it_is_one_object() {
    let dir = Dir::new();
    let log = dir.log("audit.jsonl", 3);
    let end = fs::metadata(&log).unwrap().len();
    append(&log, "junk\n");
    let log = path_text(&log);
    for (args, code, applied) in [
        (&["repair", "--json", &log][..], 1, false),
        (&["repair", "--json", "--apply", &log], 0, true),
    ] {
        let ran = run(args).quiet();
        let told: Value = serde_json::from_str(&ran.1).unwrap();
        assert_eq!((ran.0, &told["applied"]), (code, &Value::from(applied)));
        assert_eq!(told["path"], log);
        let step = &told["steps"][0];
        assert_eq!(step["action"], "set_aside");
        assert_eq!(step["file"], log);
        assert_eq!(step["aside"], dir.text("audit.jsonl.torn-4"));
        assert_eq!(step["bytes"], serde_json::json!([end, end + 5]));
        assert_eq!(told["head"].is_string(), applied);
    }
    let (code, said) = run(&["repair", "--json", &log]).quiet();
    let told: Value = serde_json::from_str(&said).unwrap();
    assert_eq!((code, &told["steps"]), (0, &serde_json::json!([])));
}

#[test]
fn a_line_that_was_changed_is_left_to_verify() {
    let dir = Dir::new();
    let log = dir.log("audit.jsonl", 3);
    let text = dir.read("audit.jsonl");
    fs::write(&log, text.replacen("fs.read", "fs.mean", 1)).unwrap();
    let before = all(&dir);
    let log = path_text(&log);
    for args in [&["repair", &log][..], &["repair", "--apply", &log]] {
        assert_eq!(run(args).quiet().0, 0);
    }
    assert_eq!(all(&dir), before);
    assert_eq!(run(&["verify", &log]).code, Some(1));
}

#[test]
fn what_can_not_be_done_ends_with_2() {
    let dir = Dir::new();
    dir.log("audit.jsonl", 1);
    dir.write("plain.jsonl", "");
    fs::copy(dir.path("audit.jsonl"), dir.path("copy.jsonl")).unwrap();
    let before = all(&dir);
    for (path, wanted) in [
        (dir.text("nothing.jsonl"), "there is no such log"),
        (dir.text("plain.jsonl"), "no line is part of a chain"),
        (dir.text("copy.jsonl"), "it is part of the log"),
        (dir.text("audit.jsonl.head"), "it is part of the log"),
        (dir.text(""), "directory"),
        ("-".into(), "a stream can't be repaired"),
    ] {
        for args in [&["repair", &path][..], &["repair", "--apply", &path]] {
            let ran = run(args);
            assert_eq!((ran.code, &*ran.out), (Some(2), ""), "{path}");
            assert!(ran.err.contains(wanted), "{path}: {}", ran.err);
        }
    }
    assert_eq!(all(&dir), before);
}
