//! Those who wait for the writer: flush, commit, reopen, close.

use std::time::Duration;

use audit_sink::FlushError;

use crate::queue::state::{Commit, Flush, Writer};
use crate::queue::{FORKED, Guard, Queue, TooSlow, lane_of};
use crate::sync::{Condvar, Instant};
use crate::{CommitError, Receipt};

impl Queue {
    /// Waits until what is queued now has been written.
    pub(crate) fn flush(&self, timeout: Duration) -> Result<(), FlushError> {
        let deadline = Instant::now().checked_add(timeout);
        if self.is_forked() {
            return Err(FlushError::unusable(FORKED));
        }
        let mut state = self.state.lock();
        let target = state.accepted;
        if state.settled >= target {
            return state.check_synced();
        }
        let id = state.new_id();
        state.flushes.push(Flush {
            id,
            target,
            lost: 0,
        });
        self.rouse_writer(&mut state);
        while state.settled < target {
            if self.wait_for_progress(&mut state, deadline) {
                break;
            }
        }
        let left = target.saturating_sub(state.settled);
        let lost = state.end_flush(id);
        if left > 0 {
            Err(FlushError::timeout(timeout, left))
        } else if lost > 0 {
            Err(FlushError::lost(lost))
        } else {
            state.check_synced()
        }
    }

    /// Begins to wait for a line to be durable: the mark that it is to bear.
    pub(crate) fn begin_commit(&self) -> Option<u64> {
        let mut state = self.lock()?;
        let id = state.new_id();
        state.commits.push(Commit { id, result: None });
        Some(id)
    }

    /// Waits for the end of a commit.
    pub(crate) fn end_commit(
        &self,
        id: u64,
        timeout: Duration,
        deadline: Option<Instant>,
    ) -> Result<Receipt, CommitError> {
        let mut state = self.state.lock();
        self.rouse_writer(&mut state);
        loop {
            let Some(at) = state.commits.iter().position(|commit| commit.id == id) else {
                return Err(CommitError::NotRecorded);
            };
            if state.commits[at].result.is_some() {
                let commit = state.commits.swap_remove(at);
                return commit.result.unwrap_or(Err(CommitError::NotRecorded));
            }
            let timed_out = wait(&self.commit_lanes[lane_of(id)], &mut state, deadline);
            if timed_out
                && state
                    .commits
                    .iter()
                    .any(|commit| commit.id == id && commit.result.is_none())
            {
                state.commits.retain(|commit| commit.id != id);
                return Err(CommitError::Timeout { timeout });
            }
        }
    }

    /// Has the writer look at the log's name, and waits for that.
    pub(crate) fn reopen(&self, timeout: Duration) -> Result<(), String> {
        let deadline = Instant::now().checked_add(timeout);
        let mut state = self.state.lock();
        state.reopens_asked += 1;
        let asked = state.reopens_asked;
        self.rouse_writer(&mut state);
        while state.reopens_done < asked {
            if state.writer == Writer::Gone {
                return Err("the log is closed".into());
            }
            let timed_out = self.wait_for_progress(&mut state, deadline);
            if timed_out && state.reopens_done < asked {
                return Err(format!("the writer did not come to it within {timeout:?}"));
            }
        }
        state.reopened.clone()
    }

    /// Stops accepting, and waits until the writer has written what is queued
    /// and ended. When the timeout passes first, the writer gives up what it has
    /// not begun to write.
    pub(crate) fn close(&self, timeout: Duration) -> Result<(), TooSlow> {
        let deadline = Instant::now().checked_add(timeout);
        let mut state = self.state.lock();
        state.open = false;
        state.trouble.closed();
        self.rouse_writer(&mut state);
        while state.writer != Writer::Gone {
            let timed_out = self.wait_for_progress(&mut state, deadline);
            if timed_out && state.writer != Writer::Gone {
                state.abandoned = true;
                // The writer may hang for ever, but whoever stands in line must
                // not.
                state.empty_line();
                // Before the writer can begin to give them up.
                let left = state.counters.queued;
                drop(state);
                // It may be pausing before another try.
                self.unpark_writer();
                self.notify_lanes(u16::MAX);
                return Err(TooSlow { left });
            }
        }
        Ok(())
    }

    /// Why the log has no closing record, if it was to have one.
    pub(crate) fn unclosed(&self) -> Option<String> {
        self.state.lock().unclosed.clone()
    }

    /// Waits until the writer has done something; whether it was too late.
    fn wait_for_progress(&self, state: &mut Guard<'_>, deadline: Option<Instant>) -> bool {
        wait(&self.progress, state, deadline)
    }

    /// As [`close`](Self::close), without waiting.
    pub(crate) fn stop_accepting(&self) {
        let mut state = self.state.lock();
        state.open = false;
        state.trouble.closed();
    }
}

/// Waits until it is notified; whether the deadline has passed.
fn wait(condition: &Condvar, state: &mut Guard<'_>, deadline: Option<Instant>) -> bool {
    match deadline {
        Some(deadline) => condition.wait_until(state, deadline).timed_out(),
        None => {
            condition.wait(state);
            false
        }
    }
}
