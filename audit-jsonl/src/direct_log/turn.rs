//! One caller's turn at the log.

use std::time::{Duration, Instant};
use std::{io, iter, thread};

use crate::appender::{Appender, Pause};
use crate::direct_log::books::Books;
use crate::link::Drafts;
use crate::log::{Fault, Item, SyncBeside};
use crate::{Durability, Receipt, WriteError};

pub(super) struct Turn<'a> {
    log: &'a mut Appender,
    books: &'a Books,
    timeout: Duration,
    deadline: Option<Instant>,
}

/// An encoded event.
#[derive(Debug, Clone, Copy)]
pub(super) struct Line<'a> {
    /// With its line feed.
    pub(super) bytes: &'a [u8],
    /// So many bytes of the event were cut.
    pub(super) cut: u64,
}

impl<'a> Turn<'a> {
    pub(super) fn new(
        log: &'a mut Appender,
        books: &'a Books,
        timeout: Duration,
        deadline: Option<Instant>,
    ) -> Self {
        Self {
            log,
            books,
            timeout,
            deadline,
        }
    }

    /// Writes an event, and syncs it if it has to be.
    pub(super) fn record(&mut self, line: Line<'_>, durable: bool) -> Result<Receipt, WriteError> {
        let missing = self.books.missing();
        let appended = self.try_twice(|log, pause| {
            let item = Item {
                line: line.bytes,
                cut: line.cut,
            };
            let mut receipt = None;
            let items = iter::once(item);
            log.append(&mut Drafts::default(), items, missing, pause, |head| {
                receipt = Some(Receipt::of(head));
            })?;
            // Each line has its place.
            receipt.ok_or_else(|| Fault::Failed(io::Error::other("a line without a place")))
        });
        let receipt = appended.map_err(|fault| self.refusal(fault))?;
        self.books.note_written(line.bytes.len() as u64);
        if let Some(warning) = self.log.size_warning() {
            self.books.warn(warning);
        }
        if !durable && !self.log.is_sync_due() {
            return Ok(receipt);
        }
        let is_asked = durable || self.log.durability() == Durability::EveryBatch;
        match self.sync() {
            Err(reason) if is_asked => Err(WriteError::NotSynced { receipt, reason }),
            // To those who asked for no more, written is enough.
            _ => Ok(receipt),
        }
    }

    /// Begins a sync that goes on when the turn is over, if there is anything to sync.
    pub(super) fn begin_sync(&mut self) -> Result<Option<SyncBeside>, WriteError> {
        let begun = self.log.begin_sync(&mut until(self.deadline));
        self.tell_of_syncs();
        match begun {
            Ok(Some(beside)) => {
                self.books.sync_begins();
                Ok(Some(beside))
            }
            Ok(None) => {
                self.books.note_synced();
                Ok(None)
            }
            Err(fault) => {
                self.log.put_off_sync();
                Err(self.refusal(fault))
            }
        }
    }

    /// Takes note of how it ended. If it failed it is to be begun again: it goes to
    /// another file then, and after three the log has failed.
    pub(super) fn end_sync(&mut self) -> Result<(), WriteError> {
        match self.log.end_sync() {
            Ok(()) => Ok(()),
            Err(Fault::Spoilt(error)) => {
                self.books.note_failure(error.to_string());
                Ok(())
            }
            Err(fault) => {
                self.log.put_off_sync();
                Err(self.refusal(fault))
            }
        }
    }

    pub(super) fn reopen(&mut self) -> Result<(), WriteError> {
        let reopened = self.log.reopen(&mut until(self.deadline));
        self.tell_of_syncs();
        reopened.map_err(|fault| self.refusal(fault))
    }

    /// Says in the log that its writer ends; why that can't be.
    pub(super) fn end(&mut self) -> Result<(), String> {
        let Some(closing) = self.log.closing(self.books.missing()) else {
            return Ok(());
        };
        let appended = self.try_twice(|log, pause| log.append_closing(&closing, pause));
        if let Err(fault) = appended {
            let refusal = self.refusal(fault);
            return Err(refusal.reason());
        }
        if self.log.is_sync_due_at_end() {
            return self.sync();
        }
        Ok(())
    }

    /// Syncs what isn't synced; why that can't be.
    fn sync(&mut self) -> Result<(), String> {
        loop {
            let synced = self.log.sync(&mut until(self.deadline));
            self.tell_of_syncs();
            match synced {
                Ok(()) => {
                    self.books.note_synced();
                    return Ok(());
                }
                // The next try goes to another file; after three, the log has failed.
                Err(Fault::Spoilt(error)) => self.books.note_failure(error.to_string()),
                Err(fault) => {
                    self.log.put_off_sync();
                    return Err(self.refusal(fault).reason());
                }
            }
        }
    }

    /// Tries once more at once when it is the file that is bad: the next try goes to
    /// another one.
    fn try_twice<T>(
        &mut self,
        mut work: impl FnMut(&mut Appender, Pause<'_>) -> Result<T, Fault>,
    ) -> Result<T, Fault> {
        let pause = &mut until(self.deadline);
        let result = match work(self.log, pause) {
            Err(Fault::Spoilt(error) | Fault::Unsynced(error)) => {
                self.books.note_failure(error.to_string());
                work(self.log, pause)
            }
            result => result,
        };
        self.tell_of_syncs();
        result
    }

    /// Counts a sync that failed while the log went from one file to the next.
    fn tell_of_syncs(&mut self) {
        if let Some(error) = self.log.take_untold() {
            self.books.note_failure(error.to_string());
        }
    }

    fn refusal(&self, fault: Fault) -> WriteError {
        match fault {
            Fault::Io(source) | Fault::Spoilt(source) | Fault::Unsynced(source) => {
                self.books.note_failure(source.to_string());
                WriteError::Io { source }
            }
            Fault::Failed(error) => {
                self.books.fail(error.to_string());
                self.books.refusal()
            }
            Fault::Abandoned => {
                let timeout = self.timeout;
                let reason = format!("another process held the log's lock for {timeout:?}");
                self.books.note_failure(reason);
                WriteError::Timeout { timeout }
            }
        }
    }
}

/// Waits between two tries at the log's lock, until the deadline.
fn until(deadline: Option<Instant>) -> impl FnMut(Duration) -> bool {
    move |pause| {
        let left = deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
        if left.is_some_and(|left| left.is_zero()) {
            return false;
        }
        // Nobody tells when the other process lets go of it.
        thread::sleep(left.map_or(pause, |left| left.min(pause)));
        true
    }
}
