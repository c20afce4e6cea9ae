//! What stands under the queue's lock.

use std::collections::VecDeque;
use std::mem;

use audit_sink::FlushError;

use crate::queue::{FORKED, Fates, Limits, Mark, Segment};
use crate::sync::{Instant, MODELLED};
use crate::trouble::Trouble;
use crate::{CommitError, Counters, Receipt};

/// Lines are gathered into segments of this size; a longer line has one of its
/// own. Large enough that the system call is a small part of writing it, small
/// enough to stay in the processor's cache from the caller to the writer.
const SEGMENT_BYTES: usize = if MODELLED { 512 } else { 512 * 1024 };

/// So much room is taken from the writer's core at a time, see [`Segment::claim`].
const CLAIM_BYTES: usize = 4 * 1024;

/// A line's buffer that has grown beyond this is given back to the allocator.
const KEPT_LINE_BYTES: usize = 4 * 1024;

/// How many buffers an idle queue keeps, for segments and for lines.
pub(super) const IDLE_BUFFERS: usize = 4;
const IDLE_LINES: usize = 16;

/// Blocked callers wait on one of so many condition variables, by ticket.
pub(super) const LANES: usize = if MODELLED { 2 } else { 16 };

#[derive(Debug)]
pub(super) struct State {
    /// Events are accepted.
    pub(super) open: bool,
    /// What is not written by now is to be given up.
    pub(super) abandoned: bool,
    pub(super) writer: Writer,

    /// Full segments, oldest first, and the one that lines are added to.
    pub(super) full: VecDeque<Segment>,
    pub(super) filling: Segment,
    /// Empty buffers.
    pub(super) spare: Vec<Vec<u8>>,
    /// Events that the writer has not taken yet.
    pub(super) pending: u64,
    pub(super) pending_bytes: usize,
    /// When the writer took the segment that it holds.
    pub(super) in_hand_since: Option<Instant>,
    /// When the writer last gave up a segment, unless it has written one since.
    pub(super) gave_up: Option<Instant>,

    /// Blocked callers' lines, in the order in which they came.
    pub(super) line: VecDeque<Waiting>,
    pub(super) next_ticket: u64,
    /// Buffers of lines that stood there, for those who come next.
    pub(super) spare_lines: Vec<Vec<u8>>,

    /// How many events were ever let in, and how many of them are out again.
    pub(super) accepted: u64,
    pub(super) settled: u64,
    pub(super) lost_of_accepted: u64,
    /// Events that were written and were to be synced, since the last sync that
    /// succeeded.
    pub(super) unsynced: u64,
    pub(super) flushes: Vec<Flush>,
    pub(super) commits: Vec<Commit>,
    /// Lines to be committed that the writer has not taken yet, and how many it
    /// took last time.
    pub(super) pending_commits: u64,
    pub(super) expected_commits: u64,
    /// The writer waits for as many commits as last time.
    pub(super) gathering: bool,
    /// For flushes and commits.
    pub(super) next_id: u64,
    /// `reopen`: how often it was asked for, how often done, and how that ended.
    pub(super) reopens_asked: u64,
    pub(super) reopens_done: u64,
    pub(super) reopened: Result<(), String>,
    /// Why the log has no closing record.
    pub(super) unclosed: Option<String>,

    pub(super) counters: Counters,
    pub(super) trouble: Trouble,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Writer {
    /// Looks at the queue before it waits again.
    Busy,
    /// Waits, with a timer.
    Dozing,
    /// Waits until it is woken.
    Asleep,
    /// Is no more.
    Gone,
}

#[derive(Debug)]
pub(super) struct Waiting {
    pub(super) ticket: u64,
    pub(super) line: Vec<u8>,
    pub(super) mark: Mark,
}

/// Somebody who waits for a line to be durable.
#[derive(Debug)]
pub(super) struct Commit {
    pub(super) id: u64,
    pub(super) result: Option<Result<Receipt, CommitError>>,
}

#[derive(Debug)]
pub(super) struct Flush {
    pub(super) id: u64,
    /// It waits until so many events are settled.
    pub(super) target: u64,
    /// So many of those were lost.
    pub(super) lost: u64,
}

impl State {
    pub(super) fn new() -> Self {
        Self {
            open: true,
            abandoned: false,
            writer: Writer::Busy,
            full: VecDeque::new(),
            filling: Segment::default(),
            spare: Vec::new(),
            pending: 0,
            pending_bytes: 0,
            in_hand_since: None,
            gave_up: None,
            line: VecDeque::new(),
            next_ticket: 0,
            spare_lines: Vec::new(),
            accepted: 0,
            settled: 0,
            lost_of_accepted: 0,
            unsynced: 0,
            flushes: Vec::new(),
            commits: Vec::new(),
            pending_commits: 0,
            expected_commits: 0,
            gathering: false,
            next_id: 0,
            reopens_asked: 0,
            reopens_done: 0,
            reopened: Ok(()),
            unclosed: None,
            counters: Counters::default(),
            trouble: Trouble::default(),
        }
    }

    #[inline]
    pub(super) fn has_room(&self, bytes: usize, limits: Limits) -> bool {
        self.counters.queued < limits.events as u64
            && self.counters.queued_bytes as usize + bytes <= limits.bytes
    }

    /// Whether a dozing writer should be woken, and one that is awake not doze.
    #[inline]
    pub(super) fn is_half_full(&self, limits: Limits) -> bool {
        self.pending * 2 >= limits.events as u64 || self.pending_bytes * 2 >= limits.bytes
    }

    /// Whether the writer has nothing to do until somebody wakes it.
    pub(super) fn is_idle(&self) -> bool {
        self.open && self.pending == 0 && self.reopens_done == self.reopens_asked
    }

    /// Whether the writer should take what there is, rather than doze and let
    /// more come.
    pub(super) fn is_urgent(&self, limits: Limits) -> bool {
        !self.full.is_empty()
            || self.is_half_full(limits)
            || !self.line.is_empty()
            || !self.flushes.is_empty()
            || !self.commits.is_empty()
            || !self.open
    }

    /// Whether more commits are likely to come in a moment and to share a sync:
    /// those who committed last time are on their way again.
    pub(super) fn should_gather(&self) -> bool {
        (1..self.expected_commits).contains(&self.pending_commits)
            && self.full.is_empty()
            && self.line.is_empty()
            && self.flushes.is_empty()
            && self.open
            && !self.abandoned
    }

    #[inline]
    pub(super) fn push(&mut self, line: &[u8], mark: Mark) {
        let filled = self.filling.bytes.len();
        if filled + line.len() > self.filling.bytes.capacity() {
            self.next_segment(line.len());
        }
        if filled + line.len() > self.filling.claimed && line.len() < CLAIM_BYTES {
            self.filling.claim(line.len() + CLAIM_BYTES);
        }
        self.filling.bytes.extend_from_slice(line);
        if mark != Mark::default() {
            self.filling.marks.push((self.filling.events, mark));
            self.pending_commits += u64::from(mark.commit.is_some());
        }
        self.filling.events += 1;
        self.pending += 1;
        self.pending_bytes += line.len();
        self.accepted += 1;
        self.counters.queued += 1;
        self.counters.queued_bytes += line.len() as u64;
    }

    #[cold]
    pub(super) fn next_segment(&mut self, bytes: usize) {
        let empty = if bytes > SEGMENT_BYTES {
            Vec::with_capacity(bytes)
        } else {
            let spare = self.spare.pop();
            spare.unwrap_or_else(|| Vec::with_capacity(SEGMENT_BYTES))
        };
        let full = mem::replace(&mut self.filling, Segment::empty(empty));
        if full.events > 0 {
            self.full.push_back(full);
        } else {
            self.recycle(full);
        }
    }

    pub(super) fn pop(&mut self) -> Option<Segment> {
        let mut segment = match self.full.pop_front() {
            Some(segment) => segment,
            None if self.filling.events == 0 => return None,
            None => {
                let bytes = self.spare.pop().unwrap_or_default();
                mem::replace(&mut self.filling, Segment::empty(bytes))
            }
        };
        self.pending -= segment.events;
        self.pending_bytes -= segment.bytes().len();
        self.in_hand_since = Some(Instant::now());
        let commits = segment.commits().count() as u64;
        if commits > 0 {
            self.pending_commits -= commits;
            self.expected_commits = commits;
        }
        segment.dropped = self.counters.dropped;
        segment.fallen_back = self.counters.fallen_back;
        Some(segment)
    }

    pub(super) fn recycle(&mut self, segment: Segment) {
        if let Some(mut buffer) = segment.into_buffer()
            && (SEGMENT_BYTES..2 * SEGMENT_BYTES).contains(&buffer.capacity())
        {
            buffer.clear();
            self.spare.push(buffer);
        }
    }

    pub(super) fn recycle_line(&mut self, mut buffer: Vec<u8>) {
        if buffer.capacity() <= KEPT_LINE_BYTES {
            buffer.clear();
            self.spare_lines.push(buffer);
        }
    }

    /// Gives a buffer back that only a busy queue needs.
    pub(super) fn trim(&mut self) {
        if self.spare_lines.len() > IDLE_LINES {
            self.spare_lines.pop();
        }
        if self.spare.len() > IDLE_BUFFERS {
            self.spare.pop();
        }
    }

    /// Moves lines of blocked callers into the queue as far as there is room;
    /// the lanes to notify.
    pub(super) fn let_in(&mut self, limits: Limits) -> u16 {
        let mut lanes = 0;
        while let Some(first) = self.line.front() {
            if !self.has_room(first.line.len(), limits) {
                break;
            }
            if let Some(Waiting { ticket, line, mark }) = self.line.pop_front() {
                self.push(&line, mark);
                self.counters.offered += 1;
                self.recycle_line(line);
                lanes |= 1 << (ticket % LANES as u64);
            }
        }
        lanes
    }

    /// Those in line will not be let in: their events are lost.
    pub(super) fn empty_line(&mut self) {
        let waiting = mem::take(&mut self.line);
        self.count(Fates::dropped(waiting.len() as u64));
        for waiting in waiting {
            self.fail_commit(waiting.mark, &CommitError::NotRecorded);
        }
    }

    pub(super) fn place_of(&self, ticket: u64) -> Option<usize> {
        self.line
            .binary_search_by_key(&ticket, |waiting| waiting.ticket)
            .ok()
    }

    pub(super) fn new_id(&mut self) -> u64 {
        self.next_id += 1;
        self.next_id
    }

    pub(super) fn resolve(&mut self, id: u64, result: Result<Receipt, CommitError>) {
        if let Some(commit) = self.commits.iter_mut().find(|commit| commit.id == id) {
            commit.result.get_or_insert(result);
        }
    }

    pub(super) fn fail_commit(&mut self, mark: Mark, error: &CommitError) {
        if let Some(id) = mark.commit {
            self.resolve(id, Err(error.clone()));
        }
    }

    /// How many of the events that a flush waited for were lost.
    pub(super) fn end_flush(&mut self, id: u64) -> u64 {
        match self.flushes.iter().position(|flush| flush.id == id) {
            Some(at) => self.flushes.swap_remove(at).lost,
            None => 0,
        }
    }

    /// That all is as durable as it was to be, or an error.
    pub(super) fn check_synced(&self) -> Result<(), FlushError> {
        match self.unsynced {
            0 => Ok(()),
            events => Err(FlushError::unsynced(events)),
        }
    }

    /// Counts events that were never queued.
    pub(super) fn count(&mut self, fates: Fates) {
        self.counters.offered += fates.dropped + fates.fallen_back;
        self.counters.dropped += fates.dropped;
        self.counters.fallen_back += fates.fallen_back;
    }

    /// In a forked child: the parent writes what it queued; here all that comes
    /// is lost, and counted from the moment that this is noticed.
    pub(super) fn forget_parent(&mut self) {
        if self.writer != Writer::Gone {
            self.open = false;
            self.writer = Writer::Gone;
            self.full.clear();
            self.filling = Segment::default();
            self.pending = 0;
            self.pending_bytes = 0;
            self.line.clear();
            self.counters = Counters::default();
            self.trouble.fatal(FORKED);
        }
    }
}

impl Segment {
    fn empty(bytes: Vec<u8>) -> Self {
        Self {
            bytes,
            ..Self::default()
        }
    }

    /// Writes to the room for the next lines, which holds nothing yet.
    ///
    /// The writer has read what stood in this buffer before, so its core has these
    /// bytes in its cache. To write to them means to wait until it has let go of them,
    /// for a little more than it takes to encode a line; and unlocking waits for
    /// whatever was written. For many lines at once that takes hardly longer than for
    /// one.
    fn claim(&mut self, bytes: usize) {
        let filled = self.bytes.len();
        self.claimed = (filled + bytes).min(self.bytes.capacity());
        self.bytes.resize(self.claimed, 0);
        self.bytes.truncate(filled);
    }
}
