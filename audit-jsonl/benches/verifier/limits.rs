//! What the machine can do at best with the bytes of a log.

use std::error::Error;
use std::fs::File;
use std::hint::black_box;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use audit_jsonl::CallEvent;
use audit_jsonl::form::Line;
use serde::de::IgnoredAny;
use sha2::{Digest, Sha256};

use crate::machine::processor_time;

const BLOCK: usize = 1 << 20;

/// The time that passed, and the processor time of all threads.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Took {
    pub(crate) passed: Duration,
    pub(crate) used: Option<Duration>,
}

pub(crate) type Measured = Result<Took, Box<dyn Error>>;

pub(crate) struct Clock(Instant, Option<Duration>);

impl Clock {
    pub(crate) fn start() -> Self {
        Self(Instant::now(), processor_time())
    }

    pub(crate) fn stop(self) -> Took {
        let used = processor_time().zip(self.1);
        Took {
            passed: self.0.elapsed(),
            used: used.map(|(now, before)| now - before),
        }
    }
}

/// Reads it in blocks.
pub(crate) fn read(log: &Path) -> Measured {
    let mut file = File::open(log)?;
    let mut block = vec![0; BLOCK];
    let clock = Clock::start();
    while file.read(&mut block)? > 0 {
        black_box(&block);
    }
    Ok(clock.stop())
}

/// Hashes each line, on threads that each have their share of the lines in memory.
pub(crate) fn hash(log: &Path, threads: usize) -> Measured {
    let lines = lines(log)?;
    let share = lines.len().div_ceil(threads);
    let clock = Clock::start();
    thread::scope(|scope| {
        for lines in lines.chunks(share) {
            scope.spawn(move || {
                for line in lines {
                    black_box(Sha256::digest(line));
                }
            });
        }
    });
    Ok(clock.stop())
}

/// Looks whether each line is JSON.
pub(crate) fn syntax(log: &Path) -> Measured {
    each(log, |line| {
        serde_json::from_slice::<IgnoredAny>(line).is_ok()
    })
}

/// Reads each line to a record.
pub(crate) fn record(log: &Path) -> Measured {
    each(log, |line| {
        serde_json::from_slice::<CallEvent>(line).is_ok()
    })
}

/// Looks whether each line is in form.
pub(crate) fn form(log: &Path) -> Measured {
    each(log, |line| Line::parse(line).is_ok())
}

fn each(log: &Path, is_good: impl Fn(&[u8]) -> bool) -> Measured {
    let lines = lines(log)?;
    let clock = Clock::start();
    let all = lines.iter().all(|line| is_good(line));
    let took = clock.stop();
    if !all {
        return Err("a line of the bench's own log is not good".into());
    }
    Ok(took)
}

fn lines(log: &Path) -> Result<Vec<Vec<u8>>, Box<dyn Error>> {
    let lines = BufReader::with_capacity(BLOCK, File::open(log)?).split(b'\n');
    Ok(lines.collect::<Result<_, _>>()?)
}
