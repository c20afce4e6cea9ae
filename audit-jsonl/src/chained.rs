//! Chained lines, to a log on disk.

use memchr::memchr_iter;

use crate::ahead::Ahead;
use crate::appender::{Appender, Closing, Missing};
use crate::chain::Head;
use crate::destination::Failure;
use crate::link::Drafts;
use crate::log::{Fault, Item};
use crate::patience::Patience;
use crate::queue::{Mark, Queue, Segment};
use crate::sync::Instant;
use crate::writer::Undelivered;
use crate::{CommitError, Durability, Receipt};

#[derive(Debug)]
pub(crate) struct Chained {
    log: Appender,
    /// The last lines were given up, so the next get one try.
    given_up: bool,
    /// How commits of the last segment ended.
    results: Vec<(u64, Result<Receipt, CommitError>)>,
    ahead: Ahead,
}

impl Chained {
    pub(crate) fn new(log: Appender) -> Self {
        Self {
            log,
            given_up: false,
            results: Vec::new(),
            ahead: Ahead::default(),
        }
    }

    /// Tells those who commit how that ended.
    pub(crate) fn tell_commits(&mut self, queue: &Queue) {
        if !self.results.is_empty() {
            queue.resolve_commits(self.results.drain(..));
        }
    }

    /// When the next sync is due, if nothing else happens.
    pub(crate) fn due(&self) -> Option<Instant> {
        self.log.due()
    }

    /// Writes a segment for as long as it takes, and syncs if it has to be.
    pub(crate) fn write(&mut self, queue: &Queue, segment: &Segment) -> Result<(), Undelivered> {
        let mut drafts = self.ahead.take(segment);
        if let Some(left) = self.log.left()
            && let Some(lines) = queue.next_full()
        {
            let seq = left.seq + segment.events;
            self.ahead.begin(Head { seq, ..*left }, lines);
        }
        let receipts = self.append(queue, segment, &mut drafts);
        self.ahead.give_back(drafts);
        self.given_up = receipts.is_err();
        let receipts = receipts?;
        if let Some(warning) = self.log.size_warning() {
            queue.warn(warning);
        }

        if receipts.is_empty() && !self.log.is_sync_due() {
            return Ok(());
        }
        let synced = self.sync(queue);
        let results = receipts.into_iter().map(|(id, receipt)| {
            let result = match &synced {
                Ok(()) => Ok(receipt),
                Err(stopped) => Err(CommitError::NotSynced {
                    reason: stopped.reason.clone(),
                }),
            };
            (id, result)
        });
        self.results.extend(results);
        match synced {
            Ok(()) => Ok(()),
            Err(Stopped { reason, for_good }) => Err(Undelivered::Unsynced {
                failed: for_good.then_some(reason),
                // To those who asked for no more, written is enough.
                told: self.log.durability() == Durability::EveryBatch,
            }),
        }
    }

    /// Counts syncs that failed while the log went from one file to the next.
    fn tell_of_syncs(&mut self, queue: &Queue) {
        if let Some(error) = self.log.take_untold() {
            queue.note_failure(error.to_string());
        }
    }

    /// Appends a segment; the receipts of its commits.
    fn append(
        &mut self,
        queue: &Queue,
        segment: &Segment,
        drafts: &mut Drafts,
    ) -> Result<Vec<(u64, Receipt)>, Undelivered> {
        let missing = Missing {
            lost: segment.dropped,
            elsewhere: segment.fallen_back,
        };
        let mut patience = Patience::new(self.given_up);
        loop {
            let mut receipts = Vec::new();
            let mut line = 0;
            let mut marks = segment.marks.iter().peekable();
            let linked = |head: &Head| {
                if let Some((_, mark)) = marks.next_if(|(at, _)| *at == line)
                    && let Some(id) = mark.commit
                {
                    receipts.push((id, Receipt::of(head)));
                }
                line += 1;
            };
            let appended = self.log.append(
                drafts,
                items(segment),
                missing,
                &mut |pause| queue.pause(pause),
                linked,
            );
            self.tell_of_syncs(queue);
            match appended {
                Ok(()) => return Ok(receipts),
                Err(Fault::Io(error) | Fault::Spoilt(error) | Fault::Unsynced(error)) => {
                    if !patience.wait_after(queue, Failure::of(&error)) {
                        return Err(Undelivered::GivenUp { written: 0 });
                    }
                }
                Err(Fault::Failed(error)) => {
                    let reason = error.to_string();
                    queue.note_failure(reason.clone());
                    return Err(Undelivered::Failed { reason });
                }
                Err(Fault::Abandoned) => return Err(Undelivered::GivenUp { written: 0 }),
            }
        }
    }

    /// Syncs since it is due; why nothing will be written any more.
    pub(crate) fn sync_due(&mut self, queue: &Queue) -> Result<(), String> {
        match self.sync(queue) {
            Err(Stopped { reason, for_good }) if for_good => Err(reason),
            Err(_) => {
                self.log.put_off_sync();
                Ok(())
            }
            Ok(()) => Ok(()),
        }
    }

    /// Syncs for as long as it takes.
    fn sync(&mut self, queue: &Queue) -> Result<(), Stopped> {
        let mut patience = Patience::new(self.given_up);
        loop {
            let synced = self.log.sync(&mut |pause| queue.pause(pause));
            self.tell_of_syncs(queue);
            match synced {
                Ok(()) => return Ok(()),
                Err(Fault::Io(error) | Fault::Spoilt(error)) => {
                    if !patience.wait_after(queue, Failure::of(&error)) {
                        return Err(Stopped::for_now(error.to_string()));
                    }
                }
                Err(Fault::Unsynced(error)) => {
                    queue.note_failure(error.to_string());
                    return Err(Stopped::for_now(error.to_string()));
                }
                Err(Fault::Failed(error)) => {
                    let reason = format!("syncing failed in file after file: {error}");
                    queue.note_failure(reason.clone());
                    return Err(Stopped {
                        reason,
                        for_good: true,
                    });
                }
                Err(Fault::Abandoned) => return Err(Stopped::for_now(CLOSED.into())),
            }
        }
    }

    pub(crate) fn reopen(&mut self, queue: &Queue) -> Result<(), String> {
        match self.log.reopen(&mut |pause| queue.pause(pause)) {
            Ok(()) => Ok(()),
            Err(
                Fault::Io(error)
                | Fault::Spoilt(error)
                | Fault::Unsynced(error)
                | Fault::Failed(error),
            ) => {
                let reason = error.to_string();
                queue.note_failure(reason.clone());
                Err(reason)
            }
            Err(Fault::Abandoned) => Err(CLOSED.into()),
        }
    }

    /// Says in the log that the writer ends, if it has written or lost anything.
    pub(crate) fn end(mut self: Box<Self>, queue: &Queue, working: bool) {
        if !working {
            return;
        }
        let counters = queue.counters();
        let missing = Missing {
            lost: counters.dropped,
            elsewhere: counters.fallen_back,
        };
        if let Some(closing) = self.log.closing(missing)
            && let Err(reason) = self.write_closing(queue, &closing)
        {
            queue.note_failure(reason.clone());
            queue.note_unclosed(reason);
        }
    }

    fn write_closing(&mut self, queue: &Queue, closing: &Closing) -> Result<(), String> {
        let mut patience = Patience::new(self.given_up);
        loop {
            let pause = &mut |pause| queue.pause(pause);
            match self.log.append_closing(closing, pause) {
                Ok(()) => break,
                Err(Fault::Failed(error)) => return Err(error.to_string()),
                Err(Fault::Abandoned) => return Err(CLOSED.into()),
                Err(Fault::Io(error) | Fault::Spoilt(error) | Fault::Unsynced(error)) => {
                    if !patience.wait_after(queue, Failure::of(&error)) {
                        return Err(error.to_string());
                    }
                }
            }
        }
        if !self.log.is_sync_due_at_end() {
            return Ok(());
        }
        self.sync(queue).map_err(|stopped| stopped.reason)
    }
}

const CLOSED: &str = "the sink was closed meanwhile";

/// A sync that was given up.
struct Stopped {
    reason: String,
    for_good: bool,
}

impl Stopped {
    fn for_now(reason: String) -> Self {
        Self {
            reason,
            for_good: false,
        }
    }
}

fn items(segment: &Segment) -> impl Iterator<Item = Item<'_>> {
    let mut marks = segment.marks.iter().peekable();
    let mut start = 0;
    let feeds = memchr_iter(b'\n', segment.bytes());
    feeds.enumerate().map(move |(place, feed)| {
        let line = &segment.bytes()[start..=feed];
        start = feed + 1;
        let mark = marks.next_if(|(at, _)| *at == place as u64);
        Item {
            line,
            cut: mark.map_or(0, |(_, Mark { cut, .. })| *cut),
        }
    })
}
