//! The threads that read parts of a log, and the order in which what they find is
//! handed on.

use std::collections::BTreeMap;
use std::thread;

use audit_jsonl::LogReader;
use parking_lot::{Condvar, Mutex};

use crate::exit::Failure;
use crate::scan::damage::{Damages, Noted};
use crate::scan::{Flow, Visitor, look_at};

/// So many parts for each thread are read and not taken yet, at most.
const AHEAD: usize = 2;

struct Pool<F> {
    state: Mutex<State<F>>,
    /// Somebody may find what he waits for in the state.
    changed: Condvar,
    ahead: usize,
}

struct State<F> {
    parts: std::iter::Enumerate<std::vec::IntoIter<LogReader>>,
    done: BTreeMap<usize, Result<Done<F>, Failure>>,
    stopped: bool,
}

struct Done<F> {
    found: F,
    noted: Noted,
}

/// Reads the parts, and adds the visitors that did so.
pub(super) fn run<V: Visitor>(
    parts: Vec<LogReader>,
    make: &(impl Fn() -> V + Sync),
    take: &mut impl FnMut(V::Found) -> Result<Flow, Failure>,
    damages: &mut Damages,
    visitors: &mut Vec<V>,
) -> Result<Flow, Failure> {
    let count = parts.len();
    let threads = thread::available_parallelism()
        .map_or(1, usize::from)
        .min(count);
    let pool = Pool {
        state: Mutex::new(State {
            parts: parts.into_iter().enumerate(),
            done: BTreeMap::new(),
            stopped: false,
        }),
        changed: Condvar::new(),
        ahead: threads * AHEAD,
    };
    thread::scope(|scope| {
        let workers: Vec<_> = (0..threads)
            .map(|_| {
                scope.spawn(|| {
                    // Nobody would wait for a worker that has gone.
                    let _stop = StopOnPanic(&pool);
                    let mut visitor = make();
                    pool.work(&mut visitor);
                    visitor
                })
            })
            .collect();
        let flow = pool.hand_on(count, take, damages);
        pool.stop();
        for worker in workers {
            match worker.join() {
                Ok(visitor) => visitors.push(visitor),
                Err(panic) => std::panic::resume_unwind(panic),
            }
        }
        flow
    })
}

struct StopOnPanic<'a, F>(&'a Pool<F>);

impl<F> Drop for StopOnPanic<'_, F> {
    fn drop(&mut self) {
        if thread::panicking() {
            self.0.stop();
        }
    }
}

impl<F> Pool<F> {
    fn work<V: Visitor<Found = F>>(&self, visitor: &mut V) {
        while let Some((nth, reader)) = self.next_part() {
            let done = read(reader, visitor);
            self.state.lock().done.insert(nth, done);
            self.changed.notify_all();
        }
    }

    fn next_part(&self) -> Option<(usize, LogReader)> {
        let mut state = self.state.lock();
        loop {
            if state.stopped {
                return None;
            }
            if state.done.len() < self.ahead {
                return state.parts.next();
            }
            self.changed.wait(&mut state);
        }
    }

    fn hand_on(
        &self,
        count: usize,
        take: &mut impl FnMut(F) -> Result<Flow, Failure>,
        damages: &mut Damages,
    ) -> Result<Flow, Failure> {
        for nth in 0..count {
            let Some(done) = self.wait_for(nth) else {
                return Ok(Flow::Enough);
            };
            let Done { found, noted } = done?;
            damages.tell(noted);
            if take(found)? == Flow::Enough {
                return Ok(Flow::Enough);
            }
        }
        Ok(Flow::On)
    }

    fn wait_for(&self, nth: usize) -> Option<Result<Done<F>, Failure>> {
        let mut state = self.state.lock();
        loop {
            if let Some(done) = state.done.remove(&nth) {
                drop(state);
                self.changed.notify_all();
                return Some(done);
            }
            if state.stopped {
                return None;
            }
            self.changed.wait(&mut state);
        }
    }

    fn stop(&self) {
        self.state.lock().stopped = true;
        self.changed.notify_all();
    }
}

fn read<V: Visitor>(mut reader: LogReader, visitor: &mut V) -> Result<Done<V::Found>, Failure> {
    let mut done = Done {
        found: V::Found::default(),
        noted: Noted::default(),
    };
    while let Some(entry) = reader.next_entry()? {
        look_at(&entry, visitor, &mut done.found, &mut done.noted)?;
    }
    Ok(done)
}
