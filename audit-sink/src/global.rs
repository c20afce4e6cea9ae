//! One sink for the whole program, for code that can't be handed one.
//!
//! [`install`] it at the beginning of `main`, and hold the
//! [`ExitGuard`] there: when it is dropped, as `main` returns or
//! panics, the sink is taken out, flushed, and let go. `std::process::exit` drops
//! nothing, so leave by [`exit`].
//!
//! ```
//! use std::time::Duration;
//! use audit_sink::{AuditSink, MemorySink, Recorder, global, schema::Outcome};
//!
//! fn main() {
//!     let memory = MemorySink::new();
//!     let _guard = global::install(memory.clone()).expect("nobody else installs one");
//!
//!     deep_inside();
//!     assert_eq!(memory.count(), 1);
//! }
//!
//! fn deep_inside() {
//!     Recorder::with_sink(global::get()).start("echo").finish(Outcome::Success);
//! }
//! ```

use std::fmt;
use std::io::{self, Write};
use std::panic;
use std::process;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::{self, ThreadId};
use std::time::{Duration, Instant};

use audit_schema::CallEvent;
use parking_lot::{Condvar, Mutex, RwLock};

use crate::held::catching;
use crate::{AuditSink, FlushError, Health};

/// How long the end of the program waits for the sink unless told otherwise.
const EXIT_TIMEOUT: Duration = Duration::from_secs(30);

static SINK: RwLock<State> = RwLock::new(State::Before);
static TIMEOUT: Mutex<Duration> = Mutex::new(EXIT_TIMEOUT);
/// The thread that is flushing the sink and letting it go.
static ENDING: Mutex<Option<ThreadId>> = Mutex::new(None);
static ENDED: Condvar = Condvar::new();
/// Events that came when there was no sink.
static LOST: AtomicU64 = AtomicU64::new(0);

enum State {
    Before,
    Installed(Arc<dyn AuditSink>),
    After,
}

/// Makes `sink` the program's, once and for all: nothing replaces it.
///
/// # Errors
///
/// There is one already, or was one: [`Rejected`] gives `sink` back.
pub fn install<S: AuditSink + 'static>(sink: S) -> Result<ExitGuard, Rejected<S>> {
    let mut state = SINK.write();
    if !matches!(*state, State::Before) {
        drop(state);
        return Err(Rejected { sink });
    }
    *state = State::Installed(Arc::new(sink));
    drop(state);
    // Where a panic drops nothing, the last that runs is the hook.
    if cfg!(panic = "abort") {
        let before = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            before(info);
            end();
        }));
    }
    Ok(ExitGuard { _private: () })
}

/// The program's sink, or `None` before it is installed and after the [`ExitGuard`]
/// is gone.
#[must_use]
pub fn try_get() -> Option<Arc<dyn AuditSink>> {
    match &*SINK.read() {
        State::Installed(sink) => Some(Arc::clone(sink)),
        State::Before | State::After => None,
    }
}

/// The program's sink. Before it is installed and after the [`ExitGuard`] is gone, one
/// that records nothing: it counts what it is offered as lost, and has
/// [`Failed`](Health::Failed). It stays so when one is installed later, so ask once
/// [`install`] has returned, not in a `static` that may be made before.
#[must_use]
pub fn get() -> Arc<dyn AuditSink> {
    try_get().unwrap_or_else(|| Arc::new(Nobody))
}

/// Waits until what the program's sink was offered is recorded, as its own
/// [`flush`](AuditSink::flush) does.
///
/// # Errors
///
/// Those of the sink, and [`FlushError::Unusable`] when none is installed. The sink
/// stays usable.
pub fn flush(timeout: Duration) -> Result<(), FlushError> {
    get().flush(timeout)
}

/// Ends the program as [`std::process::exit`] does, after the sink is flushed and let
/// go as by the [`ExitGuard`]. When another thread is ending the program already, it
/// waits for that one to be done with the sink, for twice as long as a flush may take.
pub fn exit(code: i32) -> ! {
    end();
    process::exit(code)
}

/// Flushes the program's sink and lets it go when it is dropped: keep it in `main`.
///
/// It waits for 30 s at most, and says on stderr what was not recorded then. A sink
/// that nobody else holds is dropped, and so closed; for others that happens when the
/// last of them lets it go. What comes afterwards is lost.
#[must_use = "the sink is flushed and let go when this is dropped: keep it in `main`"]
pub struct ExitGuard {
    _private: (),
}

impl ExitGuard {
    /// How long to wait at the end. By default 30 s.
    pub fn with_timeout(self, timeout: Duration) -> Self {
        *TIMEOUT.lock() = timeout;
        self
    }
}

impl Drop for ExitGuard {
    fn drop(&mut self) {
        end();
    }
}

/// Takes the sink out, flushes it and lets it go. The second time nothing; who comes
/// meanwhile waits, or the process would be gone in the middle of it.
fn end() {
    let Some(taken) = take() else {
        wait_for_the_end();
        return;
    };
    let timeout = *TIMEOUT.lock();
    let flushed = catching(|| taken.flush(timeout));
    let flushed = flushed.unwrap_or(Err(FlushError::unusable("the sink panicked")));
    if let Err(error) = flushed {
        // Nobody is left to ask. Not `eprintln!`, which panics when stderr is closed.
        let message = format!("audit-sink: the program ends and {error}\n");
        drop(io::stderr().write_all(message.as_bytes()));
    }
    let _ = catching(|| drop(taken));
    *ENDING.lock() = None;
    ENDED.notify_all();
}

fn take() -> Option<Arc<dyn AuditSink>> {
    let mut ending = ENDING.lock();
    let mut state = SINK.write();
    let State::Installed(sink) = &*state else {
        return None;
    };
    let sink = Arc::clone(sink);
    *state = State::After;
    *ending = Some(thread::current().id());
    Some(sink)
}

/// Not on the very thread that is ending it: a sink may end the program itself. Nor for
/// ever: it may do so on a thread of its own, for which the other one waits.
fn wait_for_the_end() {
    // To flush, and to be dropped.
    let timeout = TIMEOUT.lock().saturating_mul(2);
    let deadline = Instant::now().checked_add(timeout);
    let mut ending = ENDING.lock();
    while ending.is_some_and(|by| by != thread::current().id()) {
        match deadline {
            None => ENDED.wait(&mut ending),
            Some(deadline) => {
                if ENDED.wait_until(&mut ending, deadline).timed_out() {
                    return;
                }
            }
        }
    }
}

/// The sink of a second [`install`], given back.
pub struct Rejected<S> {
    /// The very sink that was not installed.
    pub sink: S,
}

impl<S> fmt::Display for Rejected<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a global sink is installed already, or was: it can't be replaced")
    }
}

impl<S> fmt::Debug for Rejected<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Rejected").finish_non_exhaustive()
    }
}

impl<S> std::error::Error for Rejected<S> {}

impl fmt::Debug for ExitGuard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ExitGuard").finish_non_exhaustive()
    }
}

/// Stands in where no sink is.
struct Nobody;

const NO_SINK: &str = "no global sink is installed, or it was let go at the end of the program";

impl AuditSink for Nobody {
    fn on_call(&self, _: &CallEvent) {
        LOST.fetch_add(1, Ordering::Relaxed);
    }

    fn drops(&self) -> u64 {
        LOST.load(Ordering::Relaxed)
    }

    fn flush(&self, _: Duration) -> Result<(), FlushError> {
        Err(FlushError::unusable(NO_SINK))
    }

    fn health(&self) -> Health {
        let lost = self.drops();
        Health::failed(lost, lost, NO_SINK)
    }
}
