use std::collections::VecDeque;
use std::fmt;
use std::io::{self, Write};
use std::process;
use std::sync::Arc;
use std::thread::{self, JoinHandle, ThreadId};
use std::time::{Duration, Instant};

use audit_schema::CallEvent;
use parking_lot::{Condvar, Mutex, MutexGuard};

use crate::held::Held;
use crate::{AuditSink, FlushError, Health, size};

/// Bytes of queue for an event of capacity, and the least there is.
const BYTES_PER_EVENT: usize = 4 * 1024;
const LEAST_BYTES: usize = 1024 * 1024;

/// How long dropping one waits for what is queued.
const DROP_TIMEOUT: Duration = Duration::from_secs(30);

/// A queue in front of a sink that has none, and a thread that hands it the events:
/// so a slow sink holds up no caller, and no other member of a [`Tee`](crate::Tee).
///
/// The queue is bounded in events, and in bytes of their strings (4 KiB an event, at
/// least 1 MiB). What finds it full is dropped and counted; it never waits. An event
/// that comes from the sink behind it, on the queue's own thread, is counted as lost,
/// too: otherwise each would make the next.
///
/// [`health`](AuditSink::health) is that of the sink, and
/// [`Degraded`](Health::Degraded) while the queue is full. Dropping it waits for what
/// is queued, for 30 s at most, and says on stderr what it could not hand on.
///
/// Waking the thread costs its caller some microseconds when it sleeps. The queued
/// writer of `audit-jsonl` has a better queue of its own, and needs none before it.
///
/// ```
/// use std::time::Duration;
/// use audit_sink::{AuditSink, MemorySink, Queued, schema::{CallEvent, Outcome}};
///
/// let memory = MemorySink::new();
/// let queued = Queued::new(memory.clone(), 1024)?;
/// queued.on_call(&CallEvent::new("2026-11-20T09:30:00Z", "1", "echo", 0, Outcome::Success, "hot"));
/// queued.flush(Duration::from_secs(5))?;
/// assert_eq!(memory.count(), 1);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Queued {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
    /// A forked child has no thread.
    process: u32,
    drop_timeout: Duration,
}

struct Shared {
    sink: Held<Box<dyn AuditSink>>,
    state: Mutex<State>,
    /// The thread waits for events here, whoever flushes for the thread.
    work: Condvar,
    done: Condvar,
    events: usize,
    bytes: usize,
}

#[derive(Default)]
struct State {
    queue: VecDeque<CallEvent>,
    /// Of what is queued and what the thread has in hand.
    bytes: usize,
    accepted: u64,
    /// Of the accepted ones, how many the sink has been handed.
    settled: u64,
    refused: u64,
    is_asleep: bool,
    is_closed: bool,
    /// The sink has failed for good, so that nothing more is accepted.
    sink_has_failed: bool,
    thread_has_ended: bool,
}

impl Queued {
    /// A queue of that many events before `sink`; 0 means 1.
    ///
    /// # Errors
    ///
    /// When the thread can't be started; the sink is dropped then.
    pub fn new(sink: impl AuditSink + 'static, events: usize) -> io::Result<Self> {
        let events = events.max(1);
        let shared = Arc::new(Shared {
            sink: Held::new(Box::new(sink)),
            state: Mutex::default(),
            work: Condvar::new(),
            done: Condvar::new(),
            events,
            bytes: events.saturating_mul(BYTES_PER_EVENT).max(LEAST_BYTES),
        });
        let thread = thread::Builder::new().name("audit-queued".into()).spawn({
            let shared = Arc::clone(&shared);
            move || shared.hand_on()
        })?;
        Ok(Self {
            shared,
            thread: Some(thread),
            process: process::id(),
            drop_timeout: DROP_TIMEOUT,
        })
    }

    /// How many events are queued, the one that the sink is taking included.
    #[must_use]
    pub fn queued(&self) -> u64 {
        let state = self.shared.state.lock();
        state.accepted - state.settled
    }

    fn is_own_thread(&self) -> bool {
        let own: Option<ThreadId> = self.thread.as_ref().map(|thread| thread.thread().id());
        own == Some(thread::current().id())
    }

    fn is_forked(&self) -> bool {
        self.process != process::id()
    }

    /// Waits until the first `target` events are settled; how many are not.
    fn wait(&self, target: u64, timeout: Duration) -> u64 {
        // `None` is beyond all time: no limit.
        let deadline = Instant::now().checked_add(timeout);
        let mut state = self.shared.state.lock();
        while state.settled < target {
            let late = match deadline {
                None => {
                    self.shared.done.wait(&mut state);
                    false
                }
                Some(deadline) => {
                    let waited = self.shared.done.wait_until(&mut state, deadline);
                    waited.timed_out()
                }
            };
            if late {
                break;
            }
        }
        target.saturating_sub(state.settled)
    }
}

impl Shared {
    /// The thread's work.
    fn hand_on(&self) {
        let mut state = self.state.lock();
        loop {
            if let Some(event) = state.queue.pop_front() {
                MutexGuard::unlocked(&mut state, || self.sink.on_call(&event));
                state.bytes -= size::of(&event);
                state.settled += 1;
                self.done.notify_all();
            } else if state.is_closed {
                state.thread_has_ended = true;
                self.done.notify_all();
                return;
            } else {
                state.is_asleep = true;
                self.work.wait(&mut state);
                state.is_asleep = false;
            }
        }
    }

    fn is_full(&self, state: &State, more: usize) -> bool {
        // What the thread has in hand counts.
        state.accepted - state.settled >= self.events as u64 || state.bytes + more > self.bytes
    }
}

impl AuditSink for Queued {
    fn on_call(&self, event: &CallEvent) {
        let bytes = size::of(event);
        if self.is_own_thread() || bytes > self.shared.bytes {
            self.shared.state.lock().refused += 1;
            return;
        }
        // Not under the lock, where others would wait for it.
        let event = event.clone();
        let mut state = self.shared.state.lock();
        if state.sink_has_failed || self.shared.is_full(&state, bytes) {
            state.refused += 1;
            return;
        }
        state.queue.push_back(event);
        state.bytes += bytes;
        state.accepted += 1;
        if state.is_asleep {
            self.shared.work.notify_one();
        }
    }

    fn drops(&self) -> u64 {
        let refused = self.shared.state.lock().refused;
        refused.saturating_add(self.shared.sink.drops())
    }

    /// Waits until what was queued before has been handed on, and then until the sink
    /// has flushed.
    fn flush(&self, timeout: Duration) -> Result<(), FlushError> {
        if self.is_own_thread() {
            return Err(FlushError::unusable("this is the queue's own thread"));
        }
        if self.is_forked() {
            return Err(FlushError::unusable("this is a forked child"));
        }
        let begun = Instant::now();
        let accepted = self.shared.state.lock().accepted;
        match self.wait(accepted, timeout) {
            0 => self.shared.sink.flush(match timeout {
                Duration::MAX => timeout,
                _ => timeout.saturating_sub(begun.elapsed()),
            }),
            left => Err(FlushError::timeout(timeout, left)),
        }
    }

    fn health(&self) -> Health {
        let health = self.shared.sink.health();
        let mut state = self.shared.state.lock();
        match health {
            Health::Healthy if self.shared.is_full(&state, 0) => {
                Health::degraded(1, state.refused, "the queue is full: the sink is too slow")
            }
            Health::Failed {
                consecutive_failures,
                total_failures,
                reason,
            } => {
                state.sink_has_failed = true;
                // What is queued is still to be counted, by the sink.
                match state.accepted == state.settled {
                    true => Health::failed(consecutive_failures, total_failures, reason),
                    false => Health::degraded(consecutive_failures, total_failures, reason),
                }
            }
            health => health,
        }
    }
}

impl Drop for Queued {
    fn drop(&mut self) {
        if self.is_forked() {
            return;
        }
        self.shared.state.lock().is_closed = true;
        self.shared.work.notify_one();
        // On its own thread there is nobody to wait for: it ends by itself.
        if self.is_own_thread() {
            return;
        }
        let deadline = Instant::now() + self.drop_timeout;
        let mut state = self.shared.state.lock();
        while !state.thread_has_ended {
            if self
                .shared
                .done
                .wait_until(&mut state, deadline)
                .timed_out()
            {
                break;
            }
        }
        let (ended, left) = (state.thread_has_ended, state.accepted - state.settled);
        drop(state);
        match self.thread.take() {
            Some(thread) if ended => drop(thread.join()),
            _ => {
                // Nobody is left to ask. Not `eprintln!`, which panics when stderr is
                // closed.
                let message = format!("audit-sink: a queue was dropped with {left} events in it\n");
                drop(io::stderr().write_all(message.as_bytes()));
            }
        }
    }
}

impl fmt::Debug for Queued {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Queued")
            .field("queued", &self.queued())
            .field("events", &self.shared.events)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use audit_schema::Outcome;

    use super::*;

    struct Wedged(Arc<Mutex<()>>);

    impl AuditSink for Wedged {
        fn on_call(&self, _: &CallEvent) {
            drop(self.0.lock());
        }
    }

    #[test]
    fn whoever_drops_one_before_a_wedged_sink_goes_on() {
        let wedge = Arc::new(Mutex::new(()));
        let held = wedge.lock();
        let mut queued = Queued::new(Wedged(Arc::clone(&wedge)), 8).expect("a thread");
        queued.drop_timeout = Duration::ZERO;
        queued.on_call(&CallEvent::new("", "1", "", 0, Outcome::Success, ""));
        let (dropped, is_dropped) = mpsc::channel();
        let dropping = thread::spawn(move || {
            drop(queued);
            dropped.send(())
        });
        let waited = is_dropped.recv_timeout(Duration::from_secs(30));
        drop(held);
        assert!(waited.is_ok(), "it waits for the sink");
        assert!(dropping.join().is_ok());
    }
}
