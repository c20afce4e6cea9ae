//! What the parts of a call cost, and what the machine allows at best.

use std::fs::{self, OpenOptions};
use std::hint::black_box;
use std::io::{self, Write};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use audit_jsonl::{AuditSink, DirectJsonLinesSink};
use parking_lot::Mutex;
use sha2::{Digest, Sha256};

use crate::event::{self, LINE_BYTES};
use crate::load;

/// What the writer gives to the disk at once.
const BATCH_BYTES: usize = 128 * 1024;

/// What was measured, and nanoseconds for each.
pub(crate) type Rows = Vec<(&'static str, f64)>;

pub(crate) fn run(path: &Path, quick: bool) -> io::Result<Rows> {
    let turns = if quick { 20 } else { 200 };
    let event = event::event();
    let line = event::line(&event);
    let mut rows = Rows::new();
    let mut row = |name, work: &mut dyn FnMut()| rows.push((name, nanoseconds(turns, work)));

    row("read the clock", &mut || {
        black_box(Instant::now());
    });
    let mut copy = vec![0; LINE_BYTES];
    row("memcpy of 502 bytes", &mut || {
        copy.copy_from_slice(black_box(&line));
        black_box(&copy);
    });
    let lock = Mutex::new(0_u64);
    row("lock and unlock", &mut || *black_box(&lock).lock() += 1);

    let queue = Mutex::new(Vec::with_capacity(BATCH_BYTES));
    row("the same, and 502 bytes copied", &mut || {
        let mut queue = queue.lock();
        if queue.len() + LINE_BYTES > BATCH_BYTES {
            queue.clear();
        }
        queue.extend_from_slice(black_box(&line));
    });

    let direct = DirectJsonLinesSink::new(Box::new(io::sink()));
    row(
        "our encoder, and two locks (`DirectJsonLinesSink`)",
        &mut || {
            direct.on_call(black_box(&event));
        },
    );

    let mut buffer = Vec::with_capacity(LINE_BYTES);
    row("`serde_json::to_writer`, buffer kept", &mut || {
        buffer.clear();
        serde_json::to_writer(&mut buffer, black_box(&event)).expect("an event is always JSON");
        black_box(&buffer);
    });
    row("`serde_json::to_vec`", &mut || {
        drop(black_box(serde_json::to_vec(black_box(&event))));
    });
    row("clone and drop the event", &mut || {
        drop(black_box(black_box(&event).clone()));
    });
    let chained = vec![b'x'; LINE_BYTES + 142];
    row("SHA-256 of a chained line, 644 bytes", &mut || {
        black_box(Sha256::digest(black_box(&chained)));
    });
    rows.push(("wake a thread that sleeps (`unpark`), 200/s", wakes(quick)));
    let (one, large) = disk(path, quick)?;
    rows.push(("`write(2)` of 502 bytes", one));
    rows.push(("`write(2)`, 128 KiB at once, per 502 bytes", large));
    rows.push(("`fdatasync` after 502 bytes", syncs(path, quick)?));
    Ok(rows)
}

/// Nanoseconds for one time: the median of so many turns.
fn nanoseconds(turns: usize, work: &mut dyn FnMut()) -> f64 {
    const TIMES: u32 = 1_000;
    let costs = (0..turns).map(|_| {
        let before = Instant::now();
        for _ in 0..TIMES {
            work();
        }
        before.elapsed().as_nanos() as f64 / f64::from(TIMES)
    });
    middle(costs.collect())
}

fn middle(mut costs: Vec<f64>) -> f64 {
    costs.sort_unstable_by(f64::total_cmp);
    costs[costs.len() / 2]
}

/// What it costs whoever wakes a thread that has slept for 5 ms.
fn wakes(quick: bool) -> f64 {
    let times = if quick { 10 } else { 200 };
    let stop = AtomicBool::new(false);
    thread::scope(|scope| {
        let sleeper = scope.spawn(|| {
            while !stop.load(Ordering::Relaxed) {
                thread::park();
            }
        });
        let costs = (0..times).map(|_| {
            thread::sleep(Duration::from_millis(5));
            let before = Instant::now();
            sleeper.thread().unpark();
            before.elapsed().as_nanos() as f64
        });
        let cost = middle(costs.collect());
        stop.store(true, Ordering::Relaxed);
        sleeper.thread().unpark();
        cost
    })
}

/// Nanoseconds for a line, written by itself and as a share of a large write: means, as
/// the disk may make writers wait now and then.
fn disk(path: &Path, quick: bool) -> io::Result<(f64, f64)> {
    let bytes = if quick { 5_000_000 } else { 250_000_000 };
    load::fill_page_cache(path, bytes)?;
    let each = |at_once: usize| -> io::Result<f64> {
        let mut file = OpenOptions::new()
            .create_new(true)
            .append(true)
            .open(path)?;
        let batch = vec![b'x'; at_once];
        let batches = bytes / at_once;
        let before = Instant::now();
        for _ in 0..batches {
            file.write_all(&batch)?;
        }
        let nanoseconds = before.elapsed().as_nanos() as f64;
        drop(file);
        fs::remove_file(path)?;
        Ok(nanoseconds * LINE_BYTES as f64 / (batches * at_once) as f64)
    };
    Ok((each(LINE_BYTES)?, each(BATCH_BYTES)?))
}

/// Nanoseconds for a sync after one line.
fn syncs(path: &Path, quick: bool) -> io::Result<f64> {
    let time = Duration::from_millis(if quick { 20 } else { 500 });
    let line = [b'x'; LINE_BYTES];
    let mut file = OpenOptions::new()
        .create_new(true)
        .append(true)
        .open(path)?;
    file.write_all(&line)?;
    file.sync_all()?;
    let mut costs = Vec::new();
    let began = Instant::now();
    while costs.is_empty() || began.elapsed() < time {
        file.write_all(&line)?;
        let before = Instant::now();
        file.sync_data()?;
        costs.push(before.elapsed().as_nanos() as f64);
    }
    drop(file);
    fs::remove_file(path)?;
    Ok(middle(costs))
}
