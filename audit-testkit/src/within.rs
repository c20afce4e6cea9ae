use std::panic::{self, AssertUnwindSafe};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

/// How long to wait for what should take no time: half a minute. Long enough
/// for a busy machine, short enough for a person who waits for a failing test.
pub const DEADLINE: Duration = Duration::from_secs(30);

/// Runs `work` on a thread of its own and returns what it returns, so that what
/// hangs is a failing test and not a stuck one.
///
/// When time is up the thread is left behind as it is: there is no way to stop
/// it.
///
/// ```
/// use audit_testkit::{DEADLINE, within};
///
/// assert_eq!(within(DEADLINE, || 6 * 7), 42);
/// ```
///
/// # Panics
///
/// When `work` has not returned after `limit`. When `work` itself panics, with
/// the same payload.
#[track_caller]
pub fn within<R: Send + 'static>(limit: Duration, work: impl FnOnce() -> R + Send + 'static) -> R {
    match try_within(limit, work) {
        Some(result) => result,
        None => panic!("it didn't return within {limit:?}"),
    }
}

/// As [`within`], but `None` when time is up.
#[track_caller]
pub(crate) fn try_within<R: Send + 'static>(
    limit: Duration,
    work: impl FnOnce() -> R + Send + 'static,
) -> Option<R> {
    let (send, receive) = mpsc::sync_channel(1);
    // Under the name of the test, so that messages of the thread name it too.
    let name = thread::current().name().unwrap_or("within").to_owned();
    let spawned = thread::Builder::new().name(name).spawn(move || {
        let result = panic::catch_unwind(AssertUnwindSafe(work));
        // Nobody listens any more when time is up.
        drop(send.send(result));
    });
    if let Err(error) = spawned {
        panic!("no thread for the work to be timed: {error}");
    }
    match receive.recv_timeout(limit) {
        Ok(Ok(result)) => Some(result),
        Ok(Err(payload)) => panic::resume_unwind(payload),
        Err(_) => None,
    }
}
