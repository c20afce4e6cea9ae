use std::fmt;
use std::io::{self, Write};
use std::panic::{self, AssertUnwindSafe};
use std::path::Path;
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use audit_sink::schema::CallEvent;
use audit_sink::{AuditSink, FlushError, Health};

use crate::queue::Queue;
use crate::row::Row;
use crate::writer;

/// How long dropping waits: longer than the writer tries.
const DROP_TIMEOUT: Duration = Duration::from_secs(10);

/// Records tool calls in an SQLite database. What it does when its queue is full, when
/// the database fails and when it is dropped stands on the front page of this crate.
///
/// ```
/// use std::time::Duration;
/// use audit_sink::{Recorder, schema::Outcome};
/// use sqlite_sink::SqliteSink;
/// # let directory = tempfile::tempdir()?;
/// # let path = directory.path().join("calls.db");
///
/// let sink = std::sync::Arc::new(SqliteSink::open(&path)?);
/// Recorder::with_sink(sink.clone()).start("files:read").finish(Outcome::Success);
/// audit_sink::AuditSink::flush(&*sink, Duration::from_secs(10))?;
///
/// let database = rusqlite::Connection::open(&path)?;
/// let tool: String = database.query_row("SELECT tool_id FROM calls", [], |row| row.get(0))?;
/// assert_eq!(tool, "files:read");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct SqliteSink {
    queue: Arc<Queue>,
    writer: Option<JoinHandle<()>>,
}

impl SqliteSink {
    /// Opens the database, which is made if it isn't there.
    ///
    /// # Errors
    ///
    /// The database can't be opened or written, or the thread can't be started.
    pub fn open(path: impl AsRef<Path>) -> io::Result<Self> {
        let database = writer::open(path.as_ref()).map_err(io::Error::other)?;
        let queue = Arc::new(Queue::default());
        let thread = thread::Builder::new().name("sqlite-sink".into());
        let writer = thread.spawn({
            let queue = Arc::clone(&queue);
            move || {
                let run = AssertUnwindSafe(|| writer::run(database, &queue));
                let well = panic::catch_unwind(run).is_ok();
                queue.end(well);
            }
        })?;
        Ok(Self {
            queue,
            writer: Some(writer),
        })
    }
}

impl AuditSink for SqliteSink {
    fn on_call(&self, event: &CallEvent) {
        self.queue.offer(Row::of(event));
    }

    fn drops(&self) -> u64 {
        self.queue.drops()
    }

    fn flush(&self, timeout: Duration) -> Result<(), FlushError> {
        self.queue.flush(timeout)
    }

    fn health(&self) -> Health {
        self.queue.health()
    }
}

impl Drop for SqliteSink {
    fn drop(&mut self) {
        let lost = match self.queue.close(DROP_TIMEOUT) {
            Ok(lost) => {
                if let Some(writer) = self.writer.take() {
                    // It has caught its own panics.
                    drop(writer.join());
                }
                lost
            }
            // It hangs in the database. It will end by itself, or with the process.
            Err(left) => left,
        };
        if lost > 0 {
            // Nobody is left to ask. Not `eprintln!`, which panics when stderr is closed.
            let message = format!("sqlite-sink: {lost} calls could not be written\n");
            drop(io::stderr().write_all(message.as_bytes()));
        }
    }
}

impl fmt::Debug for SqliteSink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SqliteSink")
            .field("drops", &self.drops())
            .finish_non_exhaustive()
    }
}
