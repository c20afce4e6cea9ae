//! The names of parking_lot and of the standard library over a checker's types, which
//! hand the processor from thread to thread as the checker says.
//!
//! Neither checker has timers, and parking and unparking in loom breaks its own locks;
//! both are made here of locks and conditions.

pub(crate) mod coins;
mod time;

use std::fmt;
use std::ops::{Deref, DerefMut};
use std::sync::PoisonError;

#[cfg(audit_loom)]
pub(crate) use loom as checker;
#[cfg(audit_shuttle)]
pub(crate) use shuttle as checker;

pub(crate) use self::checker::sync::atomic::AtomicU64;
pub(crate) use self::time::Instant;

use self::checker::sync::atomic::{AtomicBool, Ordering};

/// The checkers know no `const`.
macro_rules! per_thread {
    ($(static $name:ident: $type:ty = const { $init:expr };)*) => {
        $($crate::sync::checker::thread_local! { static $name: $type = $init; })*
    };
}

pub(crate) use per_thread as thread_local;

pub(crate) struct Mutex<T>(checker::sync::Mutex<T>);

impl<T> Mutex<T> {
    pub(crate) fn new(value: T) -> Self {
        Self(checker::sync::Mutex::new(value))
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, T> {
        let held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        MutexGuard {
            mutex: self,
            held: Some(held),
        }
    }

    pub(crate) fn try_lock(&self) -> Option<MutexGuard<'_, T>> {
        let held = self.0.try_lock().ok()?;
        Some(MutexGuard {
            mutex: self,
            held: Some(held),
        })
    }
}

impl<T> fmt::Debug for Mutex<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Mutex(..)")
    }
}

pub(crate) struct MutexGuard<'a, T> {
    mutex: &'a Mutex<T>,
    /// `None` while it waits.
    held: Option<checker::sync::MutexGuard<'a, T>>,
}

impl<T> MutexGuard<'_, T> {
    pub(crate) fn unlocked<U>(guard: &mut Self, work: impl FnOnce() -> U) -> U {
        guard.held = None;
        let result = work();
        *guard = guard.mutex.lock();
        result
    }
}

impl<T> Deref for MutexGuard<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        self.held.as_ref().expect("it doesn't wait")
    }
}

impl<T> DerefMut for MutexGuard<'_, T> {
    fn deref_mut(&mut self) -> &mut T {
        self.held.as_mut().expect("it doesn't wait")
    }
}

#[derive(Debug)]
pub(crate) struct Condvar(checker::sync::Condvar);

/// Whether a wait ended by its deadline.
#[derive(Debug)]
pub(crate) struct WaitTimeoutResult(bool);

impl Condvar {
    pub(crate) fn new() -> Self {
        Self(checker::sync::Condvar::new())
    }

    pub(crate) fn wait<T>(&self, guard: &mut MutexGuard<'_, T>) {
        if let Some(held) = guard.held.take() {
            let held = self.0.wait(held).unwrap_or_else(PoisonError::into_inner);
            guard.held = Some(held);
        }
    }

    /// Ends at once, or never by its deadline: who is late is held up on its way back
    /// to the lock.
    pub(crate) fn wait_until<T>(
        &self,
        guard: &mut MutexGuard<'_, T>,
        deadline: Instant,
    ) -> WaitTimeoutResult {
        let timed_out = deadline <= Instant::now() || coins::deadline_comes();
        if timed_out {
            deadline.comes();
            MutexGuard::unlocked(guard, || {});
        } else {
            self.wait(guard);
        }
        WaitTimeoutResult(timed_out)
    }

    pub(crate) fn notify_all(&self) {
        self.0.notify_all();
    }
}

impl WaitTimeoutResult {
    pub(crate) fn timed_out(&self) -> bool {
        self.0
    }
}

/// It is set by one thread; who reads it finds it set, or not yet.
#[derive(Debug)]
pub(crate) struct OnceLock<T> {
    value: std::sync::OnceLock<T>,
    is_set: AtomicBool,
}

impl<T> OnceLock<T> {
    pub(crate) fn new() -> Self {
        Self {
            value: std::sync::OnceLock::new(),
            is_set: AtomicBool::new(false),
        }
    }

    pub(crate) fn get(&self) -> Option<&T> {
        let is_set = self.is_set.load(Ordering::Acquire);
        is_set.then(|| self.value.get()).flatten()
    }

    pub(crate) fn get_or_init(&self, make: impl FnOnce() -> T) -> &T {
        let mut made = false;
        let value = self.value.get_or_init(|| {
            made = true;
            make()
        });
        if made {
            self.is_set.store(true, Ordering::Release);
        }
        value
    }
}

pub(crate) mod thread {
    use std::sync::Arc;
    use std::time::Duration;

    use super::{Condvar, Instant, Mutex, coins};

    pub(crate) use super::checker::thread::{Builder, JoinHandle};

    super::checker::thread_local! {
        static CURRENT: Thread = Thread(Arc::new(Parker {
            token: Mutex::new(false),
            unparked: Condvar::new(),
        }));
    }

    /// A thread, to unpark it.
    #[derive(Debug, Clone)]
    pub(crate) struct Thread(Arc<Parker>);

    #[derive(Debug)]
    struct Parker {
        token: Mutex<bool>,
        unparked: Condvar,
    }

    impl Thread {
        pub(crate) fn unpark(&self) {
            *self.0.token.lock() = true;
            self.0.unparked.notify_all();
        }
    }

    pub(crate) fn current() -> Thread {
        CURRENT.with(Thread::clone)
    }

    pub(crate) fn park() {
        let Thread(parker) = current();
        let mut token = parker.token.lock();
        while !*token {
            parker.unparked.wait(&mut token);
        }
        *token = false;
    }

    pub(crate) fn park_timeout(timeout: Duration) {
        let Thread(parker) = current();
        let mut token = parker.token.lock();
        while !*token {
            if coins::park_ends() {
                Instant::pass(timeout);
                return;
            }
            parker.unparked.wait(&mut token);
        }
        *token = false;
    }
}
