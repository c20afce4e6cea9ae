use std::io;
use std::path::PathBuf;
use std::time::Duration;

use thiserror::Error;

/// Why a sink could not be built. Nothing was started.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum BuildError {
    /// The queue could not hold a single event.
    #[error("the queue's capacity is 0 events: it must be at least 1")]
    Capacity,

    /// The queue could hardly hold an event.
    #[error("the queue's capacity is {given} bytes: it must be at least {least}")]
    #[non_exhaustive]
    CapacityBytes {
        /// The bound that was given.
        given: usize,
        /// The least that is allowed.
        least: usize,
    },

    /// The operating system refused to start the writer thread.
    #[error("the writer thread could not be started")]
    #[non_exhaustive]
    Thread {
        /// Its reason.
        source: io::Error,
    },
}

/// Why a log could not be opened. Nothing was started, and nothing that was
/// recorded is lost.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum OpenError {
    /// The queue could not be built.
    #[error(transparent)]
    Queue(#[from] BuildError),

    /// Files would be rotated all the time.
    #[error("files are to be rotated at {given} bytes: it must be at least {least}")]
    #[non_exhaustive]
    RotationBytes {
        /// The bound that was given.
        given: u64,
        /// The least that is allowed.
        least: u64,
    },

    /// Each batch would begin a new file.
    #[error("files are to be rotated at an age of 0: it must be longer")]
    RotationAge,

    /// Nothing would ever be removed: only rotated files are.
    #[error("old files are to be removed, and none is ever rotated: say when to rotate")]
    KeepWithoutRotation,

    /// The log can't be opened, read or synced. Why, and what to do, is its
    /// [`source`](std::error::Error::source).
    #[error("the log {} can't be opened", path.display())]
    #[non_exhaustive]
    Io {
        /// The log.
        path: PathBuf,
        /// What went wrong.
        source: io::Error,
    },
}

/// Why a text is no [`LeafHash`](crate::LeafHash) or
/// [`StreamId`](crate::StreamId).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("it is not {digits} lower-case hex digits")]
#[non_exhaustive]
pub struct ParseHexError {
    /// How many digits it takes.
    pub digits: usize,
}

/// Why [`JsonLinesAuditSink::close`](crate::JsonLinesAuditSink::close) can't say
/// that everything is written. The sink is closed all the same.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum CloseError {
    /// The timeout passed first.
    #[error("{left} events were not written within {timeout:?}")]
    #[non_exhaustive]
    Timeout {
        /// How long the call waited.
        timeout: Duration,
        /// How many events were still queued.
        left: u64,
    },

    /// Events that were queued could not be written, and no fallback took them.
    #[error("{events} events that were queued could not be written")]
    #[non_exhaustive]
    Lost {
        /// How many.
        events: u64,
    },

    /// Every event is settled, and the log's closing record could not be written:
    /// the log looks as if its writer had been killed, and losses that no line has
    /// told of are in [`Counters`](crate::Counters) alone.
    #[error("the log could not be closed: {reason}")]
    #[non_exhaustive]
    NoClosingRecord {
        /// Why.
        reason: String,
    },

    /// The call can't be made here.
    #[error("it can't be closed here: {reason}")]
    #[non_exhaustive]
    Unusable {
        /// Why, in words.
        reason: &'static str,
    },
}
