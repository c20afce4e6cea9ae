mod durable;

use std::fmt;
use std::io::{self, Write};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use audit_schema::CallEvent;
use audit_sink::{AuditSink, BackpressureStrategy, FlushError, Health};

use crate::builder::Builder;
use crate::chain::LONGEST_EVENT;
use crate::cut::encode_to_fit;
use crate::destination::{Panicked, catching};
use crate::encode::{TooLong, encode_to_front};
use crate::file::open_lines;
use crate::queue::{FORKED, Fates, Limits, Mark, Offered, Queue, TooSlow, WhenFull};
use crate::sync::thread::{self, JoinHandle};
use crate::sync::{Instant, Mutex};
use crate::writer::Output;
use crate::{CloseError, Counters, this_thread, writer};

/// The capacity of a sink's queue unless another is given: 1024 events.
pub const DEFAULT_AUDIT_QUEUE_CAPACITY: usize = 1024;

/// How long the drop of a sink waits unless another time is given.
pub(crate) const DEFAULT_DROP_TIMEOUT: Duration = Duration::from_secs(30);

/// On a thread that is itself the writer of a sink, a full queue is waited for
/// no longer than this: the two sinks may be waiting for each other.
const WRITERS_WAIT: Duration = Duration::from_secs(1);

/// Records tool calls as JSON Lines, on a thread of its own.
///
/// [`on_call`](AuditSink::on_call) encodes the event on the caller's thread and
/// puts the line in a queue; the writer thread gives all that is queued to the
/// destination in one `write`, and calls its `flush`. So a call costs its caller
/// well under a microsecond, and no I/O. Lines stand in the order in which the
/// calls came.
///
/// An event is **queued** when `on_call` returns, and lost if the process ends
/// then and there. It is **written** when [`flush`](AuditSink::flush) or
/// [`close`](Self::close) has returned `Ok`, or about 7 ms later by itself while
/// the destination keeps up.
///
/// Two kinds of output: **plain** lines to any [`Write`], by [`new`](Self::new) and
/// the other constructors, and a **chained** log on disk, by
/// [`Builder::path`], which any number of processes share, which goes on after
/// crashes, full disks and rotation, and whose lines name one another by hash. What
/// stands on disk is described in `docs/log-format.md`, what is promised in
/// `docs/guarantees.md`. When callers are faster than the writer of a chained log can
/// hash, it starts a second thread (`audit-draft`), which helps it until the sink ends.
///
/// # The queue
///
/// It is bounded in events ([`DEFAULT_AUDIT_QUEUE_CAPACITY`]) and in bytes (4 KiB
/// an event of that capacity, at least 1 MiB); what the writer holds and has not
/// yet written counts. When it is full, the [`BackpressureStrategy`] decides.
/// Blocked callers are let in in the order in which they came. An event whose
/// line alone is longer than the bound in bytes is treated as if the queue were
/// full, but never waited for.
///
/// # When the destination fails
///
/// - The lines are kept, and tried again after growing pauses (1 ms to 1 s).
///   While the disk or a quota is full, without end: the queue fills, and the
///   strategy decides. After 10 other failures in a row (about half a second)
///   the lines in hand are given up: handed to the fallback, else counted as
///   lost. From then on each segment of the queue (512 KiB) gets one try, until
///   one succeeds. A write that takes some bytes ends a row of failures.
/// - Of plain lines, a line of which a part was written is finished. If it is given up, the next
///   line begins on a line of its own.
/// - [`health`](AuditSink::health) is [`Degraded`](Health::Degraded) from the
///   first failure until three writes in a row have succeeded, and while the
///   destination hangs in one for more than 5 s.
/// - A chained log takes back what was begun. After an error that says nothing good
///   of the file (anything but a full disk or quota), and after a sync that failed,
///   it goes on in a new file, which begins with what is not known to be on disk;
///   after three such files in a row the sink has failed.
/// - A destination that panics is not called again. What is queued, and whatever
///   comes, goes to the fallback, else is counted as lost; `health` is
///   [`Failed`](Health::Failed).
///
/// # At the end
///
/// Dropping the sink writes what is queued and waits for that, for 30 s at most
/// ([`Builder::drop_timeout`]); if something was lost so, it says so on stderr.
/// [`close`](Self::close) does the same and returns the outcome; `health` is
/// [`Failed`](Health::Failed) from then on. A sink in a
/// `static` is never dropped, and `std::process::exit` drops nothing: close it.
///
/// After a `fork`, the child has no writer thread. Its sink refuses and counts
/// what it is offered, from the moment at which it notices, and nothing waits.
///
/// ```
/// use audit_jsonl::{AuditSink, CallEvent, JsonLinesAuditSink, Outcome, now_rfc3339};
/// # let directory = std::env::temp_dir().join(format!("audit-doc-{}", std::process::id()));
/// # std::fs::create_dir_all(&directory)?;
/// # let path = directory.join("calls.jsonl");
///
/// let sink = JsonLinesAuditSink::file(&path)?;
/// sink.on_call(&CallEvent::new(now_rfc3339(), "1", "files:read", 3, Outcome::Success, "hot"));
/// let counters = sink.close(std::time::Duration::from_secs(10))?;
///
/// assert_eq!(counters.written, 1);
/// assert_eq!(std::fs::read_to_string(&path)?.lines().count(), 1);
/// # std::fs::remove_dir_all(&directory)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct JsonLinesAuditSink {
    shared: Arc<Shared>,
    thread: Mutex<Option<JoinHandle<()>>>,
    block_timeout: Option<Duration>,
    drop_timeout: Duration,
}

/// What the sink and its writer thread have in common.
struct Shared {
    queue: Queue,
    strategy: BackpressureStrategy,
    /// Of a chained log, in which longer events are cut.
    longest_event: Option<usize>,
}

impl JsonLinesAuditSink {
    /// A sink with the usual capacity that drops, and counts, what finds the
    /// queue full.
    ///
    /// If the writer thread can't be started, the sink is there but
    /// [`Failed`](Health::Failed), and counts all that it is offered as lost;
    /// [`builder`](Self::builder) gives an error instead.
    #[must_use]
    pub fn new(writer: Box<dyn Write + Send>) -> Self {
        Self::new_with_capacity(writer, DEFAULT_AUDIT_QUEUE_CAPACITY)
    }

    /// As [`new`](Self::new), with a capacity in events; 0 means 1.
    #[must_use]
    pub fn new_with_capacity(writer: Box<dyn Write + Send>, capacity: usize) -> Self {
        Self::with_strategy(writer, capacity, BackpressureStrategy::Drop)
    }

    /// As [`new_with_capacity`](Self::new_with_capacity), with what to do when
    /// the queue is full.
    #[must_use]
    pub fn with_strategy(
        writer: Box<dyn Write + Send>,
        capacity: usize,
        strategy: BackpressureStrategy,
    ) -> Self {
        let builder = Self::builder().capacity(capacity.max(1)).strategy(strategy);
        // A sink without its thread says so by its health.
        let (sink, _started) = Self::start(&builder, Output::plain(writer));
        sink
    }

    /// As [`new`](Self::new), to standard output. Lines of other writers there,
    /// `println!` too, stand between ours, never inside one.
    #[must_use]
    pub fn stdout() -> Self {
        Self::new(Box::new(io::stdout()))
    }

    /// As [`new`](Self::new), to standard error.
    #[must_use]
    pub fn stderr() -> Self {
        Self::new(Box::new(io::stderr()))
    }

    /// As [`new`](Self::new), to the end of a file, which is created if it isn't
    /// there (on Unix with mode 0600).
    ///
    /// A last line that lacks its line feed, as a crash leaves it, is ended
    /// first, so that the next doesn't stick to it.
    ///
    /// # Errors
    ///
    /// When the file can't be opened or read; the error names the path.
    pub fn file(path: &Path) -> io::Result<Self> {
        Ok(Self::new(Box::new(open_lines(path)?)))
    }

    /// A builder, for all that the other constructors leave as it is.
    pub fn builder() -> Builder {
        Builder::default()
    }

    /// The sink, which has failed if its thread could not be started.
    pub(crate) fn start(builder: &Builder, output: Output) -> (Self, io::Result<()>) {
        #[cfg(feature = "tokio")]
        crate::tokio::warn_of_block(&builder.used_strategy());
        let longest_event = match output {
            Output::Plain(_) => None,
            Output::Chained(_) => Some(LONGEST_EVENT),
        };
        let shared = Arc::new(Shared {
            queue: Queue::new(Limits {
                events: builder.used_capacity(),
                bytes: builder.used_capacity_bytes(),
            }),
            strategy: builder.used_strategy(),
            longest_event,
        });
        let spawned = thread::Builder::new().name("audit-jsonl".into()).spawn({
            let shared = Arc::clone(&shared);
            move || {
                let fallback = shared.fallback();
                writer::run(&shared.queue, shared.id(), output, fallback);
            }
        });
        let (thread, started) = match spawned {
            Ok(thread) => (Some(thread), Ok(())),
            Err(error) => {
                let reason = format!("the writer thread could not be started: {error}");
                shared.queue.fail(&reason);
                shared.queue.writer_gone();
                (None, Err(error))
            }
        };
        let sink = Self {
            shared,
            thread: Mutex::new(thread),
            block_timeout: builder.block_timeout,
            drop_timeout: builder.drop_timeout,
        };
        (sink, started)
    }

    /// How many events are lost: the same as [`AuditSink::drops`], without the
    /// trait.
    #[must_use]
    pub fn drops(&self) -> u64 {
        self.counters().dropped
    }

    /// What became of the events so far, all at one moment.
    #[must_use]
    pub fn counters(&self) -> Counters {
        self.shared.queue.counters()
    }

    /// Stops accepting, writes what is queued, and waits until the destination
    /// is dropped, for at most `timeout`. Callers who stand in line under
    /// [`Block`](BackpressureStrategy::Block) are still let in.
    ///
    /// Returns how it ended. What is offered afterwards goes to the fallback,
    /// else is counted as lost. To close twice is no error.
    ///
    /// # Errors
    ///
    /// - [`CloseError::Timeout`]: the destination took longer. What it has not
    ///   begun to write is given up when it comes back.
    /// - [`CloseError::Lost`]: events that were queued when the call began
    ///   could not be written.
    /// - [`CloseError::NoClosingRecord`]: the last record of a chained log could
    ///   not be written.
    /// - [`CloseError::Unusable`]: the call can't be made here.
    pub fn close(&self, timeout: Duration) -> Result<Counters, CloseError> {
        let queue = &self.shared.queue;
        if queue.is_forked() {
            return Err(CloseError::Unusable { reason: FORKED });
        }
        if this_thread::is_writer_of(self.shared.id()) {
            return Err(CloseError::Unusable {
                reason: ON_WRITER_THREAD,
            });
        }
        let lost_before = queue.lost_of_accepted();
        if let Err(TooSlow { left }) = queue.close(timeout) {
            return Err(CloseError::Timeout { timeout, left });
        }
        if let Some(thread) = self.thread.lock().take() {
            // It has done all its work, and catches every panic but our own.
            if thread.join().is_err() {
                return Err(CloseError::Unusable {
                    reason: "the writer thread panicked",
                });
            }
        }
        let lost = queue.lost_of_accepted() - lost_before;
        if lost > 0 {
            return Err(CloseError::Lost { events: lost });
        }
        if let Some(reason) = queue.unclosed() {
            return Err(CloseError::NoClosingRecord { reason });
        }
        Ok(queue.counters())
    }

    /// Hands an event to the fallback, else counts it as lost.
    fn refuse(&self, event: &CallEvent) {
        let fates = match self.shared.fallback() {
            Some(fallback) if writer::fall_back(fallback, event) => Fates::fallen_back(1),
            _ => Fates::dropped(1),
        };
        self.shared.queue.count(fates);
    }

    /// What to do with an event that the queue has no room for.
    fn when_full(&self) -> WhenFull {
        match self.shared.strategy {
            BackpressureStrategy::Block => {
                let timeout = match self.block_timeout {
                    timeout if !this_thread::is_a_writer() => timeout,
                    None => Some(WRITERS_WAIT),
                    Some(timeout) => Some(timeout.min(WRITERS_WAIT)),
                };
                WhenFull::Wait(timeout)
            }
            BackpressureStrategy::FallbackSink(_) => WhenFull::Refuse,
            _ => WhenFull::Drop,
        }
    }
}

const ON_WRITER_THREAD: &str = "this is the sink's own writer thread";

impl Shared {
    /// Tells this sink from others while it lives.
    fn id(self: &Arc<Self>) -> usize {
        Arc::as_ptr(self).addr()
    }

    /// The event's line, at the front of the buffer, and how many bytes of it
    /// were cut.
    fn encode<'a>(
        &self,
        event: &CallEvent,
        buffer: &'a mut Vec<u8>,
    ) -> Result<(&'a [u8], u64), TooLong> {
        let limit = self.queue.limits().bytes;
        // The event without its line feed.
        let limit = self
            .longest_event
            .map_or(limit, |longest| limit.min(longest + 1));
        let (length, cut) = match self.longest_event {
            Some(_) => encode_to_fit(event, buffer, limit)?,
            None => (encode_to_front(event, buffer, limit)?, 0),
        };
        Ok((&buffer[..length], cut))
    }

    fn fallback(&self) -> Option<&Arc<dyn AuditSink>> {
        match &self.strategy {
            BackpressureStrategy::FallbackSink(fallback) => Some(fallback),
            _ => None,
        }
    }
}

impl AuditSink for JsonLinesAuditSink {
    fn on_call(&self, event: &CallEvent) {
        let queue = &self.shared.queue;
        if this_thread::is_a_writer() {
            if this_thread::is_writer_of(self.shared.id()) {
                // Waiting for itself, or an event for each write without end.
                queue.count(Fates::dropped(1));
                return;
            }
            // Sinks that are each other's fallback would hand an event that
            // neither can write to and fro without end.
            if self.shared.fallback().is_some() && queue.gave_up_lately() {
                self.refuse(event);
                return;
            }
        }
        let mut buffer = this_thread::take_buffer();
        let offered = match self.shared.encode(event, &mut buffer) {
            Ok((line, cut)) => queue.offer(line, Mark { cut, commit: None }, self.when_full()),
            Err(_) => Offered::Refused,
        };
        this_thread::give_back_buffer(buffer);
        if offered == Offered::Refused {
            self.refuse(event);
        }
    }

    fn drops(&self) -> u64 {
        self.counters().dropped
    }

    fn backpressure_strategy(&self) -> BackpressureStrategy {
        self.shared.strategy.clone()
    }

    /// Waits until what was queued before is written, and then until the
    /// fallback, if there is one, has flushed. Wakes the writer.
    fn flush(&self, timeout: Duration) -> Result<(), FlushError> {
        if this_thread::is_writer_of(self.shared.id()) {
            return Err(FlushError::unusable(ON_WRITER_THREAD));
        }
        let begun = Instant::now();
        self.shared.queue.flush(timeout)?;
        match self.shared.fallback() {
            None => Ok(()),
            Some(fallback) => {
                let left = timeout.saturating_sub(begun.elapsed());
                let flush = || catching(|| fallback.flush(left));
                match this_thread::nested(flush) {
                    Some(Ok(flushed)) => flushed,
                    Some(Err(Panicked)) => Err(FlushError::unusable("the fallback panicked")),
                    // It is its own fallback, by way of others or not.
                    None => Ok(()),
                }
            }
        }
    }

    fn health(&self) -> Health {
        self.shared.queue.health()
    }
}

impl Drop for JsonLinesAuditSink {
    fn drop(&mut self) {
        // In a forked child, and on the writer's own thread (the destination, or
        // something that it owns, held the last handle), there is nobody to wait
        // for: the writer ends by itself.
        if self.shared.queue.is_forked() {
            return;
        }
        if this_thread::is_writer_of(self.shared.id()) {
            self.shared.queue.stop_accepting();
            return;
        }
        // `close` has waited and told already.
        if self.shared.queue.is_abandoned() {
            return;
        }
        if let Err(error) = self.close(self.drop_timeout) {
            error.tell_of_drop();
        }
    }
}

impl fmt::Debug for JsonLinesAuditSink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JsonLinesAuditSink")
            .field("strategy", &self.shared.strategy)
            .field("counters", &self.counters())
            .finish_non_exhaustive()
    }
}
