mod books;
mod turn;

use std::cell::RefCell;
use std::fmt;
use std::io;
use std::process;
use std::time::{Duration, Instant};

use audit_schema::CallEvent;
use audit_sink::{AuditSink, FlushError, Health};
use parking_lot::{ReentrantMutex, ReentrantMutexGuard};

use crate::appender::Appender;
use crate::chain::LONGEST_EVENT;
use crate::cut::encode_to_fit;
use crate::destination::{Panicked, catching};
use crate::direct_log::books::Books;
use crate::direct_log::turn::{Line, Turn};
use crate::encode::TooLong;
use crate::{CloseError, Counters, Durability, Receipt, WriteError, this_thread};

/// How long [`on_call`](AuditSink::on_call) waits for others who write the log.
const OTHERS: Duration = Duration::from_secs(5);

const FORKED: &str = "this is a forked child, which shares the log's lock with its parent";
const INSIDE: &str = "this thread is writing the log just now";
const PANICKED: &str = "writing the log panicked";
const TOO_LONG: &str = "the event is too long for a line, however much of it is cut";

/// Records tool calls in a chained log on disk at once, on the calling thread. No
/// queue, no thread.
///
/// When [`on_call`](AuditSink::on_call) or [`write`](Self::write) returns, the event
/// is **written**: it survives the process, `kill -9` too. That costs the caller a few
/// system calls, some microseconds in all; a
/// [`JsonLinesAuditSink`](crate::JsonLinesAuditSink) costs well under one, and its
/// events are lost with the process until its thread has written them. Meant for
/// programs that make few calls or end soon, and for callers that go on only when
/// their event is written.
///
/// Made by [`LogBuilder::open_direct`](crate::LogBuilder::open_direct). The log is the
/// same as that of a sink with a queue, with each of the options; sinks of both kinds,
/// in one process or in many, share it.
///
/// # Waiting
///
/// Threads write one after the other, and processes too, which takes microseconds
/// each. `timeout` bounds how long a call waits for them; `on_call` waits 5 s, and for
/// another process that holds the log's lock nobody waits longer than that. What it
/// doesn't bound is a system call of its own: on a file system that hangs, the caller
/// hangs with it. Who can't have that takes a sink with a queue.
///
/// # Losses
///
/// Each event gets one try; where an error says that the file is bad, it gets another
/// in a new file. A full disk is an error at once, and nothing is waited for.
///
/// - An event that `on_call` can't write is lost: it is counted in
///   [`drops`](AuditSink::drops), and the next line that is written tells of it.
/// - An event for which [`write`](Self::write) or [`commit`](Self::commit) gives an
///   error that isn't [`is_recorded`](WriteError::is_recorded) is still the caller's,
///   who may offer it again. No counter has it, and no line tells of it. A caller that
///   gives it up says so by [`count_lost`](Self::count_lost).
///
/// So `offered = written + dropped` in [`counters`](Self::counters).
///
/// [`health`](AuditSink::health) is [`Degraded`](Health::Degraded) from the first
/// failure until three writes in a row have succeeded, and while a write hangs for more
/// than 5 s. After three files in a row that can't be synced it is
/// [`Failed`](Health::Failed), for good.
///
/// # Syncing
///
/// With [`Durability::Interval`] there is no thread that would sync when the interval
/// has passed: the first write after that does, and so do [`flush`](AuditSink::flush)
/// and [`close`](Self::close). A program that may be idle for longer calls `flush`
/// before it is. While one thread flushes, others write on; so a thread that flushes
/// now and then keeps syncs, which may take long, out of everybody's way.
///
/// # At the end
///
/// Dropping the sink writes the log's closing record, as [`close`](Self::close) does
/// with a timeout of 30 s ([`Builder::drop_timeout`](crate::Builder::drop_timeout)), and
/// says on stderr if it could not. A sink in a `static` is never dropped: close it. All
/// that was written is in the log in any case.
///
/// After a `fork`, the child's sink writes nothing, for it would share the lock with its
/// parent: it counts what it is offered as lost, and its methods give errors. The
/// child may open the log anew.
///
/// ```
/// use std::time::Duration;
/// use audit_jsonl::{AuditSink, CallEvent, JsonLinesAuditSink, Outcome, now_rfc3339};
/// # let directory = std::env::temp_dir().join(format!("audit-direct-doc-{}", std::process::id()));
/// # std::fs::create_dir_all(&directory)?;
/// # let path = directory.join("audit.jsonl");
///
/// let sink = JsonLinesAuditSink::builder().path(&path).open_direct()?;
/// sink.on_call(&CallEvent::new(now_rfc3339(), "1", "files:read", 3, Outcome::Success, "hot"));
/// // Here it is already.
/// assert_eq!(std::fs::read_to_string(&path)?.lines().count(), 1);
///
/// let counters = sink.close(Duration::from_secs(10))?;
/// assert_eq!(counters.written, 1);
/// # std::fs::remove_dir_all(&directory)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct DirectLogSink {
    /// The process that may write.
    process: u32,
    // Reentrant, so that a panic hook that records finds the inner cell borrowed, and
    // its thread doesn't wait for itself.
    log: ReentrantMutex<RefCell<Option<Box<Appender>>>>,
    // Apart, so that a write which hangs leaves them readable.
    books: Books,
    /// One sync at a time goes on while others write.
    flushing: ReentrantMutex<()>,
    durability: Durability,
    drop_timeout: Duration,
}

impl DirectLogSink {
    pub(crate) fn new(log: Appender, drop_timeout: Duration) -> Self {
        Self {
            process: process::id(),
            durability: log.durability(),
            log: ReentrantMutex::new(RefCell::new(Some(Box::new(log)))),
            books: Books::default(),
            flushing: ReentrantMutex::new(()),
            drop_timeout,
        }
    }

    /// Writes an event, for which it waits for others for at most `timeout`; its place
    /// in the log. The event is synced too if that is due by the [`Durability`].
    ///
    /// # Errors
    ///
    /// [`WriteError`] says whether the event is recorded. If it isn't, it is still the
    /// caller's, and counted nowhere. The sink stays usable, but after
    /// [`WriteError::Failed`].
    ///
    /// ```
    /// use std::time::Duration;
    /// use audit_jsonl::{CallEvent, JsonLinesAuditSink, Outcome, now_rfc3339};
    /// # let directory = std::env::temp_dir().join(format!("audit-write-{}", std::process::id()));
    /// # std::fs::create_dir_all(&directory)?;
    ///
    /// let sink = JsonLinesAuditSink::builder().path(directory.join("audit.jsonl")).open_direct()?;
    /// let event = CallEvent::new(now_rfc3339(), "1", "files:read", 3, Outcome::Success, "hot");
    /// match sink.write(&event, Duration::from_secs(1)) {
    ///     Ok(receipt) => println!("line {} of {}", receipt.seq, receipt.stream),
    ///     Err(error) if error.is_recorded() => eprintln!("{error}"),
    ///     Err(error) => {
    ///         eprintln!("{error}");
    ///         // Or it is kept, and written later.
    ///         sink.count_lost(1);
    ///     }
    /// }
    /// # drop(sink);
    /// # std::fs::remove_dir_all(&directory)?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn write(&self, event: &CallEvent, timeout: Duration) -> Result<Receipt, WriteError> {
        self.record(event, timeout, false)
    }

    /// As [`write`](Self::write), and syncs, whatever the [`Durability`] says: with the
    /// receipt the event survives a power loss. `timeout` bounds waiting for others, not
    /// the sync.
    ///
    /// Each call has a sync of its own; a
    /// [`JsonLinesAuditSink`](crate::JsonLinesAuditSink) lets many threads share one.
    ///
    /// # Errors
    ///
    /// As for `write`. [`WriteError::NotSynced`]: the event is written, and the log goes
    /// on in another file, which begins with what could not be synced.
    ///
    /// ```
    /// use std::time::Duration;
    /// use audit_jsonl::{CallEvent, JsonLinesAuditSink, Outcome, now_rfc3339};
    /// # let directory = std::env::temp_dir().join(format!("audit-commit-{}", std::process::id()));
    /// # std::fs::create_dir_all(&directory)?;
    ///
    /// let sink = JsonLinesAuditSink::builder().path(directory.join("audit.jsonl")).open_direct()?;
    /// let event = CallEvent::new(now_rfc3339(), "1", "bank:pay", 3, Outcome::Success, "hot");
    /// let receipt = sink.commit(&event, Duration::from_secs(30))?;
    /// println!("keep elsewhere: {receipt} of {}", receipt.stream);
    /// # drop(sink);
    /// # std::fs::remove_dir_all(&directory)?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn commit(&self, event: &CallEvent, timeout: Duration) -> Result<Receipt, WriteError> {
        self.record(event, timeout, true)
    }

    /// Counts events as lost that the caller gave up, after [`write`](Self::write) or
    /// [`commit`](Self::commit) had refused them or without having tried. The next line
    /// that is written tells of them.
    pub fn count_lost(&self, events: u64) {
        if self.is_forked() {
            self.books.orphan(events);
        } else {
            self.books.lose(events);
        }
    }

    /// What became of the events so far, all at one moment. None is ever queued; those
    /// [`blocked`](Counters::blocked) wait for other threads.
    #[must_use]
    pub fn counters(&self) -> Counters {
        if self.is_forked() {
            self.books.counters_of_child()
        } else {
            self.books.counters()
        }
    }

    /// Looks at once whether the log's name still leads to the file that is written, as
    /// after a rotation by somebody else, and opens or makes the file that has the name
    /// now. The same happens by itself before each write.
    ///
    /// # Errors
    ///
    /// When that fails, or others are waited for longer than `timeout`. The sink stays
    /// usable as far as it was before.
    pub fn reopen(&self, timeout: Duration) -> io::Result<()> {
        let reopened = self.with_log(timeout, |mut turn| turn.reopen());
        reopened.map_err(|error| match error {
            WriteError::Io { source } => source,
            error => io::Error::other(error),
        })
    }

    /// Writes the log's closing record, if anything was written or lost, and syncs it
    /// unless the durability is [`Durability::Written`]. For others it waits for at most
    /// `timeout`.
    ///
    /// Returns what became of the events. What is offered afterwards is refused, by
    /// `on_call` counted as lost. To close twice is no error.
    ///
    /// # Errors
    ///
    /// The sink is closed all the same, and every event that was written stays so.
    ///
    /// - [`CloseError::Timeout`]: another thread was writing for longer than that, and
    ///   there is no closing record unless the sink is closed or dropped once more.
    /// - [`CloseError::NoClosingRecord`]: it could not be written or synced, for which
    ///   there was one try, as for any event.
    /// - [`CloseError::Unusable`]: the call can't be made here.
    pub fn close(&self, timeout: Duration) -> Result<Counters, CloseError> {
        if self.is_forked() {
            return Err(CloseError::Unusable { reason: FORKED });
        }
        self.books.close();
        let deadline = Instant::now().checked_add(timeout);
        let Some(log) = self.lock(&self.log, timeout) else {
            let left = self.books.inside();
            return Err(CloseError::Timeout { timeout, left });
        };
        let Ok(mut log) = log.try_borrow_mut() else {
            return Err(CloseError::Unusable { reason: INSIDE });
        };
        if let Some(mut log) = log.take() {
            let mut turn = Turn::new(&mut log, &self.books, timeout, deadline);
            match catching(|| turn.end()) {
                Ok(Ok(())) => {}
                Ok(Err(reason)) => self.books.note_unclosed(reason),
                Err(Panicked) => self.books.fail(PANICKED.into()),
            }
        }
        match self.books.unclosed() {
            Some(reason) => Err(CloseError::NoClosingRecord { reason }),
            None => Ok(self.books.counters()),
        }
    }

    fn record(
        &self,
        event: &CallEvent,
        timeout: Duration,
        durable: bool,
    ) -> Result<Receipt, WriteError> {
        let mut buffer = this_thread::take_buffer();
        let encoded = encode_to_fit(event, &mut buffer, LONGEST_EVENT + 1);
        let result = match encoded {
            Ok((length, cut)) => {
                let bytes = &buffer[..length];
                self.with_log(timeout, |mut turn| {
                    turn.record(Line { bytes, cut }, durable)
                })
            }
            Err(TooLong) => Err(WriteError::Io {
                source: io::Error::new(io::ErrorKind::InvalidInput, TOO_LONG),
            }),
        };
        this_thread::give_back_buffer(buffer);
        result
    }

    /// Calls `work` when it is this caller's turn.
    fn with_log<T>(
        &self,
        timeout: Duration,
        work: impl FnOnce(Turn<'_>) -> Result<T, WriteError>,
    ) -> Result<T, WriteError> {
        if self.is_forked() {
            return Err(WriteError::Unusable { reason: FORKED });
        }
        let deadline = Instant::now().checked_add(timeout);
        let Some(log) = self.lock(&self.log, timeout) else {
            let reason = format!("another thread was writing for longer than {timeout:?}");
            self.books.note_failure(reason);
            return Err(WriteError::Timeout { timeout });
        };
        let Ok(mut place) = log.try_borrow_mut() else {
            return Err(WriteError::Unusable { reason: INSIDE });
        };
        self.books.begin()?;
        let Some(log) = place.as_mut() else {
            return Err(self.books.refusal());
        };
        let turn = Turn::new(log, &self.books, timeout, deadline);
        let result = catching(|| work(turn)).unwrap_or_else(|Panicked| {
            // An error of ours. What it left half-done is written to no more.
            self.books.fail(PANICKED.into());
            Err(self.books.refusal())
        });
        if self.books.end() {
            *place = None;
        }
        result
    }

    /// `None` when it takes too long.
    fn lock<'a, T>(
        &self,
        what: &'a ReentrantMutex<T>,
        timeout: Duration,
    ) -> Option<ReentrantMutexGuard<'a, T>> {
        what.try_lock().or_else(|| {
            let _waiting = self.books.wait();
            what.try_lock_for(timeout)
        })
    }

    /// Syncs what was written before, while others write on.
    fn sync(&self, timeout: Duration) -> Result<(), WriteError> {
        let deadline = Instant::now().checked_add(timeout);
        let left = || {
            deadline.map_or(timeout, |deadline| {
                deadline.saturating_duration_since(Instant::now())
            })
        };
        let Some(_flushing) = self.lock(&self.flushing, timeout) else {
            return Err(WriteError::Timeout { timeout });
        };
        loop {
            let begun = self.with_log(left(), |mut turn| turn.begin_sync())?;
            let Some(beside) = begun else {
                return Ok(());
            };
            let has_worked = beside.run();
            self.books.sync_ends(has_worked);
            let noted = self.with_log(left(), |mut turn| turn.end_sync());
            if has_worked {
                // Whoever comes next takes note, if this one couldn't.
                return Ok(());
            }
            noted?;
        }
    }

    fn is_forked(&self) -> bool {
        process::id() != self.process
    }
}

impl AuditSink for DirectLogSink {
    fn on_call(&self, event: &CallEvent) {
        if let Err(error) = self.record(event, OTHERS, false)
            && !error.is_recorded()
        {
            self.count_lost(1);
        }
    }

    fn drops(&self) -> u64 {
        self.counters().dropped
    }

    /// Syncs what isn't synced, unless the durability is [`Durability::Written`].
    /// Otherwise there is nothing to wait for: what was offered before is written, or
    /// counted in [`drops`](Self::drops). Others write on meanwhile. `timeout` bounds
    /// waiting for others, not the sync.
    fn flush(&self, timeout: Duration) -> Result<(), FlushError> {
        if self.is_forked() {
            return Err(FlushError::unusable(FORKED));
        }
        if self.durability == Durability::Written || self.books.unsynced() == 0 {
            return Ok(());
        }
        self.sync(timeout).map_err(|error| match error {
            WriteError::Timeout { .. } => FlushError::timeout(timeout, self.books.inside()),
            WriteError::Unusable { reason } => FlushError::unusable(reason),
            _ => FlushError::unsynced(self.books.unsynced()),
        })
    }

    fn health(&self) -> Health {
        if self.is_forked() {
            return Health::failed(0, 0, FORKED);
        }
        self.books.health()
    }
}

impl Drop for DirectLogSink {
    fn drop(&mut self) {
        // In a forked child the log is its parent's to close; and `close` has told
        // already how that went.
        if self.is_forked() || self.log.get_mut().get_mut().is_none() {
            return;
        }
        if let Err(error) = self.close(self.drop_timeout) {
            error.tell_of_drop();
        }
    }
}

impl fmt::Debug for DirectLogSink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DirectLogSink")
            .field("counters", &self.counters())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
