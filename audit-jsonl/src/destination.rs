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
    pub(crate) fn write_some(&mut self, bytes: &[u8]) -> Result<io::Result<usize>, Panicked> {
        for _ in 0..INTERRUPTIONS {
            match catching(|| self.0.write(bytes))? {
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Ok(0) => return Ok(Err(ErrorKind::WriteZero.into())),
                Ok(taken) if taken > bytes.len() => {
                    let lie = "the destination claims to have taken more than it was given";
                    return Ok(Err(io::Error::other(lie)));
                }
                other => return Ok(other),
            }
        }
        Ok(Err(io::Error::other("write was interrupted without end")))
    }

    pub(crate) fn flush(&mut self) -> Result<io::Result<()>, Panicked> {
        for _ in 0..INTERRUPTIONS {
            match catching(|| self.0.flush())? {
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                other => return Ok(other),
            }
        }
        Ok(Err(io::Error::other("flush was interrupted without end")))
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

/// An error's text, which may be its owner's code.
pub(crate) fn text_of(error: &io::Error) -> String {
    catching(|| error.to_string())
        .unwrap_or_else(|Panicked| format!("an error of kind {:?}", error.kind()))
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
