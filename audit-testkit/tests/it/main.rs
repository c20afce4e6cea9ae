//! What the test kit promises, one module per noun.

mod bench;
mod broken;
mod destination;
mod faulty;
mod gate;
mod good;
mod harness;
mod queued;
mod shared_buf;
mod sinks;
mod spoilt;
mod verdict;
mod within;

use std::panic::{self, AssertUnwindSafe};

/// The message of the panic that `work` must end in.
#[track_caller]
fn panic_of<R>(work: impl FnOnce() -> R) -> String {
    match panic::catch_unwind(AssertUnwindSafe(work)) {
        Ok(_) => panic!("it should have panicked"),
        Err(payload) => match payload.downcast::<String>() {
            Ok(message) => *message,
            Err(payload) => (*payload.downcast::<&str>().expect("a message")).into(),
        },
    }
}
