//! Larger logs, changed at random: `AUDIT_TAMPER_CHANGES` says how often,
//! `AUDIT_TAMPER_SEED` with which numbers. `cargo xtask tamper` does it a million
//! times.

use std::fs;
use std::sync::Mutex;
use std::thread;

use audit_jsonl::CallEvent;

use crate::judge::{Judge, Tally};
use crate::logs::{self, Log};
use crate::ours::Ours;
use crate::random::change;
use crate::support::{Dir, Random, append, lines_of, number_of};

/// Hundreds of lines of many writers in five files, with plain lines in between.
pub(crate) fn log() -> Log {
    let (dir, path) = Dir::with_log();
    let mut events = logs::events().into_iter().cycle();
    let mut next = |count: usize| -> Vec<CallEvent> {
        let mut events: Vec<CallEvent> = events.by_ref().take(count).collect();
        for (nth, event) in events.iter_mut().enumerate() {
            event.duration_ms = nth as u64;
        }
        events
    };
    for file in 0..5 {
        if file > 0 {
            logs::rotate(&path);
            fs::write(&path, lines_of([200 + file])).unwrap();
        }
        for writer in 0..4 {
            logs::record(&path, &next(15));
            if writer < 3 {
                append(&path, lines_of(100..100 + writer));
            }
        }
    }
    logs::read("five files", &dir)
}

#[test]
fn random_changes_are_found() {
    let (changes, seed) = (
        number_of("AUDIT_TAMPER_CHANGES", 600),
        number_of("AUDIT_TAMPER_SEED", 1),
    );
    let log = log();
    assert_eq!(
        Ours::new().judge(&log.files, &[&log.head]).verdict,
        "intact"
    );
    let all = Mutex::new(Tally::default());
    let cores = thread::available_parallelism().map_or(2, usize::from) as u64;
    thread::scope(|scope| {
        for core in 0..cores {
            let (log, all) = (&log, &all);
            scope.spawn(move || {
                let mut random = Random::new(seed.wrapping_mul(1_000_003).wrapping_add(core));
                let (mut judge, mut tally) = (Ours::new(), Tally::default());
                while tally.checked < changes.div_ceil(cores) && tally.wrong.is_empty() {
                    let change = change(log, &mut random);
                    if change.files != log.files {
                        tally.see(log.name, &mut judge, &log.head, &change);
                    }
                }
                all.lock().unwrap().add(tally);
            });
        }
    });
    let tally = all.into_inner().unwrap();
    let (lines, files) = (log.lines.len(), log.files.len());
    eprintln!(
        "{} changes of {lines} lines in {files} files, seed {seed}\n{}",
        tally.checked,
        tally.table()
    );
    tally.assert_right();
}
