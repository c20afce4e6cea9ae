//! A user's `Write`, called with care: it may fail, be interrupted, lie, panic.

use std::fmt;
use std::io::{self, ErrorKind, Write};
use std::panic::{self, AssertUnwindSafe};

/// A call may be interrupted so often in a row before it counts as failed.
const INTERRUPTIONS: u32 = 1_000;

/// Somebody else's code panicked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Panicked;

pub(crate) const PANICKED: &str = "the destination panicked";

pub(crate) struct Destination(Box<dyn Write + Send>);

impl Destination {
    pub(crate) fn new(write: Box<dyn Write + Send>) -> Self {
        Self(write)
    }

    /// Writes some of the bytes, at least one; how many.
    pub(crate) fn write_some(&mut self, bytes: &[u8]) -> Result<Result<usize, Failure>, Panicked> {
        let taken = self.call("write", |write| write.write(bytes))?;
        Ok(taken.and_then(|taken| match taken {
            0 => Err(Failure::of(&ErrorKind::WriteZero.into())),
            taken if taken > bytes.len() => {
                let lie = "the destination claims to have taken more than it was given";
                Err(Failure::of(&io::Error::other(lie)))
            }
            taken => Ok(taken),
        }))
    }

    pub(crate) fn flush(&mut self) -> Result<Result<(), Failure>, Panicked> {
        self.call("flush", |write| write.flush())
    }

    /// The errors are somebody else's code too: none leaves this function.
    fn call<T>(
        &mut self,
        name: &str,
        mut work: impl FnMut(&mut dyn Write) -> io::Result<T>,
    ) -> Result<Result<T, Failure>, Panicked> {
        catching(|| {
            for _ in 0..INTERRUPTIONS {
                match work(&mut *self.0) {
                    Ok(result) => return Ok(result),
                    Err(error) if error.kind() == ErrorKind::Interrupted => {}
                    Err(error) => return Err(Failure::of(&error)),
                }
            }
            let endless = format!("{name} was interrupted without end");
            Err(Failure::of(&io::Error::other(endless)))
        })
    }

    /// Drops the `Write`, which is its owner's code too.
    pub(crate) fn end(self) {
        // It has panicked at the very end, and nothing comes after.
        let _ = catching(move || drop(self));
    }
}

impl fmt::Debug for Destination {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Destination(..)")
    }
}

/// What is kept of an error.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) kind: ErrorKind,
    pub(crate) reason: String,
}

impl Failure {
    pub(crate) fn of(error: &io::Error) -> Self {
        let kind = error.kind();
        let reason = catching(|| error.to_string())
            .unwrap_or_else(|Panicked| format!("an error of kind {kind:?}"));
        Self { kind, reason }
    }
}

/// Calls code that is not ours; a panic ends here.
pub(crate) fn catching<T>(work: impl FnOnce() -> T) -> Result<T, Panicked> {
    // What the panic leaves half-done belongs to the code that panicked.
    panic::catch_unwind(AssertUnwindSafe(work)).map_err(|payload| {
        // The drop of the payload could panic in its turn.
        std::mem::forget(payload);
        Panicked
    })
}
