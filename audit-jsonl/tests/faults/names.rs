//! What must be on disk before a file is made or gets another name, and after.

use std::path::{Path, PathBuf};

use crate::actor::act_on;
use crate::head::path_of;
use crate::settled::{assert_whole, can_trace, settled};
use crate::tools::Directory;

/// Where a call with that beginning stands in a trace, the last one before `end`.
fn last_before(lines: &[&str], end: usize, call: &str, path: &Path) -> Option<usize> {
    let path = path.display();
    let marks = [format!("<{path}>"), format!("\"{path}\"")];
    lines[..end].iter().rposition(|line| {
        let (_, call_made) = line.split_once(' ').unwrap_or_default();
        call_made.trim_start().starts_with(call) && marks.iter().any(|mark| line.contains(mark))
    })
}

#[test]
fn the_head_is_on_disk_before_the_file_gets_another_name() {
    settled("the_head_is_on_disk", |log| {
        let head = path_of(log);
        let large = "a.large a.flush ".repeat(3);
        for (steps, faults) in [
            (
                "a.open:written a.commit a.close",
                ["fdatasync:error=EIO:when=1"].as_slice(),
            ),
            (&format!("a.open:rotate {large} a.close"), &[]),
        ] {
            let acted = act_on(log, std::slice::from_ref(&head), steps, faults);
            acted.all_went_well();
            let lines: Vec<&str> = acted.trace.lines().collect();
            let renamed = last_before(&lines, lines.len(), "rename", log).expect("a rename");
            let synced = last_before(&lines, renamed, "fdatasync", &head).expect("a sync");
            let written = last_before(&lines, renamed, "write", &head).expect("a write");
            assert!(written < synced, "{acted:#?}");
            assert_whole(log, &acted);
        }
    });
}

#[test]
fn a_name_is_on_disk_before_what_stands_in_the_file_is_called_synced() {
    settled("a_name_is_on_disk", |log| {
        let directory = log.with_file_name("");
        let directory: PathBuf = directory.components().collect();
        let steps = "a.open:written a.commit rename a.commit";
        let acted = act_on(log, std::slice::from_ref(&directory), steps, &[]);
        acted.all_went_well();
        let lines: Vec<&str> = acted.trace.lines().collect();
        let end = lines.len();
        let made = last_before(&lines, end, "openat", log).expect("a new file");
        let synced = last_before(&lines, end, "fsync", &directory).expect("a sync");
        assert!(made < synced, "{acted:#?}");
        assert_whole(log, &acted);
    });
}

#[test]
fn directories_that_were_missing_are_made_durable() {
    if !can_trace("directories_that_were_missing") {
        return;
    }
    let above = Directory::new();
    let log = above.path().join("a/b/audit.jsonl");
    let directories: Vec<PathBuf> = log.ancestors().skip(1).map(PathBuf::from).collect();
    let acted = act_on(&log, &directories, "a.open:parents a.event a.close", &[]);
    acted.all_went_well();
    let lines: Vec<&str> = acted.trace.lines().collect();
    let is_synced = |path: &&PathBuf| last_before(&lines, lines.len(), "fsync", path).is_some();
    let synced: Vec<&PathBuf> = directories.iter().filter(is_synced).collect();
    // Those that were made, and the one that was there: its name is none of ours.
    assert_eq!(
        synced,
        directories[..3].iter().collect::<Vec<_>>(),
        "{acted:#?}"
    );
    assert_whole(&log, &acted);
}
