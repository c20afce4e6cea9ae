use std::io::{self, Write};
use std::thread;
use std::time::Duration;

use crate::SharedBuf;

/// A [`SharedBuf`] that takes its time: it sleeps before each write.
///
/// For tests whose subject is slowness itself. To hold a writer back until the
/// test says so, take a [`Gate`](crate::Gate), which doesn't sleep.
///
/// ```
/// use std::time::Duration;
/// use audit_testkit::{SharedBuf, SlowBuf};
///
/// let buf = SharedBuf::new();
/// let writer: Box<dyn std::io::Write + Send> =
///     Box::new(SlowBuf::over(buf.clone(), Duration::from_millis(5)));
/// # let _ = writer;
/// ```
#[derive(Debug, Clone)]
pub struct SlowBuf {
    buf: SharedBuf,
    delay: Duration,
}

impl SlowBuf {
    /// A slow buffer over one of its own, see [`buf`](Self::buf).
    #[must_use]
    pub fn new(delay: Duration) -> Self {
        Self::over(SharedBuf::new(), delay)
    }

    /// A slow way into `buf`, which sleeps `delay` before each write. Flushing
    /// is not slowed.
    #[must_use]
    pub fn over(buf: SharedBuf, delay: Duration) -> Self {
        Self { buf, delay }
    }

    /// The buffer that is written to.
    #[must_use]
    pub fn buf(&self) -> SharedBuf {
        self.buf.clone()
    }
}

impl Write for SlowBuf {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        thread::sleep(self.delay);
        self.buf.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.buf.flush()
    }
}
