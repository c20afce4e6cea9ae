//! The loads, and one run of one of them.

use std::fs::{self, File};
use std::hint;
use std::io::{self, Write};
use std::path::Path;
use std::sync::Barrier;
use std::thread;
use std::time::{Duration, Instant};

use audit_jsonl::CallEvent;

use crate::contender::{CAPACITY, Contender, Recorder, Setup};
use crate::event;
use crate::machine;
use crate::memory;
use crate::written;

/// Calls that are made before the first that is measured.
const WARM_UP: u64 = 64;

/// Gaps longer than this are slept through, as a caller that waits for work does;
/// within shorter ones the clock is read in a loop.
const SPUN_GAP: Duration = Duration::from_millis(1);

#[derive(Debug, Clone, Copy)]
pub(crate) struct Load {
    pub(crate) kind: Kind,
    pub(crate) threads: u64,
    /// Of the event's line.
    pub(crate) bytes: usize,
    /// Callers wait when the queue is full.
    pub(crate) blocks: bool,
    pub(crate) events: u64,
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

impl Load {
    /// A load that shows that it works.
    pub(crate) fn quick(self) -> Self {
        let events = match self.kind {
            Kind::Paced(per_second) => u64::from(per_second).min(self.events) / 5,
            Kind::Flushed => 500,
            Kind::Saturated | Kind::Throughput => self.events / 20,
        };
        Self {
            events: events.max(self.threads),
            ..self
        }
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
    /// The most memory that was held in that time.
    pub(crate) peak_kib: Option<u64>,
    /// Events that were recorded, those before the first that was measured among them.
    pub(crate) offered: u64,
    /// Events that are in the file.
    pub(crate) written: u64,
    /// Events that the contender says it has lost, if it counts them.
    pub(crate) dropped: Option<u64>,
}

/// Runs a load into a file, which is looked at and removed afterwards.
pub(crate) fn run(load: Load, contender: Contender, path: &Path) -> io::Result<Run> {
    let event = event::sized(load.bytes);
    let line = event::line(&event);
    fill_page_cache(
        path,
        load.events as usize * contender.form.bytes(line.len()),
    )?;
    let clock = machine::clock_cost();
    let recorder = (contender.open)(&Setup {
        path,
        capacity: CAPACITY,
        blocks: load.blocks,
    })?;
    let warm_up = if load.kind == Kind::Throughput {
        0
    } else {
        WARM_UP
    };
    let calls_each = load.events / load.threads;
    let start = Barrier::new(load.threads as usize + 1);
    memory::forget_peak();

    let sink = &*recorder;
    let (mut calls, began, processor) = thread::scope(|scope| {
        let callers: Vec<_> = (0..load.threads)
            .map(|_| {
                let (start, event) = (&start, &event);
                scope.spawn(move || {
                    for _ in 0..warm_up {
                        sink.record(event);
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
    let dropped = recorder.dropped();
    recorder.close();
    let elapsed = began.elapsed();
    let processor = machine::processor_time()
        .zip(processor)
        .map(|(after, before)| after - before);
    let peak_kib = memory::peak_kib();

    let written = written::count(contender.form, path, &line)?;
    written::remove(contender.form, path)?;
    for call in &mut calls {
        *call = call.saturating_sub(clock);
    }
    calls.sort_unstable();
    Ok(Run {
        calls,
        clock,
        elapsed,
        processor,
        peak_kib,
        offered: load.threads * (calls_each + warm_up),
        written,
        dropped,
    })
}

/// One thread's calls. Of those that are timed, the times.
fn make_calls(
    kind: Kind,
    sink: &dyn Recorder,
    event: &CallEvent,
    calls: u64,
    start: &Barrier,
) -> Vec<u32> {
    let gap = match kind {
        Kind::Throughput => {
            start.wait();
            for _ in 0..calls {
                sink.record(hint::black_box(event));
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
        sink.record(hint::black_box(event));
        if kind == Kind::Flushed {
            assert!(sink.flush(), "the disk takes the line");
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
