//! Logs that somebody changed: what is found, and what no verifier could find.
//!
//! In small logs every change of one byte, every line taken out, exchanged, doubled,
//! put in and moved, every file removed and every cut; in larger ones as many random
//! changes as asked for. What is to be found is told by how the change was made, in
//! `expect.rs`, and never by a verifier.
#![cfg(unix)]
#![allow(
    clippy::unwrap_used,
    clippy::print_stderr,
    reason = "a test that can't go on says where, in its helpers too"
)]

mod bytes;
mod differential;
mod expect;
mod files;
#[path = "../log/form.rs"]
#[allow(dead_code, reason = "another test uses the rest")]
mod form;
mod forms;
mod judge;
mod larger;
mod lines;
mod link;
mod logs;
mod ours;
mod placed;
mod python;
mod random;
mod small;
#[path = "../log/support.rs"]
#[allow(dead_code, reason = "another test uses the rest")]
mod support;
mod tree;
