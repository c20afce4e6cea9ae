//! The logs in docs/vectors: what stands in them, what a verifier says of them, and
//! what a writer makes of those that a head file stands beside.
//!
//! They are added to, never edited: `AUDIT_VECTORS=add` makes those that are not there
//! yet.
#![cfg(unix)]
#![allow(
    clippy::unwrap_used,
    clippy::print_stderr,
    reason = "a test that can't go on says where, in its helpers too"
)]

mod by_hand;
mod damaged;
mod file;
#[path = "../log/form.rs"]
#[allow(dead_code, reason = "another test uses the rest")]
mod form;
#[path = "../log/head_file.rs"]
mod head_file;
mod heads;
mod list;
mod members;
mod replay;
#[path = "../log/support.rs"]
#[allow(dead_code, reason = "another test uses the rest")]
mod support;
