//! The cases, in the order in which a round runs them.

use crate::commits::Way;
use crate::contender::{CONTENDERS, Contender, Kind as Who, named};
use crate::event::{LINE_BYTES, line, short};
use crate::load::{Kind, Load};

#[derive(Debug, Clone)]
pub(crate) struct Case {
    pub(crate) name: String,
    pub(crate) work: Work,
    /// The names of those who take part; none where it isn't about contenders.
    pub(crate) contenders: Vec<&'static str>,
    /// Run once, however many rounds there are.
    pub(crate) is_once: bool,
}

#[derive(Debug, Clone, Copy)]
pub(crate) enum Work {
    Load(Load),
    Commits(Way),
    Limits,
    Allocations,
    /// A log of so many lines is verified.
    Verify(u64),
    /// A sink that has nothing to do.
    Idle,
    /// So many processes write one log.
    Processes(u64),
    /// Logs of growing length are opened, asked and verified.
    Logs,
}

/// Those who take part where not all do.
const OURS: [&str; 2] = ["ours", "ours, chained"];
const SOME: [&str; 4] = ["ours", "ours, chained", "tracing-appender", "spdlog-rs"];

pub(crate) const THREADS: [u64; 5] = [1, 2, 4, 8, 16];
pub(crate) const PROCESSES: [u64; 4] = [1, 2, 4, 8];

/// Of lines; the first is the shortest that a call has.
pub(crate) fn sizes() -> [usize; 6] {
    let shortest = line(&short()).len();
    [shortest, LINE_BYTES, 1_024, 4_096, 16_384, 60_000]
}

/// All cases. Before anything large is written come the syncs: what the disk still has to
/// do then would make each dear, and to share them look better than it is.
pub(crate) fn all() -> Vec<Case> {
    let everyone = || CONTENDERS.iter().map(|one| one.name).collect::<Vec<_>>();
    let with = |is_one: fn(&Contender) -> bool| {
        let some = CONTENDERS.iter().filter(|one| is_one(one));
        some.map(|one| one.name).collect::<Vec<_>>()
    };
    let some = |names: &[&'static str]| {
        let built = names.iter().filter(|name| named(name).is_some());
        built.copied().collect::<Vec<_>>()
    };
    let mut cases = vec![
        case("limits", Work::Limits, vec![]),
        case("commits-each", Work::Commits(Way::OneSyncEach), vec![]),
    ];
    for threads in [1, 8, 64] {
        let name = format!("commits-{threads}");
        cases.push(case(&name, Work::Commits(Way::Threads(threads)), vec![]));
    }
    cases.extend([
        case("idle", Work::Idle, vec![]),
        case("allocations", Work::Allocations, everyone()).once(),
        case("paced-10", paced(10, 15), everyone()),
        case("paced-200", paced(200, 200), everyone()),
        case("paced-50000", paced(50_000, 100_000), everyone()),
        case(
            "flushed",
            load(Kind::Flushed, 1, LINE_BYTES, 10_000),
            some(&OURS),
        ),
        case("drop", dropping(200_000), with(|one| one.can_drop)),
        case(
            "saturated-1",
            saturated(1, LINE_BYTES, 1_000_000),
            everyone(),
        ),
        case(
            "saturated-4",
            saturated(4, LINE_BYTES, 1_000_000),
            everyone(),
        ),
        case("verify", Work::Verify(1_000_000), vec![]),
    ]);
    for threads in THREADS {
        let load = saturated(threads, LINE_BYTES, 400_000);
        cases.push(case(&format!("threads-{threads}"), load, some(&SOME)));
    }
    for bytes in sizes() {
        let events = (200_000_000 / bytes as u64).min(400_000);
        let load = saturated(1, bytes, events);
        cases.push(case(&format!("sizes-{bytes}"), load, some(&SOME)));
    }
    for processes in PROCESSES {
        let work = Work::Processes(processes);
        cases.push(case(&format!("processes-{processes}"), work, some(&OURS)));
    }
    cases.push(case("logs", Work::Logs, vec![]).once());
    cases
}

/// Whether that contender is one of the crates that others publish.
pub(crate) fn is_peer(contender: &str) -> bool {
    named(contender).is_some_and(|one| one.kind == Who::Peer)
}

impl Case {
    /// Whether one of these names is its name, or the word that it begins with.
    pub(crate) fn is_among(&self, names: &[String]) -> bool {
        names.iter().any(|name| {
            let rest = self.name.strip_prefix(name.as_str());
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('-'))
        })
    }

    fn once(self) -> Self {
        Self {
            is_once: true,
            ..self
        }
    }
}

fn case(name: &str, work: Work, contenders: Vec<&'static str>) -> Case {
    Case {
        name: name.to_owned(),
        work,
        contenders,
        is_once: false,
    }
}

fn paced(per_second: u32, events: u64) -> Work {
    load(Kind::Paced(per_second), 1, LINE_BYTES, events)
}

fn saturated(threads: u64, bytes: usize, events: u64) -> Work {
    load(Kind::Throughput, threads, bytes, events)
}

fn load(kind: Kind, threads: u64, bytes: usize, events: u64) -> Work {
    Work::Load(Load {
        kind,
        threads,
        bytes,
        blocks: true,
        events,
    })
}

/// Callers that don't wait for anything, a queue that is full most of the time.
fn dropping(events: u64) -> Work {
    Work::Load(Load {
        kind: Kind::Saturated,
        threads: 1,
        bytes: LINE_BYTES,
        blocks: false,
        events,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cases_are_chosen_by_name_or_first_word() {
        let chosen = |names: &str| {
            let names: Vec<String> = names.split(',').map(String::from).collect();
            let cases = all().into_iter().filter(|case| case.is_among(&names));
            cases.map(|case| case.name).collect::<Vec<_>>()
        };
        assert_eq!(chosen("saturated-1"), ["saturated-1"]);
        assert_eq!(
            chosen("paced,idle"),
            ["idle", "paced-10", "paced-200", "paced-50000"]
        );
        assert!(chosen("sat,threads-").is_empty());
    }
}
