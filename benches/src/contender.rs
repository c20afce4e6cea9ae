//! Who is compared: the one trait that all stand behind, and the list of them.

use std::io;
use std::path::Path;

use audit_jsonl::CallEvent;

#[cfg(feature = "peers")]
use crate::contenders::{
    AUDIT_TRAIL, FAST_LOG, FTLOG, LOGFORTH, SLOG_ASYNC, SPDLOG_RS, TOKIO, TRACING, TRACING_APPENDER,
};
use crate::contenders::{CHAINED, PLAIN, SEED};
use crate::written::Form;

/// A recorder at work. Callers see a trait object, as a runtime does.
pub(crate) trait Recorder: Sync {
    /// What a runtime calls for each tool call.
    fn record(&self, event: &CallEvent);

    /// How many events it says it has lost; `None` if it doesn't count them.
    fn dropped(&self) -> Option<u64> {
        None
    }

    /// Waits until all is written that was recorded; false if it has no such means.
    fn flush(&self) -> bool {
        false
    }

    /// Waits until all is written, and ends.
    fn close(self: Box<Self>);
}

/// What a recorder is opened with.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Setup<'a> {
    pub(crate) path: &'a Path,
    /// Events that may be queued.
    pub(crate) capacity: usize,
    /// Callers wait when the queue is full; else the event is lost.
    pub(crate) blocks: bool,
}

/// Events that may be queued, for all contenders.
pub(crate) const CAPACITY: usize = 8_192;

/// What a peer's file is buffered by, where that is for its user to say.
#[cfg(feature = "peers")]
pub(crate) const FILE_BUFFER_BYTES: usize = 64 * 1024;

#[derive(Debug, Clone, Copy)]
pub(crate) struct Contender {
    pub(crate) name: &'static str,
    pub(crate) kind: Kind,
    /// Whether it can lose events instead of having callers wait.
    pub(crate) can_drop: bool,
    /// What stands in its file.
    pub(crate) form: Form,
    /// How it is set up, for the docs.
    pub(crate) setup: &'static str,
    /// What makes the comparison unequal, for the docs; empty if nothing does.
    pub(crate) unequal: &'static str,
    pub(crate) open: fn(&Setup<'_>) -> io::Result<Box<dyn Recorder>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Ours,
    /// A design that is often written by hand, not a crate that one can have.
    Design,
    /// A crate on crates.io: "the best crate" is the best of these.
    Peer,
}

/// All that were built, ours first.
pub(crate) const CONTENDERS: &[Contender] = &[
    PLAIN,
    CHAINED,
    SEED,
    #[cfg(feature = "peers")]
    TOKIO,
    #[cfg(feature = "peers")]
    TRACING,
    #[cfg(feature = "peers")]
    TRACING_APPENDER,
    #[cfg(feature = "peers")]
    SLOG_ASYNC,
    #[cfg(feature = "peers")]
    SPDLOG_RS,
    #[cfg(feature = "peers")]
    FTLOG,
    #[cfg(feature = "peers")]
    FAST_LOG,
    #[cfg(feature = "peers")]
    LOGFORTH,
    #[cfg(feature = "peers")]
    AUDIT_TRAIL,
];

pub(crate) fn named(name: &str) -> Option<Contender> {
    CONTENDERS
        .iter()
        .find(|contender| contender.name == name)
        .copied()
}
