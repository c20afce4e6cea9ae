//! A log on disk with what its writer keeps in mind, be that a thread behind a queue
//! or whoever calls: what lines have told of, what is to be synced and when, and the
//! record at the end. One try at each thing; how often to try is the writer's matter.

use std::io;
use std::time::Duration;

use audit_schema::{CallEvent, Outcome, now_rfc3339};
use audit_sink::Ulids;

use crate::Durability;
use crate::chain::{Head, LONGEST_EVENT, Notes};
use crate::encode::encode;
use crate::link::Drafts;
use crate::log::{Fault, Item, Log, SyncBeside};
use crate::sync::Instant;

/// Waits between two tries at the log's lock, and says whether to go on.
pub(crate) type Pause<'a> = &'a mut dyn FnMut(Duration) -> bool;

#[derive(Debug)]
pub(crate) struct Appender {
    log: Log,
    durability: Durability,
    warn_bytes: Option<u64>,
    warned: bool,
    /// What lines have told of.
    told: Missing,
    /// A line of ours stands in the log.
    wrote: bool,
    /// When the first write was made that is not synced.
    unsynced_since: Option<Instant>,
}

/// How many events this writer was offered, all in all, that it has not put into the
/// log.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Missing {
    pub(crate) lost: u64,
    pub(crate) elsewhere: u64,
}

impl Appender {
    pub(crate) fn new(mut log: Log, durability: Durability, warn_bytes: Option<u64>) -> Self {
        log.tell_opened(now_rfc3339());
        Self {
            log,
            durability,
            warn_bytes,
            warned: false,
            told: Missing::default(),
            wrote: false,
            unsynced_since: None,
        }
    }

    pub(crate) fn durability(&self) -> Durability {
        self.durability
    }

    /// The last line that this writer has left in the log.
    pub(crate) fn left(&self) -> Option<&Head> {
        self.log.left()
    }

    /// Appends a batch, whose first line tells of what is missing; of its drafts, if it
    /// has any that fit.
    pub(crate) fn append<'a>(
        &mut self,
        drafts: &mut Drafts,
        items: impl Iterator<Item = Item<'a>>,
        missing: Missing,
        pause: Pause<'_>,
        linked: impl FnMut(&Head),
    ) -> Result<(), Fault> {
        let notes = self.untold(missing);
        self.log
            .append_drafted(drafts, items, notes, pause, linked)?;
        self.told = missing;
        self.wrote = true;
        self.unsynced_since.get_or_insert_with(Instant::now);
        Ok(())
    }

    fn untold(&self, missing: Missing) -> Notes {
        Notes {
            lost: missing.lost - self.told.lost,
            elsewhere: missing.elsewhere - self.told.elsewhere,
            ..Notes::default()
        }
    }

    /// When the next sync is due, if nothing else happens.
    pub(crate) fn due(&self) -> Option<Instant> {
        match self.durability {
            Durability::Interval(interval) => self.unsynced_since?.checked_add(interval),
            _ => None,
        }
    }

    pub(crate) fn is_sync_due(&mut self) -> bool {
        match self.durability {
            Durability::EveryBatch => true,
            // What that doesn't reach is due when it has ended.
            Durability::Interval(_) if self.log.is_synced_beside() => false,
            Durability::Interval(interval) => self
                .unsynced_since
                .is_some_and(|since| since.elapsed() >= interval),
            Durability::Written => false,
        }
    }

    /// Syncs what isn't synced. After [`Fault::Spoilt`] the next try goes to another
    /// file.
    pub(crate) fn sync(&mut self, pause: Pause<'_>) -> Result<(), Fault> {
        while self.log.has_unsynced() {
            self.log.sync(pause)?;
        }
        self.unsynced_since = None;
        Ok(())
    }

    /// Begins a sync that goes on without the log; `None` if there is nothing to sync.
    /// Only one is under way at a time.
    pub(crate) fn begin_sync(&mut self, pause: Pause<'_>) -> Result<Option<SyncBeside>, Fault> {
        let beside = if self.log.has_unsynced() {
            Some(self.log.begin_sync(pause)?)
        } else {
            None
        };
        // What is written from now on is another matter.
        self.unsynced_since = None;
        Ok(beside)
    }

    /// Takes note of how it ended. After [`Fault::Spoilt`] the next try goes to another
    /// file.
    pub(crate) fn end_sync(&mut self) -> Result<(), Fault> {
        self.log.end_sync()
    }

    /// After a sync that failed: the next is due an interval later.
    pub(crate) fn put_off_sync(&mut self) {
        self.unsynced_since = Some(Instant::now());
    }

    /// A sync that failed while the log went from one file to the next, to be counted.
    pub(crate) fn take_untold(&mut self) -> Option<io::Error> {
        self.log.take_untold()
    }

    pub(crate) fn reopen(&mut self, pause: Pause<'_>) -> Result<(), Fault> {
        self.log.reopen(pause)
    }

    /// The record that says that this writer ends; none if it has neither written nor
    /// lost anything.
    pub(crate) fn closing(&self, missing: Missing) -> Option<Closing> {
        let notes = Notes {
            closed: Some(now_rfc3339()),
            ..self.untold(missing)
        };
        if !(self.wrote || notes.lost > 0 || notes.elsewhere > 0) {
            return None;
        }
        let mut buffer = Vec::new();
        let line = encode(&closing_record(), &mut buffer, LONGEST_EVENT).ok()?;
        Some(Closing {
            line: line.to_vec(),
            notes,
        })
    }

    pub(crate) fn append_closing(
        &mut self,
        closing: &Closing,
        pause: Pause<'_>,
    ) -> Result<(), Fault> {
        let items = std::iter::once(Item::new(&closing.line));
        self.log.append(items, closing.notes.clone(), pause, |_| {})
    }

    /// Whether what was written is to be synced at the end.
    pub(crate) fn is_sync_due_at_end(&self) -> bool {
        self.durability != Durability::Written
    }

    /// What to say of the log's size, when that has changed.
    pub(crate) fn size_warning(&mut self) -> Option<Option<String>> {
        let warn_bytes = self.warn_bytes?;
        let size = self.log.size();
        let large = size > warn_bytes;
        if large == self.warned {
            return None;
        }
        self.warned = large;
        Some(large.then(|| format!("the log has {size} bytes, more than {warn_bytes}")))
    }
}

/// The last record of a writer.
#[derive(Debug)]
pub(crate) struct Closing {
    line: Vec<u8>,
    notes: Notes,
}

/// The log's own record, which is no call.
pub(crate) fn closing_record() -> CallEvent {
    CallEvent::new(
        now_rfc3339(),
        Ulids::new().generate(),
        "audit:log",
        0,
        Outcome::Success,
        "audit",
    )
}
