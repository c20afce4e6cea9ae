//! Callers that are faster than the writer: whole segments wait, and their lines are
//! drafted before it is known where they will stand.

use std::fs::{self, File};
use std::path::Path;

use audit_jsonl::{AuditSink, JsonLinesAuditSink};
use audit_testkit::{DEADLINE, within};
use rustix::fs::{FlockOperation, flock};

use crate::checker::{check, check_with};
use crate::head_file::Head;
use crate::support::{Dir, close, event_of, open, record};

/// Some segments, of large events.
const EVENTS: u64 = 200;
const BYTES: usize = 20_000;

/// Has sinks queue all that before a line can be written, and does something meanwhile.
fn queue_at_once(path: &Path, sinks: &[(&JsonLinesAuditSink, u64)], meanwhile: impl FnOnce()) {
    let head = File::open(Head::path(path)).unwrap();
    flock(&head, FlockOperation::LockExclusive).unwrap();
    for (sink, first) in sinks {
        for number in 0..EVENTS {
            sink.on_call(&event_of(first + number, BYTES));
        }
    }
    meanwhile();
    flock(&head, FlockOperation::Unlock).unwrap();
}

#[test]
fn what_waits_is_written_in_order() {
    within(DEADLINE, || {
        let (_dir, path) = Dir::with_log();
        let sink = open(&path);
        record(&sink, [0]);
        queue_at_once(&path, &[(&sink, 1)], || {});
        sink.flush(DEADLINE).unwrap();
        #[cfg(target_os = "linux")]
        if std::thread::available_parallelism().unwrap().get() > 1 {
            assert!(has_thread("audit-draft"), "nothing was drafted ahead");
        }
        record(&sink, [EVENTS + 1]);
        close(&sink);
        let found = check(&path).assert_whole();
        assert_eq!(found.numbers(), (0..EVENTS + 2).collect::<Vec<_>>());
    });
}

#[cfg(target_os = "linux")]
fn has_thread(name: &str) -> bool {
    fs::read_dir("/proc/self/task").unwrap().any(|task| {
        let comm = fs::read_to_string(task.unwrap().path().join("comm"));
        comm.is_ok_and(|comm| comm.trim() == name)
    })
}

/// What a line tells of itself is told by a line that waited, too.
#[test]
fn what_was_cut_says_so() {
    within(DEADLINE, || {
        let (_dir, path) = Dir::with_log();
        let sink = open(&path);
        record(&sink, [0]);
        let large = |number| event_of(number, 70_000);
        let head = File::open(Head::path(&path)).unwrap();
        flock(&head, FlockOperation::LockExclusive).unwrap();
        for number in 1..=EVENTS {
            sink.on_call(&match number % 5 {
                0 => large(number),
                _ => event_of(number, BYTES),
            });
        }
        flock(&head, FlockOperation::Unlock).unwrap();
        close(&sink);
        let found = check(&path).assert_whole();
        assert_eq!(found.numbers(), (0..=EVENTS).collect::<Vec<_>>());
        assert_eq!(found.with("cut").len() as u64, EVENTS / 5);
    });
}

#[test]
fn another_writer_comes_between() {
    within(DEADLINE, || {
        let (_dir, path) = Dir::with_log();
        let sinks = [open(&path), open(&path)];
        record(&sinks[0], [0]);
        record(&sinks[1], [1]);
        queue_at_once(&path, &[(&sinks[0], 1_000), (&sinks[1], 2_000)], || {});
        sinks.iter().for_each(close);
        let found = check(&path).assert_whole();
        let numbers = found.numbers();
        for first in [1_000, 2_000] {
            let mine = numbers
                .iter()
                .filter(|number| (first..first + EVENTS).contains(number));
            assert_eq!(
                mine.copied().collect::<Vec<_>>(),
                (first..first + EVENTS).collect::<Vec<_>>()
            );
        }
        assert_eq!(numbers.len() as u64, 2 + 2 * EVENTS);
    });
}

#[test]
fn the_log_is_moved_away_between() {
    within(DEADLINE, || {
        let (dir, path) = Dir::with_log();
        let sink = open(&path);
        record(&sink, [0]);
        let moved = dir.path("moved.jsonl");
        queue_at_once(&path, &[(&sink, 1)], || fs::rename(&path, &moved).unwrap());
        close(&sink);
        let found = check_with(&path, &[moved]).assert_whole();
        assert_eq!(found.numbers(), (0..=EVENTS).collect::<Vec<_>>());
    });
}
