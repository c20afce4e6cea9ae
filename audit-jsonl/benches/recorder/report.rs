//! The tables.

use std::fmt;

use serde_json::Value;

use crate::PARTS;
use crate::commits::{COMMITS, COMMITS_64, ONE_SYNC_EACH};
use crate::design::Design;
use crate::load::{
    BATCH_OF_ONE, FIFTY_THOUSAND, LOADS, TEN, THROUGHPUT_1, THROUGHPUT_4, TWO_HUNDRED,
};
use crate::machine::{self, Usage};

/// With more than so many per cent of the machine used by others, the verdicts
/// mean little.
const BUSY: f64 = 25.0;

pub(crate) struct Report {
    rounds: usize,
    runs: Vec<Value>,
    load_average: Option<String>,
    before: Option<Usage>,
}

/// What is measured of both designs, and wanted.
struct Goal {
    name: &'static str,
    load: &'static str,
    key: &'static str,
    /// How many of its unit the number is.
    unit: f64,
    floor: Floor,
    goal: &'static str,
}

enum Floor {
    /// Ours is at most so many times the seed design's.
    OfSeed(f64, &'static str),
    /// It stands in what the peers reach.
    OfPeers(&'static str),
}

const GOALS: [Goal; 8] = [
    Goal {
        name: "on_call p50, 50,000/s",
        load: FIFTY_THOUSAND,
        key: "p50_ns",
        unit: 1e3,
        floor: Floor::OfSeed(0.2, "1/5 of seed"),
        goal: "0.150 µs",
    },
    Goal {
        name: "on_call p99, 50,000/s",
        load: FIFTY_THOUSAND,
        key: "p99_ns",
        unit: 1e3,
        floor: Floor::OfPeers("below best peer"),
        goal: "1 µs",
    },
    Goal {
        name: "on_call p50, 10/s",
        load: TEN,
        key: "p50_ns",
        unit: 1e3,
        floor: Floor::OfSeed(1.0, "not above seed"),
        goal: "3 µs",
    },
    Goal {
        name: "on_call p50, 200/s",
        load: TWO_HUNDRED,
        key: "p50_ns",
        unit: 1e3,
        floor: Floor::OfSeed(1.0, "not above seed"),
        goal: "3 µs",
    },
    Goal {
        name: "M events/s, 1 thread",
        load: THROUGHPUT_1,
        key: "events_per_s",
        unit: 1e6,
        floor: Floor::OfPeers("2 x best peer"),
        goal: "3 M/s",
    },
    Goal {
        name: "M events/s, 4 threads",
        load: THROUGHPUT_4,
        key: "events_per_s",
        unit: 1e6,
        floor: Floor::OfPeers("1.5 x best peer"),
        goal: "3 M/s",
    },
    Goal {
        name: "processor µs/event, 1 thread",
        load: THROUGHPUT_1,
        key: "processor_ns",
        unit: 1e3,
        floor: Floor::OfPeers("1/2 of best peer"),
        goal: "0.4 µs",
    },
    Goal {
        name: "processor µs/event, 4 threads",
        load: THROUGHPUT_4,
        key: "processor_ns",
        unit: 1e3,
        floor: Floor::OfPeers("1/2 of best peer"),
        goal: "0.4 µs",
    },
];

/// What is measured of chained lines and of plain ones.
struct Chained {
    name: &'static str,
    load: &'static str,
    key: &'static str,
    unit: f64,
    floor: &'static str,
    /// What the best peer reached with plain lines on the reference machine.
    peer: &'static str,
    goal: &'static str,
}

const CHAINED: [Chained; 7] = [
    Chained {
        name: "on_call p50, 50,000/s, µs",
        load: FIFTY_THOUSAND,
        key: "p50_ns",
        unit: 1e3,
        floor: "as plain",
        peer: "0.5-1.5",
        goal: "0.15",
    },
    Chained {
        name: "on_call p99, 50,000/s, µs",
        load: FIFTY_THOUSAND,
        key: "p99_ns",
        unit: 1e3,
        floor: "as plain",
        peer: "2.6-11",
        goal: "1",
    },
    Chained {
        name: "M events/s, 1 thread",
        load: THROUGHPUT_1,
        key: "events_per_s",
        unit: 1e6,
        floor: "1 x best peer",
        peer: "0.5-0.8",
        goal: "2 x best peer",
    },
    Chained {
        name: "M events/s, 4 threads",
        load: THROUGHPUT_4,
        key: "events_per_s",
        unit: 1e6,
        floor: "1 x best peer",
        peer: "1.0",
        goal: "1.2",
    },
    Chained {
        name: "processor µs/event, 1 thread",
        load: THROUGHPUT_1,
        key: "processor_ns",
        unit: 1e3,
        floor: "below best peer",
        peer: "1.6-2",
        goal: "0.9",
    },
    Chained {
        name: "processor µs/event, 4 threads",
        load: THROUGHPUT_4,
        key: "processor_ns",
        unit: 1e3,
        floor: "below best peer",
        peer: "1.6-2",
        goal: "0.9",
    },
    Chained {
        name: "a batch of one event, µs",
        load: BATCH_OF_ONE,
        key: "p50_ns",
        unit: 1e3,
        floor: "-",
        peer: "-",
        goal: "-",
    },
];

/// Commits of 64 threads, to one sync each.
const COMMITS_FLOOR: f64 = 12.0;
const COMMITS_GOAL: f64 = 20.0;

impl Report {
    pub(crate) fn begin(rounds: usize) -> Self {
        Self {
            rounds,
            runs: Vec::new(),
            load_average: machine::load_average(),
            before: Usage::now(),
        }
    }

    pub(crate) fn add(&mut self, run: Value) {
        self.runs.push(run);
    }

    /// That number of every run, in the order of the rounds.
    fn all(&self, load: &str, design: Design, key: &str) -> Vec<f64> {
        self.runs
            .iter()
            .filter(|run| run["load"] == load && run["design"] == design.name())
            .filter_map(|run| run[key].as_f64())
            .collect()
    }

    fn median(&self, load: &str, design: Design, key: &str) -> Option<f64> {
        median(self.all(load, design, key))
    }

    fn latency(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let clocks = self.runs.iter().filter_map(|run| run["clock_ns"].as_f64());
        let Some(clock) = median(clocks.collect()) else {
            return Ok(());
        };
        writeln!(
            f,
            "\nlatency of on_call, µs (without the clock's own {clock} ns)\n"
        )?;
        let heads = ["p50", "p99", "p99.9", "max", "dropped"];
        write!(f, "{:27}{:8}", "load", "design")?;
        for head in heads {
            write!(f, "{head:>10}")?;
        }
        writeln!(f)?;
        for load in LOADS.iter().filter(|load| !load.is_throughput()) {
            for design in load.designs() {
                if self.all(load.name, design, "max_ns").is_empty() {
                    continue;
                }
                write!(f, "{:27}{:8}", load.name, design.name())?;
                for key in ["p50_ns", "p99_ns", "p99.9_ns", "max_ns"] {
                    let microseconds = self.median(load.name, design, key).map(|ns| ns / 1e3);
                    write!(f, "{:>10}", number(microseconds))?;
                }
                let dropped = self.median(load.name, design, "dropped").unwrap_or(0.0);
                writeln!(f, "{:>9.0}%", dropped * 100.0)?;
            }
        }
        Ok(())
    }

    fn throughput(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let measured: Vec<_> = LOADS
            .iter()
            .filter(|load| load.is_throughput())
            .flat_map(|load| load.designs().map(move |design| (load, design)))
            .filter_map(|(load, design)| {
                let rate = self.median(load.name, design, "events_per_s")?;
                Some((load, design, rate))
            })
            .collect();
        if measured.is_empty() {
            return Ok(());
        }
        writeln!(f, "\nthroughput until all is written, without loss\n")?;
        let (rate, cost) = ("events/s", "processor µs/event");
        writeln!(f, "{:27}{:8}{rate:>12}{cost:>20}", "load", "design")?;
        for (load, design, rate) in measured {
            let cost = self.median(load.name, design, "processor_ns");
            let cost = number(cost.map(|ns| ns / 1e3));
            writeln!(
                f,
                "{:27}{:8}{rate:>12.0}{cost:>20}",
                load.name,
                design.name()
            )?;
        }
        Ok(())
    }

    fn parts(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let runs: Vec<&Value> = self
            .runs
            .iter()
            .filter(|run| run["load"] == PARTS)
            .collect();
        let Some(rows) = runs.first().and_then(|run| run["rows"].as_array()) else {
            return Ok(());
        };
        writeln!(f, "\nparts of a call, and what the machine allows, ns\n")?;
        for (at, row) in rows.iter().enumerate() {
            let name = row[0].as_str().unwrap_or_default();
            let costs = runs.iter().filter_map(|run| run["rows"][at][1].as_f64());
            let cost = median(costs.collect()).unwrap_or(f64::NAN);
            writeln!(f, "{name:50}{cost:>8.0}")?;
        }
        Ok(())
    }

    fn goals(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "\nfloors and goals (ratio: ours to seed, with its extremes)\n"
        )?;
        let [ours, seed, ratio] = ["ours", "seed", "ratio"];
        writeln!(
            f,
            "{:31}{ours:>8}{seed:>8}{ratio:>8}  {:17}{:18}{:10}verdict",
            "", "of the rounds", "floor", "goal"
        )?;
        for goal in &GOALS {
            let [ours, seed] =
                [Design::Ours, Design::Seed].map(|design| self.all(goal.load, design, goal.key));
            let Some((ratio, extremes)) = ratio_of(&ours, &seed) else {
                continue;
            };
            let (floor, verdict) = match goal.floor {
                Floor::OfSeed(bound, text) if ratio <= bound => (text, "met"),
                Floor::OfSeed(_, text) => (text, "MISSED"),
                Floor::OfPeers(text) => (
                    text,
                    "no verdict here (peers come with the peer benchmarks)",
                ),
            };
            let [ours, seed] = [ours, seed].map(|all| number(median(all).map(|n| n / goal.unit)));
            writeln!(
                f,
                "{:31}{ours:>8}{seed:>8}{ratio:>8.2}  {extremes:17}{floor:18}{:10}{verdict}",
                goal.name, goal.goal
            )?;
        }
        writeln!(
            f,
            "{:31}see the bench `allocations`, which has an allocator of its own",
            "allocations per on_call"
        )
    }

    fn chained(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut begun = false;
        for row in &CHAINED {
            let [chained, plain] =
                [Design::Chained, Design::Ours].map(|design| self.all(row.load, design, row.key));
            let Some((ratio, extremes)) = ratio_of(&chained, &plain) else {
                continue;
            };
            if !begun {
                writeln!(
                    f,
                    "\nchained lines beside plain ones, both ours (ratio: chained to plain); \
                     of the best peer,\nwhich chains nothing, what the reference machine gave: \
                     no verdict here\n"
                )?;
                let [chained, plain, ratio] = ["chained", "plain", "ratio"];
                writeln!(
                    f,
                    "{:31}{chained:>8}{plain:>8}{ratio:>8}  {:17}{:18}{:12}goal",
                    "", "of the rounds", "floor", "best peer"
                )?;
                begun = true;
            }
            let [chained, plain] =
                [chained, plain].map(|all| number(median(all).map(|n| n / row.unit)));
            writeln!(
                f,
                "{:31}{chained:>8}{plain:>8}{ratio:>8.2}  {extremes:17}{:18}{:12}{}",
                row.name, row.floor, row.peer, row.goal
            )?;
        }
        Ok(())
    }

    fn commits(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let all = |name| -> Vec<f64> {
            self.runs
                .iter()
                .filter(|run| run["load"] == name)
                .filter_map(|run| run["commits_per_s"].as_f64())
                .collect()
        };
        let alone = all(ONE_SYNC_EACH);
        let mut begun = false;
        for name in COMMITS.map(|commits| commits.name) {
            let Some(rate) = median(all(name)) else {
                continue;
            };
            if !begun {
                writeln!(
                    f,
                    "\nevents made durable one by one (ratio: to one sync each)\n"
                )?;
                let [rate, ratio] = ["per s", "ratio"];
                writeln!(
                    f,
                    "{:31}{rate:>8}{ratio:>8}  {:17}{:8}{:8}verdict",
                    "", "of the rounds", "floor", "goal"
                )?;
                begun = true;
            }
            write!(f, "{name:31}{rate:>8.0}")?;
            if let Some((ratio, extremes)) = ratio_of(&all(name), &alone) {
                write!(f, "{ratio:>8.2}  {extremes:17}")?;
                if name == COMMITS_64 {
                    let verdict = if ratio < COMMITS_FLOOR {
                        "MISSED"
                    } else {
                        "met"
                    };
                    let [floor, goal] =
                        [COMMITS_FLOOR, COMMITS_GOAL].map(|bound| bound.to_string());
                    write!(f, "{floor:8}{goal:8}{verdict}")?;
                }
            }
            writeln!(f)?;
        }
        Ok(())
    }

    fn machine(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let processors = std::thread::available_parallelism().map_or(0, usize::from);
        write!(f, "\nthe machine: {processors} processors")?;
        if let Some(load_average) = &self.load_average {
            write!(f, "; load average before: {load_average}")?;
        }
        if let (Some(before), Some(after)) = (self.before, Usage::now()) {
            let used = after.since(before);
            let total = used.total.max(1) as f64;
            // The kernel counts in hundredths of a second.
            let own: f64 = self
                .runs
                .iter()
                .filter_map(|run| run["own_processor_s"].as_f64())
                .sum::<f64>()
                * 100.0;
            let busy = (used.total - used.idle - used.stolen) as f64;
            let others = (busy - own).max(0.0) / total * 100.0;
            let stolen = used.stolen as f64 / total * 100.0;
            write!(
                f,
                "; others used {others:.0} % of them, and {stolen:.1} % were stolen"
            )?;
            if others + stolen > BUSY {
                write!(
                    f,
                    "\nToo busy to judge: callers were late, so the pace wasn't kept."
                )?;
            }
        }
        writeln!(f)
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "medians of {} rounds; \"seed\" is the design that others have",
            self.rounds
        )?;
        self.parts(f)?;
        self.latency(f)?;
        self.throughput(f)?;
        self.goals(f)?;
        self.chained(f)?;
        self.commits(f)?;
        self.machine(f)
    }
}

/// The median of the rounds' ratios, and their extremes. What one round measured
/// belongs together.
fn ratio_of(ours: &[f64], others: &[f64]) -> Option<(f64, String)> {
    let mut ratios: Vec<f64> = ours.iter().zip(others).map(|(a, b)| a / b).collect();
    ratios.sort_unstable_by(f64::total_cmp);
    let (least, most) = (ratios.first()?, ratios.last()?);
    let extremes = format!("{least:.2} to {most:.2}");
    Some((ratios[ratios.len() / 2], extremes))
}

fn median(mut all: Vec<f64>) -> Option<f64> {
    all.sort_unstable_by(f64::total_cmp);
    all.get(all.len() / 2).copied()
}

/// Three digits or so.
fn number(value: Option<f64>) -> String {
    match value {
        None => "-".into(),
        Some(value) if value < 10.0 => format!("{value:.3}"),
        Some(value) if value < 100.0 => format!("{value:.1}"),
        Some(value) => format!("{value:.0}"),
    }
}
