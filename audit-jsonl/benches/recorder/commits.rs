//! How many events a second can be made durable, one by one.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::path::Path;
use std::sync::Barrier;
use std::thread;
use std::time::{Duration, Instant};

use audit_jsonl::{Durability, Receipt};

use crate::chain;
use crate::design::{self, Recorder};
use crate::event;

/// How long each is measured.
const TIME: Duration = Duration::from_millis(800);
const QUICK_TIME: Duration = Duration::from_millis(50);

const PATIENCE: Duration = Duration::from_secs(60);

#[derive(Debug, Clone, Copy)]
pub(crate) struct Commits {
    pub(crate) name: &'static str,
    way: Way,
}

#[derive(Debug, Clone, Copy)]
enum Way {
    /// What whoever needs it durable does without us: a write and a sync for
    /// each event.
    OneSyncEach,
    /// So many threads wait for `commit`.
    Threads(usize),
}

pub(crate) const ONE_SYNC_EACH: &str = "commits, one sync each";
pub(crate) const COMMITS_64: &str = "commits, 64 threads";

pub(crate) const COMMITS: [Commits; 4] = [
    commits(ONE_SYNC_EACH, Way::OneSyncEach),
    commits("commits, 1 thread", Way::Threads(1)),
    commits("commits, 8 threads", Way::Threads(8)),
    commits(COMMITS_64, Way::Threads(64)),
];

const fn commits(name: &'static str, way: Way) -> Commits {
    Commits { name, way }
}

/// Commits per second.
pub(crate) fn run(commits: Commits, path: &Path, quick: bool) -> io::Result<f64> {
    let time = if quick { QUICK_TIME } else { TIME };
    match commits.way {
        Way::OneSyncEach => one_sync_each(path, time),
        Way::Threads(threads) => in_threads(threads, path, time),
    }
}

fn one_sync_each(path: &Path, time: Duration) -> io::Result<f64> {
    let line = event::line();
    let mut file = OpenOptions::new()
        .create_new(true)
        .append(true)
        .open(path)?;
    // The file's name becomes durable with the first.
    file.write_all(&line)?;
    file.sync_all()?;
    let mut synced = 0;
    let began = Instant::now();
    while began.elapsed() < time {
        file.write_all(&line)?;
        file.sync_data()?;
        synced += 1;
    }
    let elapsed = began.elapsed();
    drop(file);
    fs::remove_file(path)?;
    Ok(f64::from(synced) / elapsed.as_secs_f64())
}

fn in_threads(threads: usize, path: &Path, time: Duration) -> io::Result<f64> {
    let event = event::event();
    let sink = design::open_chained(path, true, Durability::Written);
    let commit = || sink.commit(&event, PATIENCE).expect("the disk works");
    let mut receipts = vec![commit()];
    let start = Barrier::new(threads + 1);
    let (began, of_threads) = thread::scope(|scope| {
        let committers: Vec<_> = (0..threads)
            .map(|_| {
                scope.spawn(|| {
                    start.wait();
                    let began = Instant::now();
                    let mut receipts: Vec<Receipt> = Vec::new();
                    while began.elapsed() < time {
                        receipts.push(commit());
                    }
                    receipts
                })
            })
            .collect();
        start.wait();
        let began = Instant::now();
        let receipts: Vec<Receipt> = committers
            .into_iter()
            .flat_map(|committer| committer.join().expect("a thread ends well"))
            .collect();
        (began, receipts)
    });
    let elapsed = began.elapsed();
    let rate = of_threads.len() as f64 / elapsed.as_secs_f64();
    receipts.extend(of_threads);
    assert_eq!(sink.drops(), 0, "nothing is lost");
    Recorder::Ours(sink).close();

    let hashes = chain::check(path, receipts.len() as u64)?;
    receipts.sort_unstable_by_key(|receipt| receipt.seq);
    for (seq, receipt) in receipts.iter().enumerate() {
        assert_eq!(receipt.seq, seq as u64, "each has a line of its own");
        let hash = receipt.hash.to_string();
        assert_eq!(hash, hashes[seq], "its receipt is that line's");
    }
    chain::remove(path)?;
    Ok(rate)
}
