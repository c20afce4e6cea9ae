//! The commands in docs/checking-a-log.md, as they stand there.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use crate::file::vectors;
use crate::members::rotate;
use crate::support::{Dir, log, skip};

/// The text of the blocks of shell, each by itself.
fn blocks() -> Vec<String> {
    let text = fs::read_to_string(vectors().join("../checking-a-log.md")).unwrap();
    let blocks = text.split("```sh\n").skip(1);
    blocks
        .map(|block| block.split("```").next().unwrap().to_owned())
        .collect()
}

#[track_caller]
fn run(dir: &Dir, script: &str) -> String {
    let output = output(&dir.path(""), script);
    assert!(output.status.success(), "{script}\n{output:?}");
    String::from_utf8(output.stdout).unwrap()
}

fn output(dir: &Path, script: &str) -> Output {
    Command::new("sh")
        .args(["-eu", "-c", script])
        .current_dir(dir)
        .output()
        .unwrap()
}

/// A log in two files, and the head of its last line as its head file tells it.
fn logged() -> (Dir, String) {
    let (dir, path) = Dir::with_log();
    log(&path, 0..3);
    rotate(&path);
    log(&path, 3..50);
    let head = crate::head_file::Head::read(&path).unwrap();
    let head = format!("{}:{}", head["seq"], head["hash"].as_str().unwrap());
    (dir, head)
}

#[test]
fn one_link_by_shell() {
    let (dir, _) = logged();
    let said = run(&dir, &blocks()[0]);
    let (hash, prev) = said.split_once('\n').unwrap();
    let hash = hash.split(' ').next().unwrap();
    assert_eq!(prev.trim_end(), format!("\"prev\":\"{hash}\""));
}

#[test]
fn all_links_by_shell() {
    let (dir, head) = logged();
    let said = run(&dir, &blocks()[1]);
    assert_eq!(said, format!("head {head}\n"));
    let path = dir.path("audit.jsonl");
    let text = fs::read_to_string(&path).unwrap();
    fs::write(
        &path,
        text.replacen("\"call_id\":\"7\"", "\"call_id\":\"8\"", 1),
    )
    .unwrap();
    // 4 lines of the first file, then the calls from 3 on; that after call 7.
    let said = run(&dir, &blocks()[1]);
    assert_eq!(
        said,
        format!("line 10 doesn't follow the line before\nhead {head}\n")
    );
}

#[test]
fn by_python() {
    if Command::new("python3").arg("--version").output().is_err() {
        return skip("there is no python3");
    }
    let (dir, head) = logged();
    let docs = vectors().join("..").canonicalize().unwrap();
    std::os::unix::fs::symlink(docs, dir.path("docs")).unwrap();
    let command = blocks().remove(2);
    let said = run(&dir, &command);
    assert!(said.starts_with("audit.jsonl: intact, complete"), "{said}");
    assert!(said.contains(&format!("ends with {head}")), "{said}");
    assert!(said.contains(&format!("head {head}: agrees")), "{said}");
    // A head that was kept, of a log that was cut.
    let path = dir.path("audit.jsonl");
    fs::remove_file(crate::head_file::Head::path(&path)).unwrap();
    let text = fs::read_to_string(&path).unwrap();
    let lines: Vec<&str> = text.split_inclusive('\n').collect();
    fs::write(&path, lines[..lines.len() - 2].concat()).unwrap();
    assert!(run(&dir, &command).contains("was compared with no head"));
    let with_head = command.replace("verify.py", &format!("verify.py --head {head}"));
    let output = output(&dir.path(""), &with_head);
    assert_eq!(output.status.code(), Some(1));
    assert!(
        String::from_utf8(output.stdout)
            .unwrap()
            .contains("\"truncated\"")
    );
}
