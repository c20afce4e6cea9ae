//! The writer's side of the queue.

use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use crate::queue::state::{IDLE_BUFFERS, State, Writer};
use crate::queue::{Fates, Guard, Queue, Segment, Turn, lane_of, notify};
use crate::sync::{Instant, MODELLED, MutexGuard, thread};
use crate::{CommitError, Receipt};

/// After work the writer looks again by itself, after this pause and then after
/// pauses twice as long each, before it goes to sleep. While it dozes so, no
/// caller pays for waking it. 0.2 + 0.4 + … + 6.4 ms are 12.6 ms in all.
const FIRST_DOZE: Duration = Duration::from_micros(200);
const LAST_DOZE: Duration = if MODELLED {
    FIRST_DOZE
} else {
    Duration::from_micros(6_400)
};

/// So long the writer waits for more commits, when there were more last time.
const GATHERING: Duration = Duration::from_micros(100);

impl Queue {
    /// What to do next, at `due` at the latest. For the writer thread.
    pub(crate) fn take(&self, due: Option<Instant>) -> Turn {
        self.thread.get_or_init(thread::current);
        let mut state = self.state.lock();
        let mut doze = FIRST_DOZE;
        loop {
            if state.abandoned {
                return Turn::End;
            }
            if state.reopens_done < state.reopens_asked {
                return Turn::Reopen;
            }
            if state.should_gather() {
                state = self.gather(state);
                // Written in any case, also when whoever committed it has given up.
                if !state.abandoned
                    && let Some(segment) = state.pop()
                {
                    return Turn::Write(segment);
                }
                continue;
            }
            if state.is_urgent(self.limits) {
                match state.pop() {
                    Some(segment) => return Turn::Write(segment),
                    None if !state.open => return Turn::End,
                    None => {}
                }
            }
            let now = Instant::now();
            if due.is_some_and(|due| due <= now) {
                return Turn::Due;
            }
            let until_due = due.map(|due| due - now);
            if doze <= LAST_DOZE {
                state.writer = Writer::Dozing;
                let nap = until_due.map_or(doze, |until_due| doze.min(until_due));
                MutexGuard::unlocked(&mut state, || thread::park_timeout(nap));
                doze *= 2;
            } else {
                // Nobody waits for the lock while memory is given back.
                while state.is_idle() && state.spare.len() > IDLE_BUFFERS {
                    let buffer = state.spare.pop();
                    MutexGuard::unlocked(&mut state, || drop(buffer));
                }
                if state.is_idle() {
                    state.writer = Writer::Asleep;
                    MutexGuard::unlocked(&mut state, || match until_due {
                        Some(until_due) => thread::park_timeout(until_due),
                        None => thread::park(),
                    });
                }
            }
            state.writer = Writer::Busy;
            if !state.abandoned
                && !state.should_gather()
                && let Some(segment) = state.pop()
            {
                return Turn::Write(segment);
            }
            state.trim();
        }
    }

    /// The lines that come after those in hand, if a whole segment of them waits of
    /// which nothing was cut; they stay queued. For the writer thread.
    pub(crate) fn next_full(&self) -> Option<Arc<Vec<u8>>> {
        let mut state = self.state.lock();
        let next = state.full.front_mut();
        next.filter(|next| next.is_uncut()).map(Segment::share)
    }

    /// Waits a moment for as many commits as last time, to sync them all at once.
    fn gather<'a>(&self, mut state: Guard<'a>) -> Guard<'a> {
        let begun = Instant::now();
        state.gathering = true;
        while state.should_gather()
            && let Some(rest) = GATHERING.checked_sub(begun.elapsed())
        {
            MutexGuard::unlocked(&mut state, || thread::park_timeout(rest));
        }
        state.gathering = false;
        state
    }

    /// Says what became of a segment's events, of which the destination took
    /// `written` bytes and those in `lost` are lost, and lets in who waits. For
    /// the writer thread.
    pub(crate) fn settle(
        &self,
        segment: Segment,
        written: usize,
        fates: Fates,
        lost: &[Range<u64>],
    ) {
        let mut state = self.state.lock();
        state.in_hand_since = None;
        let events = segment.events;
        let bytes = segment.bytes().len();
        if written == bytes {
            state.trouble.success();
            state.gave_up = None;
        } else {
            state.gave_up = Some(Instant::now());
        }
        state.counters.queued -= events;
        state.counters.queued_bytes -= bytes as u64;
        state.counters.bytes_written += written as u64;
        state.counters.written += fates.written;
        state.counters.dropped += fates.dropped;
        state.counters.fallen_back += fates.fallen_back;
        state.lost_of_accepted += fates.dropped;
        if fates.unsynced > 0 {
            state.unsynced += fates.unsynced;
        } else if fates.written > 0 {
            state.unsynced = 0;
        }
        let State {
            flushes, settled, ..
        } = &mut *state;
        for flush in flushes {
            // How many of the segment's events it waits for.
            let own = flush.target.saturating_sub(*settled);
            for lost in lost {
                flush.lost += own.clamp(lost.start, lost.end) - lost.start;
            }
        }
        let end = state.settled + events;
        state.settled = end;
        state.recycle(segment);
        let lanes = state.let_in(self.limits);
        if state.flushes.iter().any(|flush| flush.target <= end) {
            self.progress.notify_all();
        }
        drop(state);
        self.notify_lanes(lanes);
    }

    /// Counts what the writer held when it panicked as lost. For the writer
    /// thread, at its end.
    pub(crate) fn lose_in_hand(&self) {
        let mut state = self.state.lock();
        let events = state.counters.queued - state.pending;
        state.counters.queued = state.pending;
        state.counters.queued_bytes = state.pending_bytes as u64;
        state.counters.dropped += events;
        state.lost_of_accepted += events;
        let settled = state.settled;
        for flush in &mut state.flushes {
            flush.lost += flush.target.saturating_sub(settled).min(events);
        }
        state.settled += events;
        for commit in &mut state.commits {
            commit.result.get_or_insert(Err(CommitError::NotRecorded));
        }
        drop(state);
        notify(&self.commit_lanes, u16::MAX);
        self.progress.notify_all();
    }

    pub(crate) fn note_failure(&self, reason: String) {
        let mut state = self.state.lock();
        state.counters.write_errors += 1;
        state.trouble.failure(reason);
    }

    /// Waits before another try, for less if there is a reason to hurry. `false`
    /// when there is to be none. For the writer thread.
    pub(crate) fn pause(&self, pause: Duration) -> bool {
        let mut state = self.state.lock();
        if !state.abandoned {
            MutexGuard::unlocked(&mut state, || thread::park_timeout(pause));
        }
        !state.abandoned
    }

    /// Refuses whatever comes from now on, for that reason.
    pub(crate) fn fail(&self, reason: &str) {
        let mut state = self.state.lock();
        state.open = false;
        state.trouble.fatal(reason);
    }

    /// Refuses whatever comes, and gives out what is left. For the writer
    /// thread, before it ends.
    pub(crate) fn shut(&self) -> Vec<Segment> {
        let mut state = self.state.lock();
        state.open = false;
        state.empty_line();
        let mut left: Vec<Segment> = Vec::new();
        while let Some(segment) = state.pop() {
            left.push(segment);
        }
        drop(state);
        self.notify_lanes(u16::MAX);
        left
    }

    /// The writer has ended, and its `Write` is dropped.
    pub(crate) fn writer_gone(&self) {
        let mut state = self.state.lock();
        state.writer = Writer::Gone;
        drop(state);
        self.progress.notify_all();
    }

    /// Says how commits ended. For the writer thread.
    pub(crate) fn resolve_commits(
        &self,
        results: impl Iterator<Item = (u64, Result<Receipt, CommitError>)>,
    ) {
        let mut state = self.state.lock();
        let mut lanes = 0;
        for (id, result) in results {
            state.resolve(id, result);
            lanes |= 1 << lane_of(id);
        }
        drop(state);
        notify(&self.commit_lanes, lanes);
    }

    /// Says how a [`reopen`](Self::reopen) ended. For the writer thread.
    pub(crate) fn reopened(&self, result: Result<(), String>) {
        let mut state = self.state.lock();
        state.reopens_done = state.reopens_asked;
        state.reopened = result;
        drop(state);
        self.progress.notify_all();
    }

    /// Says why the log has no closing record.
    pub(crate) fn note_unclosed(&self, reason: String) {
        self.state.lock().unclosed = Some(reason);
    }

    /// Says that the log is larger than its operator wished, or not any more.
    pub(crate) fn warn(&self, warning: Option<String>) {
        self.state.lock().trouble.warn(warning);
    }
}
