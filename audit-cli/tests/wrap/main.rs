//! What `audit wrap` promises, by the real command.
//!
//! Whatever could hang has a deadline, and nothing sleeps for a result.
#![allow(
    clippy::unwrap_used,
    reason = "a test that can't go on says where, in its helpers too"
)]

mod bytes;
#[cfg(unix)]
mod ends;
mod files;
#[cfg(target_os = "linux")]
mod hangs;
#[cfg(target_os = "linux")]
mod idle;
mod logs;
mod sessions;
#[cfg(target_os = "linux")]
mod stops;
mod support;
