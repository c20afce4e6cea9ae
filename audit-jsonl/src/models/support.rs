//! Destinations, fallbacks and events of models.

use std::io::{self, Write};
use std::panic;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex as Untold, PoisonError};

use audit_sink::{AuditSink, BackpressureStrategy};

use crate::sync::thread::{Builder, JoinHandle};
use crate::sync::{Condvar, Mutex};
use crate::{CallEvent, Counters, JsonLinesAuditSink, Outcome};

pub(super) fn spawn<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> JoinHandle<T> {
    Builder::new().spawn(work).expect("a model has few threads")
}

pub(super) fn event(id: &str) -> CallEvent {
    CallEvent::new("2026-11-20T09:30:00Z", id, "t", 0, Outcome::Success, "hot")
}

/// Of which there is room for one in 4 KiB, and for small ones beside it or for none.
pub(super) fn long_event(id: &str) -> CallEvent {
    let tool = "t".repeat(3_800);
    CallEvent::new("2026-11-20T09:30:00Z", id, tool, 0, Outcome::Success, "hot")
}

pub(super) fn sink(
    capacity: usize,
    strategy: BackpressureStrategy,
    destination: impl Write + Send + 'static,
) -> Arc<JsonLinesAuditSink> {
    let sink = JsonLinesAuditSink::with_strategy(Box::new(destination), capacity, strategy);
    Arc::new(sink)
}

/// The ids of events, in their order. Reading and writing it is no point at which the
/// checker would change threads.
#[derive(Debug, Clone, Default)]
pub(super) struct Ids(Arc<Untold<Vec<String>>>);

impl Ids {
    pub(super) fn add(&self, id: &str) {
        let mut ids = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        ids.push(id.to_owned());
    }

    pub(super) fn get(&self) -> Vec<String> {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    pub(super) fn len(&self) -> u64 {
        self.get().len() as u64
    }

    /// Takes the ids out of lines.
    fn add_lines(&self, bytes: &[u8]) {
        let text = str::from_utf8(bytes).expect("lines are UTF-8");
        for line in text.lines() {
            let (_, rest) = line.split_once("\"call_id\":\"").expect("lines have ids");
            let (id, _) = rest.split_once('"').expect("ids are short");
            self.add(id);
        }
    }
}

/// Takes everything.
impl Write for Ids {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.add_lines(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A fallback that takes everything.
impl AuditSink for Ids {
    fn on_call(&self, event: &CallEvent) {
        self.add(&event.call_id);
    }
}

/// Takes everything, and wakes who waits for it.
#[derive(Debug, Clone)]
pub(super) struct Arrivals(Arc<(Mutex<u64>, Condvar)>);

impl Arrivals {
    pub(super) fn new() -> Self {
        Self(Arc::new((Mutex::new(0), Condvar::new())))
    }

    pub(super) fn add(&self, lines: u64) {
        let (arrived, more) = &*self.0;
        *arrived.lock() += lines;
        more.notify_all();
    }

    pub(super) fn wait_for(&self, lines: u64) {
        let (arrived, more) = &*self.0;
        let mut arrived = arrived.lock();
        while *arrived < lines {
            more.wait(&mut arrived);
        }
    }
}

impl Write for Arrivals {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.add(bytes.iter().filter(|&&byte| byte == b'\n').count() as u64);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A destination, and how often it has ended: once all events are settled.
#[derive(Debug)]
pub(super) struct Ending<W> {
    pub(super) destination: W,
    pub(super) ended: Arrivals,
}

impl<W: Write> Write for Ending<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.destination.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.destination.flush()
    }
}

impl<W> Drop for Ending<W> {
    fn drop(&mut self) {
        self.ended.add(1);
    }
}

/// Takes what it is given so often, then panics.
#[derive(Debug)]
pub(super) struct Dying {
    pub(super) taken: Ids,
    pub(super) writes: u32,
}

impl Write for Dying {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.writes == 0 {
            // Without a word on stderr for each execution.
            panic::resume_unwind(Box::new("dying"));
        }
        self.writes -= 1;
        self.taken.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Takes nothing before the gate is opened.
#[derive(Debug)]
pub(super) struct Hanging {
    pub(super) gate: Arrivals,
    /// How many lines have come to it.
    pub(super) begun: Arrivals,
}

impl Write for Hanging {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let taken = self.begun.write(bytes)?;
        self.gate.wait_for(1);
        Ok(taken)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Takes nothing, and says so.
#[derive(Debug)]
pub(super) struct Failing;

impl Write for Failing {
    fn write(&mut self, _: &[u8]) -> io::Result<usize> {
        Err(io::ErrorKind::Other.into())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Something that is to happen in some execution of a model.
#[derive(Debug)]
pub(super) struct Reached(AtomicBool);

impl Reached {
    pub(super) const fn new() -> Self {
        Self(AtomicBool::new(false))
    }

    pub(super) fn mark(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    /// Of all executions there is one. Of a sample there may be none.
    #[track_caller]
    pub(super) fn check(&self) {
        assert!(cfg!(audit_shuttle) || self.0.load(Ordering::Relaxed));
    }
}

#[track_caller]
pub(super) fn assert_adds_up(counters: &Counters) {
    let settled = counters.written + counters.dropped + counters.fallen_back;
    assert_eq!(counters.offered, settled + counters.queued, "{counters:?}");
}
