use std::io::{self, Write};
use std::path::PathBuf;
use std::time::Duration;

use thiserror::Error;

use crate::Receipt;

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

    /// A sink without a queue was given an option of the queue.
    #[error("a log that is written directly has no queue: leave out `{option}`, or call `open`")]
    #[non_exhaustive]
    NoQueue {
        /// The option's name.
        option: &'static str,
    },

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

/// Why [`DirectLogSink::write`](crate::DirectLogSink::write) or
/// [`commit`](crate::DirectLogSink::commit) has not done what was asked.
///
/// [`is_recorded`](Self::is_recorded) says what became of the event. One that isn't
/// recorded is in no counter: it is the caller's, who may offer it again.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum WriteError {
    /// Others were writing for all that time: threads, or another process that holds
    /// the log's lock. The event is not recorded.
    #[error("others were writing the log for longer than {timeout:?}")]
    #[non_exhaustive]
    Timeout {
        /// How long the call waited.
        timeout: Duration,
    },

    /// The log can't be written now: its disk is full, or it can't be opened. The event
    /// is not recorded, and nothing of it stands in the log.
    #[error("the event could not be written")]
    #[non_exhaustive]
    Io {
        /// What went wrong.
        source: io::Error,
    },

    /// The event is recorded: it is written, and could not be synced.
    #[error("the event is written, and could not be synced: {reason}")]
    #[non_exhaustive]
    NotSynced {
        /// Where it stands.
        receipt: Receipt,
        /// Why.
        reason: String,
    },

    /// The sink has failed, and writes nothing any more; one that opens the log anew
    /// may. The event is not recorded.
    #[error("the log has failed: {reason}")]
    #[non_exhaustive]
    Failed {
        /// Why.
        reason: String,
    },

    /// The call can't be made here. The event is not recorded.
    #[error("can't write here: {reason}")]
    #[non_exhaustive]
    Unusable {
        /// Why, in words.
        reason: &'static str,
    },
}

impl WriteError {
    /// Whether the event is in the log all the same.
    ///
    /// ```
    /// use std::time::Duration;
    /// use audit_jsonl::{CallEvent, JsonLinesAuditSink, Outcome, now_rfc3339};
    /// # let directory = std::env::temp_dir().join(format!("audit-recorded-{}", std::process::id()));
    /// # std::fs::create_dir_all(&directory)?;
    ///
    /// let sink = JsonLinesAuditSink::builder().path(directory.join("audit.jsonl")).open_direct()?;
    /// sink.close(Duration::from_secs(10))?;
    ///
    /// let event = CallEvent::new(now_rfc3339(), "1", "echo", 3, Outcome::Success, "hot");
    /// let error = sink.write(&event, Duration::from_secs(1)).unwrap_err();
    /// assert!(!error.is_recorded());
    /// assert_eq!(error.to_string(), "can't write here: the sink is closed");
    /// # std::fs::remove_dir_all(&directory)?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn is_recorded(&self) -> bool {
        matches!(self, Self::NotSynced { .. })
    }

    /// In words, with what it came from.
    pub(crate) fn reason(&self) -> String {
        match self {
            Self::Io { source } => source.to_string(),
            Self::NotSynced { reason, .. } | Self::Failed { reason } => reason.clone(),
            error => error.to_string(),
        }
    }
}

/// Why [`JsonLinesAuditSink::close`](crate::JsonLinesAuditSink::close) or
/// [`DirectLogSink::close`](crate::DirectLogSink::close) can't say that everything is
/// written. The sink is closed all the same.
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

impl CloseError {
    /// Tells of it after a sink was dropped, where nobody is left to ask. Not by
    /// `eprintln!`, which panics when stderr is closed.
    pub(crate) fn tell_of_drop(&self) {
        let message = format!("audit-jsonl: a sink was dropped and {self}\n");
        drop(io::stderr().write_all(message.as_bytes()));
    }
}
