//! A sink over a destination that a test commands, and a harness for stacks over it.

use std::io::Write;
use std::panic::{self, AssertUnwindSafe};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use audit_sink::schema::CallEvent;
use audit_sink::{AuditSink, Health};
use audit_testkit::Destination;
use audit_testkit::conformance::{CallsBack, Dies, Harness, Overflows, Reads, Refuses, Stalls};
use parking_lot::{Mutex, ReentrantMutex};

/// Writes each event at once, on the thread of its caller, and keeps the contract.
pub(crate) struct Direct {
    writer: ReentrantMutex<Mutex<Box<dyn Write + Send>>>,
    drops: AtomicU64,
    in_a_row: AtomicU64,
    is_dead: Mutex<bool>,
}

impl Direct {
    pub(crate) fn new(destination: &Destination) -> Self {
        Self {
            writer: ReentrantMutex::new(Mutex::new(destination.writer())),
            drops: AtomicU64::new(0),
            in_a_row: AtomicU64::new(0),
            is_dead: Mutex::new(false),
        }
    }

    fn write(&self, event: &CallEvent) -> bool {
        let mut line = serde_json::to_vec(event).unwrap();
        line.push(b'\n');
        let writer = self.writer.lock();
        // Held already when the destination itself calls.
        let Some(mut writer) = writer.try_lock() else {
            return false;
        };
        if *self.is_dead.lock() {
            return false;
        }
        let written = panic::catch_unwind(AssertUnwindSafe(|| writer.write_all(&line)));
        *self.is_dead.lock() = written.is_err();
        matches!(written, Ok(Ok(())))
    }
}

impl AuditSink for Direct {
    fn on_call(&self, event: &CallEvent) {
        if self.write(event) {
            self.in_a_row.store(0, Ordering::Relaxed);
        } else {
            self.in_a_row.fetch_add(1, Ordering::Relaxed);
            self.drops.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn drops(&self) -> u64 {
        self.drops.load(Ordering::Relaxed)
    }

    fn health(&self) -> Health {
        let (in_a_row, total) = (self.in_a_row.load(Ordering::Relaxed), self.drops());
        if *self.is_dead.lock() {
            Health::failed(in_a_row, total, "the destination panicked")
        } else if in_a_row > 0 {
            Health::degraded(in_a_row, total, "a write failed")
        } else {
            Health::Healthy
        }
    }
}

/// Opens some stack of sinks that ends at the destination.
pub(crate) struct Stack<S> {
    destination: Destination,
    overflow: usize,
    keeps: fn(&CallEvent) -> bool,
    open: Open<S>,
}

type Open<S> = Box<dyn Fn(&Destination) -> S>;

/// How many events the queues of stacks hold.
pub(crate) const CAPACITY: usize = 64;

impl<S> Stack<S> {
    pub(crate) fn new(open: impl Fn(&Destination) -> S + 'static) -> Self {
        Self {
            destination: Destination::new(),
            overflow: CAPACITY * 2,
            keeps: |_| true,
            open: Box::new(open),
        }
    }

    /// A stack that doesn't promise to record every event as it is.
    pub(crate) fn keeping(mut self, keeps: fn(&CallEvent) -> bool) -> Self {
        self.keeps = keeps;
        self
    }
}

impl<S: AuditSink + 'static> Harness for Stack<S> {
    type Sink = S;

    fn open(&self) -> S {
        (self.open)(&self.destination)
    }
}

impl<S: AuditSink + 'static> Reads for Stack<S> {
    fn recorded(&self) -> Vec<CallEvent> {
        let lines = self.destination.buf().lines();
        let read = |line: &String| serde_json::from_str(line).unwrap();
        lines.iter().map(read).collect()
    }

    fn keeps(&self, event: &CallEvent) -> bool {
        (self.keeps)(event)
    }
}

impl<S: AuditSink + 'static> Stalls for Stack<S> {
    fn stall(&self) {
        self.destination.stall();
    }

    fn resume(&self) {
        self.destination.resume();
    }
}

impl<S: AuditSink + 'static> Overflows for Stack<S> {
    fn overflow(&self) -> usize {
        self.overflow
    }
}

impl<S: AuditSink + 'static> Refuses for Stack<S> {
    fn refuse(&self) {
        self.destination.refuse();
    }

    fn heal(&self) {
        self.destination.heal();
    }
}

impl<S: AuditSink + 'static> Dies for Stack<S> {
    fn die(&self) {
        self.destination.die();
    }
}

impl<S: AuditSink + 'static> CallsBack for Stack<S> {
    fn call_back(&self, hook: Arc<dyn Fn() + Send + Sync>) {
        self.destination.call_back(Some(hook));
    }
}
