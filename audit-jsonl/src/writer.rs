//! The thread that writes what is queued.

use std::io::Write;
use std::sync::Arc;

use audit_schema::CallEvent;
use audit_sink::AuditSink;

use crate::chained::Chained;
use crate::destination::{Destination, PANICKED, Panicked, catching};
use crate::plain::Plain;
use crate::queue::{Fates, Queue, Segment, Turn};
use crate::sync::Instant;
use crate::{CommitError, this_thread};

/// Where the lines go.
#[derive(Debug)]
pub(crate) enum Output {
    Plain(Plain),
    Chained(Box<Chained>),
}

/// Why a segment is not written.
#[derive(Debug)]
pub(crate) enum Undelivered {
    /// It is given up; the next may do better. So many bytes of it are written.
    GivenUp { written: usize },
    /// All of it is written, and could not be synced. Nothing more will be
    /// written, if it failed for good. `told`: whoever flushes is to be told.
    Unsynced { failed: Option<String>, told: bool },
    /// Nothing will be written any more, for that reason.
    Failed { reason: String },
}

impl From<Panicked> for Undelivered {
    fn from(Panicked: Panicked) -> Self {
        Self::Failed {
            reason: PANICKED.into(),
        }
    }
}

/// Runs until the queue is closed and written, or nothing can be written any
/// more. Then every event is settled, and the output is closed.
pub(crate) fn run(
    queue: &Queue,
    sink: usize,
    mut output: Output,
    fallback: Option<&Arc<dyn AuditSink>>,
) {
    this_thread::become_writer_of(sink);
    let ended = catching(|| write_all(queue, &mut output, fallback));
    let works = ended == Ok(Ok(()));
    if ended == Err(Panicked) {
        // An error of ours. Still nobody may wait for what will never come.
        queue.fail("the writer thread panicked");
        queue.lose_in_hand();
    }
    for segment in queue.shut() {
        give_up(queue, fallback, segment, 0);
    }
    match output {
        Output::Plain(plain) => plain.end(),
        Output::Chained(chained) => {
            // Every event has been settled before.
            let _ = catching(move || chained.end(queue, works));
        }
    }
    queue.writer_gone();
}

/// Nothing will be written any more; the queue knows why.
#[derive(Debug, PartialEq, Eq)]
struct Ended;

fn write_all(
    queue: &Queue,
    output: &mut Output,
    fallback: Option<&Arc<dyn AuditSink>>,
) -> Result<(), Ended> {
    let fail = |reason: String| {
        // Whoever learns of a loss finds the sink failed.
        queue.fail(&reason);
        Ended
    };
    loop {
        match queue.take(output.due()) {
            Turn::End => return Ok(()),
            Turn::Due => output.sync_due(queue).map_err(fail)?,
            Turn::Reopen => output.reopen(queue),
            Turn::Write(segment) => match output.write(queue, &segment) {
                Ok(()) => settle_written(queue, output, segment, false),
                Err(Undelivered::Unsynced { failed, told }) => {
                    let ended = failed.map(fail);
                    settle_written(queue, output, segment, told);
                    if let Some(ended) = ended {
                        return Err(ended);
                    }
                }
                Err(Undelivered::GivenUp { written }) => {
                    output.tell_commits(queue);
                    give_up(queue, fallback, segment, written);
                }
                Err(Undelivered::Failed { reason }) => {
                    let ended = fail(reason);
                    output.tell_commits(queue);
                    give_up(queue, fallback, segment, 0);
                    return Err(ended);
                }
            },
        }
    }
}

/// Settles a segment that is written. `unsynced`: and was to be synced, which
/// failed.
fn settle_written(queue: &Queue, output: &mut Output, segment: Segment, unsynced: bool) {
    let written = segment.bytes().len();
    let fates = Fates {
        written: segment.events,
        unsynced: if unsynced { segment.events } else { 0 },
        ..Fates::default()
    };
    queue.settle(segment, written, fates, &[]);
    // Now who commits finds it counted, and its room free.
    output.tell_commits(queue);
}

impl Output {
    pub(crate) fn plain(destination: Box<dyn Write + Send>) -> Self {
        Self::Plain(Plain::new(Destination::new(destination)))
    }

    fn due(&self) -> Option<Instant> {
        match self {
            Self::Plain(_) => None,
            Self::Chained(chained) => chained.due(),
        }
    }

    fn sync_due(&mut self, queue: &Queue) -> Result<(), String> {
        match self {
            Self::Plain(_) => Ok(()),
            Self::Chained(chained) => chained.sync_due(queue),
        }
    }

    fn reopen(&mut self, queue: &Queue) {
        let result = match self {
            Self::Plain(_) => Err("a sink that writes plain lines has no name to look at".into()),
            Self::Chained(chained) => chained.reopen(queue),
        };
        queue.reopened(result);
    }

    fn tell_commits(&mut self, queue: &Queue) {
        if let Self::Chained(chained) = self {
            chained.tell_commits(queue);
        }
    }

    fn write(&mut self, queue: &Queue, segment: &Segment) -> Result<(), Undelivered> {
        match self {
            Self::Plain(plain) => plain.write(queue, segment.bytes()),
            Self::Chained(chained) => chained.write(queue, segment),
        }
    }
}

/// Settles a segment of which `written` bytes are written: the rest goes to the
/// fallback, or is lost.
fn give_up(queue: &Queue, fallback: Option<&Arc<dyn AuditSink>>, segment: Segment, written: usize) {
    let commits = segment.commits();
    queue.resolve_commits(commits.map(|id| (id, Err(CommitError::NotRecorded))));
    let (taken, rest) = segment.bytes().split_at(written);
    let mut fates = Fates {
        written: lines(taken),
        ..Fates::default()
    };
    let mut lost = Vec::new();
    match fallback {
        None => {
            lost.push(fates.written..segment.events);
            fates.dropped = lines(rest);
        }
        Some(fallback) => {
            let places = fates.written..;
            for (place, line) in places.zip(rest.split_inclusive(|&byte| byte == b'\n')) {
                if fall_back_line(fallback, line) {
                    fates.fallen_back += 1;
                } else {
                    fates.dropped += 1;
                    lost.push(place..place + 1);
                }
            }
        }
    }
    queue.settle(segment, written, fates, &lost);
}

fn lines(bytes: &[u8]) -> u64 {
    bytes.iter().filter(|&&byte| byte == b'\n').count() as u64
}

/// Hands an encoded event to the fallback. `false` when it is lost.
fn fall_back_line(fallback: &Arc<dyn AuditSink>, line: &[u8]) -> bool {
    match serde_json::from_slice::<CallEvent>(line) {
        Ok(event) => fall_back(fallback, &event),
        Err(_) => false,
    }
}

/// Hands an event to the fallback. `false` when it is lost: the fallback panics,
/// or is a sink whose fallback is this one, and so on without end.
pub(crate) fn fall_back(fallback: &Arc<dyn AuditSink>, event: &CallEvent) -> bool {
    let handed = || catching(|| fallback.on_call(event)).is_ok();
    this_thread::nested(handed).unwrap_or(false)
}
