//! Somebody else's code, called with care.

use std::mem;
use std::panic::{self, AssertUnwindSafe};

/// What `work` gives, or `None` if it panics.
#[inline]
pub(crate) fn catching<R>(work: impl FnOnce() -> R) -> Option<R> {
    match panic::catch_unwind(AssertUnwindSafe(work)) {
        Ok(result) => Some(result),
        Err(payload) => {
            // It may panic, too, when it is dropped.
            if let Err(worse) = panic::catch_unwind(AssertUnwindSafe(|| drop(payload))) {
                mem::forget(worse);
            }
            None
        }
    }
}
