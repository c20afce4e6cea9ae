//! Puts events into the log, without ever being in the way of the traffic.
//!
//! An answer waits until its event is written, which takes some microseconds; but
//! for a log that is known to hang or to fail, nobody waits. A thread of its own
//! opens the log, and looks after one that fails.

use std::collections::VecDeque;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use audit_jsonl::{AuditSink, CallEvent, Health, JsonLinesAuditSink};
use parking_lot::{Condvar, Mutex};

use crate::wrap::place::create_directory_of;

/// How long the start waits for the log to be opened.
const OPENING: Duration = Duration::from_secs(2);

/// How long the thread waits for events to be written before it says that the log
/// hangs, and looks again.
const PATIENCE: Duration = Duration::from_secs(1);

/// How often the thread looks while the log can't be written.
const BETWEEN_TRIES: Duration = Duration::from_millis(500);

/// How long an answer waits for its event to be written: after that the log is known
/// to hang, and nobody waits until it is well again.
const HICCUP: Duration = Duration::from_secs(1);

/// The same if it is to be synced, or if calls are to be refused.
const ACKNOWLEDGEMENT: Duration = Duration::from_secs(5);

/// How long a call may wait for the log to be tried again.
const TRYING_AGAIN: Duration = Duration::from_millis(1500);

/// Events that are kept while the log isn't open.
const MOST_WAITING: usize = 1024;

/// What is asked of the log beyond that events are written.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Demands {
    /// They are to be on disk before their answers go on.
    pub(crate) durable: bool,
    /// Whoever asks [`Recorder::is_good`] is to know of the last event.
    pub(crate) certain: bool,
}

/// The log of one proxy.
#[derive(Debug)]
pub(crate) struct Recorder {
    shared: Arc<Shared>,
    demands: Demands,
}

#[derive(Debug)]
struct Shared {
    path: PathBuf,
    state: Mutex<State>,
    /// The thread has something to do.
    wanted: Condvar,
    /// The thread has looked.
    looked: Condvar,
}

#[derive(Debug, Default)]
struct State {
    sink: Option<Arc<JsonLinesAuditSink>>,
    /// Those that came while there was no sink.
    waiting: VecDeque<CallEvent>,
    lost: u64,
    /// Looks that were asked for, and the last of them that is done.
    asked: u64,
    done: u64,
    /// Whether the last look found that all is written.
    is_good: bool,
    /// What was said on stderr last.
    is_told: bool,
    is_closing: bool,
}

impl Recorder {
    /// Starts the thread, which opens the log. Returns when that has worked or
    /// failed, or takes too long.
    pub(crate) fn start(path: PathBuf, demands: Demands) -> std::io::Result<Self> {
        let shared = Arc::new(Shared {
            path,
            state: Mutex::default(),
            wanted: Condvar::new(),
            looked: Condvar::new(),
        });
        thread::Builder::new().name("audit-log".into()).spawn({
            let shared = Arc::clone(&shared);
            move || shared.run()
        })?;
        let recorder = Self { shared, demands };
        recorder.look(OPENING);
        Ok(recorder)
    }

    /// Puts an event into the log. When it returns, the event is written, or it is
    /// known that the log hangs or fails.
    pub(crate) fn record(&self, event: &CallEvent) {
        let good = {
            let state = self.shared.state.lock();
            state.sink.clone().filter(|_| state.is_good)
        };
        let Some(sink) = good else {
            self.shared.offer(event);
            self.shared.ask();
            return;
        };
        let is_done = if self.demands.durable {
            sink.commit(event, ACKNOWLEDGEMENT).is_ok()
        } else {
            sink.on_call(event);
            written(&sink, HICCUP).is_ok()
        };
        if is_done {
            return;
        }
        if self.demands.certain {
            self.look(ACKNOWLEDGEMENT);
        } else {
            // Until the thread has found that all is well, nobody waits again.
            self.shared.state.lock().is_good = false;
            self.shared.ask();
        }
    }

    /// Whether the last write of the log worked; after one that didn't, the log is
    /// tried again first.
    pub(crate) fn is_good(&self) -> bool {
        self.shared.state.lock().is_good || self.look(TRYING_AGAIN)
    }

    /// Closes the log, and says on stderr what isn't in it.
    pub(crate) fn close(&self, timeout: Duration) {
        let deadline = Instant::now() + timeout;
        self.look(timeout);
        let (sink, lost) = {
            let mut state = self.shared.state.lock();
            state.is_closing = true;
            self.shared.wanted.notify_one();
            let lost = state.lost + state.waiting.len() as u64;
            (state.sink.take(), lost)
        };
        let (mut lost, mut why) = (lost, None);
        if let Some(sink) = sink {
            let left = deadline.saturating_duration_since(Instant::now());
            if let Err(error) = sink.close(left.max(Duration::from_millis(200))) {
                why = Some(error.to_string());
            }
            let counters = sink.counters();
            lost += counters.dropped + counters.queued;
        }
        if lost > 0 || why.is_some() {
            let path = self.shared.path.display();
            let why = why.map(|why| format!(": {why}")).unwrap_or_default();
            warn(&format!("calls missing from {path}: {lost}{why}"));
        }
    }

    /// Asks the thread to look, and waits for that. Whether all is well.
    fn look(&self, timeout: Duration) -> bool {
        let deadline = Instant::now() + timeout;
        let mut state = self.shared.state.lock();
        state.asked += 1;
        let wanted = state.asked;
        self.shared.wanted.notify_one();
        while state.done < wanted {
            if self
                .shared
                .looked
                .wait_until(&mut state, deadline)
                .timed_out()
            {
                return false;
            }
        }
        state.is_good
    }
}

impl Shared {
    /// Has the thread look.
    fn ask(&self) {
        self.state.lock().asked += 1;
        self.wanted.notify_one();
    }

    fn offer(&self, event: &CallEvent) {
        let mut state = self.state.lock();
        match state.sink.clone() {
            Some(sink) => {
                drop(state);
                sink.on_call(event);
            }
            None => {
                if state.waiting.len() == MOST_WAITING {
                    state.waiting.pop_front();
                    state.lost += 1;
                }
                state.waiting.push_back(event.clone());
            }
        }
    }

    /// The thread.
    fn run(&self) {
        let mut state = self.state.lock();
        loop {
            while state.asked == state.done && !state.is_closing {
                if state.is_good {
                    self.wanted.wait(&mut state);
                } else if self.wanted.wait_for(&mut state, BETWEEN_TRIES).timed_out() {
                    break;
                }
            }
            if state.is_closing {
                return;
            }
            let asked = state.asked;
            let sink = state.sink.clone();
            drop(state);
            let (sink, result) = self.try_it(sink);
            state = self.state.lock();
            if state.is_closing {
                return;
            }
            self.settle(&mut state, sink, result);
            state.done = asked;
            self.looked.notify_all();
        }
    }

    /// Opens the log if need be, and has all be written that was offered.
    fn try_it(
        &self,
        sink: Option<Arc<JsonLinesAuditSink>>,
    ) -> (Option<Arc<JsonLinesAuditSink>>, Result<(), String>) {
        let sink = match sink.map_or_else(|| open(&self.path).map(Arc::new), Ok) {
            Ok(sink) => sink,
            Err(why) => return (None, Err(why)),
        };
        for event in std::mem::take(&mut self.state.lock().waiting) {
            sink.on_call(&event);
        }
        let result = written(&sink, PATIENCE);
        (Some(sink), result)
    }

    fn settle(
        &self,
        state: &mut State,
        sink: Option<Arc<JsonLinesAuditSink>>,
        result: Result<(), String>,
    ) {
        state.sink = sink.filter(|sink| {
            let failed = matches!(sink.health(), Health::Failed { .. });
            if failed {
                // It never will write again; another one may.
                let counters = sink.counters();
                state.lost += counters.dropped + counters.queued;
            }
            !failed
        });
        state.is_good = result.is_ok();
        let path = self.path.display();
        match result {
            Err(why) if !state.is_told => {
                state.is_told = true;
                let why = why.strip_prefix(&format!("{path}: ")).unwrap_or(&why);
                warn(&format!("calls can't be recorded in {path}: {why}"));
            }
            Ok(()) if state.is_told => {
                state.is_told = false;
                warn(&format!("calls are recorded again in {path}"));
            }
            _ => {}
        }
    }
}

fn open(path: &Path) -> Result<JsonLinesAuditSink, String> {
    create_directory_of(path).map_err(|error| error.to_string())?;
    let builder = JsonLinesAuditSink::builder().path(path);
    builder.open().map_err(|error| {
        // What it came from says why.
        let cause = std::error::Error::source(&error);
        let cause = cause.map(|cause| format!(": {cause}")).unwrap_or_default();
        format!("{error}{cause}")
    })
}

/// Waits until all is written, or a write has failed since.
fn written(sink: &JsonLinesAuditSink, patience: Duration) -> Result<(), String> {
    let (_, failures_before, _) = failures(sink);
    let deadline = Instant::now() + patience;
    let mut step = Duration::from_millis(5);
    loop {
        let flushed = sink.flush(step);
        let (in_a_row, failures, reason) = failures(sink);
        if in_a_row == 0 && flushed.is_ok() {
            return Ok(());
        }
        let is_over = Instant::now() >= deadline;
        if failures > failures_before || is_over {
            return Err(reason.unwrap_or_else(|| "it takes too long".into()));
        }
        if flushed.is_ok() {
            // Nothing is queued, and the last write failed: only another can tell.
            return Err(reason.unwrap_or_default());
        }
        step = (step * 2).min(Duration::from_millis(100));
    }
}

/// Failures in a row, failures in all, and why.
fn failures(sink: &JsonLinesAuditSink) -> (u64, u64, Option<String>) {
    match sink.health() {
        Health::Degraded {
            consecutive_failures,
            total_failures,
            reason,
            ..
        } => (consecutive_failures, total_failures, Some(reason)),
        Health::Failed {
            total_failures,
            reason,
            ..
        } => (u64::MAX, total_failures, Some(reason)),
        _ => (0, 0, None),
    }
}

fn warn(what: &str) {
    // Nobody reads it, perhaps; that is no reason to stop.
    writeln!(std::io::stderr(), "audit: warning: {what}").ok();
}
