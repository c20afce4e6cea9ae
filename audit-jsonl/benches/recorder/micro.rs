//! What the parts of a call cost, and what the machine allows at best.

use std::fs::{self, OpenOptions};
use std::hint::black_box;
use std::io::{self, Write};
use std::path::Path;
use std::time::Instant;

use audit_jsonl::{AuditSink, DirectJsonLinesSink};
use parking_lot::Mutex;

use crate::event::{self, LINE_BYTES};
use crate::load;

/// What the writer gives to the disk at once.
const BATCH_BYTES: usize = 128 * 1024;

/// What was measured, and nanoseconds for each.
pub(crate) type Rows = Vec<(&'static str, f64)>;

pub(crate) fn run(path: &Path, quick: bool) -> io::Result<Rows> {
    let turns = if quick { 20 } else { 200 };
    let event = event::event();
    let line = event::line();
    let mut rows = Rows::new();
    let mut row = |name, work: &mut dyn FnMut()| rows.push((name, nanoseconds(turns, work)));

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
        "our encoder, and two locks (DirectJsonLinesSink)",
        &mut || {
            direct.on_call(black_box(&event));
        },
    );

    let mut buffer = Vec::with_capacity(LINE_BYTES);
    row("serde_json::to_writer, buffer kept", &mut || {
        buffer.clear();
        serde_json::to_writer(&mut buffer, black_box(&event)).expect("an event is always JSON");
        black_box(&buffer);
    });
    row("serde_json::to_vec", &mut || {
        drop(black_box(serde_json::to_vec(black_box(&event))));
    });
    row("clone and drop the event", &mut || {
        drop(black_box(black_box(&event).clone()));
    });
    rows.push((
        "write(2), 128 KiB at once, per 502 bytes",
        disk(path, quick)?,
    ));
    Ok(rows)
}

/// Nanoseconds for one time: the median of so many turns.
fn nanoseconds(turns: usize, work: &mut dyn FnMut()) -> f64 {
    const TIMES: u32 = 1_000;
    let mut costs: Vec<f64> = (0..turns)
        .map(|_| {
            let before = Instant::now();
            for _ in 0..TIMES {
                work();
            }
            before.elapsed().as_nanos() as f64 / f64::from(TIMES)
        })
        .collect();
    costs.sort_unstable_by(f64::total_cmp);
    costs[turns / 2]
}

/// Nanoseconds for a line's share of a large write: the mean, as the disk may
/// make writers wait now and then.
fn disk(path: &Path, quick: bool) -> io::Result<f64> {
    let bytes = if quick { 25_000_000 } else { 502_000_000 };
    load::fill_page_cache(path, bytes)?;
    let mut file = OpenOptions::new()
        .create_new(true)
        .append(true)
        .open(path)?;
    let batch = vec![b'x'; BATCH_BYTES];
    let batches = bytes / BATCH_BYTES;
    let before = Instant::now();
    for _ in 0..batches {
        file.write_all(&batch)?;
    }
    let nanoseconds = before.elapsed().as_nanos() as f64;
    drop(file);
    fs::remove_file(path)?;
    Ok(nanoseconds / (batches * BATCH_BYTES / LINE_BYTES) as f64)
}
