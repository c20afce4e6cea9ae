//! Clauses 4, 5, 6, 8 and 11: what it takes a look at the destination to test.

use std::fmt::Debug;

use audit_schema::CallEvent;

use super::Reads;
use super::clause::{Clause, DROPPING_DELIVERS, FIDELITY, FLUSH_REACHES, NO_SILENT_LOSS, ORDER};
use super::events::{batches, hostile_events, number, numbered};
use super::subject::{Subject, check};

/// Clause 4: each event offered is recorded, handed to the fallback or counted,
/// in exactly one of these ways.
///
/// Four threads offer events, as fast as they can, then the sink is flushed.
pub fn clause_04_no_silent_loss<H: Reads>(harness: &H) {
    check(harness, NO_SILENT_LOSS, |subject| {
        let offered = batches(0..4, 500);
        subject.offer_all(&offered);
        subject.settle();
        subject.account(harness, offered.iter().flatten());
    });
}

/// Clause 5: events offered by one thread are recorded in that order.
///
/// Four threads offer numbered events at once; some may be missing.
pub fn clause_05_order<H: Reads>(harness: &H) {
    check(harness, ORDER, |subject| {
        subject.offer_all(&batches(0..4, 500));
        subject.settle();
        in_order(ORDER, &harness.recorded());
    });
}

/// The numbers of each caller must grow.
pub(super) fn in_order(clause: Clause, recorded: &[CallEvent]) {
    let mut last = [None; 16];
    for event in recorded {
        let known = number(event).filter(|(caller, _)| *caller < last.len());
        let Some((caller, nth)) = known else {
            clause.broken(format_args!(
                "the event {:?} was never offered",
                event.call_id
            ));
        };
        if let Some(before) = last[caller].replace(nth)
            && nth <= before
        {
            clause.broken(format_args!(
                "event {nth} of thread {caller} was recorded after its event {before}"
            ));
        }
    }
}

/// Clause 6: an event is recorded as it was offered, every field of it.
///
/// Each of the [`hostile_events`] is offered and looked for, one at a time. One
/// that the sink doesn't [keep](Reads::keeps) as it is, or drops, or hands to the
/// fallback, must be accounted for.
pub fn clause_06_fidelity<H: Reads>(harness: &H) {
    check(harness, FIDELITY, |subject| {
        let mut before = Tally::of(subject, harness);
        for (what, event) in hostile_events() {
            subject.offer(&event);
            subject.settle();
            let now = Tally::of(subject, harness);
            if now.total() != before.total() + 1 {
                FIDELITY.broken(format_args!(
                    "an event with {what} was offered once and came {} times",
                    i128::from(now.total()) - i128::from(before.total())
                ));
            }
            let recorded = now.recorded.get(before.recorded.len());
            if let Some(recorded) = recorded
                && harness.keeps(&event)
                && let Some(difference) = difference(&event, recorded)
            {
                FIDELITY.broken(format_args!(
                    "an event with {what} was changed: {difference}"
                ));
            }
            before = now;
        }
    });
}

/// Where the events have gone that were offered so far.
struct Tally {
    recorded: Vec<CallEvent>,
    fallen_back: usize,
    drops: u64,
}

impl Tally {
    fn of<H: Reads>(subject: &Subject<H::Sink>, harness: &H) -> Self {
        Self {
            recorded: harness.recorded(),
            fallen_back: harness.fallen_back().len(),
            drops: subject.drops(),
        }
    }

    fn total(&self) -> u64 {
        (self.recorded.len() + self.fallen_back) as u64 + self.drops
    }
}

/// The first field that isn't as it was.
fn difference(offered: &CallEvent, recorded: &CallEvent) -> Option<String> {
    macro_rules! compare {
        ($($field:ident)+) => {$(
            if offered.$field != recorded.$field {
                let (was, is) = (brief(&offered.$field), brief(&recorded.$field));
                return Some(format!("{} was {was} and is {is}", stringify!($field)));
            }
        )+};
    }
    compare! {
        ts call_id tool_id caller_id granted_capabilities duration_ms outcome tier dry_run
        schema_version secrets_resolved cursor_page capability_provenance
    }
    // A field that a later version added, and this list lacks.
    (offered != recorded).then(|| "some field is another".into())
}

fn brief(value: &impl Debug) -> String {
    let text = format!("{value:?}");
    match text.char_indices().nth(60) {
        Some((end, _)) => format!("{}… ({} bytes)", &text[..end], text.len()),
        None => text,
    }
}

/// Clause 8: when [`flush`](audit_sink::AuditSink::flush) returns `Ok`, what was offered
/// before can be read at the destination.
///
/// Looked at after each event, first alone and then while other threads offer
/// more.
pub fn clause_08_flush_reaches_the_destination<H: Reads>(harness: &H) {
    check(harness, FLUSH_REACHES, |subject| {
        for nth in 0..50 {
            reaches(subject, harness, &numbered(0, nth));
        }
        let others = subject.start_offering(&batches(1..3, 1_000));
        for nth in 50..60 {
            reaches(subject, harness, &numbered(0, nth));
        }
        others.finish("on_call didn't return");
    });
}

fn reaches<H: Reads>(subject: &Subject<H::Sink>, harness: &H, event: &CallEvent) {
    let drops = subject.drops();
    subject.offer(event);
    subject.settle();
    reached(subject, harness, event, drops);
}

/// `event` must be there now, unless it may be among those that were dropped
/// since there were that many `drops`.
pub(super) fn reached<H: Reads>(
    subject: &Subject<H::Sink>,
    harness: &H,
    event: &CallEvent,
    drops: u64,
) {
    let now = Tally::of(subject, harness);
    let is_it = |other: &CallEvent| other.call_id == event.call_id;
    let found = now.recorded.iter().rev().any(is_it) || harness.fallen_back().iter().any(is_it);
    if !found && now.drops == drops {
        FLUSH_REACHES.broken(format_args!(
            "flush returned Ok, and the event {:?} offered before it is not there: recorded {}, \
             drops {}, fallback {}",
            event.call_id,
            now.recorded.len(),
            now.drops,
            now.fallen_back,
        ));
    }
}

/// Clause 11: a sink that is dropped while its destination works has delivered
/// what it accepted.
///
/// Nobody flushes it before.
pub fn clause_11_dropping_delivers<H: Reads>(harness: &H) {
    let offered = batches(0..2, 50);
    let mut drops = 0;
    check(harness, DROPPING_DELIVERS, |subject| {
        subject.offer_all(&offered);
        drops = subject.drops();
    });
    let (recorded, fallback) = (harness.recorded().len(), harness.fallen_back().len());
    let offered: usize = offered.iter().map(Vec::len).sum();
    if (recorded + fallback) as u64 + drops != offered as u64 {
        DROPPING_DELIVERS.broken(format_args!(
            "offered {offered}, recorded {recorded} once the sink was dropped, drops {drops}, \
             fallback {fallback}"
        ));
    }
}
