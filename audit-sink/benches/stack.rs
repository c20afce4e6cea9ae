//! What the guard and the sinks made of sinks cost a call, beside what makes up the
//! event itself.
//!
//! ```sh
//! cargo bench -p audit-sink --all-features
//! ```
//!
//! Each row is the median of several rounds, one thread, warm. Rounds of all rows take
//! turns, so that a busy moment of the machine hits them alike.

#![allow(clippy::print_stdout, reason = "it talks to whoever runs it")]

use std::hint::black_box;
use std::time::{Duration, Instant};

use audit_sink::schema::{CallEvent, CapProvenance, Outcome, ProvSource, now_rfc3339};
use audit_sink::{AuditSink, Filter, MemorySink, Queued, Recorder, Tee, Ulids};

const ROUNDS: usize = 31;
const CALLS: u32 = 5_000;

/// Takes an event, and no time.
struct Nothing;

impl AuditSink for Nothing {
    fn on_call(&self, event: &CallEvent) {
        black_box(event);
    }
}

fn provenance() -> Vec<CapProvenance> {
    ["fs.read", "fs.search"]
        .map(|cap| CapProvenance {
            cap: cap.into(),
            source: ProvSource::StringAllowList,
        })
        .into()
}

fn by_hand(ulids: &Ulids) -> CallEvent {
    let ts = now_rfc3339();
    let begun = Instant::now();
    let id = ulids.generate();
    let took = begun.elapsed().as_millis() as u64;
    CallEvent::new(ts, id, "files:search", took, Outcome::Success, "hot")
        .with_caller_id(Some("claude-desktop 1.4".into()))
        .with_granted_capabilities(vec!["fs.read".into(), "fs.search".into()])
        .with_capability_provenance(Some(provenance()))
}

fn main() {
    let ulids = Ulids::new();
    let event = by_hand(&ulids);
    let recorder = Recorder::new(Nothing)
        .with_tier("hot")
        .with_caller_id(Some("claude-desktop 1.4".into()));
    let guarded = || {
        let mut call = recorder.start("files:search");
        call.set_granted_capabilities(vec!["fs.read".into(), "fs.search".into()])
            .set_capability_provenance(Some(provenance()));
        call.finish(Outcome::Success);
    };
    let tee = Tee::new().required("a", Nothing).optional("b", Nothing);
    let untimed = Tee::new()
        .required("a", Nothing)
        .optional("b", Nothing)
        .slow_after(None);
    let filter = Filter::new(Nothing)
        .without_tools(["health:*"])
        .only_tiers(["hot"]);
    let memory = MemorySink::new();
    let queued = Queued::new(Nothing, 1 << 20).expect("a thread");

    #[cfg(feature = "redact")]
    let redact = audit_sink::Redact::new(Nothing).patterns(
        audit_sink::redact::Pattern::ALL,
        audit_sink::redact::Action::Mask,
    );
    #[cfg(feature = "counts")]
    let counts = audit_sink::Counts::new();

    let mut rows = vec![
        Row::new("the event by hand: chrono, ULID, 2 capabilities", || {
            drop(black_box(by_hand(&ulids)));
        }),
        Row::new("the same by the guard, start to finish", guarded),
        Row::new("a ULID", || drop(black_box(ulids.generate()))),
        Row::new("a copy of the event", || drop(black_box(event.clone()))),
        Row::new("no sink at all", || Nothing.on_call(black_box(&event))),
        Row::new("Tee of two", || tee.on_call(&event)),
        Row::new("Tee of two, untimed", || untimed.on_call(&event)),
        Row::new("Filter by two globs", || filter.on_call(&event)),
        Row::new("MemorySink, full", || memory.on_call(&event)),
        Row::new("Queued", || queued.on_call(&event)),
    ];
    #[cfg(feature = "redact")]
    rows.push(Row::new("Redact, all patterns, nothing found", || {
        redact.on_call(&event);
    }));
    #[cfg(feature = "counts")]
    rows.push(Row::new("Counts", || counts.on_call(&event)));

    for _ in 0..20_000 {
        memory.on_call(&event);
    }
    for _ in 0..ROUNDS {
        for row in &mut rows {
            let begun = Instant::now();
            for _ in 0..CALLS {
                (row.work)();
            }
            row.times.push(begun.elapsed() / CALLS);
        }
    }
    for row in &mut rows {
        row.times.sort_unstable();
        println!("{:<50}{:>7} ns", row.name, row.times[ROUNDS / 2].as_nanos());
    }
}

struct Row<'a> {
    name: &'static str,
    work: Box<dyn Fn() + 'a>,
    times: Vec<Duration>,
}

impl<'a> Row<'a> {
    fn new(name: &'static str, work: impl Fn() + 'a) -> Self {
        Self {
            name,
            work: Box::new(work),
            times: Vec::new(),
        }
    }
}
