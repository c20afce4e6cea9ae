//! Small logs, changed in every way.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use crate::expect::Change;
use crate::judge::{Judge, Tally};
use crate::logs::{self, Log};
use crate::ours::Ours;
use crate::{bytes, files, lines};

fn all() -> [Log; 4] {
    [
        logs::single(),
        logs::rotated(),
        logs::plain(),
        logs::members(),
    ]
}

/// Sees the changes of each file on a thread of its own, as many as there are cores.
fn all_files(see: impl Fn(&Log, usize, &mut dyn FnMut(Change)) + Sync) -> Tally {
    let logs = all();
    let tasks: Vec<(&Log, usize)> = logs
        .iter()
        .flat_map(|log| (0..log.files.len()).map(move |file| (log, file)))
        .collect();
    let (next, all) = (AtomicUsize::new(0), Mutex::new(Tally::default()));
    let cores = thread::available_parallelism().map_or(2, usize::from);
    thread::scope(|scope| {
        for _ in 0..cores {
            scope.spawn(|| {
                let (mut judge, mut tally) = (Ours::new(), Tally::default());
                while let Some((log, file)) = tasks.get(next.fetch_add(1, Ordering::Relaxed)) {
                    see(log, *file, &mut |change| {
                        tally.see(log.name, &mut judge, &log.head, &change);
                    });
                }
                all.lock().unwrap().add(tally);
            });
        }
    });
    all.into_inner().unwrap()
}

#[test]
fn every_byte() {
    let tally = all_files(|log, file, see| bytes::each(log, file, see));
    eprintln!("{}", tally.table());
    tally.assert_right();
}

#[test]
fn every_line() {
    let (mut judge, mut tally) = (Ours::new(), Tally::default());
    for log in all() {
        assert_eq!(
            judge.judge(&log.files, &[&log.head]).verdict,
            "intact",
            "{}",
            log.name
        );
        lines::each(&log, &mut |change| {
            tally.see(log.name, &mut judge, &log.head, &change);
        });
        files::each(&log, &mut |change| {
            tally.see(log.name, &mut judge, &log.head, &change);
        });
    }
    eprintln!("{}", tally.table());
    tally.assert_right();
}
