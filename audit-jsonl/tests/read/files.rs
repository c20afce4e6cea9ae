//! Which files are a log, and in which order.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;

use audit_jsonl::{LogFiles, ReadError};
use audit_testkit::{DEADLINE, within};

use crate::made::{after, link, links, name_of, rotated, rotated_log, stream};
use crate::support::{Dir, append, event, flip, line_of, lines_of, log};

/// The names of the files of the only log that is found.
#[track_caller]
fn one(paths: &[impl AsRef<Path>]) -> (LogFiles, Vec<String>) {
    let mut logs = LogFiles::find(paths).unwrap();
    assert_eq!(logs.len(), 1, "{logs:#?}");
    let log = logs.remove(0);
    let names = names(&log);
    (log, names)
}

fn names(log: &LogFiles) -> Vec<String> {
    let files = log.files().iter();
    files.map(|file| name_of(file.path()).to_owned()).collect()
}

fn active(log: &LogFiles) -> Vec<&str> {
    let files = log.files().iter().filter(|file| file.is_active());
    files.map(|file| name_of(file.path())).collect()
}

#[test]
fn a_log_is_found_by_its_name_and_by_its_directory() {
    within(DEADLINE, || {
        let (dir, path) = rotated_log(50);
        let mut wanted = dir.names();
        wanted.retain(|name| name != "audit.jsonl" && name != "audit.jsonl.head");
        assert!(wanted.len() > 2);
        wanted.push("audit.jsonl".into());
        for given in [path.clone(), dir.path("")] {
            let (log, names) = one(&[&given]);
            assert_eq!(names, wanted);
            assert_eq!(log.path(), path);
            assert_eq!(log.head_path().unwrap(), dir.path("audit.jsonl.head"));
            assert_eq!(active(&log), ["audit.jsonl"]);
            let bytes = wanted.iter().map(|name| fs::read(dir.path(name)).unwrap());
            assert_eq!(
                log.total_len(),
                bytes.map(|bytes| bytes.len() as u64).sum::<u64>()
            );
        }
        // However often it is named.
        let all: Vec<PathBuf> = wanted.iter().map(|name| dir.path(name)).collect();
        let (_, names) = one(&all);
        assert_eq!(names, wanted);
        let (_, names) = one(&[dir.path(""), path.clone(), dir.path("./audit.jsonl")]);
        assert_eq!(names, wanted);
        symlink(&path, dir.path("link")).unwrap();
        let (log, names) = one(&[dir.path("link")]);
        assert_eq!((names, name_of(log.path())), (wanted, "audit.jsonl"));
    });
}

#[test]
fn a_rotated_file_is_itself_alone() {
    within(DEADLINE, || {
        let (dir, _) = rotated_log(50);
        let rotated = dir.named("audit-");
        let (log, names) = one(&rotated[1..2]);
        assert_eq!(names, [name_of(&rotated[1])]);
        assert_eq!(log.head_path(), None);
        assert_eq!(active(&log), [""; 0]);
        // And with others of its log, in the log's order.
        let (_, names) = one(&[&rotated[2], &rotated[0]]);
        assert_eq!(names, [name_of(&rotated[0]), name_of(&rotated[2])]);
    });
}

#[test]
fn a_log_without_its_active_file() {
    within(DEADLINE, || {
        let (dir, path) = rotated_log(50);
        fs::remove_file(&path).unwrap();
        let rotated = dir.named("audit-").len();
        for given in [&path, &dir.path("")] {
            let (log, names) = one(&[given]);
            assert_eq!(names.len(), rotated);
            assert_eq!((log.path(), active(&log).len()), (&*path, 0));
        }
        // A name that was taken before has a number at its end.
        let file = dir.named("audit-").remove(1);
        let numbered = file.with_extension("jsonl.1");
        fs::rename(&file, &numbered).unwrap();
        // The head file alone still tells of it, and the rotated files do.
        fs::remove_file(dir.path("audit.jsonl.head")).unwrap();
        assert_eq!(one(&[dir.path("")]).1.len(), rotated);
        assert_eq!(one(&[&path]).1.len(), rotated);
        // Be it one with a number.
        for other in dir.named("audit-").iter().filter(|name| **name != numbered) {
            fs::remove_file(other).unwrap();
        }
        let (log, names) = one(&[dir.path("")]);
        assert_eq!(log.path(), path);
        assert_eq!(names, [name_of(&numbered)]);
    });
}

#[test]
fn files_from_elsewhere_join_the_log_of_their_stream() {
    within(DEADLINE, || {
        let (dir, path) = Dir::with_log();
        log(&path, 0..10);
        // As copytruncate does it.
        let copy = dir.path("audit.jsonl.1");
        fs::copy(&path, &copy).unwrap();
        fs::write(&path, "").unwrap();
        log(&path, 10..20);
        let wanted = ["audit.jsonl.1", "audit.jsonl"];
        for given in [[&path, &copy], [&copy, &path]] {
            assert_eq!(one(&given).1, wanted);
        }
        assert_eq!(one(&[&path]).1, ["audit.jsonl"]);
        let (log, names) = one(&[&copy]);
        assert_eq!(
            (names, log.head_path()),
            (vec!["audit.jsonl.1".into()], None)
        );
        // In another directory, under any name.
        let (other, other_path) = Dir::with_log();
        fs::rename(&copy, other.path("backup")).unwrap();
        crate::support::log(&other_path, 0..3);
        let logs = LogFiles::find(&[&path, &other.path("backup"), &other_path]).unwrap();
        assert_eq!(logs.len(), 2);
        assert_eq!(
            names_of(&logs),
            [vec!["backup", "audit.jsonl"], vec!["audit.jsonl"]]
        );
    });
}

fn names_of(logs: &[LogFiles]) -> Vec<Vec<String>> {
    logs.iter().map(names).collect()
}

#[test]
fn a_damaged_file_that_was_set_aside_comes_before_the_stream_that_replaces_it() {
    within(DEADLINE, || {
        let (dir, path) = Dir::with_log();
        log(&path, 0..10);
        flip(&path, fs::metadata(&path).unwrap().len() - 40);
        log(&path, 10..20);
        let damaged = dir.only("audit.jsonl.damaged-");
        let (found, names) = one(&[&path, &damaged]);
        assert_eq!(names, [name_of(&damaged), "audit.jsonl"]);
        assert_eq!(active(&found), ["audit.jsonl"]);
        assert_eq!(one(&[&path]).1, ["audit.jsonl"]);
        assert_eq!(one(&[dir.path("")]).1, ["audit.jsonl"]);
    });
}

#[test]
fn files_are_ordered_by_their_first_links() {
    within(DEADLINE, || {
        let dir = Dir::new();
        let (old, new, stranger) = (stream(9), stream(1), stream(5));
        let damage = "x".repeat(100) + "\n";
        let broken_link = "x".to_owned() + &link(&old, 0, "");
        let begin = link(&new, 0, &after(&old, 12, "audit.jsonl.damaged-x"));
        let files = [
            // Nothing in it tells of a stream: by the time of the first record.
            ("audit.jsonl-2026", line_of(&event(1))),
            // Of another chain altogether, and earlier.
            (&rotated(&stranger, 4), links(&stranger, 4..6)),
            (&rotated(&old, 0), broken_link + &links(&old, 0..5)),
            // What a sync that failed leaves behind: it begins with the same line.
            (&rotated(&old, 5), links(&old, 5..8)),
            ("audit.jsonl.copy", links(&old, 5..12)),
            // Nothing in it can be read: by its name.
            (&rotated(&old, 12), damage.clone()),
            (&rotated(&new, 0), begin + &links(&new, 1..3)),
            (
                &(rotated(&new, 0) + ".1"),
                lines_of(0..1) + &links(&new, 3..4),
            ),
            ("audit.jsonl", lines_of(0..3)),
        ];
        let wanted: Vec<&str> = files.iter().map(|(name, _)| *name).collect();
        for (name, text) in &files {
            let text = match *name {
                "audit.jsonl-2026" => text.clone(),
                name if name == rotated(&stranger, 4) => text.replace("2026-11", "2025-11"),
                _ => text.clone(),
            };
            fs::write(dir.path(name), text).unwrap();
        }
        let copy = dir.path("audit.jsonl.copy");
        let given = [dir.path("audit.jsonl"), copy, dir.path("audit.jsonl-2026")];
        let (found, names) = one(&given);
        assert_eq!(names, wanted);
        assert_eq!(active(&found), ["audit.jsonl"]);
    });
}

#[test]
fn several_logs_in_a_directory() {
    within(DEADLINE, || {
        let dir = Dir::new();
        log(&dir.path("a.jsonl"), 0..3);
        log(&dir.path("b.log"), 0..3);
        fs::write(dir.path("c.jsonl"), lines_of(0..3)).unwrap();
        fs::write(dir.path("notes.txt"), "no log").unwrap();
        fs::write(dir.path("HEAD.head"), "no head").unwrap();
        fs::create_dir(dir.path("d.jsonl")).unwrap();
        let logs = LogFiles::find(&[dir.path("")]).unwrap();
        assert_eq!(names_of(&logs), [["a.jsonl"], ["b.log"], ["c.jsonl"]]);
        let heads = logs.iter().map(|log| log.head_path().is_some());
        assert_eq!(heads.collect::<Vec<_>>(), [true, true, false]);
    });
}

#[test]
fn plain_files_that_logrotate_has_named() {
    within(DEADLINE, || {
        let dir = Dir::new();
        let line = |day: u32| line_of(&event(1)).replace("2026-11-20", &format!("2026-11-{day}"));
        fs::write(dir.path("audit.jsonl.2"), line(10)).unwrap();
        fs::write(dir.path("audit.jsonl.1"), line(11)).unwrap();
        fs::write(dir.path("audit.jsonl"), line(12)).unwrap();
        fs::write(dir.path("other.jsonl"), line(12)).unwrap();
        let given = [
            "other.jsonl",
            "audit.jsonl",
            "audit.jsonl.1",
            "audit.jsonl.2",
        ];
        let logs = LogFiles::find(&given.map(|name| dir.path(name))).unwrap();
        let wanted = ["audit.jsonl.2", "audit.jsonl.1", "audit.jsonl"];
        assert_eq!(names_of(&logs), [&["other.jsonl"][..], &wanted[..]]);
        assert_eq!(active(&logs[1]), ["audit.jsonl"]);
    });
}

#[test]
fn ten_thousand_files_with_few_descriptors() {
    // To make them takes a busy machine a while.
    within(4 * DEADLINE, || {
        let (dir, path) = Dir::with_log();
        let stream = stream(1);
        for seq in 0..10_000 {
            fs::write(dir.path(&rotated(&stream, seq)), link(&stream, seq, "")).unwrap();
        }
        fs::write(&path, link(&stream, 10_000, "")).unwrap();
        let (found, names) = one(&[&path]);
        assert_eq!(open_in(&dir.path("")), 0);
        assert_eq!(names.len(), 10_001);
        assert_eq!(names[10], rotated(&stream, 10));
        assert_eq!(found.files()[10_000].path(), path);
    });
}

/// How many files of a directory this process has open.
fn open_in(directory: &Path) -> usize {
    let Ok(descriptors) = fs::read_dir("/proc/self/fd") else {
        return 0;
    };
    let targets = descriptors.filter_map(|entry| fs::read_link(entry.ok()?.path()).ok());
    targets.filter(|path| path.starts_with(directory)).count()
}

#[test]
fn what_is_no_log_is_an_error_that_names_it() {
    within(DEADLINE, || {
        let dir = Dir::new();
        let told = |path: &Path| LogFiles::find(&[path]).unwrap_err();
        let missing = dir.path("nothing");
        let error = told(&missing);
        assert!(matches!(error, ReadError::NotFound { .. }), "{error:?}");
        assert!(error.to_string().starts_with(missing.to_str().unwrap()));
        let error = told(&dir.path("no/such/directory.jsonl"));
        assert!(matches!(error, ReadError::NotFound { .. }), "{error:?}");
        append_file(&dir.path("notes.txt"));
        let error = told(&dir.path(""));
        assert!(matches!(error, ReadError::NoLog { .. }), "{error:?}");
        let pipe = dir.path("pipe");
        assert!(
            Command::new("mkfifo")
                .arg(&pipe)
                .status()
                .unwrap()
                .success()
        );
        let error = told(&pipe);
        assert!(matches!(error, ReadError::NotAFile { .. }), "{error:?}");
        // One under the name of a rotated file keeps nobody waiting.
        let path = dir.path("audit.jsonl");
        log(&path, 0..3);
        fs::rename(&pipe, dir.path(&rotated(&stream(1), 0))).unwrap();
        assert_eq!(one(&[&path]).1, ["audit.jsonl"]);
        assert_eq!(LogFiles::find(&[""; 0]).unwrap().len(), 0);
    });
}

fn append_file(path: &Path) {
    fs::write(path, "").unwrap();
    append(path, "no log");
}
