//! What is known of a log that is written directly: counted, failed, closed.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use audit_sink::Health;
use parking_lot::Mutex;

use crate::appender::Missing;
use crate::trouble::Trouble;
use crate::{Counters, WriteError};

/// A write that takes longer than this is told of.
const STALLED: Duration = Duration::from_secs(5);

const CLOSED: &str = "the sink is closed";

#[derive(Debug, Default)]
pub(super) struct Books {
    state: Mutex<State>,
    /// Events that were offered in a forked child, which leaves the lock alone.
    orphaned: AtomicU64,
}

#[derive(Debug, Default)]
struct State {
    counters: Counters,
    trouble: Trouble,
    /// So many of those that are written are synced.
    synced: u64,
    /// A caller is at the log, since then.
    busy_since: Option<Instant>,
    /// A caller syncs while others may be at the log.
    syncing: Option<Syncing>,
    /// Why nothing will be written any more.
    failed: Option<String>,
    is_closed: bool,
    /// Why there is no closing record.
    unclosed: Option<String>,
}

#[derive(Debug, Clone, Copy)]
struct Syncing {
    since: Instant,
    /// So many of those that are written are synced when it has worked.
    up_to: u64,
}

/// A caller that waits for its turn.
pub(super) struct Waiting<'a>(&'a Books);

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.state.lock().counters.blocked -= 1;
    }
}

impl Books {
    pub(super) fn wait(&self) -> Waiting<'_> {
        self.state.lock().counters.blocked += 1;
        Waiting(self)
    }

    /// A caller has its turn, unless nothing is written any more.
    pub(super) fn begin(&self) -> Result<(), WriteError> {
        let mut state = self.state.lock();
        if state.is_closed || state.failed.is_some() {
            return Err(state.refusal());
        }
        state.busy_since = Some(Instant::now());
        Ok(())
    }

    /// Its turn is over; whether nothing will be written any more.
    pub(super) fn end(&self) -> bool {
        let mut state = self.state.lock();
        state.busy_since = None;
        state.failed.is_some()
    }

    /// Why nothing is written any more.
    pub(super) fn refusal(&self) -> WriteError {
        self.state.lock().refusal()
    }

    pub(super) fn note_written(&self, bytes: u64) {
        let mut state = self.state.lock();
        state.counters.offered += 1;
        state.counters.written += 1;
        state.counters.bytes_written += bytes;
        state.trouble.success();
    }

    pub(super) fn note_synced(&self) {
        let mut state = self.state.lock();
        state.synced = state.counters.written;
    }

    /// A sync of what was written so far goes on when this turn is over.
    pub(super) fn sync_begins(&self) {
        let mut state = self.state.lock();
        state.syncing = Some(Syncing {
            since: Instant::now(),
            up_to: state.counters.written,
        });
    }

    pub(super) fn sync_ends(&self, has_worked: bool) {
        let mut state = self.state.lock();
        if let Some(syncing) = state.syncing.take()
            && has_worked
        {
            // Somebody may have synced more meanwhile.
            state.synced = state.synced.max(syncing.up_to);
        }
    }

    /// Events written since the last sync.
    pub(super) fn unsynced(&self) -> u64 {
        let state = self.state.lock();
        state.counters.written - state.synced
    }

    pub(super) fn lose(&self, events: u64) {
        let mut state = self.state.lock();
        state.counters.offered += events;
        state.counters.dropped += events;
    }

    pub(super) fn orphan(&self, events: u64) {
        self.orphaned.fetch_add(events, Ordering::Relaxed);
    }

    pub(super) fn note_failure(&self, reason: String) {
        let mut state = self.state.lock();
        state.counters.write_errors += 1;
        state.trouble.failure(reason);
    }

    /// Nothing will be written any more.
    pub(super) fn fail(&self, reason: String) {
        let mut state = self.state.lock();
        state.counters.write_errors += 1;
        state.trouble.failure(reason.clone());
        state.trouble.fatal(&reason);
        state.unclosed.get_or_insert_with(|| reason.clone());
        state.failed.get_or_insert(reason);
    }

    pub(super) fn warn(&self, warning: Option<String>) {
        self.state.lock().trouble.warn(warning);
    }

    pub(super) fn close(&self) {
        let mut state = self.state.lock();
        state.is_closed = true;
        state.trouble.closed();
    }

    pub(super) fn note_unclosed(&self, reason: String) {
        self.state.lock().unclosed = Some(reason);
    }

    pub(super) fn unclosed(&self) -> Option<String> {
        self.state.lock().unclosed.clone()
    }

    /// Callers that wait or write.
    pub(super) fn inside(&self) -> u64 {
        let state = self.state.lock();
        state.counters.blocked + u64::from(state.busy_since.is_some())
    }

    pub(super) fn missing(&self) -> Missing {
        Missing {
            lost: self.state.lock().counters.dropped,
            elsewhere: 0,
        }
    }

    pub(super) fn counters(&self) -> Counters {
        self.state.lock().counters
    }

    /// In a forked child, where whoever has the lock may not exist.
    pub(super) fn counters_of_child(&self) -> Counters {
        let orphaned = self.orphaned.load(Ordering::Relaxed);
        Counters {
            offered: orphaned,
            dropped: orphaned,
            ..Counters::default()
        }
    }

    pub(super) fn health(&self) -> Health {
        let state = self.state.lock();
        let syncing_since = state.syncing.map(|syncing| syncing.since);
        let since = state.busy_since.into_iter().chain(syncing_since);
        let held = since.map(|since| since.elapsed()).max();
        state.trouble.health(held.filter(|held| *held > STALLED))
    }
}

impl State {
    fn refusal(&self) -> WriteError {
        match &self.failed {
            Some(reason) => WriteError::Failed {
                reason: reason.clone(),
            },
            None => WriteError::Unusable { reason: CLOSED },
        }
    }
}
