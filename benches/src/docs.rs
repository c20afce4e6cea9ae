//! docs/benchmarks.md and its plots, written anew from the results of one whole run.

use std::error::Error;
use std::fs;
use std::path::Path;

use crate::case::{PROCESSES, THREADS, is_peer, sizes};
use crate::contender::CONTENDERS;
use crate::plot::{Bar, Line, Range, bars, lines, ranges};
use crate::report;
use crate::results::Results;

/// What stands between a line `<!-- measured: NAME -->` and the next `<!-- end -->` is
/// written by this; the rest of the page isn't touched.
const BEGIN: &str = "<!-- measured: ";
const END: &str = "<!-- end -->";

pub(crate) fn write(results: &Results, root: &Path) -> Result<(), Box<dyn Error>> {
    if !CONTENDERS.iter().any(|one| is_peer(one.name)) {
        return Err("--write-docs needs the crates of others; leave out --ours".into());
    }
    let missing = results.missing();
    if !missing.is_empty() {
        let missing = missing.join(", ");
        return Err(format!("--write-docs needs all cases in one run; not run: {missing}").into());
    }
    let page = root.join("docs").join("benchmarks.md");
    let mut text = fs::read_to_string(&page)?;
    text = put(&text, "machine", &format!("{}\n", report::machine(results)))?;
    text = put(&text, "contenders", &report::setups())?;
    for section in report::sections(results) {
        text = put(&text, section.name, &section.table.markdown())?;
    }
    fs::write(&page, text)?;
    let plots = root.join("docs").join("benchmarks");
    fs::create_dir_all(&plots)?;
    for (name, plot) in plots_of(results) {
        fs::write(plots.join(format!("{name}.svg")), plot)?;
    }
    println!("\nwrote docs/benchmarks.md and the plots in docs/benchmarks");
    Ok(())
}

/// The page with that text between the markers of that name.
fn put(page: &str, name: &str, text: &str) -> Result<String, String> {
    let marker = format!("{BEGIN}{name} -->\n");
    let lacks = || {
        format!(
            "docs/benchmarks.md: `{}` or its end is missing",
            marker.trim()
        )
    };
    let (before, rest) = page.split_once(&marker).ok_or_else(lacks)?;
    let (_, after) = rest.split_once(END).ok_or_else(lacks)?;
    Ok(format!("{before}{marker}\n{text}\n{END}{after}"))
}

fn plots_of(results: &Results) -> [(&'static str, String); 6] {
    let rate = |case: &str, name| results.median(case, name, "events_per_s");
    let throughput = CONTENDERS.iter().filter_map(|one| {
        let value = rate("saturated-1", one.name)? / 1e6;
        Some(Bar {
            name: one.name,
            value,
        })
    });
    let latency = CONTENDERS.iter().filter_map(|one| {
        let value = |key| results.median("paced-50000", one.name, key);
        Some(Range {
            name: one.name,
            from: value("p50_ns")?,
            to: value("p99_ns")?,
        })
    });
    let growth = |word: &str, points: &[u64], bytes: bool| -> Vec<Line> {
        let lines = CONTENDERS.iter().map(|one| Line {
            name: one.name.to_owned(),
            points: points
                .iter()
                .filter_map(|&at| {
                    let rate = rate(&format!("{word}-{at}"), one.name)?;
                    let value = if bytes {
                        rate * at as f64 / 1e6
                    } else {
                        rate / 1e6
                    };
                    Some((at as f64, value))
                })
                .collect(),
        });
        lines.filter(|line| !line.points.is_empty()).collect()
    };
    let of_logs = |name: &str, key: &str| Line {
        name: name.to_owned(),
        points: results
            .runs("logs")
            .filter_map(|run| Some((run["lines"].as_f64()?, run[key].as_f64()? / 1e9)))
            .collect(),
    };
    let logs = [
        of_logs("verify", "verify_ns"),
        of_logs("query, all lines", "query_ns"),
        of_logs("last 10 calls", "tail_ns"),
        of_logs("open", "open_ns"),
    ];
    let byte_points = sizes().map(|bytes| bytes as u64);
    [
        (
            "throughput",
            bars(
                "Million events a second until all is written, 1 caller",
                throughput.collect(),
            ),
        ),
        (
            "latency",
            ranges(
                "on_call at 50,000/s, from p50 to p99, nanoseconds",
                latency.collect(),
            ),
        ),
        (
            "threads",
            lines(
                "Million events a second, by calling threads",
                &growth("threads", &THREADS, false),
                false,
            ),
        ),
        (
            "sizes",
            lines(
                "MB of events a second, by bytes of an event",
                &growth("sizes", &byte_points, true),
                true,
            ),
        ),
        (
            "processes",
            lines(
                "Million events a second, by processes on one log",
                &growth("processes", &PROCESSES, false),
                false,
            ),
        ),
        ("logs", lines("Seconds, by lines of the log", &logs, true)),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_stands_between_the_markers_is_written() {
        let page =
            "a\n<!-- measured: x -->\nold\n<!-- end -->\nb\n<!-- measured: y -->\n<!-- end -->\n";
        let put_x = put(page, "x", "new\n").unwrap();
        assert_eq!(put_x, page.replace("old\n", "\nnew\n\n"));
        assert_eq!(put(&put_x, "x", "new\n").unwrap(), put_x);
        assert!(put(page, "z", "").is_err());
    }

    #[test]
    fn the_page_has_a_place_for_each_section() {
        let page = include_str!("../../docs/benchmarks.md");
        for name in [
            "machine",
            "contenders",
            "floors",
            "limits",
            "latency",
            "throughput",
            "drop",
            "allocations",
            "commits",
            "threads",
            "sizes",
            "processes",
            "logs",
        ] {
            assert!(put(page, name, "").is_ok(), "{name}");
        }
    }
}
