//! What the chained log promises, one module per promise, on real files and with
//! real processes.
//!
//! Whatever could hang runs within a deadline, and nothing sleeps for a result.
#![cfg(unix)]
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a test that can't go on says where, in its helpers too"
)]

mod ahead;
mod bytes;
mod checker;
mod child;
mod cut;
mod damage;
mod direct;
mod durability;
mod ending;
mod form;
mod head_file;
mod heads;
mod kills;
mod kinds;
mod opening;
mod outsiders;
mod repair;
mod roles;
mod rotation;
mod stops;
mod support;
mod writers;
