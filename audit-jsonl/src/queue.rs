//! The queue between the callers and the writer: encoded lines, copied in under
//! one lock, bounded in events and in bytes.
//!
//! The lines stand in segments, one after the other in one buffer. The writer
//! takes a segment at a time, and its buffer comes back when it is written, so a
//! busy queue allocates nothing. What the writer holds still counts as queued.

mod state;
mod wait;
mod work;

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;
use std::{array, mem};

use audit_sink::Health;

use crate::queue::state::{LANES, State, Waiting, Writer};
use crate::sync::thread::Thread;
use crate::sync::{AtomicU64, Condvar, Instant, Mutex, MutexGuard, OnceLock};
use crate::{CommitError, Counters};

/// For so long after it gave up lines, a sink with a fallback tries none that
/// another sink gave up.
const LATELY: Duration = Duration::from_secs(1);

/// A destination that takes longer than this for a segment is told of in
/// [`Queue::health`].
const STALLED: Duration = Duration::from_secs(5);

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

/// What goes with few lines.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Mark {
    /// So many bytes of the event were cut.
    pub(crate) cut: u64,
    /// Who waits for the line to be durable.
    pub(crate) commit: Option<u64>,
}

/// What the writer is to do next.
#[derive(Debug)]
pub(crate) enum Turn {
    Write(Segment),
    /// The moment that it named has come.
    Due,
    /// Somebody asks for it to look at the log's name.
    Reopen,
    /// The queue is closed and empty, or was abandoned.
    End,
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
    /// Of those written, such as were to be synced and are not.
    pub(crate) unsynced: u64,
}

/// Lines for the writer.
#[derive(Debug, Default)]
pub(crate) struct Segment {
    /// Empty once they are shared.
    bytes: Vec<u8>,
    /// The bytes, while somebody reads them ahead of the writer.
    shared: Option<Arc<Vec<u8>>>,
    pub(crate) events: u64,
    /// The marks, each with its line's place among the lines.
    pub(crate) marks: Vec<(u64, Mark)>,
    /// How many events had been lost, and handed to the fallback, when the
    /// writer took it.
    pub(crate) dropped: u64,
    pub(crate) fallen_back: u64,
    /// Up to here the room in `bytes` has been written to.
    claimed: usize,
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
    /// Those who commit wait here, by number: a sync ends the waiting of many, and
    /// of no others.
    commit_lanes: [Condvar; LANES],
    /// Blocked callers wait here.
    lanes: [Condvar; LANES],
    /// Events lost in a forked child that could not even take the lock.
    orphaned: AtomicU64,
}

type Guard<'a> = MutexGuard<'a, State>;

impl Queue {
    pub(crate) fn new(limits: Limits) -> Self {
        Self {
            limits,
            process: std::process::id(),
            state: Mutex::new(State::new()),
            thread: OnceLock::new(),
            progress: Condvar::new(),
            commit_lanes: array::from_fn(|_| Condvar::new()),
            lanes: array::from_fn(|_| Condvar::new()),
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
    pub(crate) fn offer(&self, line: &[u8], mark: Mark, when_full: WhenFull) -> Offered {
        let Some(mut state) = self.lock() else {
            self.orphaned.fetch_add(1, Ordering::Relaxed);
            return Offered::Settled;
        };
        if state.open && state.line.is_empty() && state.has_room(line.len(), self.limits) {
            state.push(line, mark);
            state.counters.offered += 1;
            match state.writer {
                Writer::Busy if state.gathering && !state.should_gather() => {
                    state.gathering = false;
                    self.unpark_writer();
                }
                Writer::Busy => {}
                Writer::Dozing if !state.is_half_full(self.limits) => {}
                _ => self.wake_writer(state),
            }
            return Offered::Settled;
        }
        self.offer_without_room(state, line, mark, when_full)
    }

    #[cold]
    fn offer_without_room(
        &self,
        mut state: Guard<'_>,
        line: &[u8],
        mark: Mark,
        when_full: WhenFull,
    ) -> Offered {
        if self.is_forked() {
            state.forget_parent();
        }
        match when_full {
            WhenFull::Refuse => return Offered::Refused,
            WhenFull::Wait(timeout) if state.open => {
                let deadline = timeout.and_then(|timeout| Instant::now().checked_add(timeout));
                self.wait_in_line(state, line, mark, deadline);
            }
            WhenFull::Drop | WhenFull::Wait(_) => {
                state.count(Fates::dropped(1));
                state.fail_commit(mark, &CommitError::NotRecorded);
            }
        }
        Offered::Settled
    }

    /// Stands in line until the writer lets the line in, or the deadline.
    ///
    /// A copy of the line stands there, not its caller: the writer moves it into
    /// the queue when there is room, so whoever comes later can't overtake, and
    /// the caller need not wake in time to keep its place.
    fn wait_in_line(
        &self,
        mut state: Guard<'_>,
        line: &[u8],
        mark: Mark,
        deadline: Option<Instant>,
    ) {
        let ticket = state.next_ticket;
        state.next_ticket += 1;
        let mut copy = state.spare_lines.pop().unwrap_or_default();
        copy.extend_from_slice(line);
        state.line.push_back(Waiting {
            ticket,
            line: copy,
            mark,
        });
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
            state.fail_commit(mark, &CommitError::NotRecorded);
            // It may have held up smaller ones that there is room for.
            let lanes = state.let_in(self.limits);
            drop(state);
            self.notify_lanes(lanes);
        }
    }

    fn lane(&self, ticket: u64) -> &Condvar {
        &self.lanes[lane_of(ticket)]
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

    fn notify_lanes(&self, lanes: u16) {
        notify(&self.lanes, lanes);
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
            Some(state) => Counters {
                blocked: state.line.len() as u64,
                ..state.counters
            },
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

/// Wakes all who wait in those lanes, each a bit.
fn notify(all: &[Condvar; LANES], lanes: u16) {
    for (bit, lane) in all.iter().enumerate() {
        if lanes & (1 << bit) != 0 {
            lane.notify_all();
        }
    }
}

/// The lane of a ticket.
fn lane_of(ticket: u64) -> usize {
    (ticket % LANES as u64) as usize
}

impl Segment {
    /// The lines, each with its line feed.
    pub(crate) fn bytes(&self) -> &[u8] {
        self.shared.as_deref().unwrap_or(&self.bytes)
    }

    /// Lets somebody read the lines too.
    fn share(&mut self) -> Arc<Vec<u8>> {
        let bytes = mem::take(&mut self.bytes);
        Arc::clone(self.shared.get_or_insert_with(|| Arc::new(bytes)))
    }

    fn is_uncut(&self) -> bool {
        self.marks.iter().all(|(_, mark)| mark.cut == 0)
    }

    /// Whether those are its lines, by where they stand.
    pub(crate) fn is_of(&self, lines: &Arc<Vec<u8>>) -> bool {
        let shared = self.shared.as_ref();
        shared.is_some_and(|shared| Arc::ptr_eq(shared, lines))
    }

    /// The buffer of its lines, unless somebody still reads them.
    fn into_buffer(self) -> Option<Vec<u8>> {
        match self.shared {
            None => Some(self.bytes),
            Some(shared) => Arc::into_inner(shared),
        }
    }

    /// The commits in it.
    pub(crate) fn commits(&self) -> impl Iterator<Item = u64> + '_ {
        self.marks.iter().filter_map(|(_, mark)| mark.commit)
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
