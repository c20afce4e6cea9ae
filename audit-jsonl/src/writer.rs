//! The thread that writes what is queued.

use std::io::{ErrorKind, Write};
use std::sync::Arc;
use std::time::{Duration, Instant};

use audit_schema::CallEvent;
use audit_sink::AuditSink;

use crate::chained::Chained;
use crate::destination::{Destination, PANICKED, Panicked, catching};
use crate::plain::Plain;
use crate::queue::{Fates, Queue, Segment, Turn};
use crate::{CommitError, this_thread};

/// Between two tries at a failing destination: at first, and at most.
pub(crate) const FIRST_PAUSE: Duration = Duration::from_millis(1);
const LAST_PAUSE: Duration = Duration::from_secs(1);

/// So many failures in a row, other than a full disk, and the lines are given
/// up: with the pauses between them that is about a second.
const PATIENCE: u64 = 10;

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
    let reason = match catching(|| write_all(queue, &mut output, fallback)) {
        Ok(Ok(())) => None,
        Ok(Err(reason)) => Some(reason),
        Err(Panicked) => {
            queue.lose_in_hand();
            Some("the writer thread panicked".into())
        }
    };
    for segment in queue.shut(reason.as_deref()) {
        give_up(queue, fallback, segment, 0);
    }
    match output {
        Output::Plain(plain) => plain.end(),
        Output::Chained(chained) => {
            // Whatever goes wrong here has been counted before.
            let _ = catching(move || chained.end(queue, reason.is_none()));
        }
    }
    queue.writer_gone();
}

fn write_all(
    queue: &Queue,
    output: &mut Output,
    fallback: Option<&Arc<dyn AuditSink>>,
) -> Result<(), String> {
    loop {
        match queue.take(output.due()) {
            Turn::End => return Ok(()),
            Turn::Due => output.due_now(queue)?,
            Turn::Reopen => output.reopen(queue),
            Turn::Write(segment) => match output.write(queue, &segment) {
                Ok(()) => {
                    let fates = Fates {
                        written: segment.events,
                        ..Fates::default()
                    };
                    let written = segment.bytes.len();
                    queue.settle(segment, written, fates);
                    // Now they find it counted, and its room free.
                    output.tell_commits(queue);
                }
                Err(Undelivered::GivenUp { written }) => {
                    output.tell_commits(queue);
                    give_up(queue, fallback, segment, written);
                }
                Err(Undelivered::Failed { reason }) => {
                    output.tell_commits(queue);
                    give_up(queue, fallback, segment, 0);
                    return Err(reason);
                }
            },
        }
    }
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

    fn due_now(&mut self, queue: &Queue) -> Result<(), String> {
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
            Self::Plain(plain) => plain.write(queue, &segment.bytes),
            Self::Chained(chained) => chained.write(queue, segment),
        }
    }
}

/// Settles a segment of which `written` bytes are written: the rest goes to the
/// fallback, or is lost.
fn give_up(queue: &Queue, fallback: Option<&Arc<dyn AuditSink>>, segment: Segment, written: usize) {
    let commits = segment.commits();
    queue.resolve_commits(commits.map(|id| (id, Err(CommitError::NotRecorded))));
    let (taken, rest) = segment.bytes.split_at(written);
    let mut fates = Fates {
        written: lines(taken),
        ..Fates::default()
    };
    match fallback {
        None => fates.dropped = lines(rest),
        Some(fallback) => {
            for line in rest.split_inclusive(|&byte| byte == b'\n') {
                if fall_back_line(fallback, line) {
                    fates.fallen_back += 1;
                } else {
                    fates.dropped += 1;
                }
            }
        }
    }
    queue.settle(segment, written, fates);
}

/// Counts a failure and waits before the next try. `false` when there is to be
/// none.
pub(crate) fn wait_after(
    queue: &Queue,
    reason: String,
    kind: ErrorKind,
    pause: &mut Duration,
    progress: bool,
) -> bool {
    let in_a_row = queue.note_failure(reason);
    if in_a_row >= PATIENCE && !progress && !ends_by_itself(kind) {
        return false;
    }
    let go_on = queue.pause(*pause);
    *pause = (*pause * 2).min(LAST_PAUSE);
    go_on
}

/// Whether such an error passes when somebody makes room, so that it is worth
/// waiting for.
fn ends_by_itself(kind: ErrorKind) -> bool {
    matches!(
        kind,
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded | ErrorKind::WouldBlock
    )
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
