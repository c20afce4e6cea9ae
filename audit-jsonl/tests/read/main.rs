//! What reading a log promises, one module per promise, on real files.
//!
//! Whatever could hang runs within a deadline, and nothing sleeps for a result.
#![cfg(unix)]
#![allow(
    clippy::unwrap_used,
    clippy::print_stderr,
    reason = "a test that can't go on says where, in its helpers too"
)]

mod backward;
mod damage;
mod files;
mod follow;
mod forward;
mod made;
mod overlap;
mod seen;
// The tests of the writer make logs by the same means.
#[allow(dead_code, reason = "not all of it is of use here")]
#[path = "../log/support.rs"]
mod support;
