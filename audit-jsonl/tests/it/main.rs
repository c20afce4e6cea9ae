//! What `audit-jsonl` promises, one module per promise.
//!
//! Whatever could hang runs within a deadline, and nothing sleeps for a result.
#![allow(
    clippy::unwrap_used,
    reason = "a test that can't go on says where, in its helpers too"
)]

mod close;
mod conformance;
mod counters;
mod failing;
mod file;
mod flush;
mod from_env;
mod full;
mod health;
#[cfg(target_os = "linux")]
mod idle;
#[cfg(target_os = "linux")]
mod memory;
mod order;
mod panics;
mod process;
mod reentrancy;
mod support;
#[cfg(feature = "tokio")]
mod tokio;
mod users;
