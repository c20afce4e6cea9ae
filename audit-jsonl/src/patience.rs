//! How long a failing destination is tried again.

use std::io::ErrorKind;
use std::time::Duration;

use crate::destination::Failure;
use crate::queue::Queue;

/// Between two tries: at first, and at most.
const FIRST_PAUSE: Duration = Duration::from_millis(1);
const LAST_PAUSE: Duration = Duration::from_secs(1);

/// So many failures in a row, other than a full disk, and the lines are given
/// up: with the pauses between them that is about half a second.
const TRIES: u32 = 10;

/// What is left of it, and how long to pause before the next try.
#[derive(Debug)]
pub(crate) struct Patience {
    failures: u32,
    pause: Duration,
}

impl Patience {
    /// After lines that were given up, the next get one try.
    pub(crate) fn new(given_up: bool) -> Self {
        Self {
            failures: if given_up { TRIES - 1 } else { 0 },
            pause: FIRST_PAUSE,
        }
    }

    /// Counts a failure and waits before the next try. `false` when there is to
    /// be none.
    pub(crate) fn wait_after(&mut self, queue: &Queue, failure: Failure) -> bool {
        queue.note_failure(failure.reason);
        if !ends_by_itself(failure.kind) {
            self.failures += 1;
            if self.failures == TRIES {
                return false;
            }
        }
        let go_on = queue.pause(self.pause);
        self.pause = (self.pause * 2).min(LAST_PAUSE);
        go_on
    }
}

/// Whether such an error passes when somebody makes room, so that it is worth
/// waiting for.
fn ends_by_itself(kind: ErrorKind) -> bool {
    matches!(
        kind,
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded | ErrorKind::WouldBlock
    )
}
