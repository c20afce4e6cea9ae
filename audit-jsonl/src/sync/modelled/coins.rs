//! Whether a timer ends a wait: a choice that the checker makes, both ways.

use std::cell::Cell;
use std::thread_local;

/// What a model's timers do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Timers {
    /// Those of threads that park: of the writer alone, between looks at the queue
    /// and between tries.
    pub(crate) parks: Timer,
    /// Those of callers who wait until a deadline.
    pub(crate) deadlines: Timer,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Timer {
    /// Each ends its wait.
    Fires,
    /// None does. Somebody else has to end each wait.
    Rests,
    /// Each does or does not, as the checker likes. Somebody else has to be able to
    /// end each wait.
    Either,
}

thread_local! {
    // All threads of a model run on one thread of the system.
    static TIMERS: Cell<Timers> = const { Cell::new(Timers::NONE) };
}

impl Timers {
    const NONE: Self = Self {
        parks: Timer::Rests,
        deadlines: Timer::Rests,
    };

    /// Sets those of the model that this thread is going to check.
    pub(crate) fn set(self) {
        TIMERS.set(self);
    }

    #[cfg(audit_loom)]
    pub(crate) fn has_coins(self) -> bool {
        self.parks == Timer::Either || self.deadlines == Timer::Either
    }
}

pub(super) fn park_ends() -> bool {
    TIMERS.get().parks.ends_it()
}

pub(super) fn deadline_comes() -> bool {
    TIMERS.get().deadlines.ends_it()
}

impl Timer {
    fn ends_it(self) -> bool {
        match self {
            Self::Fires => true,
            Self::Rests => false,
            Self::Either => toss::toss(),
        }
    }
}

#[cfg(audit_shuttle)]
mod toss {
    use shuttle::rand::Rng as _;

    pub(super) fn toss() -> bool {
        shuttle::rand::thread_rng().r#gen()
    }
}

#[cfg(audit_loom)]
pub(crate) use self::toss::with_coins;

#[cfg(audit_loom)]
mod toss {
    use std::cell::RefCell;
    use std::sync::Arc;
    use std::thread_local;

    use loom::sync::atomic::{AtomicBool, Ordering};
    use loom::thread;

    /// So many waits of an execution have a coin.
    const COINS: usize = 16;

    thread_local! {
        static COINS_LEFT: RefCell<Vec<Arc<AtomicBool>>> = const { RefCell::new(Vec::new()) };
    }

    /// Runs the model on a thread of its own. A coin is a bool that was false and has
    /// been set by a thread that it knows nothing of since: whoever reads it may find
    /// either, and loom tries both.
    pub(crate) fn with_coins(model: impl FnOnce() + Send + 'static) {
        let coins: Vec<_> = (0..COINS)
            .map(|_| Arc::new(AtomicBool::new(false)))
            .collect();
        COINS_LEFT.replace(coins.clone());
        let model = thread::spawn(model);
        for coin in &coins {
            coin.store(true, Ordering::Relaxed);
        }
        // What came before is the same in all executions.
        loom::explore();
        model.join().expect("loom ends at the first panic");
        COINS_LEFT.take();
    }

    pub(super) fn toss() -> bool {
        let coin = COINS_LEFT.with_borrow_mut(Vec::pop);
        let coin = coin.expect("the model waits more often than there are coins");
        coin.load(Ordering::Relaxed)
    }
}
