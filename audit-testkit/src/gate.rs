//! A writer that waits to be let in, and the handle that lets it in.

use std::fmt;
use std::io::{self, Write};
use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::{Condvar, Mutex};

/// A closed gate, and a writer over `inner` that stands behind it.
///
/// Each `write` of the writer waits until the gate lets it in; `flush` is never
/// held back.
///
/// ```
/// use std::io::Write;
/// use audit_testkit::{DEADLINE, SharedBuf, gate};
///
/// let buf = SharedBuf::new();
/// let (gate, mut writer) = gate::pair(buf.clone());
/// let thread = std::thread::spawn(move || {
///     writer.write_all(b"one\n").and_then(|()| writer.write_all(b"two\n"))
/// });
///
/// gate.wait_until_blocked(DEADLINE);
/// assert_eq!(buf.text(), "");
///
/// gate.allow(1);
/// gate.wait_until_blocked(DEADLINE);
/// assert_eq!(buf.text(), "one\n");
///
/// gate.open();
/// thread.join().unwrap()?;
/// assert_eq!(buf.text(), "one\ntwo\n");
/// # Ok::<(), std::io::Error>(())
/// ```
#[must_use]
pub fn pair<W: Write>(inner: W) -> (Gate, GatedWriter<W>) {
    let shared = Arc::new(Shared::default());
    let gate = Gate {
        shared: Arc::clone(&shared),
    };
    (gate, GatedWriter { inner, shared })
}

/// The handle that lets the writes of a [`GatedWriter`] in. Made by [`pair`].
///
/// Dropping it opens the gate for ever, so that a test that panics leaves no
/// thread behind it hanging.
pub struct Gate {
    shared: Arc<Shared>,
}

/// A writer whose every `write` waits at a [`Gate`]. Made by [`pair`].
///
/// Its clones, where the inner writer can be cloned, stand behind the same gate.
#[derive(Clone)]
pub struct GatedWriter<W> {
    inner: W,
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    open: bool,
    /// Writes that may still come in while the gate is closed.
    passes: usize,
    /// Writes at the gate, those included that hold a pass and haven't woken yet.
    standing: usize,
    admitted: usize,
}

impl State {
    fn blocked(&self) -> usize {
        if self.open {
            0
        } else {
            self.standing.saturating_sub(self.passes)
        }
    }
}

impl Gate {
    /// Lets `writes` more writes in. Passes that nobody has used yet add up.
    pub fn allow(&self, writes: usize) {
        self.change(|state| state.passes = state.passes.saturating_add(writes));
    }

    /// Lets all writes in, until [`close`](Self::close).
    pub fn open(&self) {
        self.change(|state| state.open = true);
    }

    /// Lets no write in any more; passes that nobody has used are taken back. A
    /// write that is already in is not stopped.
    pub fn close(&self) {
        self.change(|state| {
            state.open = false;
            state.passes = 0;
        });
    }

    /// How many writes stand at the gate and may not come in.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.shared.state.lock().blocked()
    }

    /// How many writes were let in so far.
    #[must_use]
    pub fn admitted(&self) -> usize {
        self.shared.state.lock().admitted
    }

    /// Waits until a write stands at the gate and may not come in.
    ///
    /// A writer without clones makes one write at a time, so every write that was
    /// let in before is complete then.
    ///
    /// # Panics
    ///
    /// When that takes longer than `deadline`, as it does when nobody writes.
    #[track_caller]
    pub fn wait_until_blocked(&self, deadline: Duration) {
        let start = Instant::now();
        let mut state = self.shared.state.lock();
        while state.blocked() == 0 {
            let left = deadline.saturating_sub(start.elapsed());
            let late = self.shared.changed.wait_for(&mut state, left).timed_out();
            if late && state.blocked() == 0 && start.elapsed() >= deadline {
                let (open, passes, admitted) = (state.open, state.passes, state.admitted);
                drop(state);
                let now = if open { "open" } else { "closed" };
                panic!(
                    "waited {deadline:?} for a write at the gate; none came. The gate is {now} \
                     with {passes} passes left, and has let {admitted} writes in"
                );
            }
        }
    }

    fn change(&self, change: impl FnOnce(&mut State)) {
        change(&mut self.shared.state.lock());
        self.shared.changed.notify_all();
    }
}

impl Drop for Gate {
    fn drop(&mut self) {
        self.open();
    }
}

impl fmt::Debug for Gate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = self.shared.state.lock();
        f.debug_struct("Gate")
            .field("open", &state.open)
            .field("passes", &state.passes)
            .field("waiting", &state.blocked())
            .field("admitted", &state.admitted)
            .finish()
    }
}

impl<W: Write> Write for GatedWriter<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut state = self.shared.state.lock();
        state.standing += 1;
        self.shared.changed.notify_all();
        while !state.open && state.passes == 0 {
            self.shared.changed.wait(&mut state);
        }
        if !state.open {
            state.passes -= 1;
        }
        state.standing -= 1;
        state.admitted += 1;
        drop(state);
        self.inner.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

impl<W: fmt::Debug> fmt::Debug for GatedWriter<W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GatedWriter")
            .field("inner", &self.inner)
            .finish_non_exhaustive()
    }
}
