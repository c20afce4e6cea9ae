//! The loads, and one run of one of them.

use std::fs::{self, File};
use std::hint;
use std::io::{self, Read, Write};
use std::path::Path;
use std::sync::Barrier;
use std::thread;
use std::time::{Duration, Instant};

use audit_jsonl::{AuditSink, CallEvent};

use crate::design::Design;
use crate::event::{self, LINE_BYTES};
use crate::machine;

/// Calls that are made before the first that is measured.
const WARM_UP: u64 = 64;

/// Gaps longer than this are slept through, as a caller that waits for work does;
/// within shorter ones the clock is read in a loop.
const SPUN_GAP: Duration = Duration::from_millis(1);

const FLUSH_PATIENCE: Duration = Duration::from_secs(60);

#[derive(Debug, Clone, Copy)]
pub(crate) struct Load {
    pub(crate) name: &'static str,
    pub(crate) threads: u64,
    pub(crate) kind: Kind,
    /// Callers wait when the queue is full.
    pub(crate) blocks: bool,
    pub(crate) events: u64,
    /// Events of a quick run.
    quick: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Each call is timed; so many begin per second and thread.
    Paced(u32),
    /// Each call is timed; the next follows at once.
    Saturated,
    /// Each call is timed together with a flush, so each is a batch of its own.
    Flushed,
    /// The whole is timed, until all is written.
    Throughput,
}

pub(crate) const TEN: &str = "10/s";
pub(crate) const TWO_HUNDRED: &str = "200/s";
pub(crate) const FIFTY_THOUSAND: &str = "50,000/s";
pub(crate) const BATCH_OF_ONE: &str = "on_call and flush";
pub(crate) const THROUGHPUT_1: &str = "throughput, 1 thread";
pub(crate) const THROUGHPUT_4: &str = "throughput, 4 threads";

/// Chained too.
const CHAINED: [&str; 4] = [FIFTY_THOUSAND, BATCH_OF_ONE, THROUGHPUT_1, THROUGHPUT_4];

pub(crate) const LOADS: [Load; 9] = [
    load(TEN, 1, Kind::Paced(10), true, 20, 10),
    load(TWO_HUNDRED, 1, Kind::Paced(200), true, 400, 100),
    load(
        FIFTY_THOUSAND,
        1,
        Kind::Paced(50_000),
        true,
        100_000,
        10_000,
    ),
    load(
        "saturated, 1 thread",
        1,
        Kind::Saturated,
        true,
        200_000,
        20_000,
    ),
    load(
        "saturated, 4 threads",
        4,
        Kind::Saturated,
        true,
        200_000,
        20_000,
    ),
    load(
        "saturated, 1 thread, Drop",
        1,
        Kind::Saturated,
        false,
        200_000,
        20_000,
    ),
    load(BATCH_OF_ONE, 1, Kind::Flushed, true, 20_000, 1_000),
    load(THROUGHPUT_1, 1, Kind::Throughput, true, 1_000_000, 50_000),
    load(THROUGHPUT_4, 4, Kind::Throughput, true, 1_000_000, 50_000),
];

const fn load(
    name: &'static str,
    threads: u64,
    kind: Kind,
    blocks: bool,
    events: u64,
    quick: u64,
) -> Load {
    Load {
        name,
        threads,
        kind,
        blocks,
        events,
        quick,
    }
}

impl Load {
    pub(crate) fn quick(self) -> Self {
        Self {
            events: self.quick,
            ..self
        }
    }

    /// The designs that it is run with.
    pub(crate) fn designs(&self) -> impl DoubleEndedIterator<Item = Design> {
        let (is_chained, is_flushed) = (CHAINED.contains(&self.name), self.kind == Kind::Flushed);
        Design::ALL.into_iter().filter(move |design| match design {
            Design::Ours => true,
            Design::Chained => is_chained,
            // It has no flush.
            Design::Seed => !is_flushed,
        })
    }

    pub(crate) fn is_throughput(&self) -> bool {
        self.kind == Kind::Throughput
    }
}

/// What one run gave.
#[derive(Debug)]
pub(crate) struct Run {
    /// What each timed call took, in nanoseconds, shortest first; the clock's
    /// own cost is subtracted.
    pub(crate) calls: Vec<u32>,
    pub(crate) clock: u32,
    /// From the first call until all was written.
    pub(crate) elapsed: Duration,
    /// Processor time of all threads in that time, where it can be had.
    pub(crate) processor: Option<Duration>,
    pub(crate) dropped: u64,
}

/// Runs a load into a file, which is looked at and removed afterwards.
pub(crate) fn run(load: Load, design: Design, path: &Path) -> io::Result<Run> {
    fill_page_cache(path, load.events as usize * design.line_bytes())?;
    let clock = machine::clock_cost();
    let event = event::event();
    let recorder = design.open(path, load.blocks)?;
    let sink = recorder.sink();
    let warm_up = if load.is_throughput() { 0 } else { WARM_UP };
    let calls_each = load.events / load.threads;
    let start = Barrier::new(load.threads as usize + 1);

    let (mut calls, began, processor) = thread::scope(|scope| {
        let callers: Vec<_> = (0..load.threads)
            .map(|_| {
                let (start, event) = (&start, &event);
                scope.spawn(move || {
                    for _ in 0..warm_up {
                        sink.on_call(event);
                    }
                    make_calls(load.kind, sink, event, calls_each, start)
                })
            })
            .collect();
        let processor = machine::processor_time();
        let began = Instant::now();
        start.wait();
        let mut calls = Vec::new();
        for caller in callers {
            calls.append(&mut caller.join().expect("a caller ends well"));
        }
        (calls, began, processor)
    });
    let dropped = sink.drops();
    recorder.close();
    let elapsed = began.elapsed();
    let processor = machine::processor_time()
        .zip(processor)
        .map(|(after, before)| after - before);

    let events = load.threads * (calls_each + warm_up) - dropped;
    design.check_and_remove(path, events)?;
    for call in &mut calls {
        *call = call.saturating_sub(clock);
    }
    calls.sort_unstable();
    Ok(Run {
        calls,
        clock,
        elapsed,
        processor,
        dropped,
    })
}

/// One thread's calls. Of those that are timed, the times.
fn make_calls(
    kind: Kind,
    sink: &dyn AuditSink,
    event: &CallEvent,
    calls: u64,
    start: &Barrier,
) -> Vec<u32> {
    let gap = match kind {
        Kind::Throughput => {
            start.wait();
            for _ in 0..calls {
                sink.on_call(hint::black_box(event));
            }
            return Vec::new();
        }
        Kind::Paced(per_second) => Duration::from_secs(1) / per_second,
        Kind::Saturated | Kind::Flushed => Duration::ZERO,
    };
    // Written to once, so that the kernel has given the memory before it counts.
    let mut times = vec![u32::MAX; calls as usize];
    start.wait();
    let mut due = Instant::now();
    for time in &mut times {
        if !gap.is_zero() {
            // Whoever is late calls at once, and is on time again when possible.
            due += gap;
            wait_until(due, gap);
        }
        let before = Instant::now();
        sink.on_call(hint::black_box(event));
        if kind == Kind::Flushed {
            sink.flush(FLUSH_PATIENCE).expect("the disk takes the line");
        }
        *time = u32::try_from(before.elapsed().as_nanos()).unwrap_or(u32::MAX);
    }
    times
}

fn wait_until(due: Instant, gap: Duration) {
    if gap > SPUN_GAP {
        thread::sleep(due.saturating_duration_since(Instant::now()));
    } else {
        while Instant::now() < due {
            hint::spin_loop();
        }
    }
}

/// Writes and removes a file as large as the run's, so that the kernel has the
/// memory for it at hand. Where it first has to get it from a hypervisor, that
/// takes several times as long as all that is to be measured.
pub(crate) fn fill_page_cache(path: &Path, bytes: usize) -> io::Result<()> {
    let zeros = vec![0; 128 * 1024];
    let mut file = File::create_new(path)?;
    for _ in 0..bytes.div_ceil(zeros.len()) {
        file.write_all(&zeros)?;
    }
    drop(file);
    fs::remove_file(path)
}

/// Whether the file holds the event's line that many times, and nothing else.
pub(crate) fn check(path: &Path, events: u64) -> io::Result<()> {
    const LINES: usize = 256;
    let bytes = fs::metadata(path)?.len();
    assert_eq!(
        bytes,
        events * LINE_BYTES as u64,
        "every event is in the file"
    );
    let expected = event::line().repeat(LINES);
    let mut found = vec![0; expected.len()];
    let mut file = File::open(path)?;
    let mut left = bytes as usize;
    while left > 0 {
        let some = left.min(found.len());
        file.read_exact(&mut found[..some])?;
        assert!(
            found[..some] == expected[..some],
            "every line is the event's"
        );
        left -= some;
    }
    Ok(())
}
