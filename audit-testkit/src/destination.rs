use std::fmt;
use std::io::{ErrorKind, Write};
use std::sync::Arc;

use parking_lot::Mutex;

use crate::{Fault, Faults, FaultyWriter, Gate, GatedWriter, HookWriter, SharedBuf, gate};

/// All the fakes over one [`SharedBuf`], under the words of the abilities that a
/// conformance [harness](crate::conformance) may have: for any sink that takes
/// a `Write`.
///
/// It works until told otherwise.
///
/// ```
/// use std::io::{ErrorKind, Write};
/// use audit_testkit::Destination;
///
/// let destination = Destination::new();
/// let mut writer = destination.writer();
/// writer.write_all(b"one\n")?;
///
/// destination.refuse();
/// assert_eq!(writer.write(b"two\n").unwrap_err().kind(), ErrorKind::StorageFull);
///
/// destination.heal();
/// writer.write_all(b"two\n")?;
/// assert_eq!(destination.buf().lines(), ["one", "two"]);
/// # Ok::<(), std::io::Error>(())
/// ```
pub struct Destination {
    buf: SharedBuf,
    gate: Gate,
    faults: Faults,
    writer: GatedWriter<FaultyWriter<SharedBuf>>,
    hook: Arc<Mutex<Option<Hook>>>,
}

type Hook = Arc<dyn Fn() + Send + Sync>;

impl Destination {
    /// A destination that works.
    #[must_use]
    pub fn new() -> Self {
        let buf = SharedBuf::new();
        let faulty = FaultyWriter::new(buf.clone());
        let faults = faulty.handle();
        let (gate, writer) = gate::pair(faulty);
        gate.open();
        Self {
            buf,
            gate,
            faults,
            writer,
            hook: Arc::default(),
        }
    }

    /// A writer to it, for the sink. There may be several.
    #[must_use]
    pub fn writer(&self) -> Box<dyn Write + Send> {
        let hook = Arc::clone(&self.hook);
        Box::new(HookWriter::new(self.writer.clone(), move |_| {
            // Not called under the lock: it may write, and so come by here again.
            let hook = hook.lock().clone();
            if let Some(hook) = hook {
                hook();
            }
        }))
    }

    /// What was written.
    #[must_use]
    pub fn buf(&self) -> SharedBuf {
        self.buf.clone()
    }

    /// The gate that each write passes; open at first. It, too, waits until a
    /// write stands there.
    #[must_use]
    pub fn gate(&self) -> &Gate {
        &self.gate
    }

    /// The faults of this destination; none at first.
    #[must_use]
    pub fn faults(&self) -> &Faults {
        &self.faults
    }

    /// From now on each write waits, until [`resume`](Self::resume) or until the
    /// destination is dropped.
    pub fn stall(&self) {
        self.gate.close();
    }

    /// Writes are let in again.
    pub fn resume(&self) {
        self.gate.open();
    }

    /// From now on each write fails with [`ErrorKind::StorageFull`], until
    /// [`heal`](Self::heal).
    pub fn refuse(&self) {
        self.faults.break_with(Fault::Error(ErrorKind::StorageFull));
    }

    /// From now on each write panics, until [`heal`](Self::heal).
    pub fn die(&self) {
        self.faults.break_with(Fault::Panic);
    }

    /// Writes go well again.
    pub fn heal(&self) {
        self.faults.heal();
    }

    /// From now on each write calls `hook` first, on the thread that writes.
    /// `None` ends that.
    pub fn call_back(&self, hook: Option<Arc<dyn Fn() + Send + Sync>>) {
        let before = std::mem::replace(&mut *self.hook.lock(), hook);
        drop(before);
    }
}

impl Default for Destination {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Destination {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Destination")
            .field("buf", &self.buf)
            .field("gate", &self.gate)
            .field("faults", &self.faults)
            .finish_non_exhaustive()
    }
}
