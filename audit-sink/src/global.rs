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
use std::time::Duration;

use audit_schema::CallEvent;
use parking_lot::{Mutex, RwLock};

use crate::held::catching;
use crate::{AuditSink, FlushError, Health};

/// How long the end of the program waits for the sink unless told otherwise.
const EXIT_TIMEOUT: Duration = Duration::from_secs(30);

static SINK: RwLock<State> = RwLock::new(State::Before);
static TIMEOUT: Mutex<Duration> = Mutex::new(EXIT_TIMEOUT);
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
/// [`Failed`](Health::Failed).
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
/// go as by the [`ExitGuard`].
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

/// Takes the sink out, flushes it and lets it go. The second time nothing.
fn end() {
    let taken = {
        let mut state = SINK.write();
        match std::mem::replace(&mut *state, State::After) {
            State::Installed(sink) => sink,
            before @ State::Before => {
                *state = before;
                return;
            }
            State::After => return,
        }
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
