//! What `audit query`, `audit stats` and `audit tail` promise, with the real binary
//! as a process.
#![cfg(unix)]
#![allow(
    clippy::unwrap_used,
    clippy::print_stderr,
    reason = "a test that can't go on says where, in its helpers too"
)]

mod big;
mod damage;
mod made;
mod oracle;
mod pictures;
mod query;
mod stats;
#[path = "../cli/support.rs"]
#[allow(dead_code, reason = "some of it is for the tests of other verbs")]
mod support;
mod tail;
mod tools;
