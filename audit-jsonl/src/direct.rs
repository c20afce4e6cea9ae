use std::cell::RefCell;
use std::fmt;
use std::io::{self, Write};
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};

use audit_schema::CallEvent;
use audit_sink::{AuditSink, Health};
use parking_lot::{Mutex, ReentrantMutex};

use crate::destination::{Destination, Failure, PANICKED, Panicked};
use crate::encode::encode;
use crate::file::open_lines;
use crate::this_thread;
use crate::trouble::Trouble;

/// The longest line: the bound of a queue of the usual capacity.
const LONGEST_LINE: usize = 4 * 1024 * 1024;

/// Records tool calls as JSON Lines at once, on the calling thread: one `write`
/// and one `flush` a call, under a lock. No queue, no thread.
///
/// Meant as the fallback of a [`JsonLinesAuditSink`](crate::JsonLinesAuditSink),
/// for a program that makes few calls, or for tests. A slow destination slows
/// its callers.
///
/// A line that the destination refuses is lost and counted, and not tried again;
/// so is an event whose line would be longer than 4 MiB, and one that comes from
/// inside the destination itself. After a line of which only a part was taken,
/// the next begins on a line of its own. A destination that panics is not called
/// again, and [`health`](AuditSink::health) is [`Failed`](Health::Failed).
///
/// ```
/// use std::sync::Arc;
/// use audit_jsonl::{BackpressureStrategy, DirectJsonLinesSink, JsonLinesAuditSink};
///
/// let sink = JsonLinesAuditSink::with_strategy(
///     Box::new(std::io::sink()),
///     1024,
///     BackpressureStrategy::FallbackSink(Arc::new(DirectJsonLinesSink::stderr())),
/// );
/// # drop(sink);
/// ```
pub struct DirectJsonLinesSink {
    // Reentrant, so that a destination which calls its own sink finds the inner
    // cell borrowed, and doesn't wait for itself.
    output: ReentrantMutex<RefCell<Output>>,
    // Apart, so that a destination which hangs leaves them readable.
    trouble: Mutex<Trouble>,
    drops: AtomicU64,
}

#[derive(Debug)]
struct Output {
    /// `None` once it has panicked.
    destination: Option<Destination>,
    /// The destination took part of a line whose rest is lost.
    inside_a_line: bool,
}

impl DirectJsonLinesSink {
    /// A sink over any destination.
    #[must_use]
    pub fn new(writer: Box<dyn Write + Send>) -> Self {
        Self {
            output: ReentrantMutex::new(RefCell::new(Output {
                destination: Some(Destination::new(writer)),
                inside_a_line: false,
            })),
            trouble: Mutex::new(Trouble::default()),
            drops: AtomicU64::new(0),
        }
    }

    /// A sink to standard output.
    #[must_use]
    pub fn stdout() -> Self {
        Self::new(Box::new(io::stdout()))
    }

    /// A sink to standard error.
    #[must_use]
    pub fn stderr() -> Self {
        Self::new(Box::new(io::stderr()))
    }

    /// A sink to the end of a file, as
    /// [`JsonLinesAuditSink::file`](crate::JsonLinesAuditSink::file) opens it.
    ///
    /// # Errors
    ///
    /// When the file can't be opened or read; the error names the path.
    pub fn file(path: &Path) -> io::Result<Self> {
        Ok(Self::new(Box::new(open_lines(path)?)))
    }

    /// Whether the line is written.
    fn write(&self, line: &[u8]) -> bool {
        let output = self.output.lock();
        let Ok(mut output) = output.try_borrow_mut() else {
            return false;
        };
        if output.destination.is_none() {
            return false;
        }
        let result = output.write_line(line);
        let mut trouble = self.trouble.lock();
        match result {
            Ok(()) => {
                trouble.success();
                true
            }
            Err(reason) => {
                trouble.failure(reason);
                if output.destination.is_none() {
                    trouble.fatal(PANICKED);
                }
                false
            }
        }
    }
}

impl Output {
    /// Writes a line and flushes it, or says why not.
    fn write_line(&mut self, line: &[u8]) -> Result<(), String> {
        if self.inside_a_line {
            self.write_all(b"\n")?;
            self.inside_a_line = false;
        }
        self.write_all(line)?;
        self.call(Destination::flush)
    }

    fn write_all(&mut self, bytes: &[u8]) -> Result<(), String> {
        let mut taken = 0;
        while taken < bytes.len() {
            taken += self.call(|destination| destination.write_some(&bytes[taken..]))?;
            self.inside_a_line = taken < bytes.len();
        }
        Ok(())
    }

    fn call<T>(
        &mut self,
        work: impl FnOnce(&mut Destination) -> Result<Result<T, Failure>, Panicked>,
    ) -> Result<T, String> {
        let destination = self.destination.as_mut().ok_or(PANICKED)?;
        match work(destination) {
            Ok(result) => result.map_err(|failure| failure.reason),
            Err(Panicked) => {
                if let Some(destination) = self.destination.take() {
                    destination.end();
                }
                Err(PANICKED.into())
            }
        }
    }
}

impl AuditSink for DirectJsonLinesSink {
    fn on_call(&self, event: &CallEvent) {
        let mut buffer = this_thread::take_buffer();
        let written = match encode(event, &mut buffer, LONGEST_LINE) {
            Ok(line) => self.write(line),
            Err(_) => false,
        };
        this_thread::give_back_buffer(buffer);
        if !written {
            self.drops.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn drops(&self) -> u64 {
        self.drops.load(Ordering::Relaxed)
    }

    fn health(&self) -> Health {
        self.trouble.lock().health(None)
    }
}

impl fmt::Debug for DirectJsonLinesSink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DirectJsonLinesSink")
            .field("drops", &self.drops())
            .finish_non_exhaustive()
    }
}
