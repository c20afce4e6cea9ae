//! What the command promises, one module per verb, with the real binary as a
//! process.
//!
//! Whatever could hang runs within a deadline, and nothing sleeps for a result. What
//! the machine lacks for a test is said aloud.
#![cfg(unix)]
#![allow(
    clippy::unwrap_used,
    clippy::print_stderr,
    reason = "a test that can't go on says where, in its helpers too"
)]

mod completions;
mod docs;
mod hash;
mod head;
mod help;
mod man;
mod output;
mod record;
mod record_trouble;
mod repair;
mod schema;
mod support;
mod verify;
