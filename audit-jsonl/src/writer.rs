//! The thread that writes what is queued.

use std::io::ErrorKind;
use std::sync::Arc;
use std::time::Duration;

use audit_schema::CallEvent;
use audit_sink::AuditSink;

use crate::destination::{Destination, Failure, PANICKED, Panicked, catching};
use crate::queue::{Fates, Queue, Segment};
use crate::this_thread;

/// Between two tries at a failing destination: at first, and at most.
const FIRST_PAUSE: Duration = Duration::from_millis(1);
const LAST_PAUSE: Duration = Duration::from_secs(1);

/// So many failures in a row, other than a full disk, and the lines are given
/// up: with the pauses between them that is about half a second.
const PATIENCE: u32 = 10;

/// Runs until the queue is closed and written, or the destination panics. Then
/// every event is settled, and the destination is dropped.
pub(crate) fn run(
    queue: &Queue,
    sink: usize,
    destination: Destination,
    fallback: Option<&Arc<dyn AuditSink>>,
) {
    this_thread::become_writer_of(sink);
    let mut writer = Writer {
        queue,
        fallback,
        destination,
        inside_a_line: false,
        given_up: false,
    };
    while let Some(segment) = queue.take() {
        if writer.write(segment).is_err() {
            break;
        }
    }
    for segment in queue.shut() {
        writer.give_up(segment, 0);
    }
    writer.destination.end();
    queue.writer_gone();
}

struct Writer<'a> {
    queue: &'a Queue,
    fallback: Option<&'a Arc<dyn AuditSink>>,
    destination: Destination,
    /// The destination took part of a line whose rest was given up.
    inside_a_line: bool,
    /// The last segment was given up, so the next gets one try.
    given_up: bool,
}

/// What is left of it, and how long to pause before the next try.
struct Patience {
    failures: u32,
    pause: Duration,
}

impl Patience {
    fn new(given_up: bool) -> Self {
        Self {
            failures: if given_up { PATIENCE - 1 } else { 0 },
            pause: FIRST_PAUSE,
        }
    }
}

/// Why the rest of a segment is not delivered.
enum Undelivered {
    GivenUp,
    Panicked,
}

impl Writer<'_> {
    /// Writes a segment, for as long as it takes, and settles it.
    fn write(&mut self, segment: Segment) -> Result<(), Panicked> {
        let mut taken = 0;
        let delivered = self.deliver(&segment.bytes, &mut taken);
        self.given_up = delivered.is_err();
        match delivered {
            Ok(()) => {
                let fates = Fates {
                    written: segment.events,
                    ..Fates::default()
                };
                self.queue.settle(segment, taken, fates, &[]);
                Ok(())
            }
            Err(Undelivered::Panicked) => {
                // What the destination took before may be in a buffer of its own
                // that nobody will flush any more.
                self.end_by_panic(segment)
            }
            Err(Undelivered::GivenUp) => {
                let whole = segment.bytes[..taken]
                    .iter()
                    .rposition(|&byte| byte == b'\n')
                    .map_or(0, |line_feed| line_feed + 1);
                self.inside_a_line = whole < taken || (self.inside_a_line && taken == 0);
                if whole == 0 {
                    self.give_up(segment, 0);
                    return Ok(());
                }
                // Only what was flushed counts as written.
                match self.destination.flush() {
                    Ok(Ok(())) => self.give_up(segment, whole),
                    Ok(Err(_)) => self.give_up(segment, 0),
                    Err(Panicked) => return self.end_by_panic(segment),
                }
                Ok(())
            }
        }
    }

    /// Gives up what is left, and whoever learns of it finds the sink failed.
    fn end_by_panic(&self, segment: Segment) -> Result<(), Panicked> {
        self.queue.fail(PANICKED);
        self.give_up(segment, 0);
        Err(Panicked)
    }

    /// Gives `bytes` to the destination and flushes it. `taken` of them were
    /// taken when it fails.
    fn deliver(&mut self, bytes: &[u8], taken: &mut usize) -> Result<(), Undelivered> {
        if self.inside_a_line {
            // The next line must not stick to the fragment.
            self.deliver_all(b"\n", &mut 0)?;
            self.inside_a_line = false;
        }
        self.deliver_all(bytes, taken)?;
        let mut patience = Patience::new(self.given_up);
        loop {
            match self.destination.flush() {
                Ok(Ok(())) => return Ok(()),
                Ok(Err(failure)) => self.wait_after(failure, &mut patience)?,
                Err(Panicked) => return Err(Undelivered::Panicked),
            }
        }
    }

    fn deliver_all(&mut self, bytes: &[u8], taken: &mut usize) -> Result<(), Undelivered> {
        let mut patience = Patience::new(self.given_up);
        while *taken < bytes.len() {
            match self.destination.write_some(&bytes[*taken..]) {
                Ok(Ok(more)) => {
                    *taken += more;
                    patience = Patience::new(false);
                }
                // `Write` promises that a failing call took nothing.
                Ok(Err(failure)) => self.wait_after(failure, &mut patience)?,
                Err(Panicked) => return Err(Undelivered::Panicked),
            }
        }
        Ok(())
    }

    /// Counts a failure and waits before the next try, if there is to be one.
    fn wait_after(&self, failure: Failure, patience: &mut Patience) -> Result<(), Undelivered> {
        self.queue.note_failure(failure.reason);
        if !ends_by_itself(failure.kind) {
            patience.failures += 1;
            if patience.failures == PATIENCE {
                return Err(Undelivered::GivenUp);
            }
        }
        if !self.queue.pause(patience.pause) {
            return Err(Undelivered::GivenUp);
        }
        patience.pause = (patience.pause * 2).min(LAST_PAUSE);
        Ok(())
    }

    /// Settles a segment of which the destination took `written` bytes: the rest
    /// goes to the fallback, or is lost.
    fn give_up(&self, segment: Segment, written: usize) {
        let (taken, rest) = segment.bytes.split_at(written);
        let mut fates = Fates {
            written: lines(taken),
            ..Fates::default()
        };
        let mut lost = Vec::new();
        match self.fallback {
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
        self.queue.settle(segment, written, fates, &lost);
    }
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
