use std::fmt;
use std::io::{self, Write};
use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::{Condvar, Mutex};

/// A growing buffer in memory that a test can read while a sink writes to it.
///
/// All clones share one buffer: give one to the sink and keep the other.
///
/// ```
/// use std::io::Write;
/// use audit_testkit::{DEADLINE, SharedBuf};
///
/// let buf = SharedBuf::new();
/// let mut writer = buf.clone();
/// std::thread::spawn(move || writer.write_all(b"one\ntwo\nthr"));
/// assert_eq!(buf.wait_for_lines(2, DEADLINE), ["one", "two"]);
/// ```
#[derive(Clone, Default)]
pub struct SharedBuf {
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    grown: Condvar,
}

#[derive(Default)]
struct State {
    bytes: Vec<u8>,
    line_count: usize,
    writes: usize,
    flushes: usize,
}

impl SharedBuf {
    /// An empty buffer.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// A copy of all bytes written so far.
    #[must_use]
    pub fn contents(&self) -> Vec<u8> {
        self.shared.state.lock().bytes.clone()
    }

    /// All that was written so far, as text.
    ///
    /// # Panics
    ///
    /// When it is not UTF-8: decoding it lossily would hide the damage that a
    /// test is there to find. For such bytes take [`contents`](Self::contents).
    #[must_use]
    #[track_caller]
    pub fn text(&self) -> String {
        decode(self.contents())
    }

    /// The complete lines written so far, without their LF. What follows the
    /// last LF is left out.
    ///
    /// # Panics
    ///
    /// When a complete line is not UTF-8.
    #[must_use]
    #[track_caller]
    pub fn lines(&self) -> Vec<String> {
        let bytes = self.shared.state.lock().complete().to_vec();
        split(bytes)
    }

    /// Waits until `count` complete lines stand in the buffer, and returns all
    /// complete lines, which may be more.
    ///
    /// # Panics
    ///
    /// When that takes longer than `deadline`, or when a complete line is not
    /// UTF-8.
    #[expect(clippy::must_use_candidate, reason = "waiting alone is a use")]
    #[track_caller]
    pub fn wait_for_lines(&self, count: usize, deadline: Duration) -> Vec<String> {
        let start = Instant::now();
        let mut state = self.shared.state.lock();
        while state.line_count < count {
            let left = deadline.saturating_sub(start.elapsed());
            // A wake-up may be late: what counts is what stands there then.
            let late = self.shared.grown.wait_for(&mut state, left).timed_out();
            if late && state.line_count < count && start.elapsed() >= deadline {
                let (lines, bytes, writes) = (state.line_count, state.bytes.len(), state.writes);
                drop(state);
                panic!(
                    "waited {deadline:?} for {count} lines; there are {lines}, \
                     in {bytes} bytes from {writes} writes"
                );
            }
        }
        let bytes = state.complete().to_vec();
        drop(state);
        split(bytes)
    }

    /// Empties the buffer. The counts of calls go on.
    pub fn clear(&self) {
        let mut state = self.shared.state.lock();
        state.bytes.clear();
        state.line_count = 0;
    }

    /// How often `write` was called.
    #[must_use]
    pub fn writes(&self) -> usize {
        self.shared.state.lock().writes
    }

    /// How often `flush` was called.
    #[must_use]
    pub fn flushes(&self) -> usize {
        self.shared.state.lock().flushes
    }
}

impl State {
    /// The bytes up to the last LF, which is included.
    fn complete(&self) -> &[u8] {
        let end = self.bytes.iter().rposition(|byte| *byte == b'\n');
        &self.bytes[..end.map_or(0, |at| at + 1)]
    }
}

impl Write for SharedBuf {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut state = self.shared.state.lock();
        state.bytes.extend_from_slice(bytes);
        state.line_count += bytes.iter().filter(|byte| **byte == b'\n').count();
        state.writes += 1;
        drop(state);
        self.shared.grown.notify_all();
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.shared.state.lock().flushes += 1;
        Ok(())
    }
}

/// Prints how much there is, not what: a buffer may hold megabytes.
impl fmt::Debug for SharedBuf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = self.shared.state.lock();
        f.debug_struct("SharedBuf")
            .field("bytes", &state.bytes.len())
            .field("lines", &state.line_count)
            .field("writes", &state.writes)
            .field("flushes", &state.flushes)
            .finish()
    }
}

#[track_caller]
fn decode(bytes: Vec<u8>) -> String {
    match String::from_utf8(bytes) {
        Ok(text) => text,
        Err(error) => panic!("the buffer is not UTF-8: {}", error.utf8_error()),
    }
}

#[track_caller]
fn split(bytes: Vec<u8>) -> Vec<String> {
    // Not `str::lines`, which also takes a CR away.
    decode(bytes)
        .split_terminator('\n')
        .map(String::from)
        .collect()
}
