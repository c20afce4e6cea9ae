use std::fmt;
use std::io::{self, Write};

/// A writer that calls a closure with the bytes of each write, before it writes
/// them.
///
/// So a test can do at that very moment, on the very thread that writes, what a
/// destination should not do: call the sink that is writing to it, wait, panic.
/// Flushing calls nothing.
///
/// ```
/// use std::sync::{Arc, OnceLock, Weak};
/// use audit_sink::AuditSink;
/// use audit_testkit::{HookWriter, SharedBuf};
///
/// // The sink is made from its writer, so the writer learns of it afterwards.
/// let sink: Arc<OnceLock<Weak<dyn AuditSink>>> = Arc::default();
/// let writer = HookWriter::new(SharedBuf::new(), {
///     let sink = Arc::clone(&sink);
///     move |_bytes| {
///         if let Some(sink) = sink.get().and_then(Weak::upgrade) {
///             assert_eq!(sink.drops(), 0);
///         }
///     }
/// });
/// # let _ = writer;
/// ```
pub struct HookWriter<W> {
    inner: W,
    hook: Hook,
}

type Hook = Box<dyn FnMut(&[u8]) + Send>;

impl<W: Write> HookWriter<W> {
    /// A writer to `inner` that calls `hook` before each write.
    #[must_use]
    pub fn new(inner: W, hook: impl FnMut(&[u8]) + Send + 'static) -> Self {
        Self {
            inner,
            hook: Box::new(hook),
        }
    }
}

impl<W: Write> Write for HookWriter<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        (self.hook)(bytes);
        self.inner.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

impl<W: fmt::Debug> fmt::Debug for HookWriter<W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HookWriter")
            .field("inner", &self.inner)
            .finish_non_exhaustive()
    }
}
