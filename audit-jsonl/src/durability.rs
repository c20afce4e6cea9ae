use std::fmt;
use std::time::Duration;

use thiserror::Error;

use crate::chain::{Head, StreamId};
use crate::leaf::LeafHash;

/// When what is written to a chained log is synced, beyond what
/// [`commit`](crate::JsonLinesAuditSink::commit) asks for.
///
/// Written lines survive the process, synced ones a power loss, on a disk that
/// keeps its word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Durability {
    /// Never by itself: the operating system writes to the disk when it likes,
    /// by custom within 30 s.
    Written,
    /// That long after a write at the latest. The default, with one second.
    Interval(Duration),
    /// After every batch, before it counts as written: when
    /// [`flush`](crate::AuditSink::flush) returns, it is synced.
    EveryBatch,
}

impl Default for Durability {
    fn default() -> Self {
        Self::Interval(Duration::from_secs(1))
    }
}

/// The proof of a [`commit`](crate::JsonLinesAuditSink::commit): which line of
/// which stream the event is. It stays true whatever happens to the log.
///
/// Prints as `SEQ:HASH`. Kept elsewhere, with the stream where a log may begin
/// another, it is enough to find out later whether the log still holds that line:
/// the one with this `chain.seq` must have this leaf hash.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Receipt {
    /// The stream.
    pub stream: StreamId,
    /// The line's number in it.
    pub seq: u64,
    /// The line's leaf hash.
    pub hash: LeafHash,
}

impl Receipt {
    pub(crate) fn of(head: &Head) -> Self {
        Self {
            stream: head.stream,
            seq: head.seq,
            hash: head.hash,
        }
    }
}

impl fmt::Display for Receipt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.seq, self.hash)
    }
}

/// Why [`commit`](crate::JsonLinesAuditSink::commit) gives no receipt. The sink
/// stays usable as far as it was before.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum CommitError {
    /// The deadline passed first. The event may still be recorded, or be counted
    /// as lost, later.
    #[error("the event was not on disk within {timeout:?}")]
    #[non_exhaustive]
    Timeout {
        /// How long the call waited.
        timeout: Duration,
    },

    /// The event is not recorded: there was no room for it in time, the log
    /// could not be written, or the sink is closed. It is counted as lost, or
    /// went to the fallback.
    #[error("the event was not recorded")]
    NotRecorded,

    /// The event is written, and could not be synced.
    #[error("the event is written, and could not be synced: {reason}")]
    #[non_exhaustive]
    NotSynced {
        /// Why.
        reason: String,
    },

    /// The call can't be made here.
    #[error("can't commit here: {reason}")]
    #[non_exhaustive]
    Unusable {
        /// Why, in words.
        reason: &'static str,
    },
}
