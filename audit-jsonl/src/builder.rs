use std::io::Write;
use std::path::Path;
use std::time::Duration;

use audit_sink::BackpressureStrategy;

use crate::log_builder::LogBuilder;
use crate::sink::DEFAULT_DROP_TIMEOUT;
use crate::writer::Output;
use crate::{BuildError, DEFAULT_AUDIT_QUEUE_CAPACITY, JsonLinesAuditSink, OpenError, file};

/// Bytes of queue for an event of capacity, and the least there is, unless
/// another bound is given.
const BYTES_PER_EVENT: usize = 4 * 1024;
const LEAST_DEFAULT_BYTES: usize = 1024 * 1024;

/// A queue smaller than this holds hardly an event.
const LEAST_BYTES: usize = 4 * 1024;

/// Sets up a [`JsonLinesAuditSink`].
///
/// ```
/// use std::time::Duration;
/// use audit_jsonl::{BackpressureStrategy, JsonLinesAuditSink};
///
/// let sink = JsonLinesAuditSink::builder()
///     .capacity(8192)
///     .strategy(BackpressureStrategy::Block)
///     .block_timeout(Duration::from_millis(50))
///     .build(Box::new(std::io::sink()))?;
/// # Ok::<(), audit_jsonl::BuildError>(())
/// ```
#[derive(Debug, Clone)]
#[must_use = "a builder does nothing until `build`"]
pub struct Builder {
    capacity: Option<usize>,
    capacity_bytes: Option<usize>,
    strategy: Option<BackpressureStrategy>,
    pub(crate) block_timeout: Option<Duration>,
    pub(crate) drop_timeout: Duration,
}

impl Default for Builder {
    fn default() -> Self {
        Self {
            capacity: None,
            capacity_bytes: None,
            strategy: None,
            block_timeout: None,
            drop_timeout: DEFAULT_DROP_TIMEOUT,
        }
    }
}

impl Builder {
    /// How many events may be queued; at least 1. By default
    /// [`DEFAULT_AUDIT_QUEUE_CAPACITY`].
    pub fn capacity(mut self, events: usize) -> Self {
        self.capacity = Some(events);
        self
    }

    /// How many bytes of encoded events may be queued; at least 4096. An event
    /// that is longer by itself is never recorded here. By default 4 KiB an
    /// event of capacity, and at least 1 MiB.
    pub fn capacity_bytes(mut self, bytes: usize) -> Self {
        self.capacity_bytes = Some(bytes);
        self
    }

    /// What to do when the queue is full. By default
    /// [`BackpressureStrategy::Drop`].
    pub fn strategy(mut self, strategy: BackpressureStrategy) -> Self {
        self.strategy = Some(strategy);
        self
    }

    /// How long a caller waits at most under [`BackpressureStrategy::Block`];
    /// then the event is dropped, and counted. By default without a limit.
    pub fn block_timeout(mut self, timeout: Duration) -> Self {
        self.block_timeout = Some(timeout);
        self
    }

    /// How long dropping the sink waits at most for what is queued. By default
    /// 30 s.
    pub fn drop_timeout(mut self, timeout: Duration) -> Self {
        self.drop_timeout = timeout;
        self
    }

    /// Starts the sink over any destination, with plain lines.
    ///
    /// # Errors
    ///
    /// - [`BuildError::Capacity`], [`BuildError::CapacityBytes`]: a bound under
    ///   which nothing could be recorded.
    /// - [`BuildError::Thread`]: the writer thread could not be started.
    pub fn build(self, writer: Box<dyn Write + Send>) -> Result<JsonLinesAuditSink, BuildError> {
        self.check()?;
        let (sink, started) = JsonLinesAuditSink::start(&self, Output::plain(writer));
        started.map_err(|source| BuildError::Thread { source })?;
        Ok(sink)
    }

    /// Starts the sink over the end of a file, with plain lines, as
    /// [`JsonLinesAuditSink::file`] opens it. For a log that shows what was changed
    /// or lost, take [`path`](Self::path).
    ///
    /// # Errors
    ///
    /// - [`OpenError::Queue`]: as [`build`](Self::build).
    /// - [`OpenError::Io`]: the file can't be opened or read.
    pub fn plain_file(self, path: impl AsRef<Path>) -> Result<JsonLinesAuditSink, OpenError> {
        self.check()?;
        let path = path.as_ref();
        let file = file::open(path).map_err(|source| OpenError::Io {
            path: path.to_owned(),
            source,
        })?;
        Ok(self.build(Box::new(file))?)
    }

    /// Goes on to set up a chained log on disk.
    pub fn path(self, path: impl AsRef<Path>) -> LogBuilder {
        LogBuilder::new(self, path.as_ref())
    }

    pub(crate) fn check(&self) -> Result<(), BuildError> {
        if self.capacity == Some(0) {
            return Err(BuildError::Capacity);
        }
        if let Some(given) = self.capacity_bytes
            && given < LEAST_BYTES
        {
            return Err(BuildError::CapacityBytes {
                given,
                least: LEAST_BYTES,
            });
        }
        Ok(())
    }

    /// An option of the queue that was given, by its name.
    pub(crate) fn option_of_queue(&self) -> Option<&'static str> {
        let options = [
            ("capacity", self.capacity.is_some()),
            ("capacity_bytes", self.capacity_bytes.is_some()),
            ("strategy", self.strategy.is_some()),
            ("block_timeout", self.block_timeout.is_some()),
        ];
        let given = options.into_iter().find(|(_, is_given)| *is_given);
        given.map(|(name, _)| name)
    }

    pub(crate) fn used_capacity(&self) -> usize {
        self.capacity.unwrap_or(DEFAULT_AUDIT_QUEUE_CAPACITY)
    }

    pub(crate) fn used_capacity_bytes(&self) -> usize {
        self.capacity_bytes.unwrap_or_else(|| {
            self.used_capacity()
                .saturating_mul(BYTES_PER_EVENT)
                .max(LEAST_DEFAULT_BYTES)
        })
    }

    pub(crate) fn used_strategy(&self) -> BackpressureStrategy {
        self.strategy.clone().unwrap_or(BackpressureStrategy::Drop)
    }
}
