use std::fmt;
use std::io::{self, ErrorKind, Write};
use std::ops::Range;
use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::{Condvar, Mutex};

/// What a [`FaultyWriter`] does instead of writing, or of flushing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Fault {
    /// The call fails with an error of that kind; nothing is written.
    Error(ErrorKind),

    /// The call fails with that error number of the operating system, as 28 for
    /// ENOSPC on Linux; nothing is written.
    Os(i32),

    /// `write` takes that many bytes at most, and says so. A call that has no
    /// more than that goes through whole and doesn't count as a fault.
    Short(usize),

    /// `write` takes that many bytes at most, and the write after it fails with
    /// an error of that kind: what a full disk does. Two faults, as counted.
    ShortThenError(usize, ErrorKind),

    /// `write` takes nothing and returns `Ok(0)`.
    Zero,

    /// `write` takes all and claims to have taken that many bytes more than it
    /// was given, which [`Write`] forbids.
    Overclaim(usize),

    /// The call panics; nothing is written.
    Panic,
}

impl Fault {
    fn suits_flush(self) -> bool {
        matches!(self, Self::Error(_) | Self::Os(_) | Self::Panic)
    }
}

/// A writer that fails by a script.
///
/// Calls of `write` and of `flush` are counted apart, each from 1, over the
/// writer's whole life; its clones, where the inner writer can be cloned, count
/// together. Where two parts of the script name the same call, the one added last
/// holds. A [`handle`](Self::handle) breaks and heals the writer while a sink has
/// it.
///
/// ```
/// use std::io::{ErrorKind, Write};
/// use audit_testkit::{Fault, FaultyWriter, SharedBuf};
///
/// let buf = SharedBuf::new();
/// let mut writer = FaultyWriter::new(buf.clone())
///     .at(2, Fault::Short(1))
///     .from(4, Fault::Error(ErrorKind::StorageFull));
/// let faults = writer.handle();
///
/// assert_eq!(writer.write(b"abc")?, 3);
/// assert_eq!(writer.write(b"def")?, 1);
/// assert_eq!(writer.write(b"ghi")?, 3);
/// assert_eq!(writer.write(b"jkl").unwrap_err().kind(), ErrorKind::StorageFull);
///
/// faults.heal();
/// assert_eq!(writer.write(b"mno")?, 3);
/// assert_eq!(buf.text(), "abcdghimno");
/// assert_eq!((faults.writes(), faults.given()), (5, 2));
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Clone)]
pub struct FaultyWriter<W> {
    inner: W,
    shared: Arc<Shared>,
}

/// The handle of a [`FaultyWriter`]: breaks it, heals it, and knows what it did.
///
/// All clones are the same handle. Dropping them changes nothing.
#[derive(Clone)]
pub struct Faults {
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    write: Script,
    flush: Script,
    /// The error that follows a short write.
    next_write: Option<Fault>,
    given: usize,
}

#[derive(Default)]
struct Script {
    rules: Vec<(Range<usize>, Fault)>,
    calls: usize,
}

impl Script {
    #[track_caller]
    fn add(&mut self, calls: Range<usize>, fault: Fault) {
        assert!(
            calls.start > 0,
            "calls are counted from 1: there is no call 0 to break"
        );
        assert!(
            calls.start < calls.end,
            "{calls:?} names no call: the fault would never happen"
        );
        self.rules.push((calls, fault));
    }

    fn next(&mut self) -> Option<Fault> {
        self.calls += 1;
        let rule = self
            .rules
            .iter()
            .rfind(|(calls, _)| calls.contains(&self.calls));
        rule.map(|(_, fault)| *fault)
    }
}

/// The script. Each method panics when it names call 0 or no call at all; those
/// for flushing also when the fault is one that only `write` can have.
impl<W> FaultyWriter<W> {
    /// A writer that writes to `inner`, and does so without fault until told
    /// otherwise.
    #[must_use]
    pub fn new(inner: W) -> Self {
        Self {
            inner,
            shared: Arc::default(),
        }
    }

    /// The `nth` call of `write` has that fault.
    ///
    /// # Panics
    ///
    /// When `nth` is 0.
    #[must_use]
    #[track_caller]
    pub fn at(self, nth: usize, fault: Fault) -> Self {
        self.during(one(nth), fault)
    }

    /// Every call of `write` from the `nth` on has that fault.
    ///
    /// # Panics
    ///
    /// When `nth` is 0.
    #[must_use]
    #[track_caller]
    pub fn from(self, nth: usize, fault: Fault) -> Self {
        self.during(nth..usize::MAX, fault)
    }

    /// The calls of `write` in that range have that fault, as `3..5` for the
    /// third and the fourth.
    ///
    /// # Panics
    ///
    /// When the range is empty or begins with 0.
    #[must_use]
    #[track_caller]
    pub fn during(self, calls: Range<usize>, fault: Fault) -> Self {
        self.shared.state.lock().write.add(calls, fault);
        self
    }

    /// The `nth` call of `flush` has that fault.
    ///
    /// # Panics
    ///
    /// When `nth` is 0, or `flush` can't have that fault.
    #[must_use]
    #[track_caller]
    pub fn at_flush(self, nth: usize, fault: Fault) -> Self {
        self.during_flushes(one(nth), fault)
    }

    /// Every call of `flush` from the `nth` on has that fault.
    ///
    /// # Panics
    ///
    /// When `nth` is 0, or `flush` can't have that fault.
    #[must_use]
    #[track_caller]
    pub fn from_flush(self, nth: usize, fault: Fault) -> Self {
        self.during_flushes(nth..usize::MAX, fault)
    }

    /// The calls of `flush` in that range have that fault.
    ///
    /// # Panics
    ///
    /// When the range is empty or begins with 0, or `flush` can't have that
    /// fault.
    #[must_use]
    #[track_caller]
    pub fn during_flushes(self, calls: Range<usize>, fault: Fault) -> Self {
        check_flush(fault);
        self.shared.state.lock().flush.add(calls, fault);
        self
    }

    /// The handle of this writer.
    #[must_use]
    pub fn handle(&self) -> Faults {
        Faults {
            shared: Arc::clone(&self.shared),
        }
    }
}

impl Faults {
    /// From the next call on every `write` has that fault, whatever the script
    /// says, until [`heal`](Self::heal).
    pub fn break_with(&self, fault: Fault) {
        let mut state = self.shared.state.lock();
        state.next_write = None;
        state.write.rules.push((0..usize::MAX, fault));
    }

    /// From the next call on every `flush` has that fault, whatever the script
    /// says, until [`heal`](Self::heal).
    ///
    /// # Panics
    ///
    /// When `flush` can't have that fault.
    #[track_caller]
    pub fn break_flush_with(&self, fault: Fault) {
        check_flush(fault);
        let mut state = self.shared.state.lock();
        state.flush.rules.push((0..usize::MAX, fault));
    }

    /// From now on nothing fails: all of the script is forgotten, what it had
    /// for later calls too.
    pub fn heal(&self) {
        let mut state = self.shared.state.lock();
        state.write.rules.clear();
        state.flush.rules.clear();
        state.next_write = None;
    }

    /// How often `write` was called, faults included.
    #[must_use]
    pub fn writes(&self) -> usize {
        self.shared.state.lock().write.calls
    }

    /// How often `flush` was called, faults included.
    #[must_use]
    pub fn flushes(&self) -> usize {
        self.shared.state.lock().flush.calls
    }

    /// How many faults were given, of `write` and of `flush`.
    #[must_use]
    pub fn given(&self) -> usize {
        self.shared.state.lock().given
    }

    /// Waits until `count` faults were given in all.
    ///
    /// # Panics
    ///
    /// When that takes longer than `deadline`.
    #[track_caller]
    pub fn wait_for(&self, count: usize, deadline: Duration) {
        let start = Instant::now();
        let mut state = self.shared.state.lock();
        while state.given < count {
            let left = deadline.saturating_sub(start.elapsed());
            let late = self.shared.changed.wait_for(&mut state, left).timed_out();
            if late && state.given < count && start.elapsed() >= deadline {
                let (given, writes, flushes) = (state.given, state.write.calls, state.flush.calls);
                drop(state);
                panic!(
                    "waited {deadline:?} for {count} faults; {given} were given, \
                     in {writes} writes and {flushes} flushes"
                );
            }
        }
    }
}

impl Shared {
    fn write_fault(&self, len: usize) -> Option<Fault> {
        let mut state = self.state.lock();
        let scripted = state.write.next();
        let fault = state.next_write.take().or(scripted)?;
        match fault {
            Fault::Short(most) | Fault::ShortThenError(most, _) if len <= most => return None,
            Fault::ShortThenError(_, kind) => state.next_write = Some(Fault::Error(kind)),
            _ => {}
        }
        state.given += 1;
        drop(state);
        self.changed.notify_all();
        Some(fault)
    }

    fn flush_fault(&self) -> Option<Fault> {
        let mut state = self.state.lock();
        let fault = state.flush.next()?;
        state.given += 1;
        drop(state);
        self.changed.notify_all();
        Some(fault)
    }
}

impl<W: Write> Write for FaultyWriter<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self.shared.write_fault(bytes.len()) {
            None => self.inner.write(bytes),
            Some(Fault::Short(most) | Fault::ShortThenError(most, _)) => {
                self.inner.write_all(&bytes[..most])?;
                Ok(most)
            }
            Some(Fault::Zero) => Ok(0),
            Some(Fault::Overclaim(more)) => {
                self.inner.write_all(bytes)?;
                Ok(bytes.len().saturating_add(more))
            }
            Some(Fault::Error(kind)) => Err(kind.into()),
            Some(Fault::Os(number)) => Err(io::Error::from_raw_os_error(number)),
            Some(Fault::Panic) => panic!("this write was made to panic"),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self.shared.flush_fault() {
            Some(Fault::Error(kind)) => Err(kind.into()),
            Some(Fault::Os(number)) => Err(io::Error::from_raw_os_error(number)),
            Some(Fault::Panic) => panic!("this flush was made to panic"),
            // The others are refused when the script is made.
            _ => self.inner.flush(),
        }
    }
}

impl<W: fmt::Debug> fmt::Debug for FaultyWriter<W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FaultyWriter")
            .field("inner", &self.inner)
            .field("faults", &self.handle())
            .finish()
    }
}

impl fmt::Debug for Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = self.shared.state.lock();
        f.debug_struct("Faults")
            .field("write", &state.write.rules)
            .field("flush", &state.flush.rules)
            .field("writes", &state.write.calls)
            .field("flushes", &state.flush.calls)
            .field("given", &state.given)
            .finish()
    }
}

fn one(nth: usize) -> Range<usize> {
    nth..nth.saturating_add(1)
}

#[track_caller]
fn check_flush(fault: Fault) {
    assert!(
        fault.suits_flush(),
        "flush can't have the fault {fault:?}: only Error, Os and Panic"
    );
}
