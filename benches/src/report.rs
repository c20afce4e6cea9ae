//! The tables: as text for whoever runs it, as Markdown for the docs.

use std::fmt::Write as _;

use crate::case::{PROCESSES, THREADS, sizes};
use crate::contender::{CONTENDERS, Kind};
use crate::floors;
use crate::results::{Results, median};

/// With more than this of the machine used by others, figures mean little.
const BUSY: f64 = 0.15;

/// A table, or a few lines, about one thing.
pub(crate) struct Section {
    /// Its name in the docs.
    pub(crate) name: &'static str,
    title: &'static str,
    pub(crate) table: Table,
}

pub(crate) struct Table {
    head: Vec<String>,
    rows: Vec<Vec<String>>,
}

impl Table {
    pub(crate) fn new<S: AsRef<str>>(head: &[S]) -> Self {
        Self {
            head: head.iter().map(|head| head.as_ref().to_owned()).collect(),
            rows: Vec::new(),
        }
    }

    pub(crate) fn row(&mut self, row: impl IntoIterator<Item = String>) {
        self.rows.push(row.into_iter().collect());
    }

    fn text(&self) -> String {
        let all = || [&self.head].into_iter().chain(&self.rows);
        let length = |text: &String| text.chars().count();
        let widths: Vec<usize> = (0..self.head.len())
            .map(|at| all().map(|row| length(&row[at])).max().unwrap_or(0))
            .collect();
        let mut text = String::new();
        for row in all() {
            let mut line = String::new();
            for (at, (cell, width)) in row.iter().zip(&widths).enumerate() {
                let pad = " ".repeat(width - length(cell));
                // Names stand to the left, numbers to the right.
                let (before, after) = if at == 0 { ("", &*pad) } else { (&*pad, "") };
                let _ = write!(line, "{before}{cell}{after}  ");
            }
            text.push_str(line.trim_end());
            text.push('\n');
        }
        text
    }

    pub(crate) fn markdown(&self) -> String {
        let line = |cells: &[String]| format!("| {} |\n", cells.join(" | ")).replace("  ", " ");
        let rule: Vec<String> = (0..self.head.len())
            .map(|at| if at == 0 { "---" } else { "---:" }.to_owned())
            .collect();
        let mut text = line(&self.head);
        text.push_str(&line(&rule));
        for row in &self.rows {
            text.push_str(&line(row));
        }
        text
    }
}

/// Of all sections, those of which something was measured.
pub(crate) fn sections(results: &Results) -> Vec<Section> {
    let section = |name, title, table| Section { name, title, table };
    let all = [
        section("limits", "what the machine allows, ns", limits(results)),
        section(
            "latency",
            "on_call, µs, without the clock's own cost",
            latency(results),
        ),
        section(
            "throughput",
            "until all is written, nothing lost, 1 caller and 4",
            throughput(results),
        ),
        section(
            "drop",
            "a caller that never waits, a queue that is full",
            drop_when_full(results),
        ),
        section(
            "allocations",
            "allocations per warm on_call, on the caller's thread",
            allocations(results),
        ),
        section(
            "commits",
            "events made durable one by one",
            commits(results),
        ),
        section(
            "threads",
            "M events/s by the number of calling threads",
            growth(results, "threads", &THREADS.map(|n| (n, n.to_string()))),
        ),
        section(
            "sizes",
            "M events/s by the bytes of the event's line",
            growth(
                results,
                "sizes",
                &sizes().map(|n| (n as u64, format!("{n} B"))),
            ),
        ),
        section(
            "processes",
            "M events/s by the number of processes that write one log",
            growth(results, "processes", &PROCESSES.map(|n| (n, n.to_string()))),
        ),
        section("logs", "a log as it grows", logs(results)),
        section("floors", "floors and goals", floors::table(results)),
    ];
    let mut all = Vec::from(all);
    all.retain(|section| !section.table.rows.is_empty());
    all
}

pub(crate) fn text(results: &Results) -> String {
    let mut text = String::new();
    for section in sections(results) {
        if results.is_quick() && section.name == "floors" {
            continue;
        }
        let _ = write!(text, "\n{}\n\n{}", section.title, section.table.text());
    }
    let _ = write!(text, "\n{}\n", machine(results));
    text
}

/// What the figures were had on.
pub(crate) fn machine(results: &Results) -> String {
    let head = &results.head;
    let told = |key: &str| head[key].as_str().unwrap_or("unknown").to_owned();
    let mut text = format!(
        "Rounds: {}, of which medians are told. {} processors ({}), {}; load average before: {}.",
        head["rounds"],
        head["processors"],
        told("processor"),
        told("kernel"),
        told("load_average"),
    );
    if let Some((middle, most)) = results.others() {
        let _ = write!(
            text,
            " Others, stolen time among it, used {:.0} % of the machine in the middle run and \
             {:.0} % in the worst.",
            middle * 100.0,
            most * 100.0
        );
        if middle > BUSY {
            text.push_str(" Too busy to judge: callers and writers were late.");
        }
    }
    text
}

fn limits(results: &Results) -> Table {
    let mut table = Table::new(&["", "ns"]);
    let mut names: Vec<&str> = Vec::new();
    for run in results.runs("limits") {
        let name = run["what"].as_str().unwrap_or_default();
        if !names.contains(&name) {
            names.push(name);
        }
    }
    for name in names {
        let costs = results
            .runs("limits")
            .filter(|run| run["what"] == name)
            .filter_map(|run| run["ns"].as_f64());
        table.row([name.to_owned(), number(median(costs.collect()))]);
    }
    table
}

fn latency(results: &Results) -> Table {
    let head = [
        "",
        "10/s: p50",
        "200/s: p50",
        "50,000/s: p50",
        "p99",
        "p99.9",
        "max",
        "and flush: p50",
        "lost",
    ];
    let mut table = Table::new(&head);
    for contender in CONTENDERS {
        let name = contender.name;
        let cell = |case, key| number(results.median(case, name, key).map(|ns| ns / 1e3));
        let fast = "paced-50000";
        let cases = ["paced-10", "paced-200", fast, "flushed"];
        if cases
            .iter()
            .all(|case| results.all(case, name, "max_ns").is_empty())
        {
            continue;
        }
        let lost: f64 = cases
            .iter()
            .flat_map(|case| results.all(case, name, "lost"))
            .sum();
        table.row([
            name.to_owned(),
            cell("paced-10", "p50_ns"),
            cell("paced-200", "p50_ns"),
            cell(fast, "p50_ns"),
            cell(fast, "p99_ns"),
            cell(fast, "p99.9_ns"),
            cell(fast, "max_ns"),
            cell("flushed", "p50_ns"),
            format!("{lost}"),
        ]);
    }
    table
}

fn throughput(results: &Results) -> Table {
    let head = [
        "",
        "M/s, 1",
        "ours to it",
        "CPU µs",
        "MiB",
        "M/s, 4",
        "ours to it",
        "CPU µs",
        "MiB",
        "lost",
    ];
    let mut table = Table::new(&head);
    let cases = ["saturated-1", "saturated-4"];
    for contender in CONTENDERS {
        let name = contender.name;
        if cases
            .iter()
            .all(|case| results.all(case, name, "events_per_s").is_empty())
        {
            continue;
        }
        let mut row = vec![name.to_owned()];
        for case in cases {
            let cell = |key, unit| number(results.median(case, name, key).map(|n| n / unit));
            let ratio = results.ratio((case, "ours"), (case, name), "events_per_s");
            row.push(cell("events_per_s", 1e6));
            row.push(ratio.map_or("–".into(), |ratio| share(ratio.middle)));
            row.push(cell("processor_ns", 1e3));
            row.push(cell("peak_kib", 1024.0));
        }
        let lost: f64 = cases
            .iter()
            .flat_map(|case| results.all(case, name, "lost"))
            .sum();
        row.push(format!("{lost}"));
        table.row(row);
    }
    table
}

fn drop_when_full(results: &Results) -> Table {
    let mut table = Table::new(&["", "p50 µs", "p99 µs", "lost", "counted by itself"]);
    for contender in CONTENDERS.iter().filter(|one| one.can_drop) {
        let name = contender.name;
        let value = |key| results.median("drop", name, key);
        let (Some(lost), Some(offered)) = (value("lost"), value("offered")) else {
            continue;
        };
        let runs = || results.runs("drop").filter(|run| run["contender"] == name);
        let counts = if runs().all(|run| run["told"].is_null()) {
            "no"
        } else if runs().all(|run| run["told"] == run["lost"]) {
            "yes"
        } else {
            "wrongly"
        };
        table.row([
            name.to_owned(),
            number(value("p50_ns").map(|ns| ns / 1e3)),
            number(value("p99_ns").map(|ns| ns / 1e3)),
            format!("{:.0} %", lost / offered * 100.0),
            counts.to_owned(),
        ]);
    }
    table
}

fn allocations(results: &Results) -> Table {
    let mut table = Table::new(&["", "each"]);
    for contender in CONTENDERS {
        let each = results.median("allocations", contender.name, "allocations");
        if each.is_some() {
            table.row([contender.name.to_owned(), number(each)]);
        }
    }
    table
}

fn commits(results: &Results) -> Table {
    let mut table = Table::new(&["", "per s", "to one sync each", "of the rounds"]);
    for (case, name) in [
        ("commits-each", "one write and one sync each"),
        ("commits-1", "`commit`, 1 thread"),
        ("commits-8", "`commit`, 8 threads"),
        ("commits-64", "`commit`, 64 threads"),
    ] {
        let key = "commits_per_s";
        let Some(rate) = results.median(case, "-", key) else {
            continue;
        };
        let ratio = results.ratio((case, "-"), ("commits-each", "-"), key);
        table.row([
            name.to_owned(),
            number(Some(rate)),
            ratio.map_or(String::new(), |ratio| share(ratio.middle)),
            ratio.map_or(String::new(), |ratio| {
                format!("{} to {}", share(ratio.least), share(ratio.most))
            }),
        ]);
    }
    table
}

/// A row for each contender, a column for each point.
fn growth(results: &Results, word: &str, points: &[(u64, String)]) -> Table {
    let head = [String::new()]
        .into_iter()
        .chain(points.iter().map(|(_, head)| head.clone()));
    let mut table = Table::new(&head.collect::<Vec<_>>());
    for contender in CONTENDERS {
        let rate = |point: &(u64, String)| {
            let case = format!("{word}-{}", point.0);
            results.median(&case, contender.name, "events_per_s")
        };
        if points.iter().all(|point| rate(point).is_none()) {
            continue;
        }
        let cells = points
            .iter()
            .map(|point| number(rate(point).map(|rate| rate / 1e6)));
        table.row([contender.name.to_owned()].into_iter().chain(cells));
    }
    table
}

fn logs(results: &Results) -> Table {
    let head = [
        "lines",
        "GB",
        "open µs",
        "last 10 calls µs",
        "query ms",
        "MiB",
        "verify ms",
        "MiB",
        "M lines/s",
    ];
    let mut table = Table::new(&head);
    for run in results.runs("logs") {
        let lines = run["lines"].as_f64().unwrap_or_default();
        if let Some(why) = run["not_run"].as_str() {
            let rest = (1..head.len()).map(|at| {
                if at == 1 {
                    why.to_owned()
                } else {
                    String::new()
                }
            });
            table.row([grouped(lines)].into_iter().chain(rest));
            continue;
        }
        let cell = |key: &str, unit: f64| number(run[key].as_f64().map(|n| n / unit));
        let rate = run["verify_ns"].as_f64().map(|ns| lines / ns * 1e3);
        table.row([
            grouped(lines),
            cell("bytes", 1e9),
            cell("open_ns", 1e3),
            cell("tail_ns", 1e3),
            cell("query_ns", 1e6),
            cell("query_kib", 1024.0),
            cell("verify_ns", 1e6),
            cell("verify_kib", 1024.0),
            number(rate),
        ]);
    }
    table
}

/// How the contenders are set up, and what is unequal about that.
pub(crate) fn setups() -> String {
    let mut text = String::new();
    for contender in CONTENDERS {
        let kind = match contender.kind {
            Kind::Ours => "",
            Kind::Design => " (a design, not a crate)",
            Kind::Peer => " (a crate)",
        };
        let _ = write!(text, "- **{}**{kind}: {}.", contender.name, contender.setup);
        if !contender.unequal.is_empty() {
            let _ = write!(text, " Unequal: {}.", contender.unequal);
        }
        text.push('\n');
    }
    text
}

/// Three digits or so.
pub(crate) fn number(value: Option<f64>) -> String {
    match value {
        None => "–".into(),
        Some(0.0) => "0".into(),
        Some(value) if value < 10.0 => format!("{value:.3}"),
        Some(value) if value < 100.0 => format!("{value:.1}"),
        Some(value) => grouped(value),
    }
}

/// A ratio.
pub(crate) fn share(value: f64) -> String {
    if value < 10.0 {
        format!("{value:.2}")
    } else {
        format!("{value:.1}")
    }
}

/// A whole number, its digits by threes.
fn grouped(value: f64) -> String {
    let digits = format!("{value:.0}");
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at) % 3 == 0 {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_told_briefly() {
        let told = [None, Some(0.0), Some(0.12345), Some(12.34), Some(1234.5)].map(number);
        assert_eq!(told, ["–", "0", "0.123", "12.3", "1,234"]);
    }

    #[test]
    fn tables_are_text_and_markdown() {
        let mut table = Table::new(&["", "ns"]);
        table.row(["a".into(), "12".into()]);
        assert_eq!(table.text(), "   ns\na  12\n");
        assert_eq!(table.markdown(), "| | ns |\n| --- | ---: |\n| a | 12 |\n");
    }
}
