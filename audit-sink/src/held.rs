//! Somebody else's sink, called with care.

use std::mem;
use std::panic::{self, AssertUnwindSafe};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

use audit_schema::CallEvent;

use crate::{AuditSink, BackpressureStrategy, FlushError, Health};

/// What `work` gives, or `None` if it panics.
#[inline]
pub(crate) fn catching<R>(work: impl FnOnce() -> R) -> Option<R> {
    match panic::catch_unwind(AssertUnwindSafe(work)) {
        Ok(result) => Some(result),
        Err(payload) => {
            // It may panic, too, when it is dropped.
            if let Err(worse) = panic::catch_unwind(AssertUnwindSafe(|| drop(payload))) {
                mem::forget(worse);
            }
            None
        }
    }
}

/// Whether some code has panicked, so that it isn't called where that would end the
/// process: in a panic hook nothing can catch a panic.
#[derive(Debug, Default)]
pub(crate) struct Wary(AtomicBool);

impl Wary {
    /// As [`catching`]; and `None` at once on a thread that panics, if `work` has
    /// panicked before.
    #[inline]
    pub(crate) fn catching<R>(&self, work: impl FnOnce() -> R) -> Option<R> {
        if self.0.load(Ordering::Relaxed) && thread::panicking() {
            return None;
        }
        let result = catching(work);
        if result.is_none() {
            self.0.store(true, Ordering::Relaxed);
        }
        result
    }
}

/// A sink that may panic against its contract: that ends here, and is counted.
#[derive(Debug)]
pub(crate) struct Held<S> {
    /// `None` while it is dropped.
    sink: Option<S>,
    wary: Wary,
    /// Events that it has panicked on.
    panics: AtomicU64,
    /// How many of them since it last took one.
    in_a_row: AtomicU64,
    /// What it last said of its drops.
    drops: AtomicU64,
}

impl<S: AuditSink> Held<S> {
    pub(crate) fn new(sink: S) -> Self {
        Self {
            sink: Some(sink),
            wary: Wary::default(),
            panics: AtomicU64::new(0),
            in_a_row: AtomicU64::new(0),
            drops: AtomicU64::new(0),
        }
    }

    #[inline]
    pub(crate) fn sink(&self) -> &S {
        self.sink.as_ref().expect("only dropping takes it")
    }

    #[inline]
    pub(crate) fn on_call(&self, event: &CallEvent) {
        match self.wary.catching(|| self.sink().on_call(event)) {
            Some(()) => {
                // Looked at before it is written, so that threads share it.
                if self.in_a_row.load(Ordering::Relaxed) != 0 {
                    self.in_a_row.store(0, Ordering::Relaxed);
                }
            }
            None => {
                self.panics.fetch_add(1, Ordering::Relaxed);
                self.in_a_row.fetch_add(1, Ordering::Relaxed);
            }
        }
    }

    /// The events on which it panicked.
    pub(crate) fn panics(&self) -> u64 {
        self.panics.load(Ordering::Relaxed)
    }

    /// What it says it has lost, and what it panicked on.
    pub(crate) fn drops(&self) -> u64 {
        let drops = match self.wary.catching(|| self.sink().drops()) {
            Some(drops) => drops.max(self.drops.fetch_max(drops, Ordering::Relaxed)),
            None => self.drops.load(Ordering::Relaxed),
        };
        drops.saturating_add(self.panics())
    }

    pub(crate) fn backpressure_strategy(&self) -> BackpressureStrategy {
        self.wary
            .catching(|| self.sink().backpressure_strategy())
            .unwrap_or_default()
    }

    pub(crate) fn flush(&self, timeout: Duration) -> Result<(), FlushError> {
        self.wary
            .catching(|| self.sink().flush(timeout))
            .unwrap_or(Err(FlushError::unusable("the sink panicked")))
    }

    pub(crate) fn health(&self) -> Health {
        let panicked = |reason| Health::degraded(self.in_a_row(), self.panics(), reason);
        match self.wary.catching(|| self.sink().health()) {
            None => panicked("the sink panicked when it was asked for its health"),
            Some(failed @ Health::Failed { .. }) => failed,
            Some(_) if self.in_a_row() > 0 => panicked("the sink panicked on an event"),
            Some(health) => health,
        }
    }

    fn in_a_row(&self) -> u64 {
        self.in_a_row.load(Ordering::Relaxed)
    }
}

impl<S> Drop for Held<S> {
    fn drop(&mut self) {
        let sink = self.sink.take();
        // So that the sinks beside it are dropped, too.
        if catching(|| drop(sink)).is_none() {
            self.panics.fetch_add(1, Ordering::Relaxed);
        }
    }
}
