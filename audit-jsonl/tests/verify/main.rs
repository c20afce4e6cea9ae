//! What verifying a log promises, one module per promise, on real files.
//!
//! That no crash, no power loss and no outsider is called tampering is shown by
//! `tests/log` and `tests/faults`, where each log is verified as well.
//!
//! Whatever could hang runs within a deadline, and nothing sleeps for a result.
#![cfg(unix)]
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a test that can't go on says where, in its helpers too"
)]

mod asked;
mod completeness;
mod files;
mod form;
// Written apart from the library.
#[allow(dead_code, reason = "not all of it is of use here")]
#[path = "../log/form.rs"]
mod form_of_chain;
mod heads;
mod hostile;
mod kinds;
mod live;
mod made;
mod memory;
mod plain;
mod problems;
mod report;
// The tests of the writer make logs by the same means.
#[allow(dead_code, reason = "not all of it is of use here")]
#[path = "../log/support.rs"]
mod support;
mod vanished;
