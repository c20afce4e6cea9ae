//! The queue between the callers and the writer: encoded lines, copied in under
//! one lock, bounded in events and in bytes.
//!
//! The lines stand in segments, one after the other in one buffer. The writer
//! takes a segment at a time, and its buffer comes back when it is written, so a
//! busy queue allocates nothing. What the writer holds still counts as queued.

use std::collections::VecDeque;
use std::mem;
use std::ops::Range;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::{self, Thread};
use std::time::{Duration, Instant};

use audit_sink::{FlushError, Health};
use parking_lot::{Condvar, Mutex, MutexGuard};

use crate::Counters;
use crate::trouble::Trouble;

/// For so long after it gave up lines, a sink with a fallback tries none that
/// another sink gave up.
const LATELY: Duration = Duration::from_secs(1);

/// Lines are gathered into segments of this size; a longer line has one of its
/// own. Large enough that the system call is a small part of writing it, small
/// enough to stay in the processor's cache from the caller to the writer.
const SEGMENT_BYTES: usize = 256 * 1024;

/// A line's buffer that has grown beyond this is given back to the allocator.
const KEPT_LINE_BYTES: usize = 4 * 1024;

/// How many buffers an idle queue keeps, for segments and for lines.
const IDLE_BUFFERS: usize = 4;
const IDLE_LINES: usize = 16;

/// A destination that takes longer than this for a segment is told of in
/// [`Queue::health`].
const STALLED: Duration = Duration::from_secs(5);

/// After work the writer looks again by itself, after this pause and then after
/// pauses twice as long each, before it goes to sleep. While it dozes so, no
/// caller pays for waking it. 0.2 + 0.4 + … + 6.4 ms are 12.6 ms in all.
const FIRST_DOZE: Duration = Duration::from_micros(200);
const LAST_DOZE: Duration = Duration::from_micros(6_400);

/// Blocked callers wait on one of so many condition variables, by ticket.
const LANES: usize = 16;

pub(crate) const FORKED: &str = "this is a forked child, which has no writer thread";

/// How much may be queued.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limits {
    pub(crate) events: usize,
    pub(crate) bytes: usize,
}

/// What to do with a line for which there is no room.
#[derive(Debug, Clone, Copy)]
pub(crate) enum WhenFull {
    /// Count it as lost.
    Drop,
    /// Leave it to the caller.
    Refuse,
    /// Wait for room for that long (`None`: for as long as it takes).
    Wait(Option<Duration>),
}

/// What became of a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Offered {
    /// It is queued, or it is lost and counted.
    Settled,
    /// Its fate is the caller's to decide, and to tell by [`Queue::count`].
    Refused,
}

/// The writer had that many events left to write.
#[derive(Debug)]
pub(crate) struct TooSlow {
    pub(crate) left: u64,
}

/// What happened to events that are not queued any more, or never were.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Fates {
    pub(crate) written: u64,
    pub(crate) dropped: u64,
    pub(crate) fallen_back: u64,
}

/// Lines for the writer.
#[derive(Debug, Default)]
pub(crate) struct Segment {
    pub(crate) bytes: Vec<u8>,
    pub(crate) events: u64,
}

#[derive(Debug)]
pub(crate) struct Queue {
    limits: Limits,
    /// The process that has the writer thread.
    process: u32,
    state: Mutex<State>,
    /// The writer's thread, which parks when there is nothing to do: to unpark it
    /// costs its waker less than a condition variable.
    thread: OnceLock<Thread>,
    /// Flush and close wait here.
    progress: Condvar,
    /// Blocked callers wait here.
    lanes: [Condvar; LANES],
    /// Events lost in a forked child that could not even take the lock.
    orphaned: AtomicU64,
}

#[derive(Debug)]
struct State {
    /// Events are accepted.
    open: bool,
    /// What is not written by now is to be given up.
    abandoned: bool,
    writer: Writer,

    /// Full segments, oldest first, and the one that lines are added to.
    full: VecDeque<Segment>,
    filling: Segment,
    /// Empty buffers.
    spare: Vec<Vec<u8>>,
    /// Events that the writer has not taken yet.
    pending: u64,
    pending_bytes: usize,
    /// When the writer took the segment that it holds.
    in_hand_since: Option<Instant>,
    /// When the writer last gave up a segment, unless it has written one since.
    gave_up: Option<Instant>,

    /// Blocked callers' lines, in the order in which they came.
    line: VecDeque<Waiting>,
    next_ticket: u64,
    /// Buffers of lines that stood there, for those who come next.
    spare_lines: Vec<Vec<u8>>,

    /// How many events were ever let in, and how many of them are out again.
    accepted: u64,
    settled: u64,
    lost_of_accepted: u64,
    flushes: Vec<Flush>,
    next_flush: u64,

    counters: Counters,
    trouble: Trouble,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Writer {
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
struct Waiting {
    ticket: u64,
    line: Vec<u8>,
}

#[derive(Debug)]
struct Flush {
    id: u64,
    /// It waits until so many events are settled.
    target: u64,
    /// So many of those were lost.
    lost: u64,
}

type Guard<'a> = MutexGuard<'a, State>;

impl Queue {
    pub(crate) fn new(limits: Limits) -> Self {
        Self {
            limits,
            process: std::process::id(),
            state: Mutex::new(State {
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
                flushes: Vec::new(),
                next_flush: 0,
                counters: Counters::default(),
                trouble: Trouble::default(),
            }),
            thread: OnceLock::new(),
            progress: Condvar::new(),
            lanes: [const { Condvar::new() }; LANES],
            orphaned: AtomicU64::new(0),
        }
    }

    pub(crate) fn limits(&self) -> Limits {
        self.limits
    }

    /// Whether this is a forked child, in which there is no writer thread. A
    /// system call, which costs more than recording an event: for slow paths.
    pub(crate) fn is_forked(&self) -> bool {
        std::process::id() != self.process
    }

    /// The lock; `None` in a forked child, where its holder may not exist.
    #[inline]
    fn lock(&self) -> Option<Guard<'_>> {
        match self.state.try_lock() {
            Some(state) => Some(state),
            None => self.lock_contended(),
        }
    }

    #[cold]
    fn lock_contended(&self) -> Option<Guard<'_>> {
        (!self.is_forked()).then(|| self.state.lock())
    }

    /// Queues a line.
    #[inline]
    pub(crate) fn offer(&self, line: &[u8], when_full: WhenFull) -> Offered {
        let Some(mut state) = self.lock() else {
            self.orphaned.fetch_add(1, Ordering::Relaxed);
            return Offered::Settled;
        };
        if state.open && state.line.is_empty() && state.has_room(line.len(), self.limits) {
            state.push(line);
            state.counters.offered += 1;
            match state.writer {
                Writer::Busy => {}
                Writer::Dozing if !state.is_half_full(self.limits) => {}
                _ => self.wake_writer(state),
            }
            return Offered::Settled;
        }
        self.offer_without_room(state, line, when_full)
    }

    #[cold]
    fn offer_without_room(
        &self,
        mut state: Guard<'_>,
        line: &[u8],
        when_full: WhenFull,
    ) -> Offered {
        if self.is_forked() {
            state.forget_parent();
        }
        match when_full {
            WhenFull::Refuse => return Offered::Refused,
            WhenFull::Wait(timeout) if state.open => {
                let deadline = timeout.and_then(|timeout| Instant::now().checked_add(timeout));
                self.wait_in_line(state, line, deadline);
            }
            WhenFull::Drop | WhenFull::Wait(_) => state.count(Fates::dropped(1)),
        }
        Offered::Settled
    }

    /// Stands in line until the writer lets the line in, or the deadline.
    ///
    /// A copy of the line stands there, not its caller: the writer moves it into
    /// the queue when there is room, so whoever comes later can't overtake, and
    /// the caller need not wake in time to keep its place.
    fn wait_in_line(&self, mut state: Guard<'_>, line: &[u8], deadline: Option<Instant>) {
        let ticket = state.next_ticket;
        state.next_ticket += 1;
        let mut copy = state.spare_lines.pop().unwrap_or_default();
        copy.extend_from_slice(line);
        state.line.push_back(Waiting { ticket, line: copy });
        self.rouse_writer(&mut state);
        let lane = self.lane(ticket);
        loop {
            if state.place_of(ticket).is_none() {
                return;
            }
            match deadline {
                None => lane.wait(&mut state),
                Some(deadline) => {
                    if lane.wait_until(&mut state, deadline).timed_out() {
                        break;
                    }
                }
            }
        }
        let left = state.place_of(ticket).map(|place| state.line.remove(place));
        // Otherwise it was let in at the last moment.
        if let Some(waiting) = left.flatten() {
            state.recycle_line(waiting.line);
            state.count(Fates::dropped(1));
            // It may have held up smaller ones that there is room for.
            let lanes = state.let_in(self.limits);
            drop(state);
            self.notify_lanes(lanes);
        }
    }

    fn lane(&self, ticket: u64) -> &Condvar {
        &self.lanes[(ticket % LANES as u64) as usize]
    }

    /// Counts events whose fate the caller of [`offer`](Self::offer) decided.
    pub(crate) fn count(&self, fates: Fates) {
        if let Some(mut state) = self.lock() {
            state.count(fates);
        }
    }

    #[cold]
    fn wake_writer(&self, mut state: Guard<'_>) {
        if self.is_forked() {
            state.forget_parent();
            state.count(Fates::dropped(1));
            return;
        }
        state.writer = Writer::Busy;
        drop(state);
        self.unpark_writer();
    }

    fn unpark_writer(&self) {
        if let Some(thread) = self.thread.get() {
            thread.unpark();
        }
    }

    /// Wakes the writer unless it is awake anyway.
    fn rouse_writer(&self, state: &mut Guard<'_>) {
        if matches!(state.writer, Writer::Dozing | Writer::Asleep) {
            state.writer = Writer::Busy;
            self.unpark_writer();
        }
    }

    /// The next lines to write; `None` when the queue is closed and empty, or
    /// was abandoned. For the writer thread.
    pub(crate) fn take(&self) -> Option<Segment> {
        self.thread.get_or_init(thread::current);
        let mut state = self.state.lock();
        let mut doze = FIRST_DOZE;
        loop {
            if state.abandoned {
                return None;
            }
            if state.is_urgent() {
                match state.pop() {
                    Some(segment) => return Some(segment),
                    None if !state.open => return None,
                    None => {}
                }
            }
            if doze <= LAST_DOZE {
                state.writer = Writer::Dozing;
                MutexGuard::unlocked(&mut state, || thread::park_timeout(doze));
                doze *= 2;
            } else {
                // Nobody waits for the lock while memory is given back.
                while state.is_idle() && state.spare.len() > IDLE_BUFFERS {
                    let buffer = state.spare.pop();
                    MutexGuard::unlocked(&mut state, || drop(buffer));
                }
                while state.is_idle() {
                    state.writer = Writer::Asleep;
                    MutexGuard::unlocked(&mut state, thread::park);
                }
            }
            state.writer = Writer::Busy;
            if !state.abandoned
                && let Some(segment) = state.pop()
            {
                return Some(segment);
            }
            state.trim();
        }
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
        let bytes = segment.bytes.len();
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
        state.recycle(segment.bytes);
        let lanes = state.let_in(self.limits);
        if state.flushes.iter().any(|flush| flush.target <= end) {
            self.progress.notify_all();
        }
        drop(state);
        self.notify_lanes(lanes);
    }

    fn notify_lanes(&self, lanes: u16) {
        for (bit, lane) in self.lanes.iter().enumerate() {
            if lanes & (1 << bit) != 0 {
                lane.notify_all();
            }
        }
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

    /// Waits until what is queued now has been written.
    pub(crate) fn flush(&self, timeout: Duration) -> Result<(), FlushError> {
        let deadline = Instant::now().checked_add(timeout);
        if self.is_forked() {
            return Err(FlushError::unusable(FORKED));
        }
        let mut state = self.state.lock();
        let target = state.accepted;
        if state.settled >= target {
            return Ok(());
        }
        let id = state.next_flush;
        state.next_flush += 1;
        state.flushes.push(Flush {
            id,
            target,
            lost: 0,
        });
        self.rouse_writer(&mut state);
        while state.settled < target {
            let timed_out = match deadline {
                None => {
                    self.progress.wait(&mut state);
                    false
                }
                Some(deadline) => self.progress.wait_until(&mut state, deadline).timed_out(),
            };
            if timed_out {
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
            Ok(())
        }
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
            let timed_out = match deadline {
                None => {
                    self.progress.wait(&mut state);
                    false
                }
                Some(deadline) => self.progress.wait_until(&mut state, deadline).timed_out(),
            };
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

    /// As [`close`](Self::close), without waiting.
    pub(crate) fn stop_accepting(&self) {
        let mut state = self.state.lock();
        state.open = false;
        state.trouble.closed();
    }

    pub(crate) fn gave_up_lately(&self) -> bool {
        let gave_up = self.lock().and_then(|state| state.gave_up);
        gave_up.is_some_and(|when| when.elapsed() < LATELY)
    }

    pub(crate) fn is_abandoned(&self) -> bool {
        self.state.lock().abandoned
    }

    /// How many events were queued and then lost.
    pub(crate) fn lost_of_accepted(&self) -> u64 {
        self.state.lock().lost_of_accepted
    }

    pub(crate) fn counters(&self) -> Counters {
        let mut counters = match self.lock() {
            Some(state) => state.counters,
            None => Counters::default(),
        };
        let orphaned = self.orphaned.load(Ordering::Relaxed);
        counters.offered += orphaned;
        counters.dropped += orphaned;
        counters
    }

    pub(crate) fn health(&self) -> Health {
        match self.lock() {
            Some(state) => {
                let held = state.in_hand_since.map(|since| since.elapsed());
                state.trouble.health(held.filter(|held| *held > STALLED))
            }
            None => Health::failed(0, 0, FORKED),
        }
    }
}

impl Fates {
    pub(crate) fn dropped(events: u64) -> Self {
        Self {
            dropped: events,
            ..Self::default()
        }
    }

    pub(crate) fn fallen_back(events: u64) -> Self {
        Self {
            fallen_back: events,
            ..Self::default()
        }
    }
}

impl State {
    #[inline]
    fn has_room(&self, bytes: usize, limits: Limits) -> bool {
        self.counters.queued < limits.events as u64
            && self.counters.queued_bytes as usize + bytes <= limits.bytes
    }

    /// Whether a dozing writer should be woken.
    #[inline]
    fn is_half_full(&self, limits: Limits) -> bool {
        self.pending * 2 >= limits.events as u64 || self.pending_bytes * 2 >= limits.bytes
    }

    /// Whether the writer has nothing to do until somebody wakes it.
    fn is_idle(&self) -> bool {
        self.open && self.pending == 0
    }

    /// Whether the writer should take what there is, rather than doze and let
    /// more come.
    fn is_urgent(&self) -> bool {
        !self.full.is_empty() || !self.line.is_empty() || !self.flushes.is_empty() || !self.open
    }

    #[inline]
    fn push(&mut self, line: &[u8]) {
        let filled = self.filling.bytes.len();
        if filled + line.len() > self.filling.bytes.capacity() {
            self.next_segment(line.len());
        }
        self.filling.bytes.extend_from_slice(line);
        self.filling.events += 1;
        self.pending += 1;
        self.pending_bytes += line.len();
        self.accepted += 1;
        self.counters.queued += 1;
        self.counters.queued_bytes += line.len() as u64;
    }

    #[cold]
    fn next_segment(&mut self, bytes: usize) {
        let empty = if bytes > SEGMENT_BYTES {
            Vec::with_capacity(bytes)
        } else {
            let spare = self.spare.pop();
            spare.unwrap_or_else(|| Vec::with_capacity(SEGMENT_BYTES))
        };
        let full = mem::replace(
            &mut self.filling,
            Segment {
                bytes: empty,
                events: 0,
            },
        );
        if full.events > 0 {
            self.full.push_back(full);
        } else {
            self.recycle(full.bytes);
        }
    }

    fn pop(&mut self) -> Option<Segment> {
        let segment = match self.full.pop_front() {
            Some(segment) => segment,
            None if self.filling.events == 0 => return None,
            None => {
                let bytes = self.spare.pop().unwrap_or_default();
                mem::replace(&mut self.filling, Segment { bytes, events: 0 })
            }
        };
        self.pending -= segment.events;
        self.pending_bytes -= segment.bytes.len();
        self.in_hand_since = Some(Instant::now());
        Some(segment)
    }

    fn recycle(&mut self, mut buffer: Vec<u8>) {
        if (SEGMENT_BYTES..2 * SEGMENT_BYTES).contains(&buffer.capacity()) {
            buffer.clear();
            self.spare.push(buffer);
        }
    }

    fn recycle_line(&mut self, mut buffer: Vec<u8>) {
        if buffer.capacity() <= KEPT_LINE_BYTES {
            buffer.clear();
            self.spare_lines.push(buffer);
        }
    }

    /// Gives a buffer back that only a busy queue needs.
    fn trim(&mut self) {
        if self.spare_lines.len() > IDLE_LINES {
            self.spare_lines.pop();
        }
        if self.spare.len() > IDLE_BUFFERS {
            self.spare.pop();
        }
    }

    /// Moves lines of blocked callers into the queue as far as there is room;
    /// the lanes to notify.
    fn let_in(&mut self, limits: Limits) -> u16 {
        let mut lanes = 0;
        while let Some(first) = self.line.front() {
            if !self.has_room(first.line.len(), limits) {
                break;
            }
            if let Some(Waiting { ticket, line }) = self.line.pop_front() {
                self.push(&line);
                self.counters.offered += 1;
                self.recycle_line(line);
                lanes |= 1 << (ticket % LANES as u64);
            }
        }
        lanes
    }

    /// Those in line will not be let in: their events are lost.
    fn empty_line(&mut self) {
        let waiting = mem::take(&mut self.line);
        self.count(Fates::dropped(waiting.len() as u64));
    }

    fn place_of(&self, ticket: u64) -> Option<usize> {
        self.line
            .binary_search_by_key(&ticket, |waiting| waiting.ticket)
            .ok()
    }

    fn end_flush(&mut self, id: u64) -> u64 {
        match self.flushes.iter().position(|flush| flush.id == id) {
            Some(at) => self.flushes.swap_remove(at).lost,
            None => 0,
        }
    }

    /// Counts events that were never queued.
    fn count(&mut self, fates: Fates) {
        self.counters.offered += fates.written + fates.dropped + fates.fallen_back;
        self.counters.written += fates.written;
        self.counters.dropped += fates.dropped;
        self.counters.fallen_back += fates.fallen_back;
    }

    /// In a forked child: the parent writes what it queued; here all that comes
    /// is lost, and counted from the moment that this is noticed.
    fn forget_parent(&mut self) {
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
