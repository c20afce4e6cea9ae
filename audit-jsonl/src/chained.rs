//! Chained lines, to a log on disk.

use std::iter;

use audit_schema::{CallEvent, Outcome, now_rfc3339};
use audit_sink::Ulids;
use memchr::memchr_iter;

use crate::ahead::Ahead;
use crate::chain::{Head, LONGEST_EVENT, Notes};
use crate::destination::Failure;
use crate::encode::encode;
use crate::link::Drafts;
use crate::log::{Fault, Item, Log};
use crate::patience::Patience;
use crate::queue::{Mark, Queue, Segment};
use crate::sync::Instant;
use crate::writer::Undelivered;
use crate::{CommitError, Durability, Receipt};

#[derive(Debug)]
pub(crate) struct Chained {
    log: Log,
    durability: Durability,
    warn_bytes: Option<u64>,
    warned: bool,
    /// Losses that a line has told of.
    told_lost: u64,
    told_elsewhere: u64,
    /// A line of ours stands in the log.
    wrote: bool,
    /// When the first write was made that is not synced.
    unsynced_since: Option<Instant>,
    /// The last lines were given up, so the next get one try.
    given_up: bool,
    /// How commits of the last segment ended.
    results: Vec<(u64, Result<Receipt, CommitError>)>,
    ahead: Ahead,
}

impl Chained {
    pub(crate) fn new(mut log: Log, durability: Durability, warn_bytes: Option<u64>) -> Self {
        log.tell_opened(now_rfc3339());
        Self {
            log,
            durability,
            warn_bytes,
            warned: false,
            told_lost: 0,
            told_elsewhere: 0,
            wrote: false,
            unsynced_since: None,
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
        match self.durability {
            Durability::Interval(interval) => self.unsynced_since?.checked_add(interval),
            _ => None,
        }
    }

    /// Writes a segment for as long as it takes, and syncs if it has to be.
    pub(crate) fn write(&mut self, queue: &Queue, segment: &Segment) -> Result<(), Undelivered> {
        let lost = segment.dropped - self.told_lost;
        let elsewhere = segment.fallen_back - self.told_elsewhere;
        let told = Notes {
            lost,
            elsewhere,
            ..Notes::default()
        };
        let mut drafts = self.ahead.take(segment);
        if let Some(left) = self.log.left()
            && let Some(lines) = queue.next_full()
        {
            let seq = left.seq + segment.events;
            self.ahead.begin(Head { seq, ..*left }, lines);
        }
        let receipts = self.append(queue, segment, &mut drafts, &told);
        self.ahead.give_back(drafts);
        self.given_up = receipts.is_err();
        let receipts = receipts?;
        self.told_lost += lost;
        self.told_elsewhere += elsewhere;
        self.wrote = true;
        self.unsynced_since.get_or_insert_with(Instant::now);
        self.warn(queue);

        if receipts.is_empty() && !self.is_sync_due() {
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
                told: self.durability == Durability::EveryBatch,
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
        told: &Notes,
    ) -> Result<Vec<(u64, Receipt)>, Undelivered> {
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
            let appended = self.log.append_drafted(
                drafts,
                items(segment),
                told.clone(),
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

    fn is_sync_due(&self) -> bool {
        match self.durability {
            Durability::EveryBatch => true,
            Durability::Interval(interval) => self
                .unsynced_since
                .is_some_and(|since| since.elapsed() >= interval),
            Durability::Written => false,
        }
    }

    /// Syncs since it is due; why nothing will be written any more.
    pub(crate) fn sync_due(&mut self, queue: &Queue) -> Result<(), String> {
        match self.sync(queue) {
            Err(Stopped { reason, for_good }) if for_good => Err(reason),
            Err(_) => {
                self.unsynced_since = Some(Instant::now());
                Ok(())
            }
            Ok(()) => Ok(()),
        }
    }

    /// Syncs for as long as it takes.
    fn sync(&mut self, queue: &Queue) -> Result<(), Stopped> {
        let mut patience = Patience::new(self.given_up);
        while self.log.has_unsynced() {
            let synced = self.log.sync(&mut |pause| queue.pause(pause));
            self.tell_of_syncs(queue);
            match synced {
                Ok(()) => {}
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
        self.unsynced_since = None;
        Ok(())
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
        let counters = queue.counters();
        let told = Notes {
            lost: counters.dropped - self.told_lost,
            elsewhere: counters.fallen_back - self.told_elsewhere,
            closed: Some(now_rfc3339()),
            ..Notes::default()
        };
        if !working || !(self.wrote || told.lost > 0 || told.elsewhere > 0) {
            return;
        }
        let mut buffer = Vec::new();
        let Ok(line) = encode(&closing_record(), &mut buffer, LONGEST_EVENT) else {
            return;
        };
        if let Err(reason) = self.write_closing_record(queue, line, &told) {
            queue.note_failure(reason.clone());
            queue.note_unclosed(reason);
        }
    }

    fn write_closing_record(
        &mut self,
        queue: &Queue,
        line: &[u8],
        told: &Notes,
    ) -> Result<(), String> {
        let mut patience = Patience::new(self.given_up);
        loop {
            let item = iter::once(Item::new(line));
            let pause = &mut |pause| queue.pause(pause);
            match self.log.append(item, told.clone(), pause, |_| {}) {
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
        match self.durability {
            Durability::Written => Ok(()),
            _ => self.sync(queue).map_err(|stopped| stopped.reason),
        }
    }

    fn warn(&mut self, queue: &Queue) {
        let Some(warn_bytes) = self.warn_bytes else {
            return;
        };
        let size = self.log.size();
        let large = size > warn_bytes;
        if large != self.warned {
            self.warned = large;
            queue.warn(large.then(|| format!("the log has {size} bytes, more than {warn_bytes}")));
        }
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
