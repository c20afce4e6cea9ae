//! Leaving events out.

use std::thread;

use audit_sink::schema::{CallEvent, Outcome};
use audit_sink::{AuditSink, Filter, MemorySink};

use crate::ids;

fn call(id: &str, tool: &str, caller: Option<&str>, outcome: Outcome) -> CallEvent {
    CallEvent::new("2026-11-20T09:30:00Z", id, tool, 1, outcome, "hot")
        .with_caller_id(caller.map(Into::into))
}

/// Which of five calls a filter keeps.
#[track_caller]
fn keeps(make: impl Fn(Filter<MemorySink>) -> Filter<MemorySink>, expected: &[&str]) {
    let memory = MemorySink::new();
    let filter = make(Filter::new(memory.clone()));
    let denied = Outcome::CapabilityDenied { missing: vec![] };
    for event in [
        call("1", "files:read", Some("editor 1"), Outcome::Success),
        call("2", "files:write", Some("editor 2"), denied),
        call("3", "shell:run", None, Outcome::ToolNotFound),
        call("4", "health:ping", Some("monitor"), Outcome::Success),
    ] {
        filter.on_call(&event);
    }
    let mut cold = call("5", "files:read", Some("editor 1"), Outcome::Success);
    cold.tier = "cold".into();
    filter.on_call(&cold);
    let mut kept = ids(&memory.recent(9))
        .into_iter()
        .map(String::from)
        .collect::<Vec<_>>();
    kept.reverse();
    assert_eq!(kept, expected);
    assert_eq!(filter.filtered(), 5 - expected.len() as u64);
    assert_eq!(filter.drops(), 0, "what is left out is not lost");
    assert_eq!(filter.sink().count(), expected.len());
}

#[test]
fn by_each_rule() {
    keeps(|filter| filter, &["1", "2", "3", "4", "5"]);
    keeps(
        |filter| filter.only_tools(["files:*", "shell:run"]),
        &["1", "2", "3", "5"],
    );
    keeps(|filter| filter.without_tools(["files:*"]), &["3", "4"]);
    keeps(|filter| filter.only_callers(["editor ?"]), &["1", "2", "5"]);
    keeps(|filter| filter.without_callers(["editor*"]), &["3", "4"]);
    keeps(|filter| filter.only_tiers(["cold"]), &["5"]);
    keeps(|filter| filter.without_tiers(["c*"]), &["1", "2", "3", "4"]);
    keeps(
        |filter| filter.only_outcomes(["capability_denied", "tool_not_found"]),
        &["2", "3"],
    );
    keeps(|filter| filter.without_outcomes(["success"]), &["2", "3"]);
    keeps(
        |filter| filter.only_if(|event| event.call_id.as_str() < "3"),
        &["1", "2"],
    );
    keeps(
        |filter| filter.only_tools(["files:*"]).without_tiers(["cold"]),
        &["1", "2"],
    );
    keeps(|filter| filter.only_tools([""; 0]), &[]);
}

#[test]
fn a_predicate_that_panics_keeps_the_call() {
    keeps(
        |filter| filter.only_if(|_| panic!("the predicate")),
        &["1", "2", "3", "4", "5"],
    );
}

#[test]
fn a_sample_of_the_successes_and_everything_else() {
    let sample = |n: u32| {
        let memory = MemorySink::with_capacity(100_000);
        let filter = Filter::new(memory.clone()).successes_one_in(n);
        for nth in 0..20_000 {
            // As they come from one generator: only the end differs.
            let id = format!("01JD4Z8W3K9V2N7Q5T1R6{nth:05}");
            let outcome = match nth % 10 {
                0 => Outcome::ExecutionFailed {
                    code: "x".into(),
                    retryable: true,
                },
                1 => Outcome::RateLimited {
                    retry_after_ms: None,
                },
                _ => Outcome::Success,
            };
            filter.on_call(&call(&id, "echo", None, outcome));
        }
        assert_eq!(filter.filtered() + memory.total(), 20_000);
        let events = memory.recent(usize::MAX);
        let (successes, others): (Vec<_>, Vec<_>) = events
            .iter()
            .partition(|event| event.outcome == Outcome::Success);
        assert_eq!(
            others.len(),
            4_000,
            "failures and denials are never left out"
        );
        let ids = successes.iter().map(|event| event.call_id.clone());
        ids.collect::<Vec<_>>()
    };
    assert_eq!(sample(0).len(), 0);
    assert_eq!(sample(1).len(), 16_000);
    let tenth = sample(10);
    // Six standard deviations of a fair coin of ten sides.
    assert!((1_372..=1_828).contains(&tenth.len()), "{}", tenth.len());
    assert_eq!(sample(10), tenth, "everybody keeps the same");
}

/// What one process keeps, another keeps too, also when it is built next year.
#[test]
fn a_sample_is_the_same_for_ever() {
    let memory = MemorySink::new();
    let filter = Filter::new(memory.clone()).successes_one_in(8);
    for nth in 0..64 {
        let id = format!("01JD4Z8W3K9V2N7Q5T1R6{nth:05}");
        filter.on_call(&call(&id, "echo", None, Outcome::Success));
    }
    let events = memory.recent(usize::MAX);
    let mut kept: Vec<u32> = ids(&events)
        .iter()
        .map(|id| id[21..].parse().unwrap())
        .collect();
    kept.sort_unstable();
    assert_eq!(kept, [16, 33, 43, 52, 63]);
}

#[test]
fn counts_are_exact_over_many_threads() {
    let memory = MemorySink::new();
    let filter = Filter::new(memory.clone()).without_tools(["health:*"]);
    thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                for nth in 0..500 {
                    let tool = if nth % 2 == 0 { "health:ping" } else { "echo" };
                    filter.on_call(&call("1", tool, None, Outcome::Success));
                }
            });
        }
    });
    assert_eq!((filter.filtered(), memory.total()), (2_000, 2_000));
}
