//! The summary at the end, for 80 columns.

use std::fmt;
use std::time::Duration;

use audit_jsonl::{Counters, MemorySink, Query, verify};

use crate::log::{Counts, Reread};
use crate::options::Options;
use crate::runtime::Ended;
use crate::tools::{self, TOOLS};
use crate::workload::Workload;

const WIDTH: usize = 80;

/// The six ways in which a call ends, as the log names them.
const KINDS: [&str; 6] = [
    "success",
    "execution_failed",
    "invalid_args",
    "capability_denied",
    "rate_limited",
    "tool_not_found",
];

/// What the callers know of their calls.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    counts: Counts,
    took: Duration,
    recording: Vec<Duration>,
}

impl Tally {
    pub(crate) fn add(&mut self, tool: &str, ended: &Ended) {
        let tool = tools::known_or_other(tool);
        let key = (tool.to_owned(), ended.outcome.kind().to_owned());
        *self.counts.entry(key).or_default() += 1;
        self.took += ended.took;
        self.recording.push(ended.recording);
    }

    pub(crate) fn merge(&mut self, other: Self) {
        for (key, count) in other.counts {
            *self.counts.entry(key).or_default() += count;
        }
        self.took += other.took;
        self.recording.extend(other.recording);
    }
}

pub(crate) struct Report<'a> {
    pub(crate) options: &'a Options,
    pub(crate) workload: &'a Workload,
    pub(crate) tally: &'a Tally,
    pub(crate) wall: Duration,
    pub(crate) counters: Counters,
    pub(crate) memory: &'a MemorySink,
    pub(crate) reread: &'a Reread,
    pub(crate) verified: &'a verify::Report,
}

impl Report<'_> {
    /// Whether the sink's counters and the log agree with the calls.
    pub(crate) fn verdict(&self) -> Result<(), String> {
        let calls = self.options.calls;
        if (self.counters.offered, self.counters.written) != (calls, calls) {
            return Err(format!("of {calls} calls: {}", self.counters));
        }
        if self.reread.counts != self.tally.counts {
            return Err("the log doesn't say the same as the runtime".into());
        }
        Ok(())
    }

    /// Outcomes downwards, tools across.
    fn table(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let known = |id: &str| tools::find(id).is_some();
        for kind in [""].iter().chain(&KINDS).chain(&["calls"]) {
            write!(f, "{kind:<17}")?;
            for tool in TOOLS.iter().map(|tool| Some(tool.id)).chain([None]) {
                let cell = match *kind {
                    "" => tool.unwrap_or("files:other")["files:".len()..].to_owned(),
                    kind => self.count(kind, |id| tool.map_or(!known(id), |tool| id == tool)),
                };
                write!(f, "{cell:>9}")?;
            }
            let all = match *kind {
                "" => "all".into(),
                kind => self.count(kind, |_| true),
            };
            writeln!(f, "{all:>9}")?;
        }
        Ok(())
    }

    /// How many calls of some tools ended so.
    fn count(&self, kind: &str, of: impl Fn(&str) -> bool) -> String {
        let counts = self.tally.counts.iter();
        let counted = counts.filter(|((tool, its), _)| of(tool) && [its, "calls"].contains(&kind));
        match counted.map(|(_, count)| count).sum() {
            0 => "-".into(),
            count => grouped(count),
        }
    }

    /// What recording cost the callers, beside what the calls themselves took.
    fn cost(&self) -> String {
        let mut each = self.tally.recording.clone();
        each.sort_unstable();
        let all: Duration = each.iter().sum();
        let percentile =
            |percent: usize| short(each[(each.len() * percent / 100).min(each.len() - 1)]);
        format!(
            "{} median, {} p99, {} mean: {:.1} % of the calls' time",
            percentile(50),
            percentile(99),
            short(all.div_f64(each.len() as f64)),
            100.0 * all.as_secs_f64() / self.tally.took.as_secs_f64(),
        )
    }

    /// What a status page might show.
    fn memory(&self) -> String {
        let held = grouped(self.memory.count() as u64);
        let all = counted(self.memory.total(), "call", "calls");
        let denied = Query::new().outcome("capability_denied").limit(1);
        let last = match self.memory.query(&denied).first() {
            Some(call) => format!("the last one denied was of {}", call.tool_id),
            None => "none of them was denied".into(),
        };
        format!("{held} of {all} held; {last}")
    }

    /// What the verifier says of the whole log, other runs included.
    fn verified(&self) -> String {
        let lines = self.verified.logs.iter().map(|log| log.lines).sum();
        let lines = counted(lines, "line", "lines");
        let complete = match self.verified.complete {
            true => "and complete",
            false => "but not complete",
        };
        let mut last = self.verified.logs.iter().filter_map(|log| log.last);
        let head = last.next().map(|last| last.head().to_string());
        let head = head.unwrap_or_default();
        let line = format!("verify   intact {complete}, {lines}, head {head}");
        line.chars().take(WIDTH - 1).chain(['…']).collect()
    }
}

impl fmt::Display for Report<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let options = self.options;
        let log = options.log.display();
        let files = counted(self.workload.files(), "file", "files");
        let directories = counted(self.workload.directories(), "directory", "directories");
        let calls = counted(options.calls, "call", "calls");
        writeln!(f, "{calls} about {files} in {directories}")?;
        let rate = grouped((options.calls as f64 / self.wall.as_secs_f64()) as u64);
        let threads = counted(options.threads, "thread", "threads");
        writeln!(f, "{threads}, {}, {rate} calls/s\n", short(self.wall))?;
        self.table(f)?;
        let agree = match self.verdict() {
            Ok(()) => "all agree",
            Err(_) => "which do NOT agree with the calls",
        };
        let megabytes = self.reread.bytes as f64 / 1e6;
        let records = counted(self.reread.records, "record", "records");
        writeln!(f, "\nrecord   {}", self.cost())?;
        writeln!(f, "sink     {}", self.counters)?;
        writeln!(f, "memory   {}", self.memory())?;
        writeln!(f, "log      {log}, {megabytes:.1} MB of this run")?;
        writeln!(f, "re-read  {records}, {agree}")?;
        writeln!(f, "{}", self.verified())?;
        writeln!(f, "\nNext: tail -n 3 {log}")
    }
}

fn short(time: Duration) -> String {
    let ns = time.as_nanos() as f64;
    match time.as_nanos() {
        0..1_000 => format!("{ns} ns"),
        1_000..1_000_000 => format!("{:.1} µs", ns / 1e3),
        1_000_000..1_000_000_000 => format!("{:.0} ms", ns / 1e6),
        _ => format!("{:.1} s", ns / 1e9),
    }
}

fn counted(number: u64, one: &str, many: &str) -> String {
    format!(
        "{} {}",
        grouped(number),
        if number == 1 { one } else { many }
    )
}

/// Digits in threes: `20,000`.
fn grouped(number: u64) -> String {
    match number {
        0..1_000 => number.to_string(),
        _ => format!("{},{:03}", grouped(number / 1_000), number % 1_000),
    }
}
