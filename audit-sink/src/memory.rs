mod query;

use std::collections::VecDeque;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use audit_schema::CallEvent;
use parking_lot::Mutex;

pub use self::query::Query;
use crate::{AuditSink, size};

/// How many events a [`MemorySink`] holds unless told otherwise, and at least.
const DEFAULT_EVENTS: usize = 10_000;
const LEAST_EVENTS: usize = 128;

/// How many bytes of events a [`MemorySink`] holds unless told otherwise, and at
/// least.
const DEFAULT_BYTES: usize = 64 * 1024 * 1024;
const LEAST_BYTES: usize = 64 * 1024;

/// Readers take the lock for so many events at a time.
const AT_A_TIME: usize = 256;

/// Keeps the latest calls in memory, for a status page: a ring, whose oldest event
/// goes when a new one comes and it is full.
///
/// All clones share what is kept. Recording copies the event, and then takes a lock to
/// put a pointer into the ring; what falls out is freed without it. Readers take it for
/// 256 events at a time and get shared pointers, not copies, so they hold nobody up.
///
/// The ring is bounded in events (10,000) and in bytes of their strings (64 MiB). An
/// event that falls out was recorded and isn't a loss; one that alone is larger than
/// the bound in bytes is never held, and counted in [`drops`](AuditSink::drops).
///
/// ```
/// use audit_sink::{AuditSink, MemorySink, Query, schema::{CallEvent, Outcome}};
///
/// let memory = MemorySink::new();
/// for (id, tool) in [("1", "files:read"), ("2", "files:list"), ("3", "files:read")] {
///     let ts = format!("2026-11-20T09:30:0{id}.000000Z");
///     memory.on_call(&CallEvent::new(ts, id, tool, 3, Outcome::Success, "hot"));
/// }
///
/// assert_eq!((memory.count(), memory.total()), (3, 3));
/// assert_eq!(memory.recent(1)[0].call_id, "3");
/// let reads = memory.query(&Query::new().tool("files:read"));
/// assert_eq!(reads.len(), 2);
/// ```
#[derive(Clone)]
pub struct MemorySink {
    shared: Arc<Shared>,
}

struct Shared {
    ring: Mutex<Ring>,
    events: usize,
    bytes: usize,
    drops: AtomicU64,
}

#[derive(Default)]
struct Ring {
    held: VecDeque<Held>,
    /// The bytes of what is held.
    bytes: usize,
    /// How many came ever: the number of the next one.
    total: u64,
}

struct Held {
    event: Arc<CallEvent>,
    bytes: usize,
}

impl MemorySink {
    /// Holds 10,000 events, and 64 MiB of them.
    #[must_use]
    pub fn new() -> Self {
        Self::with_capacity(DEFAULT_EVENTS)
    }

    /// Holds that many events, 128 at least: fewer than that means 128. And 64 MiB
    /// of them.
    #[must_use]
    pub fn with_capacity(events: usize) -> Self {
        Self::with_capacities(events, DEFAULT_BYTES)
    }

    /// As [`with_capacity`](Self::with_capacity), and that many bytes of their
    /// strings, 64 KiB at least: fewer means 64 KiB.
    #[must_use]
    pub fn with_capacities(events: usize, bytes: usize) -> Self {
        Self {
            shared: Arc::new(Shared {
                ring: Mutex::default(),
                events: events.max(LEAST_EVENTS),
                bytes: bytes.max(LEAST_BYTES),
                drops: AtomicU64::new(0),
            }),
        }
    }

    /// How many events it holds at most.
    #[must_use]
    pub fn capacity(&self) -> usize {
        self.shared.events
    }

    /// How many events it holds now.
    #[must_use]
    pub fn count(&self) -> usize {
        self.shared.ring.lock().held.len()
    }

    /// How many events came ever, those that it holds no more included.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.shared.ring.lock().total
    }

    /// The latest events, the newest first, at most that many.
    #[must_use]
    pub fn recent(&self, limit: usize) -> Vec<Arc<CallEvent>> {
        self.query(&Query::new().limit(limit))
    }

    /// The events that the query asks for, the newest first.
    ///
    /// An event that comes meanwhile isn't among them; one that falls out meanwhile
    /// may be missing.
    #[must_use]
    pub fn query(&self, query: &Query) -> Vec<Arc<CallEvent>> {
        let mut found = Vec::new();
        let mut chunk = Vec::new();
        // One past the next event to look at, by its number.
        let mut end = self.total();
        let mut wanted = AT_A_TIME.min(query.most());
        while found.len() < query.most() {
            end = self.read_before(end, wanted, &mut chunk);
            if chunk.is_empty() {
                break;
            }
            // Looked at without the lock.
            found.extend(chunk.drain(..).filter(|event| query.admits(event)));
            wanted = AT_A_TIME;
        }
        found.truncate(query.most());
        found
    }

    /// Adds the last events before the one with the number `end` to `chunk`, the
    /// newest first, at most that many: the number of the last one that was added.
    fn read_before(&self, end: u64, most: usize, chunk: &mut Vec<Arc<CallEvent>>) -> u64 {
        let ring = self.shared.ring.lock();
        let first = ring.total - ring.held.len() as u64;
        let end = usize::try_from(end.saturating_sub(first)).unwrap_or(usize::MAX);
        let end = end.min(ring.held.len());
        let begin = end.saturating_sub(most);
        let newest_first = ring.held.range(begin..end).rev();
        chunk.extend(newest_first.map(|held| Arc::clone(&held.event)));
        first + begin as u64
    }
}

impl Default for MemorySink {
    fn default() -> Self {
        Self::new()
    }
}

impl AuditSink for MemorySink {
    fn on_call(&self, event: &CallEvent) {
        let shared = &*self.shared;
        let bytes = size::of(event);
        if bytes > shared.bytes {
            shared.drops.fetch_add(1, Ordering::Relaxed);
            return;
        }
        let event = Arc::new(event.clone());
        let mut gone = Gone::default();
        let mut ring = shared.ring.lock();
        while ring.held.len() >= shared.events || ring.bytes + bytes > shared.bytes {
            let Some(oldest) = ring.held.pop_front() else {
                break;
            };
            ring.bytes -= oldest.bytes;
            gone.add(oldest);
        }
        ring.bytes += bytes;
        ring.total += 1;
        ring.held.push_back(Held { event, bytes });
        // What has fallen out is freed without the lock.
        drop(ring);
        drop(gone);
    }

    fn drops(&self) -> u64 {
        self.shared.drops.load(Ordering::Relaxed)
    }
}

/// What falls out: mostly one event, for which no list is made.
#[derive(Default)]
struct Gone {
    one: Option<Held>,
    more: Vec<Held>,
}

impl Gone {
    fn add(&mut self, held: Held) {
        if let Some(before) = self.one.replace(held) {
            self.more.push(before);
        }
    }
}

/// Prints how many events there are, not what they hold.
impl fmt::Debug for MemorySink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ring = self.shared.ring.lock();
        f.debug_struct("MemorySink")
            .field("count", &ring.held.len())
            .field("total", &ring.total)
            .field("capacity", &self.shared.events)
            .finish_non_exhaustive()
    }
}
