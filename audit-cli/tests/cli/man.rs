use std::fs;
use std::process::Command;

use crate::support::{Dir, can, finish, run, usual};

#[test]
fn there_is_a_page_for_each_verb_and_man_shows_it_without_warnings() {
    let dir = Dir::new();
    let pages = dir.path("share/man/man1");
    let (code, out) = run(&["man", pages.to_str().unwrap()]).quiet();
    assert_eq!((code, &*out), (0, ""));
    let entries = fs::read_dir(&pages).unwrap();
    let mut names: Vec<String> = entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    for name in ["audit.1", "audit-record.1", "audit-verify.1", "audit-man.1"] {
        assert!(names.contains(&name.into()), "{name} in {names:?}");
    }
    assert!(!names.iter().any(|name| name.contains("__")), "{names:?}");
    if !can("there_is_a_page_for_each_verb", &["man"]) {
        return;
    }
    for name in &names {
        let mut man = Command::new("man");
        usual(man.args(["--warnings", "-E", "UTF-8", "-l"]));
        let ran = finish(man.env("MANWIDTH", "80").arg(pages.join(name)), "");
        let (code, out) = ran.quiet();
        assert_eq!(code, 0);
        // Lines are filled up with spaces.
        let out = out.split_whitespace().collect::<Vec<_>>().join(" ");
        for part in ["NAME", "SYNOPSIS", "Exit code"] {
            assert!(out.contains(part), "{part} in {name}:\n{out}");
        }
    }
}

#[test]
fn a_directory_that_cant_be_made_is_named() {
    let dir = Dir::new();
    dir.write("file", "");
    let ran = run(&["man", &dir.text("file/man1")]);
    assert_eq!((ran.code, &*ran.out), (Some(2), ""));
    let wanted = "audit: error: file/man1: Not a directory (os error 20)\n";
    assert_eq!(dir.masked(&ran.err), wanted);
}
