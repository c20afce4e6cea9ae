//! What must be reached, and what is wanted: each a row with a verdict.

use crate::report::{Table, number, share};
use crate::results::Results;

/// A number of ours, and what it is held to.
struct Row {
    what: &'static str,
    of: Of,
    unit: Unit,
    is_more_better: bool,
    floor: Bound,
    goal: Option<Bound>,
}

#[derive(Debug, Clone, Copy)]
enum Of {
    /// The median of a case: its name, the contender, the number.
    Case(&'static str, &'static str, &'static str),
    /// The number of the log of 10 GB.
    TenGb(&'static str),
}

#[derive(Debug, Clone, Copy)]
struct Unit {
    /// How many of what was measured it is.
    of: f64,
    name: &'static str,
}

const NANOSECONDS: Unit = Unit {
    of: 1.0,
    name: "ns",
};
const MICROSECONDS: Unit = Unit {
    of: 1e3,
    name: "µs",
};
const MILLIONS: Unit = Unit {
    of: 1e6,
    name: "M/s",
};
const PER_SECOND: Unit = Unit {
    of: 1.0,
    name: "/s",
};
const MIB: Unit = Unit {
    of: 1024.0,
    name: "MiB",
};
const EACH: Unit = Unit { of: 1.0, name: "" };

/// So many times what it is compared with, at least or at most.
#[derive(Debug, Clone, Copy)]
struct Bound {
    times: f64,
    against: Against,
}

#[derive(Debug, Clone, Copy)]
enum Against {
    /// In that unit.
    Number,
    Seed,
    BestPeer,
    /// The same number of another case.
    Case(&'static str),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verdict {
    Met,
    Missed,
    NotRun,
}

const fn number_of(times: f64) -> Bound {
    let against = Against::Number;
    Bound { times, against }
}

const fn of_seed(times: f64) -> Bound {
    let against = Against::Seed;
    Bound { times, against }
}

const fn of_best(times: f64) -> Bound {
    let against = Against::BestPeer;
    Bound { times, against }
}

const fn of_case(times: f64, case: &'static str) -> Bound {
    let against = Against::Case(case);
    Bound { times, against }
}

const fn less(what: &'static str, of: Of, unit: Unit, floor: Bound, goal: Option<Bound>) -> Row {
    Row {
        what,
        of,
        unit,
        is_more_better: false,
        floor,
        goal,
    }
}

const fn more(what: &'static str, of: Of, unit: Unit, floor: Bound, goal: Option<Bound>) -> Row {
    Row {
        what,
        of,
        unit,
        is_more_better: true,
        floor,
        goal,
    }
}

const PLAIN: &str = "ours";
const CHAINED: &str = "ours, chained";

#[rustfmt::skip]
const ROWS: &[Row] = &[
    less("`on_call` p50, 50,000/s", Of::Case("paced-50000", PLAIN, "p50_ns"), NANOSECONDS, of_seed(0.2), Some(number_of(150.0))),
    less("`on_call` p99, 50,000/s", Of::Case("paced-50000", PLAIN, "p99_ns"), MICROSECONDS, of_best(1.0), Some(number_of(1.0))),
    less("`on_call` p50, 10/s, the writer asleep", Of::Case("paced-10", PLAIN, "p50_ns"), MICROSECONDS, of_seed(1.0), Some(number_of(3.0))),
    less("`on_call` p50, 200/s, the writer asleep", Of::Case("paced-200", PLAIN, "p50_ns"), MICROSECONDS, of_seed(1.0), Some(number_of(3.0))),
    more("saturated, 1 thread, plain", Of::Case("saturated-1", PLAIN, "events_per_s"), MILLIONS, of_best(2.0), Some(number_of(3.0))),
    more("saturated, 1 thread, chained", Of::Case("saturated-1", CHAINED, "events_per_s"), MILLIONS, of_best(1.0), Some(of_best(2.0))),
    more("saturated, 4 threads, plain", Of::Case("saturated-4", PLAIN, "events_per_s"), MILLIONS, of_best(1.5), Some(number_of(3.0))),
    more("saturated, 4 threads, chained", Of::Case("saturated-4", CHAINED, "events_per_s"), MILLIONS, of_best(1.0), Some(number_of(1.2))),
    less("CPU an event, all threads, 1 caller, plain", Of::Case("saturated-1", PLAIN, "processor_ns"), MICROSECONDS, of_best(0.5), Some(number_of(0.4))),
    less("CPU an event, all threads, 1 caller, chained", Of::Case("saturated-1", CHAINED, "processor_ns"), MICROSECONDS, of_best(1.0), Some(number_of(0.9))),
    less("CPU an event, all threads, 4 callers, plain", Of::Case("saturated-4", PLAIN, "processor_ns"), MICROSECONDS, of_best(0.5), Some(number_of(0.4))),
    less("CPU an event, all threads, 4 callers, chained", Of::Case("saturated-4", CHAINED, "processor_ns"), MICROSECONDS, of_best(1.0), Some(number_of(0.9))),
    less("allocations per warm `on_call`, plain", Of::Case("allocations", PLAIN, "allocations"), EACH, number_of(0.0), Some(number_of(0.0))),
    less("allocations per warm `on_call`, chained", Of::Case("allocations", CHAINED, "allocations"), EACH, number_of(0.0), Some(number_of(0.0))),
    more("commits, 64 threads", Of::Case("commits-64", "-", "commits_per_s"), PER_SECOND, of_case(12.0, "commits-each"), Some(of_case(20.0, "commits-each"))),
    more("verify, all checks, lines", Of::Case("verify", "-", "lines_per_s"), MILLIONS, number_of(1.5), Some(number_of(3.0))),
    less("memory, a sink that is idle", Of::Case("idle", "-", "idle_kib"), MIB, number_of(4.0), None),
    less("memory, verify of a log of 10 GB", Of::TenGb("verify_kib"), MIB, number_of(64.0), None),
    less("memory, query of a log of 10 GB", Of::TenGb("query_kib"), MIB, number_of(64.0), None),
];

/// What a number is compared with: how that is told, and the ratio.
struct Compared {
    with: String,
    ratio: f64,
    extremes: Option<(f64, f64)>,
}

impl Row {
    fn ours(&self, results: &Results) -> Option<f64> {
        match self.of {
            Of::Case(case, contender, key) => results.median(case, contender, key),
            Of::TenGb(key) => {
                let is_large = |bytes: &f64| *bytes >= 1e10;
                let large = results.runs("logs").find(|run| {
                    let bytes = run["bytes"].as_f64();
                    bytes.as_ref().is_some_and(is_large)
                });
                large?[key].as_f64()
            }
        }
    }

    fn compared(&self, bound: Bound, results: &Results) -> Option<Compared> {
        let told = |value: Option<f64>| number(value.map(|value| value / self.unit.of));
        let of_runs = |name: &str, to: (&str, &str)| {
            let Of::Case(case, contender, key) = self.of else {
                return None;
            };
            let ratio = results.ratio((case, contender), to, key)?;
            Some(Compared {
                with: format!("{name} {}", told(results.median(to.0, to.1, key))),
                ratio: ratio.middle,
                extremes: Some((ratio.least, ratio.most)),
            })
        };
        match (bound.against, self.of) {
            (Against::Number, _) => Some(Compared {
                with: String::new(),
                ratio: self.ours(results)? / self.unit.of,
                extremes: None,
            }),
            (Against::Seed, Of::Case(case, ..)) => of_runs("seed design", (case, "seed design")),
            (Against::BestPeer, Of::Case(case, _, key)) => {
                let best = results.best_peer(case, key, self.is_more_better)?;
                of_runs(best, (case, best))
            }
            (Against::Case(other), Of::Case(_, contender, _)) => {
                of_runs("one sync each", (other, contender))
            }
            (_, Of::TenGb(_)) => None,
        }
    }

    fn verdict(&self, bound: Bound, results: &Results) -> Verdict {
        match self.compared(bound, results) {
            None => Verdict::NotRun,
            Some(compared) if self.is_more_better && compared.ratio >= bound.times => Verdict::Met,
            Some(compared) if !self.is_more_better && compared.ratio <= bound.times => Verdict::Met,
            Some(_) => Verdict::Missed,
        }
    }

    /// How a bound is told.
    fn told(&self, bound: Bound) -> String {
        let sign = if self.is_more_better { "≥" } else { "≤" };
        let times = bound.times;
        match bound.against {
            Against::Number => format!("{sign} {times} {}", self.unit.name)
                .trim_end()
                .to_owned(),
            Against::Seed => format!("{sign} {times} × seed design"),
            Against::BestPeer => format!("{sign} {times} × best crate"),
            Against::Case(_) => format!("{sign} {times} × one sync each"),
        }
    }
}

impl Verdict {
    fn of_floor(self) -> &'static str {
        match self {
            Self::Met => "met",
            Self::Missed => "**missed**",
            Self::NotRun => "not run",
        }
    }

    fn of_goal(self) -> &'static str {
        match self {
            Self::Met => "met",
            Self::Missed => "open",
            Self::NotRun => "not run",
        }
    }
}

pub(crate) fn table(results: &Results) -> Table {
    let head = [
        "",
        "ours",
        "beside",
        "ratio",
        "of the rounds",
        "floor",
        "",
        "goal",
        "",
    ];
    let mut table = Table::new(&head);
    for row in ROWS {
        let ours = number(row.ours(results).map(|ours| ours / row.unit.of));
        let compared = row.compared(row.floor, results);
        let has_ratio = !matches!(row.floor.against, Against::Number);
        let (beside, ratio, extremes) = match &compared {
            Some(compared) if has_ratio => (
                compared.with.clone(),
                share(compared.ratio),
                compared.extremes.map_or(String::new(), |(least, most)| {
                    format!("{} to {}", share(least), share(most))
                }),
            ),
            _ => Default::default(),
        };
        let (goal, reached) = match row.goal {
            Some(goal) => (row.told(goal), row.verdict(goal, results).of_goal()),
            None => ("–".to_owned(), ""),
        };
        table.row([
            row.what.to_owned(),
            format!("{ours} {}", row.unit.name).trim_end().to_owned(),
            beside,
            ratio,
            extremes,
            row.told(row.floor),
            row.verdict(row.floor, results).of_floor().to_owned(),
            goal,
            reached.to_owned(),
        ]);
    }
    table
}

/// The rows whose floor is missed.
pub(crate) fn missed(results: &Results) -> Vec<&'static str> {
    let rows = ROWS.iter();
    let missed = rows.filter(|row| row.verdict(row.floor, results) == Verdict::Missed);
    missed.map(|row| row.what).collect()
}
