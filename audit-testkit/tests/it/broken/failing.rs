//! Clauses 10 and 12.

use std::sync::Arc;

use audit_sink::BackpressureStrategy::Drop as Dropping;
use audit_sink::{AuditSink, Health};
use parking_lot::Mutex;

use super::{DYING, HEALTH, hang};
use crate::queued::Queued;
use crate::spoilt::spoilt;

fn failed(sink: &Queued) -> bool {
    matches!(sink.health(), Health::Failed { .. })
}

// 10. Health is honest

#[test]
fn a_sink_that_is_always_healthy() {
    let said = spoilt(Dropping, |sink| sink.health = Box::new(|_| Health::Healthy))
        .hangs()
        .caught_by(&[HEALTH, DYING]);
    assert_eq!(
        said[HEALTH],
        "clause 10 (health is honest): the destination refused writes for 3s, and the sink is \
         still healthy"
    );
    assert_eq!(
        said[DYING],
        "clause 12 (dying is survived): the destination panics for 3s, and the sink is still \
         healthy"
    );
}

#[test]
fn a_sink_that_is_never_well_again() {
    let said = spoilt(Dropping, |sink| {
        let ill = Mutex::new(None);
        sink.health = Box::new(move |inner| {
            let mut ill = ill.lock();
            if ill.is_none() && !inner.health().is_healthy() {
                *ill = Some(inner.health());
            }
            ill.clone().unwrap_or_default()
        });
    })
    .hangs()
    .caught_by(&[HEALTH]);
    assert!(
        said[HEALTH].contains(
            "the destination has worked again for 3s, and the sink is still degraded: a write \
             failed"
        ),
        "{}",
        said[HEALTH]
    );
}

#[test]
fn a_sink_that_is_ill_from_the_start() {
    let said = spoilt(Dropping, |sink| {
        sink.health = Box::new(|inner| match inner.health() {
            Health::Healthy => Health::degraded(0, 0, "nothing was written yet"),
            worse => worse,
        });
    })
    .caught_by(&[HEALTH]);
    assert_eq!(
        said[HEALTH],
        "clause 10 (health is honest): a sink just opened is degraded: nothing was written yet \
         (0 failures in a row, 0 in all)"
    );
}

#[test]
fn a_reason_that_quotes_a_record() {
    let said = spoilt(Dropping, |sink| {
        let caller = Arc::new(Mutex::new(None));
        let quoted = Arc::clone(&caller);
        sink.on_call = Box::new(move |inner, event| {
            caller.lock().clone_from(&event.caller_id);
            inner.on_call(event);
        });
        sink.health = Box::new(move |inner| match inner.health() {
            Health::Degraded { .. } => Health::degraded(1, 1, format!("no room: {quoted:?}")),
            other => other,
        });
    })
    .caught_by(&[HEALTH]);
    assert_eq!(
        said[HEALTH],
        "clause 10 (health is honest): the reason quotes a record"
    );
}

// 12. Dying is survived

#[test]
fn a_failure_that_is_called_an_illness() {
    spoilt(Dropping, |sink| {
        sink.health = Box::new(|inner| match inner.health() {
            Health::Failed { .. } => Health::degraded(1, 1, "trying again"),
            other => other,
        });
    })
    .hangs()
    .caught_by(&[DYING]);
}

#[test]
fn callers_that_wait_for_a_writer_that_is_gone() {
    let said = spoilt(Dropping, |sink| {
        sink.on_call = Box::new(|inner, event| {
            if failed(inner) {
                hang();
            }
            inner.on_call(event);
        });
    })
    .hangs()
    .caught_by(&[DYING]);
    assert!(said[DYING].contains("on_call didn't return within 3s"));
}

#[test]
fn callers_that_panic_with_the_destination() {
    spoilt(Dropping, |sink| {
        sink.on_call = Box::new(|inner, event| {
            assert!(!failed(inner), "the writer is gone");
            inner.on_call(event);
        });
    })
    .caught_by(&[DYING]);
}

#[test]
fn events_that_are_not_counted_once_the_writer_is_gone() {
    let said = spoilt(Dropping, |sink| {
        sink.on_call = Box::new(|inner, event| {
            if !failed(inner) {
                inner.on_call(event);
            }
        });
    })
    .caught_by(&[DYING]);
    assert_eq!(
        said[DYING],
        "clause 12 (dying is survived): of 10 events offered after the sink had failed, 0 were \
         counted or handed to the fallback"
    );
}

#[test]
fn events_under_way_that_are_not_counted_when_the_writer_goes() {
    let said = spoilt(Dropping, |sink| {
        sink.drops = Box::new(|inner| match inner.drops() {
            drops if failed(inner) => drops - 1,
            drops => drops,
        });
    })
    .caught_by(&[DYING]);
    assert!(said[DYING].starts_with("clause 12 (dying is survived): offered "));
}
