//! The chained log, with everything around it failing for real: system calls,
//! disks, syncs, the power, and other people's rotation.
//!
//! Short runs by default, for CI. Each module names at its top the environment
//! variables that make its runs long. What needs root or a tool that isn't there
//! is skipped with a line on stderr that says what is missing.
//!
//! `AUDIT_FAULTS_DIR`: where the files go that need no file system of their own;
//! by default `/dev/shm`, else the directory for temporary files.
#![cfg(target_os = "linux")]

mod actor;
mod brought_over;
mod calls;
mod checker;
mod child;
mod full;
mod head;
mod mixed;
mod mounts;
mod names;
mod power;
mod reopening;
mod retried;
mod rotators;
mod settled;
mod syncs;
mod tools;
mod trace;
