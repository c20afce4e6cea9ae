//! What only a chained log on disk can do.

use std::time::Duration;
use std::{io, iter};

use audit_schema::CallEvent;

use crate::queue::{FORKED, Mark, WhenFull};
use crate::sink::{JsonLinesAuditSink, ON_WRITER_THREAD};
use crate::sync::Instant;
use crate::{CommitError, Receipt, this_thread};

impl JsonLinesAuditSink {
    /// Records an event durably: waits until it is written and synced, for at
    /// most `timeout`.
    ///
    /// Events of many threads share a sync. When the queue is full the call
    /// waits for room, whatever the [`BackpressureStrategy`](crate::BackpressureStrategy) says, and while the
    /// log can't be written it waits for better times, all within the timeout.
    ///
    /// For chained logs alone ([`Builder::path`](crate::Builder::path)).
    ///
    /// # Errors
    ///
    /// [`CommitError`] says what is known of the event. The sink stays usable as
    /// far as it was before.
    ///
    /// ```
    /// use std::time::Duration;
    /// use audit_jsonl::{CallEvent, JsonLinesAuditSink, Outcome, now_rfc3339};
    /// # let directory = std::env::temp_dir().join(format!("audit-commit-{}", std::process::id()));
    /// # std::fs::create_dir_all(&directory)?;
    ///
    /// let sink = JsonLinesAuditSink::builder().path(directory.join("audit.jsonl")).open()?;
    /// let event = CallEvent::new(now_rfc3339(), "1", "bank:pay", 3, Outcome::Success, "hot");
    /// let receipt = sink.commit(&event, Duration::from_secs(30))?;
    /// println!("keep elsewhere: {receipt} of {}", receipt.stream);
    /// # drop(sink);
    /// # std::fs::remove_dir_all(&directory)?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn commit(&self, event: &CallEvent, timeout: Duration) -> Result<Receipt, CommitError> {
        let queue = &self.shared.queue;
        let unusable = |reason| CommitError::Unusable { reason };
        if self.shared.longest_event.is_none() {
            return Err(unusable("this sink writes plain lines, and syncs nothing"));
        }
        if this_thread::is_writer_of(self.shared.id()) {
            return Err(unusable(ON_WRITER_THREAD));
        }
        if queue.is_forked() {
            return Err(unusable(FORKED));
        }
        let deadline = Instant::now().checked_add(timeout);
        let id = queue.begin_commit().ok_or(unusable(FORKED))?;
        let mut buffer = this_thread::take_buffer();
        match self.shared.encode(event, &mut buffer) {
            Ok((line, cut)) => {
                let commit = Some(id);
                queue.offer(line, Mark { cut, commit }, WhenFull::Wait(Some(timeout)));
            }
            Err(_) => {
                self.refuse(event);
                queue.resolve_commits(iter::once((id, Err(CommitError::NotRecorded))));
            }
        }
        this_thread::give_back_buffer(buffer);
        queue.end_commit(id, timeout, deadline)
    }

    /// Looks at once whether the log's name still leads to the file that is
    /// written, as after a rotation by somebody else, and opens or makes the file
    /// that has the name now. The same happens by itself before each batch.
    ///
    /// # Errors
    ///
    /// When that fails or takes longer than `timeout`, or the sink writes plain
    /// lines. The sink stays usable as far as it was before.
    pub fn reopen(&self, timeout: Duration) -> io::Result<()> {
        let queue = &self.shared.queue;
        if this_thread::is_writer_of(self.shared.id()) {
            return Err(io::Error::other(ON_WRITER_THREAD));
        }
        if queue.is_forked() {
            return Err(io::Error::other(FORKED));
        }
        queue.reopen(timeout).map_err(io::Error::other)
    }
}
