//! The report for people, in colour where there is colour.

use std::fmt::Display;

use anstyle::Style;
use audit_jsonl::verify::{
    HeadFile, HeadFinding, HeadReport, HeadSource, Integrity, LogReport, Problem, Report,
};

use crate::exit::Failure;
use crate::output::{BAD, BOLD, CAREFUL, DIM, GOOD, NAME, Output};
use crate::text::{Message, grouped, shown};

/// Verdicts first, then what is behind them.
pub(crate) fn report(report: &Report, output: &mut Output) -> Result<(), Failure> {
    for (nth, log) in report.logs.iter().enumerate() {
        if nth > 0 {
            output.line("")?;
        }
        verdicts(log, output)?;
        problems(log, output)?;
        heading("what is there", output)?;
        write_block(&log.completeness, output)?;
        heading("head", output)?;
        heads(log, output)?;
    }
    Ok(())
}

fn verdicts(log: &LogReport, output: &mut Output) -> Result<(), Failure> {
    let palette = output.palette();
    let path = log.path.display().to_string();
    output.line(palette.paint(BOLD, shown(&path, &palette)))?;
    let style = match log.integrity {
        Integrity::Intact => GOOD,
        Integrity::NotIntact => BAD,
        _ => CAREFUL,
    };
    let counts = log.problem_counts.iter();
    let counts: Vec<String> = counts
        .map(|(kind, count)| format!("{} {kind}", grouped(*count)))
        .collect();
    let sign = if counts.is_empty() { "" } else { ": " };
    let integrity = palette.paint(style, log.integrity);
    output.line(format_args!(
        "  integrity     {integrity}{sign}{}",
        counts.join(", ")
    ))?;
    let (style, complete) = match (log.complete, log.integrity) {
        (true, Integrity::Intact) => (GOOD, "complete"),
        (true, _) => (Style::new(), "complete, as far as can be said"),
        (false, _) => (CAREFUL, "not complete"),
    };
    output.line(format_args!(
        "  completeness  {}",
        palette.paint(style, complete)
    ))?;
    let (lines, files) = (count(log.lines, "line"), count(log.files, "file"));
    let bytes = count(log.bytes, "byte");
    output.line(format_args!("  read          {lines} in {files}, {bytes}"))
}

fn problems(log: &LogReport, output: &mut Output) -> Result<(), Failure> {
    if log.problems.is_empty() {
        return Ok(());
    }
    heading("problems", output)?;
    for problem in &log.problems {
        self::problem(problem, output)?;
    }
    let all: u64 = log.problem_counts.values().sum();
    match all.saturating_sub(log.problems.len() as u64) {
        0 => Ok(()),
        more => output.line(format_args!("  and {}", count(more, "more problem"))),
    }
}

/// As `audit.jsonl:12 (byte 4711) missing: …`.
fn problem(problem: &Problem, output: &mut Output) -> Result<(), Failure> {
    let palette = output.palette();
    let file = problem.file.display().to_string();
    let line = problem
        .line
        .map_or(String::new(), |line| format!(":{line}"));
    let file = format!("{}{line}", shown(&file, &palette));
    let byte = problem
        .byte
        .map_or(String::new(), |byte| format!(" (byte {byte})"));
    output.line(format_args!(
        "  {}{}: {}: {}",
        palette.paint(NAME, file),
        palette.paint(DIM, byte),
        palette.paint(BAD, problem.kind),
        Message(&problem.message)
    ))
}

fn heads(log: &LogReport, output: &mut Output) -> Result<(), Failure> {
    let palette = output.palette();
    if let Some(last) = &log.last {
        output.line(format_args!("  {}", palette.paint(BOLD, last.head())))?;
        output.line(format_args!("  the last line, in stream {}", last.stream))?;
    }
    for head in &log.heads {
        let style = match head.finding {
            HeadFinding::Agrees => GOOD,
            HeadFinding::Rewritten | HeadFinding::Truncated => BAD,
            _ => CAREFUL,
        };
        output.line(format_args!("  {}", palette.paint(style, head)))?;
    }
    if log.head_file != HeadFile::Read {
        output.line(format_args!("  {}", log.head_file))?;
    }
    let given = |head: &HeadReport| head.source == HeadSource::Given;
    if log.last.is_some() && !log.heads.iter().any(given) {
        output.line("  compared with no head that was kept elsewhere: keep the one above")?;
    }
    Ok(())
}

fn heading(text: &str, output: &mut Output) -> Result<(), Failure> {
    let palette = output.palette();
    output.line(format_args!("\n{}", palette.paint(BOLD, text)))
}

fn write_block(block: &impl Display, output: &mut Output) -> Result<(), Failure> {
    output.bytes(Message(&block.to_string()).to_string().as_bytes())
}

fn count(count: u64, what: &str) -> String {
    let ending = if count == 1 { "" } else { "s" };
    format!("{} {what}{ending}", grouped(count))
}
