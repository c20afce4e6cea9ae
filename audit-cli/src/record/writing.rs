//! The log that is written to, and what is told when it can't be.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::Receiver;
use std::time::Duration;

use audit_jsonl::{
    AuditSink, BackpressureStrategy, CallEvent, CloseError, Durability, FlushError, Health,
    JsonLinesAuditSink,
};

use crate::exit::Failure;
use crate::output;
use crate::progress::Progress;
use crate::record::Event;
use crate::record::reading::Stopped;

const CAPACITY: usize = 8_192;

/// How long a wait lasts before a look at what else has happened.
const LOOK: Duration = Duration::from_millis(100);

/// How long the log may take to close, once all is written or a signal came.
const CLOSING: Duration = Duration::from_secs(5);

pub(crate) struct Log {
    sink: JsonLinesAuditSink,
    path: PathBuf,
    is_durable: bool,
    /// That it can't be written at present has been told.
    is_told: AtomicBool,
    is_unsynced: AtomicBool,
}

impl Log {
    pub(crate) fn open(path: &Path, durable: bool) -> Result<Self, Failure> {
        let durability = match durable {
            true => Durability::EveryBatch,
            false => Durability::default(),
        };
        if let Some(parent) = path.parent()
            && !parent.as_os_str().is_empty()
            && !parent.exists()
        {
            return Err(Failure::could_not(format!(
                "{}: its directory does not exist; make it",
                path.display()
            )));
        }
        let sink = JsonLinesAuditSink::builder()
            .capacity(CAPACITY)
            .strategy(BackpressureStrategy::Block)
            .path(path)
            .durability(durability)
            .open()
            .map_err(|error| Failure::because(&error))?;
        Ok(Self {
            sink,
            path: path.to_owned(),
            is_durable: durable,
            is_told: AtomicBool::new(false),
            is_unsynced: AtomicBool::new(false),
        })
    }

    /// How many events are written.
    pub(crate) fn recorded(&self) -> u64 {
        self.sink.counters().written
    }

    /// Records an event; waits while there is no room.
    pub(crate) fn record(&self, event: &CallEvent) -> Result<(), Stopped> {
        self.sink.on_call(event);
        match self.sink.drops() {
            0 => Ok(()),
            _ => Err(Stopped::Log),
        }
    }

    /// Called when the next line must be waited for: with `--durable`, what came
    /// before it is synced first.
    pub(crate) fn before_waiting(&self, stop: &AtomicBool) -> Result<(), Stopped> {
        if !self.is_durable {
            return Ok(());
        }
        while !stop.load(Ordering::Relaxed) {
            match self.sink.flush(LOOK) {
                Ok(()) => return Ok(()),
                Err(FlushError::Timeout { .. }) => {}
                Err(FlushError::Unsynced { .. }) => {
                    self.is_unsynced.store(true, Ordering::Relaxed);
                    return Err(Stopped::Log);
                }
                Err(_) => return Err(Stopped::Log),
            }
        }
        Ok(())
    }

    /// Says once that the log can't be written at present, and once that it can
    /// again.
    pub(crate) fn tell_trouble(&self, progress: &Progress) {
        match self.sink.health() {
            Health::Degraded {
                consecutive_failures: 1..,
                reason,
                ..
            } if !self.is_told.swap(true, Ordering::Relaxed) => progress.suspend(|| {
                output::warn(format_args!(
                    "{}: nothing can be written at present, and it is tried again: {reason}",
                    self.path.display()
                ));
            }),
            Health::Healthy if self.is_told.swap(false, Ordering::Relaxed) => {
                progress.suspend(|| {
                    output::tell(format_args!("{}: writing goes on", self.path.display()));
                });
            }
            _ => {}
        }
    }

    /// Waits until all is written, and closes the log. Without a signal that takes
    /// as long as it takes.
    pub(crate) fn close(
        &self,
        told: &Receiver<Event>,
        progress: &Progress,
        ended: &Event,
    ) -> Result<(), Failure> {
        let mut waits = !matches!(ended, Event::Signal(_));
        while waits && matches!(self.sink.flush(LOOK), Err(FlushError::Timeout { .. })) {
            self.tell_trouble(progress);
            progress.count(self.recorded());
            waits = !told
                .try_iter()
                .any(|event| matches!(event, Event::Signal(_)));
        }
        let closed = self.sink.close(CLOSING);
        let lost = self.sink.drops();
        let what = match closed {
            Ok(_) if self.is_unsynced.load(Ordering::Relaxed) => {
                "events are written, and could not be synced".to_owned()
            }
            Ok(_) if lost == 0 => return Ok(()),
            Ok(_) => format!("{lost} events were not recorded: {}", self.reason()),
            Err(error @ (CloseError::Timeout { .. } | CloseError::Lost { .. })) => {
                format!("{error}: {}", self.reason())
            }
            Err(error) => error.to_string(),
        };
        Err(Failure::could_not(format!(
            "{}: {what}",
            self.path.display()
        )))
    }

    fn reason(&self) -> String {
        match self.sink.health() {
            Health::Degraded { reason, .. } | Health::Failed { reason, .. } => reason,
            _ => "the log is closed".into(),
        }
    }
}
