//! Clauses 4, 10 and 12: a destination that fails, and one that panics.

use std::time::{Duration, Instant};

use audit_schema::CallEvent;
use audit_sink::{AuditSink, FlushError, Health};

use super::clause::{DYING_IS_SURVIVED, HEALTH_IS_HONEST, NO_SILENT_LOSS};
use super::events::{batches, event, numbered};
use super::subject::{Subject, check};
use super::{Dies, Refuses};

/// How long one flush waits in a loop that looks at the health.
const SHORT: Duration = Duration::from_millis(20);

/// Clause 4 with a destination that fails for a while.
///
/// A few events are offered meanwhile, and some more afterwards.
pub fn clause_04_no_silent_loss_when_refused<H: Refuses>(harness: &H) {
    check(harness, NO_SILENT_LOSS, |subject| {
        let mut offered = batches(0..1, 3);
        subject.offer_all(&offered);
        subject.settle();

        harness.refuse();
        offered.extend(batches(1..3, 2));
        // A sink that blocks may keep these callers until the destination is well.
        let waiting = subject.start_offering(&offered[1..]);
        waiting.until_done_or_stuck();
        drop(subject.flush(SHORT));
        harness.heal();
        waiting.finish("the destination was healed, and on_call didn't return");
        subject.settle();

        offered.extend(batches(3..4, 10));
        subject.offer_all(&offered[3..]);
        subject.settle();
        subject.account(harness, offered.iter().flatten());
    });
}

/// Clause 10: while the destination refuses what it is given, the sink is not
/// healthy, and becomes so again once the destination has worked for a while.
///
/// Events are offered and flushed, one at a time, until the health is what it must
/// be. What it says must not quote the events.
pub fn clause_10_health_is_honest<H: Refuses>(harness: &H) {
    check(harness, HEALTH_IS_HONEST, |subject| {
        let health = subject.run("health", AuditSink::health);
        if !health.is_healthy() {
            HEALTH_IS_HONEST.broken(format_args!("a sink just opened is {health}"));
        }
        harness.refuse();
        let mut offered = Vec::new();
        match until_health(subject, &mut offered, |health| !health.is_healthy()) {
            Err(health) => HEALTH_IS_HONEST.broken(format_args!(
                "the destination refused writes for {:?}, and the sink is still {health}",
                subject.limit()
            )),
            Ok(health) if health.to_string().contains(SECRET) => {
                HEALTH_IS_HONEST.broken("the reason quotes a record");
            }
            Ok(_) => {}
        }
        harness.heal();
        if let Err(health) = until_health(subject, &mut offered, Health::is_healthy) {
            HEALTH_IS_HONEST.broken(format_args!(
                "the destination has worked again for {:?}, and the sink is still {health}",
                subject.limit()
            ));
        }
    });
}

/// What no message may quote.
const SECRET: &str = "quoted-from-a-record";

/// Keeps the sink busy until its health is as wanted, or the limit passes: the
/// last health either way. What it is kept busy with is added to `offered`.
fn until_health<S: AuditSink + 'static>(
    subject: &Subject<S>,
    offered: &mut Vec<CallEvent>,
    wanted: fn(&Health) -> bool,
) -> Result<Health, Health> {
    let limit = subject.limit();
    let start = Instant::now();
    let mut under_way = false;
    loop {
        // Only one at a time, so that a sink that blocks has room for it.
        if !under_way {
            let event = event(SECRET).with_caller_id(Some(SECRET.into()));
            subject.offer(&event);
            offered.push(event);
        }
        under_way = matches!(subject.flush(SHORT), Err(FlushError::Timeout { .. }));
        let health = subject.run("health", AuditSink::health);
        if wanted(&health) {
            return Ok(health);
        }
        if start.elapsed() > limit {
            return Err(health);
        }
    }
}

/// Clause 12: when the destination panics, callers neither panic nor wait for
/// ever; what they offer from then on is counted, and the sink says that it has
/// failed.
///
/// Whether what was under way is counted is looked at when
/// [`flush`](AuditSink::flush) says that it is.
pub fn clause_12_dying_is_survived<H: Dies>(harness: &H) {
    check(harness, DYING_IS_SURVIVED, |subject| {
        let mut offered = vec![numbered(0, 0)];
        subject.offer(&offered[0]);
        subject.settle();

        harness.die();
        let batches = batches(1..5, 20);
        subject
            .start_offering(&batches)
            .finish("the destination panicked, and on_call didn't return");
        offered.extend(batches.into_iter().flatten());
        let failed = |health: &Health| matches!(health, Health::Failed { .. });
        if let Err(health) = until_health(subject, &mut offered, failed) {
            DYING_IS_SURVIVED.broken(format_args!(
                "the destination panics for {:?}, and the sink is still {health}",
                subject.limit()
            ));
        }

        let before = counted(subject, harness);
        let later: Vec<_> = (0..10).map(|nth| numbered(5, nth)).collect();
        subject.offer_all(std::slice::from_ref(&later));
        let more = counted(subject, harness) - before;
        if more != later.len() as i128 {
            DYING_IS_SURVIVED.broken(format_args!(
                "of {} events offered after the sink had failed, {more} were counted or handed \
                 to the fallback",
                later.len()
            ));
        }
        offered.extend(later);
        if subject.flush(subject.patience()).is_ok() {
            subject.account(harness, &offered);
        }
    });
}

fn counted<H: Dies>(subject: &Subject<H::Sink>, harness: &H) -> i128 {
    i128::from(subject.drops()) + harness.fallen_back().len() as i128
}
