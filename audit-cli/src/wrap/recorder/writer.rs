//! The recorder's thread, and how an event is put into the log.

use std::error::Error as _;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use audit_jsonl::{AuditSink as _, CallEvent, DirectLogSink, JsonLinesAuditSink, WriteError};

use crate::wrap::place::create_directory_of;
use crate::wrap::recorder::{ACKNOWLEDGEMENT, Demands, HICCUP, Shared, State, warn};

/// How often the thread looks while the log can't be written.
const BETWEEN_TRIES: Duration = Duration::from_millis(500);

/// How long a sync waits for whoever writes.
const PATIENCE: Duration = Duration::from_secs(1);

impl Demands {
    /// Writes an event, and syncs it if that is asked for.
    pub(super) fn put(self, sink: &DirectLogSink, event: &CallEvent) -> Result<(), WriteError> {
        let put = if self.durable {
            sink.commit(event, ACKNOWLEDGEMENT)
        } else {
            sink.write(event, HICCUP)
        };
        put.map(drop)
    }
}

impl Shared {
    /// The thread.
    pub(super) fn run(&self) {
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
            drop(state);
            let result = self.try_it();
            state = self.state.lock();
            if state.is_closing {
                return;
            }
            self.settle(&mut state, result);
            state.done = asked;
            self.looked.notify_all();
        }
    }

    /// Opens the log if need be, writes what waits, and syncs now and then. Why that
    /// can't be done.
    fn try_it(&self) -> Result<(), String> {
        let sink = {
            let state = self.state.lock();
            if state.stuck > 0 {
                return Err(HANGS.into());
            }
            state.sink.clone()
        };
        let sink = match sink {
            Some(sink) => sink,
            None => self.open()?,
        };
        while let Some(event) = self.take() {
            let put = self.demands.put(&sink, &event);
            let mut state = self.state.lock();
            state.is_in_hand = false;
            if let Err(error) = put {
                if !error.is_recorded() {
                    state.waiting.push_front(event);
                }
                if let WriteError::Failed { .. } = error {
                    // It never will write again; another one may.
                    state.sink = None;
                }
                return Err(why(&error));
            }
        }
        self.sync(&sink)
    }

    fn open(&self) -> Result<Arc<DirectLogSink>, String> {
        let sink = Arc::new(open(&self.path)?);
        let mut state = self.state.lock();
        if !state.is_closing {
            state.sink = Some(Arc::clone(&sink));
        }
        Ok(sink)
    }

    /// The next event to be written, which tells of those that are lost.
    fn take(&self) -> Option<CallEvent> {
        let mut state = self.state.lock();
        let sink = state.sink.clone().filter(|_| !state.is_closing)?;
        let event = state.waiting.pop_front()?;
        state.is_in_hand = true;
        state.is_unsynced = true;
        sink.count_lost(std::mem::take(&mut state.untold));
        Some(event)
    }

    fn sync(&self, sink: &DirectLogSink) -> Result<(), String> {
        {
            let mut state = self.state.lock();
            if !std::mem::take(&mut state.is_unsynced) {
                return Ok(());
            }
            state.last_sync = Some(Instant::now());
        }
        sink.flush(PATIENCE).map_err(|error| {
            self.state.lock().is_unsynced = true;
            error.to_string()
        })
    }

    fn settle(&self, state: &mut State, result: Result<(), String>) {
        state.is_good = result.is_ok() && state.stuck == 0;
        let path = self.path.display();
        match result {
            Err(why) if !state.is_told => {
                state.is_told = true;
                let why = why.strip_prefix(&format!("{path}: ")).unwrap_or(&why);
                warn(&format!("calls can't be recorded in {path}: {why}"));
            }
            Ok(()) if state.is_told && state.is_good => {
                state.is_told = false;
                warn(&format!("calls are recorded again in {path}"));
            }
            _ => {}
        }
    }
}

const HANGS: &str = "it takes too long";

fn open(path: &Path) -> Result<DirectLogSink, String> {
    create_directory_of(path).map_err(|error| error.to_string())?;
    let builder = JsonLinesAuditSink::builder().path(path);
    builder.open_direct().map_err(|error| {
        // What it came from says why.
        let cause = error.source();
        let cause = cause.map(|cause| format!(": {cause}")).unwrap_or_default();
        format!("{error}{cause}")
    })
}

fn why(error: &WriteError) -> String {
    match error {
        WriteError::Timeout { .. } => HANGS.into(),
        WriteError::Io { source, .. } => source.to_string(),
        error => error.to_string(),
    }
}
