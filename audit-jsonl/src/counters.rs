use std::fmt;

/// What became of the events that a sink was offered, at one moment.
///
/// `offered = written + dropped + fallen_back + queued`, always: an event counts
/// as offered when its fate is decided, so one whose caller still waits for room is
/// in none of them; [`blocked`](Self::blocked) says how many there are.
///
/// ```
/// use audit_jsonl::{AuditSink, CallEvent, JsonLinesAuditSink, Outcome};
///
/// let sink = JsonLinesAuditSink::new(Box::new(std::io::sink()));
/// sink.on_call(&CallEvent::new("2026-11-20T09:30:00Z", "1", "echo", 3, Outcome::Success, "hot"));
/// sink.flush(std::time::Duration::from_secs(10))?;
///
/// let counters = sink.counters();
/// assert_eq!(counters.written, 1);
/// assert_eq!(counters.to_string(), "1 offered = 1 written + 0 dropped + 0 fallen back + 0 queued");
/// # Ok::<(), audit_jsonl::FlushError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Counters {
    /// Events whose fate is decided.
    pub offered: u64,
    /// Events that the destination took, its `flush` included.
    pub written: u64,
    /// Events that are lost. The same number as
    /// [`drops`](crate::AuditSink::drops).
    pub dropped: u64,
    /// Events that were handed to the fallback.
    pub fallen_back: u64,
    /// Events that are on their way, those in the writer's hands included.
    pub queued: u64,
    /// The bytes of the events that are on their way.
    pub queued_bytes: u64,
    /// Events whose callers wait for room now: under
    /// [`Block`](crate::BackpressureStrategy::Block), and in
    /// [`commit`](crate::JsonLinesAuditSink::commit). None of the others counts
    /// them yet.
    pub blocked: u64,
    /// Bytes that the destination took, its `flush` included.
    pub bytes_written: u64,
    /// Writes and flushes that failed; most were tried again.
    pub write_errors: u64,
}

impl fmt::Display for Counters {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} offered = {} written + {} dropped + {} fallen back + {} queued",
            self.offered, self.written, self.dropped, self.fallen_back, self.queued
        )
    }
}
