//! Several sinks at once, some of them hostile.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock, Weak};
use std::thread;
use std::time::Duration;

use audit_sink::schema::CallEvent;
use audit_sink::{AuditSink, Filter, FlushError, Health, MemorySink, Queued, Tee};
use audit_testkit::{DEADLINE, Destination, PanickingSink, RecordingSink, within};

use crate::event;
use crate::support::{CAPACITY, Direct};

/// What a test says of itself.
struct Said {
    drops: u64,
    health: Health,
    flush: Result<(), FlushError>,
}

impl AuditSink for Said {
    fn on_call(&self, _: &CallEvent) {}
    fn drops(&self) -> u64 {
        self.drops
    }
    fn flush(&self, _: Duration) -> Result<(), FlushError> {
        self.flush.clone()
    }
    fn health(&self) -> Health {
        self.health.clone()
    }
}

fn fine() -> Said {
    Said {
        drops: 0,
        health: Health::Healthy,
        flush: Ok(()),
    }
}

fn degraded() -> Health {
    Health::degraded(2, 7, "no space left on device")
}

#[test]
fn each_member_gets_every_event() {
    let (one, other) = (RecordingSink::new(), RecordingSink::new());
    let tee = Tee::new()
        .optional("one", one.clone())
        .required("other", other.clone());
    tee.on_call(&event("1"));
    tee.on_call(&event("2"));
    assert_eq!(one.events(), other.events());
    assert_eq!(one.len(), 2);
}

#[test]
fn required_members_come_first() {
    let order = Arc::new(AtomicU64::new(0));
    let at = |place: u64| {
        let order = Arc::clone(&order);
        let memory = MemorySink::new();
        Filter::new(memory).only_if(move |_| {
            assert_eq!(order.fetch_add(1, Ordering::Relaxed), place);
            true
        })
    };
    let (first, second, third) = (at(0), at(1), at(2));
    let tee = Tee::new()
        .optional("c", third)
        .required("a", first)
        .required("b", second);
    tee.on_call(&event("1"));
    assert_eq!(order.load(Ordering::Relaxed), 3);
    let names: Vec<_> = tee
        .members()
        .into_iter()
        .map(|member| member.name)
        .collect();
    assert_eq!(names, ["a", "b", "c"]);
}

#[test]
fn a_member_that_panics_hurts_no_other_and_is_counted() {
    let (before, after) = (RecordingSink::new(), RecordingSink::new());
    let tee = Tee::new()
        .optional("before", before.clone())
        .optional("panics", PanickingSink)
        .optional("after", after.clone());
    for id in ["1", "2", "3"] {
        tee.on_call(&event(id));
    }
    assert_eq!((before.len(), after.len()), (3, 3));
    let panics = &tee.members()[1];
    assert_eq!((panics.panics, panics.drops), (3, 3));
    assert_eq!(tee.drops(), 0, "it is optional");
    assert_eq!(
        tee.health().to_string(),
        "degraded: panics is degraded: the sink panicked on an event \
         (3 failures in a row, 3 in all) (3 failures in a row, 3 in all)"
    );

    let required = Tee::new().required("panics", PanickingSink);
    required.on_call(&event("1"));
    assert_eq!(required.drops(), 1);
}

#[test]
fn a_member_that_has_panicked_is_well_again_with_the_next_event() {
    let broken = Arc::new(AtomicBool::new(true));
    struct Now(Arc<AtomicBool>);
    impl AuditSink for Now {
        fn on_call(&self, _: &CallEvent) {
            assert!(!self.0.load(Ordering::Relaxed), "broken");
        }
    }
    let tee = Tee::new().required("now and then", Now(Arc::clone(&broken)));
    tee.on_call(&event("1"));
    assert!(!tee.health().is_healthy());
    broken.store(false, Ordering::Relaxed);
    tee.on_call(&event("2"));
    assert!(tee.health().is_healthy());
    assert_eq!(tee.drops(), 1);
}

#[test]
fn drops_are_those_of_the_required_and_told_of_all() {
    let lost = |drops| Said { drops, ..fine() };
    let tee = Tee::new()
        .required("log", lost(2))
        .required("archive", lost(3))
        .optional("memory", lost(5));
    assert_eq!(tee.drops(), 5);
    let drops: Vec<_> = tee.members().iter().map(|member| member.drops).collect();
    assert_eq!(drops, [2, 3, 5]);
}

#[test]
fn health_names_who_is_not_well() {
    let health = |health: Health| Said { health, ..fine() };
    let failed = || Health::failed(1, 1, "it panicked");
    let tee = |log: Health, archive: Health, memory: Health| {
        let tee = Tee::new()
            .required("log", health(log))
            .required("archive", health(archive));
        tee.optional("memory", health(memory)).health()
    };
    assert_eq!(
        tee(Health::Healthy, Health::Healthy, Health::Healthy),
        Health::Healthy
    );

    let one = tee(degraded(), Health::Healthy, Health::Healthy);
    assert!(matches!(one, Health::Degraded { .. }));
    assert!(
        one.to_string()
            .starts_with("degraded: log is degraded: no space left on device (")
    );

    let optional = tee(Health::Healthy, Health::Healthy, failed());
    assert!(matches!(optional, Health::Degraded { .. }));
    assert!(
        optional
            .to_string()
            .contains("memory is failed: it panicked")
    );

    let half = tee(failed(), degraded(), Health::Healthy);
    assert!(matches!(half, Health::Degraded { .. }), "one still records");
    let all = tee(failed(), failed(), Health::Healthy);
    assert!(matches!(all, Health::Failed { .. }));
    assert!(all.to_string().contains("log is failed") && all.to_string().contains("archive is"));

    let nothing_required = Tee::new().optional("memory", health(failed()));
    assert!(matches!(nothing_required.health(), Health::Failed { .. }));
}

#[test]
fn flush_fails_for_the_required_and_tells_of_all() {
    let flush = |flush| Said { flush, ..fine() };
    let short = Duration::from_millis(1);
    let late = |left| Err(FlushError::timeout(short, left));
    let tee = Tee::new()
        .required("log", flush(late(3)))
        .required("archive", flush(late(4)))
        .required("mirror", flush(Err(FlushError::lost(9))))
        .optional("memory", flush(late(100)));
    assert_eq!(tee.flush(short), late(7));
    let each = tee.flush_members(short);
    let each: Vec<_> = each
        .iter()
        .map(|(name, result)| (name.as_str(), result))
        .collect();
    assert_eq!(each[0], ("log", &late(3)));
    assert_eq!(each[2], ("mirror", &Err(FlushError::lost(9))));
    assert_eq!(each[3], ("memory", &late(100)));

    let optional = Tee::new()
        .required("log", fine())
        .optional("memory", flush(late(1)));
    assert_eq!(optional.flush(short), Ok(()));
    let lost = Tee::new()
        .required("log", flush(Err(FlushError::unsynced(1))))
        .required("archive", flush(Err(FlushError::lost(2))));
    assert_eq!(lost.flush(short), Err(FlushError::lost(2)));
}

#[test]
fn a_member_behind_a_queue_holds_up_nobody() {
    let (wedged, log) = (Destination::new(), RecordingSink::new());
    let behind = Queued::new(Direct::new(&wedged), CAPACITY).unwrap();
    let tee = Tee::new()
        .optional("wedged", behind)
        .optional("log", log.clone());
    wedged.stall();
    let tee = within(DEADLINE, move || {
        for nth in 0..CAPACITY + 10 {
            tee.on_call(&event(&nth.to_string()));
        }
        tee
    });
    assert_eq!(log.len(), CAPACITY + 10);
    let report = &tee.members()[0];
    assert_eq!((report.drops, report.slow_calls), (10, 0));
    assert!(
        report.health.to_string().contains("the queue is full"),
        "{}",
        report.health
    );
    wedged.resume();
    tee.flush(DEADLINE).unwrap();
    assert_eq!(wedged.buf().lines().len(), CAPACITY);
    assert!(tee.health().is_healthy());
}

#[test]
fn a_slow_member_is_counted() {
    let (gate, slow) = (Destination::new(), MemorySink::new());
    let tee = Tee::new()
        .required("slow", Direct::new(&gate))
        .optional("quick", slow)
        .slow_after(Some(Duration::ZERO));
    tee.on_call(&event("1"));
    // Whatever takes any time at all.
    assert_eq!(tee.members()[0].slow_calls, 1);
    let patient = Tee::new().required("slow", MemorySink::new());
    patient.on_call(&event("1"));
    assert_eq!(patient.members()[0].slow_calls, 0);
    let blind = Tee::new()
        .required("slow", Direct::new(&gate))
        .slow_after(None);
    blind.on_call(&event("2"));
    assert_eq!(blind.members()[0].slow_calls, 0);
}

/// Calls the stack that it stands in, twice for each event.
struct CallsBack(Arc<OnceLock<Weak<dyn AuditSink>>>);

impl AuditSink for CallsBack {
    fn on_call(&self, event: &CallEvent) {
        if let Some(stack) = self.0.get().and_then(Weak::upgrade) {
            stack.on_call(event);
            stack.on_call(event);
            assert!(
                stack.flush(Duration::MAX).is_err(),
                "it would wait for itself"
            );
            stack.drops();
            stack.health();
        }
    }
}

#[test]
fn members_that_call_back_are_refused_and_counted() {
    let memory = MemorySink::new();
    let cell = Arc::new(OnceLock::new());
    let inner = Tee::new().required("calls back", CallsBack(Arc::clone(&cell)));
    let filter = Filter::new(inner.optional("calls back, too", CallsBack(Arc::clone(&cell))));
    let tee = Tee::new()
        .required("inner", filter)
        .required("memory", memory.clone());
    let stack: Arc<dyn AuditSink> = Arc::new(tee);
    cell.set(Arc::downgrade(&stack)).unwrap();

    let stack = within(DEADLINE, move || {
        for nth in 0..5 {
            stack.on_call(&event(&nth.to_string()));
        }
        stack
    });
    assert_eq!(memory.total(), 5);
    assert_eq!(stack.drops(), 20, "two members, twice, of five events");
    assert_eq!(stack.flush(DEADLINE), Ok(()));
}

#[test]
fn a_member_that_calls_back_from_a_queue_makes_no_storm() {
    let memory = MemorySink::new();
    let cell = Arc::new(OnceLock::new());
    let queued = Queued::new(CallsBackOnce(Arc::clone(&cell)), CAPACITY).unwrap();
    let tee = Tee::new()
        .required("queued", queued)
        .optional("memory", memory.clone());
    let stack: Arc<dyn AuditSink> = Arc::new(tee);
    cell.set(Arc::downgrade(&stack)).unwrap();
    for nth in 0..5 {
        stack.on_call(&event(&nth.to_string()));
    }
    let stack = within(DEADLINE, move || {
        stack.flush(DEADLINE).unwrap();
        stack
    });
    // What the queue's thread offers is lost to the queue, and to it alone.
    assert_eq!(stack.drops(), 5);
    assert_eq!(memory.total(), 10);
}

struct CallsBackOnce(Arc<OnceLock<Weak<dyn AuditSink>>>);

impl AuditSink for CallsBackOnce {
    fn on_call(&self, event: &CallEvent) {
        if let Some(stack) = self.0.get().and_then(Weak::upgrade) {
            stack.on_call(event);
        }
    }
}

#[test]
fn many_threads_and_hostile_members_lose_nothing_of_the_log() {
    let log = RecordingSink::new();
    let tee = Tee::new()
        .optional("panics", PanickingSink)
        .required("log", log.clone())
        .optional("queued", Queued::new(PanickingSink, 8).unwrap())
        .optional("memory", MemorySink::new());
    thread::scope(|scope| {
        for thread in 0..8 {
            let tee = &tee;
            scope.spawn(move || {
                for nth in 0..250 {
                    tee.on_call(&event(&format!("{thread}-{nth}")));
                }
            });
        }
    });
    tee.flush(DEADLINE).unwrap();
    assert_eq!(log.len(), 2_000);
    assert_eq!(tee.drops(), 0);
    assert_eq!(tee.members()[1].panics, 2_000);
    let queued = &tee.members()[2];
    assert_eq!(queued.drops, 2_000, "each was refused, or panicked on");
}

#[test]
fn without_members_it_records_nothing_and_is_well() {
    let tee = Tee::default();
    tee.on_call(&event("1"));
    assert_eq!(
        (tee.drops(), tee.flush(Duration::MAX), tee.health()),
        (0, Ok(()), Health::Healthy)
    );
}
