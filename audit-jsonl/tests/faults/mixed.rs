//! Two sinks, an outsider who appends, somebody who renames the log, and a few
//! faults at once, all drawn by lot.
//!
//! - `AUDIT_FAULTS_MIXED`: how many runs; 40 by default.
//! - `AUDIT_FAULTS_SEED`: 1 by default.

use crate::actor::{Acted, act};
use crate::calls::{go_on, keeps_word};
use crate::checker::check;
use crate::settled::{begun, can_trace};
use crate::tools::{Numbers, for_each, none_of, say, setting, tally};
use crate::trace::{broken_rules, calls};

const STEPS: [&str; 11] = [
    "a.event a.flush",
    "b.event b.flush",
    "a.large a.flush",
    "b.large b.flush",
    "a.commit",
    "b.commit",
    "a.commit",
    "b.commit",
    "outsider",
    "rename",
    "a.reopen",
];

const CALLS: [&str; 6] = [
    "write",
    "fdatasync",
    "fsync",
    "ftruncate",
    "rename",
    "openat",
];

fn pick<'a>(numbers: &mut Numbers, all: &[&'a str]) -> &'a str {
    all[numbers.below(all.len() as u64) as usize]
}

struct Plan {
    steps: String,
    faults: Vec<String>,
}

fn plan(numbers: &mut Numbers) -> Plan {
    let opens = ["open:written", "open:rotate", "open:every"];
    let mut steps = format!("a.{} b.{}", pick(numbers, &opens), pick(numbers, &opens));
    let mut renamed = false;
    for _ in 0..4 + numbers.below(10) {
        let step = pick(numbers, &STEPS);
        // Once, or what has that name now would be written over.
        if step != "rename" || !renamed {
            steps = format!("{steps} {step}");
        }
        renamed |= step == "rename";
    }
    steps += " a.close b.close";
    let mut faults: Vec<String> = Vec::new();
    for call in CALLS {
        if numbers.below(3) > 0 {
            continue;
        }
        let first = 1 + numbers.below(5);
        let last = first + numbers.below(4);
        let how = pick(numbers, &["EIO", "EIO", "ENOSPC", "EACCES"]);
        faults.push(match numbers.below(6) {
            0 => format!("{call}:signal=SIGKILL:when={first}"),
            _ => format!("{call}:error={how}:when={first}..{last}"),
        });
    }
    Plan { steps, faults }
}

/// How many events were promised to be safe, and what is wrong afterwards.
fn perform(plan: &Plan) -> (usize, Vec<String>) {
    let (_directory, log) = begun();
    let faults: Vec<&str> = plan.faults.iter().map(String::as_str).collect();
    let acted = act(&log, &plan.steps, &faults);
    let mut problems = broken_rules(&calls(&acted.trace, &log));
    let killed = acted.trace.contains("+++ killed by SIGKILL +++");
    if !acted.said.ended && !killed {
        problems.push("the child didn't come to its end".into());
    }
    if let Err(problem) = go_on(&log) {
        problems.push(problem);
    }
    let found = check(&log);
    problems.extend(found.wrong());
    problems.extend(found.unfinished.clone());
    let mut promised = keeps_word(&acted.said, &found);
    // Each sink keeps its own order.
    promised.retain(|problem| !problem.contains("another order"));
    problems.extend(promised);
    let (told, appended) = (found.told_plain_lines, outsiders(&acted));
    // Who renames a log takes the plain lines at its end away.
    let some_left = killed || acted.steps.iter().any(|(step, _)| step == "rename");
    if told > appended || (told < appended && !some_left) {
        problems.push(format!("{told} plain lines are told of, not {appended}"));
    }
    let what = format!("{} with {:?}", plan.steps, plan.faults);
    let named = problems.into_iter();
    let problems = named.map(|problem| format!("{what}: {problem}")).collect();
    (acted.said.acknowledged.len(), problems)
}

fn outsiders(acted: &Acted) -> u64 {
    let steps = acted.steps.iter();
    let made = steps.filter(|(step, end)| step == "outsider" && end == "ok");
    made.count() as u64
}

#[test]
fn many_faults_at_once() {
    if !can_trace("many_faults_at_once") {
        return;
    }
    let mut numbers = Numbers::new(setting("AUDIT_FAULTS_SEED", 1));
    let runs = setting("AUDIT_FAULTS_MIXED", 40);
    let plans: Vec<Plan> = (0..runs).map(|_| plan(&mut numbers)).collect();
    let performed = for_each(&plans, 8, |_, plan| perform(plan));
    let promised: usize = performed.iter().map(|(promised, _)| promised).sum();
    let problems: Vec<String> = performed.into_iter().flat_map(|(_, wrong)| wrong).collect();
    say(&format!(
        "{runs} mixtures of faults, {} problems",
        problems.len()
    ));
    tally(runs, promised as u64, &problems);
    none_of(&problems, "mixtures of faults");
}
