//! The summary at the end, for 80 columns.

use std::fmt;
use std::time::Duration;

use audit_jsonl::Counters;

use crate::log::Reread;
use crate::options::Options;
use crate::tally::{KINDS, Tally};
use crate::tools::{self, TOOLS};
use crate::workload::Workload;

const WIDTH: usize = 80;

pub(crate) struct Report<'a> {
    pub(crate) options: &'a Options,
    pub(crate) workload: &'a Workload,
    pub(crate) tally: &'a Tally,
    pub(crate) wall: Duration,
    pub(crate) counters: Counters,
    pub(crate) reread: &'a Reread,
}

impl Report<'_> {
    /// Whether the sink's counters and the log agree with the calls.
    pub(crate) fn verdict(&self) -> Result<(), String> {
        let Counters {
            offered,
            written,
            dropped,
            fallen_back,
            queued,
            ..
        } = self.counters;
        let calls = self.options.calls;
        if offered != written + dropped + fallen_back + queued {
            return Err(format!("the counters don't add up: {}", self.counters));
        }
        if (offered, written) != (calls, calls) {
            return Err(format!("of {calls} calls: {}", self.counters));
        }
        if self.reread.counts != self.tally.counts {
            return Err("the log doesn't say the same as the runtime".into());
        }
        Ok(())
    }

    /// Outcomes downwards, tools across.
    fn table(&self) -> Vec<Vec<String>> {
        let mut columns = Vec::new();
        for tool in &TOOLS {
            let name = tool.id.trim_start_matches("files:");
            columns.push(self.column(name, |id| id == tool.id));
        }
        columns.push(self.column("other", |id| tools::find(id).is_none()));
        columns.push(self.column("all", |_| true));

        let mut labels = vec![String::new()];
        labels.extend(KINDS.map(Into::into));
        labels.extend(["calls", "p50", "p99"].map(Into::into));
        columns.insert(0, labels);
        columns
    }

    fn column(&self, name: &str, belongs: impl Fn(&str) -> bool) -> Vec<String> {
        let mut column = vec![name.to_owned()];
        let counts = self.tally.counts.iter();
        let counts: Vec<_> = counts.filter(|((tool, _), _)| belongs(tool)).collect();
        for kind in KINDS {
            let of_kind = counts.iter().filter(|((_, its), _)| *its == kind);
            column.push(match of_kind.map(|(_, count)| **count).sum() {
                0 => "-".into(),
                count => grouped(count),
            });
        }
        let took = self.tally.took.iter();
        let mut took: Vec<Duration> = took
            .filter(|(tool, _)| belongs(tool))
            .flat_map(|(_, took)| took.iter().copied())
            .collect();
        took.sort_unstable();
        column.push(grouped(took.len() as u64));
        column.push(short(percentile(&took, 50)));
        column.push(short(percentile(&took, 99)));
        column
    }

    /// What recording cost the callers, beside what the calls themselves took.
    fn cost(&self) -> String {
        let mut each = self.tally.in_on_call.clone();
        each.sort_unstable();
        let all: Duration = each.iter().sum();
        let calls: Duration = self.tally.took.values().flatten().sum();
        format!(
            "{} median, {} p99, {} mean: {:.1} % of the calls' time",
            short(percentile(&each, 50)),
            short(percentile(&each, 99)),
            short(all.div_f64(each.len().max(1) as f64)),
            100.0 * all.as_secs_f64() / calls.as_secs_f64(),
        )
    }
}

impl fmt::Display for Report<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let options = self.options;
        writeln!(
            f,
            "{} about {} in {}",
            counted(options.calls, "call", "calls"),
            counted(self.workload.files(), "file", "files"),
            counted(self.workload.directories(), "directory", "directories"),
        )?;
        writeln!(
            f,
            "{}, {}, {} calls/s\n",
            counted(options.threads, "thread", "threads"),
            short(self.wall),
            grouped((options.calls as f64 / self.wall.as_secs_f64()) as u64),
        )?;
        write_table(f, &self.table())?;
        let agree = match self.verdict() {
            Ok(()) => "all agree",
            Err(_) => "which do NOT agree with the calls",
        };
        writeln!(f)?;
        writeln!(f, "on_call  {}", self.cost())?;
        writeln!(f, "sink     {}", self.counters)?;
        writeln!(
            f,
            "log      {}, {} of this run",
            options.log.display(),
            size(self.reread.bytes)
        )?;
        writeln!(
            f,
            "re-read  {}, {agree}\n",
            counted(self.reread.records, "record", "records")
        )?;
        for kind in ["success", "capability_denied", "execution_failed"] {
            if let Some(line) = self.reread.samples.get(kind) {
                writeln!(f, "{}", cut(&abridged(line)))?;
            }
        }
        writeln!(f, "\nNext: tail -n 3 {}", options.log.display())
    }
}

/// The first column to the left, the rest to the right.
fn write_table(f: &mut fmt::Formatter<'_>, columns: &[Vec<String>]) -> fmt::Result {
    let width = |column: &Vec<String>| column.iter().map(|cell| cell.chars().count()).max();
    let widths: Vec<usize> = columns.iter().filter_map(width).collect();
    let rows = columns.first().map_or(0, Vec::len);
    for row in 0..rows {
        for (at, (column, width)) in columns.iter().zip(&widths).enumerate() {
            let cell = &column[row];
            match at {
                0 => write!(f, "{cell:<width$}")?,
                _ => write!(f, "  {cell:>width$}")?,
            }
        }
        writeln!(f)?;
    }
    Ok(())
}

/// The members of a record that tell most at a glance.
fn abridged(line: &str) -> String {
    let between = |from: &str, to: &str| {
        let start = line.find(from)?;
        let end = start + line[start..].find(to)?;
        line.get(start..end)
    };
    let who = between("\"tool_id\"", ",\"granted_capabilities\"");
    let how = between("\"outcome\"", ",\"tier\"");
    match (who, how) {
        (Some(who), Some(how)) => format!("{{…{who}…{how}…}}"),
        _ => line.to_owned(),
    }
}

fn cut(line: &str) -> String {
    if line.chars().count() <= WIDTH {
        return line.to_owned();
    }
    line.chars().take(WIDTH - 1).chain(['…']).collect()
}

fn percentile(sorted: &[Duration], percent: usize) -> Duration {
    let at = (sorted.len() * percent / 100).min(sorted.len().saturating_sub(1));
    sorted.get(at).copied().unwrap_or_default()
}

fn short(time: Duration) -> String {
    let ns = time.as_nanos();
    match ns {
        0..1_000 => format!("{ns} ns"),
        1_000..10_000 => format!("{:.1} µs", ns as f64 / 1e3),
        10_000..1_000_000 => format!("{} µs", ns / 1_000),
        1_000_000..10_000_000 => format!("{:.1} ms", ns as f64 / 1e6),
        10_000_000..1_000_000_000 => format!("{} ms", ns / 1_000_000),
        _ => format!("{:.1} s", time.as_secs_f64()),
    }
}

fn size(bytes: u64) -> String {
    match bytes {
        0..10_000 => format!("{} bytes", grouped(bytes)),
        10_000..1_000_000 => format!("{} kB", bytes / 1_000),
        _ => format!("{:.1} MB", bytes as f64 / 1e6),
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
    let digits = number.to_string();
    let mut out = String::new();
    for (at, digit) in digits.char_indices() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}
