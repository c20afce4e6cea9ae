//! The guard around a call, without a runtime.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::io::{self, ErrorKind};
use std::panic::{self, AssertUnwindSafe};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant, SystemTime};

use audit_sink::schema::{CapProvenance, Outcome, ProvSource};
use audit_sink::{Clock, MemorySink, Recorder, ToOutcome};
use audit_testkit::{DEADLINE, PanickingSink, RecordingSink, within};

use crate::{failed, panics};

#[test]
fn records_what_was_set() {
    let kept = RecordingSink::new();
    let recorder = Recorder::new(kept.clone())
        .with_caller_id(Some("editor".into()))
        .with_tier("hot");
    let sources = vec![CapProvenance {
        cap: "fs.read".into(),
        source: ProvSource::StringAllowList,
    }];

    let mut call = recorder.start("files:read");
    call.set_granted_capabilities(vec!["fs.read".into()])
        .set_capability_provenance(Some(sources.clone()))
        .set_dry_run(true)
        .set_secrets_resolved(true)
        .set_cursor_page(Some(3));
    let call_id = call.call_id().to_owned();
    assert_eq!(call.tool_id(), "files:read");
    assert!(kept.is_empty(), "a call is recorded when it has ended");
    call.finish(Outcome::RateLimited {
        retry_after_ms: None,
    });

    let mut other = recorder.start("files:list");
    other.set_caller_id(None).set_tier("cold");
    other.finish(Outcome::Success);

    let [first, second] = &kept.events()[..] else {
        panic!("{:?}", kept.events());
    };
    assert_eq!(first.call_id, call_id);
    assert_eq!(first.tool_id, "files:read");
    assert_eq!(first.caller_id.as_deref(), Some("editor"));
    assert_eq!(first.tier, "hot");
    assert_eq!(first.granted_capabilities, ["fs.read"]);
    assert_eq!(first.capability_provenance, Some(sources));
    assert!(first.dry_run && first.secrets_resolved);
    assert_eq!(first.cursor_page, Some(3));
    assert_eq!(
        first.outcome,
        Outcome::RateLimited {
            retry_after_ms: None
        }
    );
    assert_eq!(
        (second.caller_id.as_deref(), second.tier.as_str()),
        (None, "cold")
    );
    assert!(!second.dry_run && !second.secrets_resolved);
}

/// A clock that a test moves: the wall clock back, the other one on.
#[derive(Clone)]
struct Moved(Instant, Arc<AtomicU64>);

impl Clock for Moved {
    fn wall(&self) -> SystemTime {
        let back = Duration::from_millis(self.1.load(Ordering::Relaxed));
        SystemTime::UNIX_EPOCH + Duration::from_secs(1_795_167_000) - back
    }

    fn monotonic(&self) -> Instant {
        self.0 + Duration::from_millis(self.1.load(Ordering::Relaxed))
    }
}

#[test]
fn ts_is_the_wall_clock_at_the_start_and_the_duration_is_measured() {
    let kept = RecordingSink::new();
    let clock = Moved(Instant::now(), Arc::default());
    let recorder = Recorder::new(kept.clone()).with_clock(clock.clone());
    let call = recorder.start("echo");
    clock.1.store(1_500, Ordering::Relaxed);
    assert_eq!(call.elapsed(), Duration::from_millis(1_500));
    call.finish(Outcome::Success);
    let event = &kept.events()[0];
    assert_eq!(event.ts, "2026-11-20T09:30:00.000000Z");
    assert_eq!(event.duration_ms, 1_500);
}

#[test]
fn call_ids_are_unique_over_threads_and_clones() {
    let kept = RecordingSink::new();
    let recorder = Recorder::new(kept.clone());
    thread::scope(|scope| {
        for _ in 0..4 {
            let recorder = recorder.clone().with_tier("hot");
            scope.spawn(move || {
                for _ in 0..500 {
                    recorder.start("echo").finish(Outcome::Success);
                }
            });
        }
    });
    let events = kept.events();
    let ids: BTreeSet<_> = events.iter().map(|event| &event.call_id).collect();
    assert_eq!(ids.len(), 2_000);
    assert!(ids.iter().all(|id| id.len() == 26));

    let own = Recorder::new(kept.clone()).with_call_ids(|| "mine".into());
    assert_eq!(own.start("echo").call_id(), "mine");
}

#[test]
fn an_early_return_is_unfinished() {
    fn tool(recorder: &Recorder) -> Result<(), String> {
        let call = recorder.start("echo");
        Err("no")?;
        call.finish(Outcome::Success);
        Ok(())
    }
    let kept = RecordingSink::new();
    assert!(tool(&Recorder::new(kept.clone())).is_err());
    let events = kept.events();
    assert_eq!(events.len(), 1);
    assert_eq!(events[0].outcome, failed("unfinished"));
}

#[test]
fn a_panic_is_told_from_an_early_return() {
    let kept = RecordingSink::new();
    let recorder = Recorder::new(kept.clone());
    assert!(panics(move || {
        let _call = recorder.start("echo");
        panic!("the tool panics");
    }));
    assert_eq!(kept.events()[0].outcome, failed("panicked"));
    assert_eq!(kept.len(), 1);
}

#[test]
fn a_call_that_begins_while_a_panic_unwinds_is_not_the_one_that_panicked() {
    struct Cleanup(Recorder);
    impl Drop for Cleanup {
        fn drop(&mut self) {
            drop(self.0.start("unfinished while unwinding"));
            self.0
                .start("finished while unwinding")
                .finish(Outcome::Success);
        }
    }
    let kept = RecordingSink::new();
    let recorder = Recorder::new(kept.clone());
    assert!(panics(move || {
        let _cleanup = Cleanup(recorder);
        panic!("the tool panics");
    }));
    let outcomes: Vec<_> = kept
        .events()
        .into_iter()
        .map(|event| event.outcome)
        .collect();
    assert_eq!(outcomes, [failed("unfinished"), Outcome::Success]);
}

#[test]
fn results_become_outcomes_and_come_back() {
    struct Missing;
    impl ToOutcome for Missing {
        fn to_outcome(&self) -> Outcome {
            Outcome::ToolNotFound
        }
    }
    let kept = RecordingSink::new();
    let recorder = Recorder::new(kept.clone());
    let fine: Result<u8, Missing> = recorder.start("echo").finish_result(Ok(7));
    assert!(matches!(fine, Ok(7)));
    assert!(
        recorder
            .start("echo")
            .finish_result::<(), _>(Err(Missing))
            .is_err()
    );
    let timed_out = io::Error::from(ErrorKind::TimedOut);
    let boxed: Result<(), Box<io::Error>> = Err(Box::new(timed_out));
    assert!(recorder.start("echo").finish_result(boxed).is_err());
    let outcomes: Vec<_> = kept
        .events()
        .into_iter()
        .map(|event| event.outcome)
        .collect();
    let timed_out = Outcome::ExecutionFailed {
        code: "TimedOut".into(),
        retryable: true,
    };
    assert_eq!(
        outcomes,
        [Outcome::Success, Outcome::ToolNotFound, timed_out]
    );
}

#[test]
fn an_error_that_panics_when_asked_leaves_one_record() {
    struct Hostile;
    impl ToOutcome for Hostile {
        fn to_outcome(&self) -> Outcome {
            panic!("no outcome")
        }
    }
    let kept = RecordingSink::new();
    let recorder = Recorder::new(kept.clone());
    assert!(panics(move || {
        drop(recorder.start("echo").finish_result::<(), _>(Err(Hostile)));
    }));
    assert_eq!(kept.len(), 1);
    assert_eq!(kept.events()[0].outcome, failed("panicked"));
}

#[test]
fn whoever_records_it_himself_has_the_only_record() {
    let (kept, other) = (RecordingSink::new(), MemorySink::new());
    let recorder = Recorder::new(kept.clone());
    let id = recorder
        .start("echo")
        .finish_with(Outcome::Success, |event| {
            audit_sink::AuditSink::on_call(&other, event);
            event.call_id.clone()
        });
    assert_eq!(other.recent(9)[0].call_id, id);
    assert!(kept.is_empty());
    let call = recorder.start("echo");
    let taken = panic::catch_unwind(AssertUnwindSafe(|| {
        call.finish_with(Outcome::Success, |_| panic!("lost"));
    }));
    assert!(taken.is_err() && kept.is_empty());
}

#[test]
fn a_sink_that_panics_hurts_no_caller_and_is_counted() {
    let recorder = Recorder::new(PanickingSink);
    recorder.start("echo").finish(Outcome::Success);
    let clone = recorder.clone().with_tier("hot");
    // Two panics at once, of the tool and of the sink, would end the process.
    assert!(panics(move || {
        let _call = clone.start("echo");
        panic!("the tool panics");
    }));
    assert_eq!(recorder.sink_panics(), 2);
}

#[test]
fn a_clock_that_fails_at_the_end_costs_the_duration_alone() {
    struct Failing(Instant, AtomicU64);
    impl Clock for Failing {
        fn wall(&self) -> SystemTime {
            SystemTime::now()
        }
        fn monotonic(&self) -> Instant {
            assert_eq!(
                self.1.fetch_add(1, Ordering::Relaxed),
                0,
                "the clock is broken"
            );
            self.0
        }
    }
    let kept = RecordingSink::new();
    let recorder =
        Recorder::new(kept.clone()).with_clock(Failing(Instant::now(), AtomicU64::new(0)));
    drop(recorder.start("echo"));
    assert_eq!(kept.events()[0].outcome, failed("unfinished"));
}

#[test]
fn a_call_may_end_on_another_thread_and_on_an_ending_one() {
    thread_local! {
        static LAST: RefCell<Option<audit_sink::Call>> = const { RefCell::new(None) };
    }
    let kept = RecordingSink::new();
    let recorder = Recorder::new(kept.clone());
    let call = recorder.start("finished elsewhere");
    within(DEADLINE, move || call.finish(Outcome::Success));
    let call = recorder.start("dropped by an ending thread");
    thread::spawn(move || LAST.set(Some(call))).join().unwrap();
    let events = kept.wait_for(2, DEADLINE);
    assert_eq!(events[0].outcome, Outcome::Success);
    assert_eq!(events[1].outcome, failed("unfinished"));
}

#[test]
fn debug_prints_nobody_who_calls() {
    let recorder = Recorder::new(RecordingSink::new()).with_caller_id(Some("ada".into()));
    let call = recorder.start("files:read");
    let printed = format!("{recorder:?} {call:?}");
    assert!(!printed.contains("ada"), "{printed}");
}
