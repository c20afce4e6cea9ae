//! What callers and the writer share. Every event that was offered is in one of these
//! numbers at any moment, and they change under one lock.

use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use audit_sink::{FlushError, Health};

use crate::row::Row;

const MOST_ROWS: u64 = 4_096;
const MOST_BYTES: usize = 16 * 1024 * 1024;

/// So many rows make a transaction at most.
const BATCH: usize = 256;

#[derive(Default)]
pub(crate) struct Queue {
    state: Mutex<State>,
    /// The writer waits here, for rows or until it is time to try again.
    work: Condvar,
    /// Whoever flushes or drops the sink waits here.
    done: Condvar,
}

#[derive(Default)]
struct State {
    rows: VecDeque<Row>,
    /// Of the queued rows and those that the writer has in hand.
    bytes: usize,
    accepted: u64,
    /// Of the accepted rows, those that are committed or given up.
    settled: u64,
    given_up: u64,
    refused: u64,
    failures_in_a_row: u64,
    failures: u64,
    reason: String,
    closed: bool,
    /// The writer is gone, and not because the sink was dropped.
    failed: bool,
    ended: bool,
}

impl Queue {
    /// A caller that panicked under the lock would leave whole numbers behind.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn offer(&self, row: Option<Row>) {
        let mut state = self.lock();
        let fits = |row: &Row| {
            state.accepted - state.settled < MOST_ROWS && state.bytes + row.bytes() <= MOST_BYTES
        };
        match row.filter(|row| !state.failed && fits(row)) {
            Some(row) => {
                state.bytes += row.bytes();
                state.accepted += 1;
                state.rows.push_back(row);
                self.work.notify_one();
            }
            None => state.refused += 1,
        }
    }

    pub(crate) fn drops(&self) -> u64 {
        let state = self.lock();
        state.refused + state.given_up
    }

    pub(crate) fn health(&self) -> Health {
        let state = self.lock();
        let (in_a_row, failures) = (state.failures_in_a_row, state.failures);
        if state.failed {
            Health::failed(in_a_row, failures, "the writer thread panicked")
        } else if in_a_row > 0 {
            Health::degraded(in_a_row, failures, state.reason.as_str())
        } else {
            Health::Healthy
        }
    }

    pub(crate) fn flush(&self, timeout: Duration) -> Result<(), FlushError> {
        let mut state = self.lock();
        let (target, given_up) = (state.accepted, state.given_up);
        // `None` is beyond all time: no limit.
        let deadline = Instant::now().checked_add(timeout);
        while state.settled < target {
            let left = match deadline {
                None => Duration::MAX,
                Some(deadline) => deadline.saturating_duration_since(Instant::now()),
            };
            if left.is_zero() {
                return Err(FlushError::timeout(timeout, target - state.settled));
            }
            state = self.wait(&self.done, state, left);
        }
        match state.given_up - given_up {
            0 => Ok(()),
            lost => Err(FlushError::lost(lost)),
        }
    }

    fn wait<'s>(
        &self,
        condition: &Condvar,
        state: MutexGuard<'s, State>,
        time: Duration,
    ) -> MutexGuard<'s, State> {
        let waited = condition.wait_timeout(state, time);
        waited.unwrap_or_else(PoisonError::into_inner).0
    }

    /// Tells the writer to end, and waits for that: how many rows are left if it takes
    /// longer.
    pub(crate) fn close(&self, timeout: Duration) -> Result<u64, u64> {
        let mut state = self.lock();
        state.closed = true;
        self.work.notify_one();
        let deadline = Instant::now() + timeout;
        while !state.ended {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Err(state.accepted - state.settled);
            }
            state = self.wait(&self.done, state, left);
        }
        Ok(state.given_up)
    }
}

/// What the writer does.
impl Queue {
    /// Some rows, at least one; `None` when the sink is dropped and all are taken.
    pub(crate) fn take(&self) -> Option<Vec<Row>> {
        let mut state = self.lock();
        while state.rows.is_empty() {
            if state.closed {
                return None;
            }
            state = self
                .work
                .wait(state)
                .unwrap_or_else(PoisonError::into_inner);
        }
        let some = state.rows.len().min(BATCH);
        Some(state.rows.drain(..some).collect())
    }

    pub(crate) fn committed(&self, rows: &[Row]) {
        let mut state = self.lock();
        state.failures_in_a_row = 0;
        self.settle(&mut state, rows);
    }

    pub(crate) fn give_up(&self, rows: &[Row]) {
        let mut state = self.lock();
        state.given_up += rows.len() as u64;
        self.settle(&mut state, rows);
    }

    fn settle(&self, state: &mut State, rows: &[Row]) {
        state.settled += rows.len() as u64;
        state.bytes -= rows.iter().map(Row::bytes).sum::<usize>();
        self.done.notify_all();
    }

    /// Pauses before the next try, unless the sink is dropped meanwhile. Whether it is.
    pub(crate) fn failed_once(&self, reason: String, pause: Duration) -> bool {
        let mut state = self.lock();
        state.failures_in_a_row += 1;
        state.failures += 1;
        state.reason = reason;
        let until = Instant::now() + pause;
        // Rows that come wake the writer as well.
        while !state.closed && Instant::now() < until {
            let left = until.saturating_duration_since(Instant::now());
            state = self.wait(&self.work, state, left);
        }
        state.closed
    }

    /// The writer is gone: what it had, and all that is queued, is lost unless it
    /// ended well.
    pub(crate) fn end(&self, well: bool) {
        let mut state = self.lock();
        state.ended = true;
        if !well {
            state.failed = true;
            state.failures += 1;
            state.failures_in_a_row += 1;
            state.given_up += state.accepted - state.settled;
            state.settled = state.accepted;
            state.rows.clear();
            state.bytes = 0;
        }
        self.done.notify_all();
    }
}
