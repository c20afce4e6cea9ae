//! Colours, pipes, and names that strangers have chosen.

use std::fs::{self, OpenOptions};
use std::process::Stdio;

use crate::support::{Dir, audit, can, finish, on_terminal, path_text, reading, run, wait};

#[test]
fn a_reader_that_has_seen_enough_ends_it_quietly() {
    let dir = Dir::new();
    let log = path_text(&dir.log("audit.jsonl", 3));
    for args in [
        &["schema"][..],
        &["completions", "bash"],
        &["verify", &log],
        &["--help"],
    ] {
        let mut child = audit(args)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        drop(child.stdout.take());
        let err = reading(child.stderr.take().unwrap());
        assert_eq!(wait(&mut child).code(), Some(0), "{args:?}");
        assert_eq!(err.recv().unwrap(), "", "{args:?}");
    }
}

#[test]
fn a_full_disk_behind_stdout_is_told() {
    let Ok(full) = OpenOptions::new().write(true).open("/dev/full") else {
        crate::support::skip("a_full_disk_behind_stdout_is_told", "/dev/full");
        return;
    };
    let mut child = audit(&["schema"])
        .stdin(Stdio::null())
        .stdout(full)
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let err = reading(child.stderr.take().unwrap());
    assert_eq!(wait(&mut child).code(), Some(2));
    let err = err.recv().unwrap();
    assert!(
        err.starts_with("audit: error: stdout can't be written: "),
        "{err}"
    );
}

#[test]
fn a_closed_stderr_keeps_nobody_from_the_exit_code() {
    if !can("a_closed_stderr_keeps_nobody_from_the_exit_code", &["sh"]) {
        return;
    }
    let line = format!(
        "exec 2>&-; exec '{}' verify /nothing",
        env!("CARGO_BIN_EXE_audit")
    );
    let ran = finish(std::process::Command::new("sh").args(["-c", &line]), "");
    assert_eq!((ran.code, &*ran.out), (Some(2), ""));
}

#[test]
fn colours_come_when_they_are_wanted() {
    let dir = Dir::new();
    let log = path_text(&dir.log("audit.jsonl", 3));
    let is_coloured = |env: &[(&str, &str)], color: &[&str]| {
        let mut command = audit(&["verify", &log]);
        let ran = finish(command.args(color).envs(env.iter().copied()), "");
        assert_eq!((ran.code, &*ran.err), (Some(0), ""));
        ran.out.contains("\x1b[32mintact\x1b[0m")
    };
    assert!(!is_coloured(&[], &[]));
    assert!(is_coloured(&[], &["--color", "always"]));
    assert!(is_coloured(&[("CLICOLOR_FORCE", "1")], &[]));
    assert!(!is_coloured(&[("CLICOLOR_FORCE", "1")], &["--color=never"]));
    assert!(is_coloured(&[("NO_COLOR", "1")], &["--color=always"]));
    let ran = run(&["--color", "always", "verify", "/nothing"]);
    assert!(
        ran.err
            .starts_with("audit: \x1b[1m\x1b[31merror\x1b[0m: /nothing: "),
        "{}",
        ran.err
    );
}

#[test]
fn a_terminal_gets_colours_unless_it_must_not() {
    let dir = Dir::new();
    let log = path_text(&dir.log("audit.jsonl", 3));
    for (env, wanted) in [("", true), ("NO_COLOR=1", false), ("TERM=dumb", false)] {
        let args = format!("verify '{log}'");
        let Some(sent) = on_terminal("a_terminal_gets_colours", 80, env, &args) else {
            return;
        };
        assert!(sent.contains("integrity"), "{sent}");
        assert_eq!(sent.contains("\x1b[32mintact"), wanted, "{env}: {sent:?}");
    }
}

#[test]
fn names_of_files_cannot_move_the_cursor_or_turn_the_text() {
    let dir = Dir::new();
    let hostile = "a\x1b[2J\u{202e}b.jsonl";
    let log = dir.log("audit.jsonl", 2);
    fs::copy(&log, dir.path(hostile)).unwrap();
    let (code, out) = run(&["verify", &dir.text(hostile)]).quiet();
    assert_eq!(code, 0);
    assert!(out.contains("/a\\u{1b}[2J\\u{202e}b.jsonl\n"), "{out}");
    let ran = run(&["verify", &dir.text("\u{1b}]0;title\u{7}")]);
    assert_eq!(ran.code, Some(2));
    assert!(ran.err.contains("/\\u{1b}]0;title\\u{7}: "), "{}", ran.err);
    assert!(!ran.err.contains(['\x1b', '\x07']), "{}", ran.err);
    // As a name that a shell took for an option.
    let option = "--\u{1b}]0;title\u{7}\u{202e}\u{9b}2J";
    let ran = run(&["--color=always", "verify", option]);
    assert_eq!(ran.code, Some(2));
    assert!(ran.err.contains("\\u{202e}"), "{}", ran.err);
    let hostile = ['\x1b', '\x07', '\u{202e}', '\u{9b}'];
    assert!(!ran.err.contains(hostile), "{:?}", ran.err);
}
