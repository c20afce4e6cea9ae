//! docs/verify.py and the verifier of this crate say the same, of logs that are intact
//! and of damaged ones. `AUDIT_TAMPER_COMPARED` says of how many.

use audit_jsonl::CallEvent;
use audit_testkit::strategies::call_event;
use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::TestRunner;

use crate::judge::{Judge, Report};
use crate::logs::{self, Log, Part};
use crate::ours::Ours;
use crate::python::Python;
use crate::random::{change, damage};
use crate::support::{Dir, Random, append, line_of, number_of, skip};

/// Asks both, with and without heads.
#[track_caller]
pub(crate) fn assert_same(
    python: &mut Python,
    ours: &mut Ours,
    files: &[Part],
    heads: &[&str],
) -> Report {
    let (mut theirs, mut said) = (python.judge(files, heads), ours.judge(files, heads));
    // One counts lines that tell of a power loss, the other what it took.
    theirs.facts.remove("gone");
    said.facts.remove("gone");
    // Of two damaged files that begin alike, any may be the first.
    theirs.problems.sort();
    said.problems.sort();
    if theirs != said {
        logs::keep(files);
        let rest = |one: &Report, other: &Report| {
            let mut one = one.clone();
            one.problems
                .retain(|problem| !other.problems.contains(problem));
            one
        };
        let (they, we) = (rest(&theirs, &said), rest(&said, &theirs));
        panic!("with {heads:?}: verify.py says beyond what we say\n{they:?}\nand we\n{we:?}");
    }
    said
}

/// Events with whatever strings and numbers there may be.
fn odd_events(count: usize) -> Vec<CallEvent> {
    let mut runner = TestRunner::deterministic();
    let events = call_event();
    (0..count)
        .map(|_| events.new_tree(&mut runner).unwrap().current())
        .collect()
}

/// A log of such events, in two files, with plain lines.
fn odd() -> Log {
    let (dir, path) = Dir::with_log();
    let events = odd_events(60);
    logs::record(&path, &events[..20]);
    for event in &events[20..30] {
        append(&path, line_of(event));
    }
    logs::record(&path, &events[30..40]);
    logs::rotate(&path);
    logs::record(&path, &events[40..]);
    logs::read("odd events", &dir)
}

#[test]
fn both_say_the_same() {
    let Some(mut python) = Python::start() else {
        return skip("there is no python3");
    };
    let mut ours = Ours::new();
    let logs = [
        logs::single(),
        logs::rotated(),
        logs::plain(),
        logs::members(),
        odd(),
        carried(),
    ];
    for log in &logs {
        for heads in [&[][..], &[log.head.as_str()]] {
            let report = assert_same(&mut python, &mut ours, &log.files, heads);
            assert_eq!(report.verdict, "intact", "{}", log.name);
        }
    }
    let mut random = Random::new(number_of("AUDIT_TAMPER_SEED", 1));
    for nth in 0..number_of("AUDIT_TAMPER_COMPARED", 1800) {
        let log = &logs[nth as usize % logs.len()];
        let files = if nth % 3 == 0 {
            damage(log, &mut random)
        } else {
            change(log, &mut random).files
        };
        let heads = if nth % 2 == 0 {
            vec![log.head.as_str()]
        } else {
            vec![]
        };
        assert_same(&mut python, &mut ours, &files, &heads);
    }
}

/// Two files, of which the second begins with lines of the first.
fn carried() -> Log {
    let mut log = logs::plain();
    let bytes = &log.files[0].bytes;
    let links: Vec<usize> = (0..log.lines.len())
        .filter(|at| log.link(*at).is_some())
        .collect();
    let (middle, end) = (log.lines[links[1]].start, log.lines[links[3]].end + 1);
    let rotated = Part {
        name: "audit-00000000-00000000000000000000.jsonl".into(),
        bytes: bytes[..end].to_vec(),
    };
    let active = Part {
        name: logs::ACTIVE.into(),
        bytes: bytes[middle..].to_vec(),
    };
    log.files = vec![rotated, active];
    Log::new("carried", log.files)
}
