//! Clauses 3, 4, 5, 7, 8 and 9 while the destination waits.

use std::time::Duration;

use audit_schema::CallEvent;
use audit_sink::AuditSink;

use super::clause::{
    DROPS_ONLY_GROW, FLUSH_IS_BOUNDED, FLUSH_REACHES, NO_SILENT_LOSS, NO_WAITING, ORDER,
};
use super::events::{batches, numbered};
use super::reading::{in_order, reached};
use super::subject::{Pending, Subject, check};
use super::{Overflows, Stalls};

/// A timeout that passes in vain.
const SHORT: Duration = Duration::from_millis(20);

/// Clause 3: `on_call` doesn't wait for the destination.
///
/// One event is offered while the destination stalls, which fits in any queue, so
/// that the strategy doesn't matter.
pub fn clause_03_no_waiting<H: Stalls>(harness: &H) {
    check(harness, NO_WAITING, |subject| {
        harness.stall();
        let offered = [vec![numbered(0, 0)]];
        subject
            .start_offering(&offered)
            .finish("while the destination stalled, on_call didn't return");
        harness.resume();
        subject.settle();
    });
}

/// Clause 3: `on_call` doesn't wait for room in the queue.
///
/// More events than fit are offered while the destination stalls. Of a sink whose
/// strategy is [`Block`](audit_sink::BackpressureStrategy::Block) it tests what
/// that promises instead: its callers go on once the destination does.
pub fn clause_03_no_waiting_when_full<H: Overflows>(harness: &H) {
    check(harness, NO_WAITING, |subject| {
        let mut full = Full::begin(subject, harness);
        full.end(subject, harness);
    });
}

/// Clause 4 with a queue that overflows: the destination stalls until it is full,
/// and then goes on.
pub fn clause_04_no_silent_loss_when_full<H: Overflows>(harness: &H) {
    check(harness, NO_SILENT_LOSS, |subject| {
        let mut full = Full::begin(subject, harness);
        full.end(subject, harness);
        subject.account(harness, full.offered.iter().flatten());
    });
}

/// Clause 5 with a queue that overflows.
pub fn clause_05_order_when_full<H: Overflows>(harness: &H) {
    check(harness, ORDER, |subject| {
        let mut full = Full::begin(subject, harness);
        full.end(subject, harness);
        in_order(ORDER, &harness.recorded());
    });
}

/// Clause 7 with a queue that overflows, so that there are drops to look at.
pub fn clause_07_drops_only_grow_when_full<H: Overflows>(harness: &H) {
    check(harness, DROPS_ONLY_GROW, |subject| {
        let watch = subject.watch_drops();
        let mut full = Full::begin(subject, harness);
        full.end(subject, harness);
        watch.finish();
    });
}

/// A queue that is full, for its destination stalls.
struct Full {
    offered: Vec<Vec<CallEvent>>,
    /// Callers who wait for room, where the strategy is to block.
    waiting: Option<Pending>,
}

impl Full {
    fn begin<H: Overflows>(subject: &Subject<H::Sink>, harness: &H) -> Self {
        const CALLERS: usize = 4;
        let offered = batches(0..CALLERS, harness.overflow().div_ceil(CALLERS));
        harness.stall();
        let offering = subject.start_offering(&offered);
        let waiting = if subject.blocks() {
            if offering.until_done_or_stuck() {
                fits(subject, &offered);
            }
            Some(offering)
        } else {
            offering.finish("while the destination stalled, on_call didn't return");
            None
        };
        Self { offered, waiting }
    }

    /// Lets the destination go on, and waits until all has arrived.
    fn end<H: Overflows>(&mut self, subject: &Subject<H::Sink>, harness: &H) {
        harness.resume();
        let waited = self.waiting.is_some();
        if let Some(waiting) = self.waiting.take() {
            waiting.finish("the destination went on, and callers who waited for room did not");
        }
        subject.settle();
        if !waited && harness.recorded().len() == self.offered.iter().flatten().count() {
            fits(subject, &self.offered);
        }
    }
}

fn fits<S: AuditSink + 'static>(subject: &Subject<S>, offered: &[Vec<CallEvent>]) -> ! {
    subject.clause().untested(format_args!(
        "Overflows::overflow says that {} events don't fit in the queue, and they did",
        offered.iter().flatten().count()
    ))
}

/// Clause 8 while the destination stalls: [`flush`](AuditSink::flush) doesn't
/// return `Ok` for what can't have arrived.
pub fn clause_08_flush_is_honest_while_stalled<H: Stalls>(harness: &H) {
    check(harness, FLUSH_REACHES, |subject| {
        harness.stall();
        let (event, drops) = (numbered(0, 0), subject.drops());
        subject.offer(&event);
        if subject.flush(SHORT).is_ok() {
            reached(subject, harness, &event, drops);
        }
        harness.resume();
        subject.settle();
        reached(subject, harness, &event, drops);
    });
}

/// Clause 9: [`flush`](AuditSink::flush) returns soon after its timeout, and the
/// sink goes on working.
///
/// While the destination stalls, four threads flush at once, with timeouts of
/// nothing and of a few milliseconds; one flushes without a limit, and returns
/// when the destination goes on.
pub fn clause_09_flush_is_bounded<H: Stalls>(harness: &H) {
    check(harness, FLUSH_IS_BOUNDED, |subject| {
        harness.stall();
        let mut offered = vec![vec![numbered(0, 0)]];
        subject.offer(&offered[0][0]);
        for timeout in [Duration::ZERO, SHORT] {
            let what = format!("flush({timeout:?}) while the destination stalled");
            subject.at_once(&what, 4, move |_, sink| drop(sink.flush(timeout)));
        }
        let endless = subject.start_flushing();
        endless.until_done_or_stuck();
        harness.resume();
        endless.finish("the destination went on, and flush didn't return");

        subject.settle();
        offered.extend(batches(1..3, 10));
        subject.offer_all(&offered[1..]);
        subject.settle();
        subject.account(harness, offered.iter().flatten());
    });
}
