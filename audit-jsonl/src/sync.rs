//! Locks, threads and time, as the queue and those on both sides of it use them: in
//! a program `parking_lot`'s and the standard library's, in a model the same names over
//! the types of the model's checker.

#[cfg(all(test, any(audit_loom, audit_shuttle)))]
mod modelled;

#[cfg(all(test, any(audit_loom, audit_shuttle)))]
pub(crate) use self::modelled::{
    AtomicU64, Condvar, Instant, Mutex, MutexGuard, OnceLock, thread, thread_local,
};
#[cfg(all(test, any(audit_loom, audit_shuttle)))]
pub(crate) use self::modelled::{checker, coins};
#[cfg(not(all(test, any(audit_loom, audit_shuttle))))]
pub(crate) use {
    parking_lot::{Condvar, Mutex, MutexGuard},
    std::sync::OnceLock,
    std::sync::atomic::AtomicU64,
    std::time::Instant,
    std::{thread, thread_local},
};

/// Whether a model is checked. It has few events and few threads, so what a program
/// reaches by many is to be reached by few.
pub(crate) const MODELLED: bool = cfg!(all(test, any(audit_loom, audit_shuttle)));
