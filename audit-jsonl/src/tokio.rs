//! In a tokio runtime.

use std::future::Future;
use std::io::{self, Write};
use std::sync::Arc;
use std::time::Duration;

use audit_schema::CallEvent;
use audit_sink::{AuditSink, BackpressureStrategy};
use tokio::runtime::{Handle, RuntimeFlavor};

use crate::{CommitError, JsonLinesAuditSink, Receipt};

impl JsonLinesAuditSink {
    /// As [`commit`](Self::commit), for a task: while the event is written and synced,
    /// the runtime's threads do other work. It waits on a thread of the runtime's pool
    /// for blocking work ([`tokio::task::spawn_blocking`]); tasks that commit at once
    /// share a sync as threads do.
    ///
    /// The commit begins when the future is first polled. A future that is dropped, as
    /// by a timeout of the caller's own or because its runtime shuts down, doesn't take
    /// the event back: it is committed all the same, or queued as by
    /// [`on_call`](AuditSink::on_call) if nobody had begun with it.
    ///
    /// # Errors
    ///
    /// As [`commit`](Self::commit), and [`CommitError::Unusable`] when there is no
    /// runtime, or it is shutting down: the event is queued then, and nobody waits for
    /// it.
    ///
    /// ```
    /// use std::sync::Arc;
    /// use std::time::Duration;
    /// use audit_jsonl::{JsonLinesAuditSink, Outcome, Recorder};
    /// # let directory = std::env::temp_dir().join(format!("audit-async-{}", std::process::id()));
    /// # std::fs::create_dir_all(&directory)?;
    /// # let runtime = tokio::runtime::Builder::new_current_thread().build()?;
    ///
    /// let log = JsonLinesAuditSink::builder().path(directory.join("audit.jsonl")).open()?;
    /// let log = Arc::new(log);
    /// let recorder = Recorder::with_sink(log.clone());
    /// # runtime.block_on(async {
    /// // A payment is on disk before it is answered.
    /// let call = recorder.start("bank:pay");
    /// let event = call.finish_with(Outcome::Success, Clone::clone);
    /// let receipt = log.commit_async(event, Duration::from_secs(30)).await?;
    /// assert_eq!(receipt.seq, 0);
    /// # Ok::<(), audit_jsonl::CommitError>(())
    /// # })?;
    /// # log.close(Duration::from_secs(30))?;
    /// # std::fs::remove_dir_all(&directory)?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn commit_async(
        self: &Arc<Self>,
        event: CallEvent,
        timeout: Duration,
    ) -> impl Future<Output = Result<Receipt, CommitError>> + Send + 'static {
        let pending = Pending(Some((Arc::clone(self), event)));
        async move {
            // Whoever lets go of what is pending has queued the event.
            let unusable = |reason| Err(CommitError::Unusable { reason });
            let Ok(runtime) = Handle::try_current() else {
                drop(pending);
                return unusable("there is no tokio runtime here; the event was queued");
            };
            match runtime
                .spawn_blocking(move || pending.commit(timeout))
                .await
            {
                Ok(Some(result)) => result,
                _ => unusable("the tokio runtime is shutting down; the event was queued"),
            }
        }
    }
}

/// An event that nobody has taken yet. It is queued when it is dropped: a runtime that
/// shuts down drops futures that it hasn't polled and work that it hasn't begun.
struct Pending(Option<(Arc<JsonLinesAuditSink>, CallEvent)>);

impl Pending {
    fn commit(mut self, timeout: Duration) -> Option<Result<Receipt, CommitError>> {
        let (sink, event) = self.0.take()?;
        Some(sink.commit(&event, timeout))
    }
}

impl Drop for Pending {
    fn drop(&mut self) {
        if let Some((sink, event)) = self.0.take() {
            sink.on_call(&event);
        }
    }
}

/// A current-thread runtime has one thread for all its tasks: a caller that waits for
/// room stops them all, and who would make the room may be among them.
pub(crate) fn warn_of_block(strategy: &BackpressureStrategy) {
    let is_current_thread = || {
        let runtime = Handle::try_current();
        runtime.is_ok_and(|runtime| runtime.runtime_flavor() == RuntimeFlavor::CurrentThread)
    };
    if matches!(strategy, BackpressureStrategy::Block) && is_current_thread() {
        let message = "audit-jsonl: a sink with BackpressureStrategy::Block was opened in a \
                       current-thread tokio runtime: when its queue is full, every task waits; \
                       set a block_timeout, take Drop or a fallback, or a multi-thread runtime\n";
        // Not `eprintln!`, which panics when stderr is closed.
        drop(io::stderr().write_all(message.as_bytes()));
    }
}
