//! How many events a second can be made durable, one by one.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::path::Path;
use std::sync::Barrier;
use std::thread;
use std::time::{Duration, Instant};

use audit_jsonl::Receipt;

use crate::chain;
use crate::contenders::open_chained;
use crate::event;
use crate::written::{self, Form};

/// How long each is measured.
const TIME: Duration = Duration::from_millis(800);
const QUICK_TIME: Duration = Duration::from_millis(50);

const PATIENCE: Duration = Duration::from_secs(60);

#[derive(Debug, Clone, Copy)]
pub(crate) enum Way {
    /// What whoever needs it durable does without us: a write and a sync for
    /// each event.
    OneSyncEach,
    /// So many threads wait for `commit`.
    Threads(usize),
}

/// Commits per second.
pub(crate) fn run(way: Way, path: &Path, quick: bool) -> io::Result<f64> {
    let time = if quick { QUICK_TIME } else { TIME };
    match way {
        Way::OneSyncEach => one_sync_each(path, time),
        Way::Threads(threads) => in_threads(threads, path, time),
    }
}

fn one_sync_each(path: &Path, time: Duration) -> io::Result<f64> {
    let line = event::line(&event::event());
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
    let sink = open_chained(path, true)?;
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
    sink.close(PATIENCE).map_err(io::Error::other)?;

    let hashes = chain::check(path, &event::line(&event))?;
    assert_eq!(hashes.len(), receipts.len(), "each commit has a line");
    receipts.sort_unstable_by_key(|receipt| receipt.seq);
    for (seq, receipt) in receipts.iter().enumerate() {
        assert_eq!(receipt.seq, seq as u64, "each has a line of its own");
        let hash = receipt.hash.to_string();
        assert_eq!(hash, hashes[seq], "its receipt is that line's");
    }
    written::remove(Form::Chained, path)?;
    Ok(rate)
}
