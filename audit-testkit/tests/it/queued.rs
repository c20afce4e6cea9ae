//! A small sink with a queue and a thread of its own that keeps the contract: the
//! reference for what the suite must let pass.

use std::collections::VecDeque;
use std::io::Write;
use std::panic::{self, AssertUnwindSafe};
use std::sync::Arc;
use std::thread::{self, JoinHandle, ThreadId};
use std::time::{Duration, Instant};

use audit_schema::CallEvent;
use audit_sink::{AuditSink, BackpressureStrategy, FlushError, Health};
use parking_lot::{Condvar, Mutex, MutexGuard};

pub(crate) struct Queued {
    shared: Arc<Shared>,
    strategy: BackpressureStrategy,
    writer: Option<JoinHandle<()>>,
}

struct Shared {
    state: Mutex<State>,
    changed: Condvar,
    capacity: usize,
}

#[derive(Default)]
struct State {
    queue: VecDeque<CallEvent>,
    /// The event that the writer has in hand counts against the capacity.
    in_hand: usize,
    accepted: u64,
    /// Of those accepted, how many are recorded or lost.
    settled: u64,
    lost: u64,
    refused: u64,
    failures: u64,
    total_failures: u64,
    failed: bool,
    closed: bool,
}

impl Queued {
    pub(crate) fn open(
        writer: Box<dyn Write + Send>,
        capacity: usize,
        strategy: BackpressureStrategy,
    ) -> Self {
        let shared = Arc::new(Shared {
            state: Mutex::default(),
            changed: Condvar::new(),
            capacity,
        });
        let writing = Arc::clone(&shared);
        Self {
            shared,
            strategy,
            writer: Some(thread::spawn(move || writing.write_all(writer))),
        }
    }

    fn writer_id(&self) -> Option<ThreadId> {
        self.writer.as_ref().map(|writer| writer.thread().id())
    }

    fn on_writer(&self) -> bool {
        self.writer_id() == Some(thread::current().id())
    }
}

impl AuditSink for Queued {
    fn on_call(&self, event: &CallEvent) {
        let mut state = self.shared.state.lock();
        while !state.failed && state.queue.len() + state.in_hand >= self.shared.capacity {
            match &self.strategy {
                // The writer would wait for itself.
                BackpressureStrategy::Block if !self.on_writer() => {
                    self.shared.changed.wait(&mut state);
                }
                BackpressureStrategy::FallbackSink(fallback) => {
                    drop(state);
                    fallback.on_call(event);
                    return;
                }
                _ => {
                    state.refused += 1;
                    return;
                }
            }
        }
        if state.failed {
            state.refused += 1;
        } else {
            state.queue.push_back(event.clone());
            state.accepted += 1;
            self.shared.changed.notify_all();
        }
    }

    fn drops(&self) -> u64 {
        let state = self.shared.state.lock();
        state.refused + state.lost
    }

    fn backpressure_strategy(&self) -> BackpressureStrategy {
        self.strategy.clone()
    }

    fn flush(&self, timeout: Duration) -> Result<(), FlushError> {
        if self.on_writer() {
            return Err(FlushError::unusable("the writer can't wait for itself"));
        }
        // `None` is beyond all time: no limit.
        let deadline = Instant::now().checked_add(timeout);
        let mut state = self.shared.state.lock();
        let (target, lost) = (state.accepted, state.lost);
        while state.settled < target {
            let late = match deadline {
                Some(deadline) => {
                    let waited = self.shared.changed.wait_until(&mut state, deadline);
                    waited.timed_out()
                }
                None => {
                    self.shared.changed.wait(&mut state);
                    false
                }
            };
            if late && state.settled < target {
                return Err(FlushError::timeout(timeout, target - state.settled));
            }
        }
        match state.lost - lost {
            0 => Ok(()),
            lost => Err(FlushError::lost(lost)),
        }
    }

    fn health(&self) -> Health {
        let state = self.shared.state.lock();
        let (failures, total) = (state.failures, state.total_failures);
        if state.failed {
            Health::failed(failures, total, "the writer panicked")
        } else if failures > 0 {
            Health::degraded(failures, total, "a write failed")
        } else {
            Health::Healthy
        }
    }
}

impl Drop for Queued {
    fn drop(&mut self) {
        self.shared.state.lock().closed = true;
        self.shared.changed.notify_all();
        let on_writer = self.on_writer();
        if let Some(writer) = self.writer.take()
            && !on_writer
        {
            drop(writer.join());
        }
    }
}

impl Shared {
    /// The writer's thread.
    fn write_all(&self, mut writer: Box<dyn Write + Send>) {
        let mut state = self.state.lock();
        loop {
            if let Some(event) = state.queue.pop_front() {
                state.in_hand = 1;
                let written = MutexGuard::unlocked(&mut state, || self.write(&mut writer, &event));
                state.in_hand = 0;
                match written {
                    Written::Yes => {}
                    Written::GivenUp => state.lost += 1,
                    Written::Panicked => {
                        state.failed = true;
                        state.failures += 1;
                        state.total_failures += 1;
                        state.lost += 1 + state.queue.len() as u64;
                        state.queue.clear();
                        state.settled = state.accepted;
                        self.changed.notify_all();
                        return;
                    }
                }
                state.settled += 1;
                self.changed.notify_all();
            } else if state.closed {
                return;
            } else {
                self.changed.wait(&mut state);
            }
        }
    }

    /// Writes one line, again and again until that succeeds or the sink closes. A
    /// write that fails has written nothing: the fakes here keep to that.
    fn write(&self, writer: &mut Box<dyn Write + Send>, event: &CallEvent) -> Written {
        let mut line = serde_json::to_vec(event).expect("an event is plain data");
        line.push(b'\n');
        loop {
            let written = panic::catch_unwind(AssertUnwindSafe(|| writer.write_all(&line)));
            let mut state = self.state.lock();
            match written {
                Err(_) => return Written::Panicked,
                Ok(Ok(())) => {
                    state.failures = 0;
                    return Written::Yes;
                }
                Ok(Err(_)) => {
                    state.failures += 1;
                    state.total_failures += 1;
                    if state.closed {
                        return Written::GivenUp;
                    }
                    let pause = Duration::from_millis(1);
                    self.changed.wait_for(&mut state, pause);
                }
            }
        }
    }
}

enum Written {
    Yes,
    GivenUp,
    Panicked,
}
