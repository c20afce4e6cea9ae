//! Who is inside which sink, on this thread.
//!
//! A sink may hold one that calls it back: by a destination that makes audited calls
//! itself, or by a mistake. Each event would make another without end, so the second
//! time round is refused.

use std::cell::Cell;
use std::sync::atomic::{AtomicU64, Ordering};

/// So many sinks made of sinks may stand in each other.
const DEEPEST: usize = 32;

thread_local! {
    // Without a destructor, so that they are there on a thread that is ending, too.
    static INSIDE: [Cell<u64>; DEEPEST] = const { [const { Cell::new(0) }; DEEPEST] };
    static DEPTH: Cell<usize> = const { Cell::new(0) };
}

/// The way into one sink.
#[derive(Debug)]
pub(crate) struct Entrance {
    /// Its own, ever. An address would not do: one sink may be the first field of
    /// another.
    id: u64,
    refused: AtomicU64,
}

/// Leaves again when it is dropped.
pub(crate) struct Inside {
    depth: usize,
}

impl Entrance {
    pub(crate) fn new() -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(1);
        Self {
            id: NEXT.fetch_add(1, Ordering::Relaxed),
            refused: AtomicU64::new(0),
        }
    }

    /// `None` if this thread is inside already, or too deep in other sinks.
    #[inline]
    pub(crate) fn enter(&self) -> Option<Inside> {
        let depth = DEPTH.get();
        INSIDE.with(|inside| {
            let is_inside = inside[..depth].iter().any(|id| id.get() == self.id);
            let free = inside.get(depth).filter(|_| !is_inside)?;
            free.set(self.id);
            DEPTH.set(depth + 1);
            Some(Inside { depth })
        })
    }

    /// As [`enter`](Self::enter), for an event, which is counted if it is refused.
    #[inline]
    pub(crate) fn enter_with_event(&self) -> Option<Inside> {
        let inside = self.enter();
        if inside.is_none() {
            self.refused.fetch_add(1, Ordering::Relaxed);
        }
        inside
    }

    /// How many events were refused.
    pub(crate) fn refused(&self) -> u64 {
        self.refused.load(Ordering::Relaxed)
    }
}

impl Drop for Inside {
    fn drop(&mut self) {
        DEPTH.set(self.depth);
    }
}

/// What `flush` says to who is inside.
pub(crate) const FROM_INSIDE: &str = "it was called from inside the sink itself";
