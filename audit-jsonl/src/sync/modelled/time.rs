use std::cell::Cell;
use std::ops::Sub;
use std::time::Duration;

use super::checker;

checker::thread_local! {
    static NOW: Cell<Duration> = Cell::new(Duration::ZERO);
}

/// A moment of the thread that asks. Its time passes only when it waits and its timer
/// ends that.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Instant(Duration);

impl Instant {
    pub(crate) fn now() -> Self {
        Self(NOW.with(Cell::get))
    }

    pub(crate) fn elapsed(&self) -> Duration {
        Self::now() - *self
    }

    pub(crate) fn checked_add(&self, duration: Duration) -> Option<Self> {
        self.0.checked_add(duration).map(Self)
    }

    /// A timer is never on the dot.
    pub(super) fn pass(duration: Duration) {
        let late = duration.saturating_add(Duration::from_nanos(1));
        NOW.with(|now| now.set(now.get().saturating_add(late)));
    }

    /// It is that late now, if it wasn't.
    pub(super) fn comes(self) {
        NOW.with(|now| now.set(now.get().max(self.0)));
    }
}

impl Sub for Instant {
    type Output = Duration;

    fn sub(self, earlier: Self) -> Duration {
        self.0.saturating_sub(earlier.0)
    }
}
