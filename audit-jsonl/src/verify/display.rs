//! The report for people.

use std::fmt::{self, Display, Formatter};

use crate::verify::{
    Completeness, Extent, HeadFile, HeadFinding, HeadReport, HeadSource, Integrity, LogReport,
    Problem, ProblemKind, Report,
};

/// Verdicts first, then what is behind them.
impl Display for Report {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        for (nth, log) in self.logs.iter().enumerate() {
            if nth > 0 {
                writeln!(f)?;
            }
            write!(f, "{log}")?;
        }
        Ok(())
    }
}

impl Display for LogReport {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", Safe(&self.path.display().to_string()))?;
        write!(f, "  integrity     {}", self.integrity)?;
        for (nth, (kind, count)) in self.problem_counts.iter().enumerate() {
            let sign = if nth == 0 { ": " } else { ", " };
            write!(f, "{sign}{count} {kind}")?;
        }
        let complete = if self.complete {
            "complete"
        } else {
            "not complete"
        };
        writeln!(f, "\n  completeness  {complete}")?;
        let (files, lines) = (of(self.files, "file"), of(self.lines, "line"));
        let bytes = of(self.bytes, "byte");
        writeln!(f, "  read          {lines} in {files}, {bytes}")?;
        if !self.problems.is_empty() {
            writeln!(f, "\nproblems")?;
        }
        for problem in &self.problems {
            writeln!(f, "  {problem}")?;
        }
        let all: u64 = self.problem_counts.values().sum();
        if let Some(more @ 1..) = all.checked_sub(self.problems.len() as u64) {
            writeln!(f, "  and {} more", of(more, "problem"))?;
        }
        writeln!(f, "\nwhat is there")?;
        write!(f, "{}", self.completeness)?;
        writeln!(f, "\nhead")?;
        self.fmt_heads(f)
    }
}

impl LogReport {
    fn fmt_heads(&self, f: &mut Formatter<'_>) -> fmt::Result {
        if let Some(last) = &self.last {
            writeln!(f, "  {}", last.head())?;
            writeln!(f, "  the last line, in stream {}", last.stream)?;
        }
        for head in &self.heads {
            writeln!(f, "  {head}")?;
        }
        if self.head_file != HeadFile::Read {
            writeln!(f, "  {}", self.head_file)?;
        }
        let given = |head: &HeadReport| head.source == HeadSource::Given;
        if !self.heads.iter().any(given) {
            writeln!(
                f,
                "  compared with no head that was kept elsewhere: keep the one above"
            )?;
        }
        Ok(())
    }
}

impl Display for Integrity {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Intact => "intact",
            Self::Unchecked => "unchecked, for there is no chained line",
            Self::NotIntact => "NOT intact",
        })
    }
}

/// A few words, as `there is no head file`.
impl Display for HeadFile {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Absent => "there is no head file",
            Self::Unreadable => "the head file can't be read",
            Self::Empty => "the head file is empty, as it is before the first line",
            Self::Damaged => "the head file says nothing: it isn't whole",
            Self::Read => "the head file was read",
        })
    }
}

impl Display for ProblemKind {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// As `audit.jsonl:12:4711: missing: …`: file, line and byte, as far as there are.
impl Display for Problem {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "{}:", Safe(&self.file.display().to_string()))?;
        if let (Some(line), Some(byte)) = (self.line, self.byte) {
            write!(f, "{line}:{byte}:")?;
        }
        write!(f, " {}: {}", self.kind, self.message)
    }
}

impl Display for HeadReport {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let seq = self.head.seq;
        match self.source {
            HeadSource::Given => write!(f, "the head given for line #{seq} ")?,
            HeadSource::HeadFile => write!(f, "the head file, of line #{seq}, ")?,
        }
        f.write_str(match self.finding {
            HeadFinding::Agrees => "agrees",
            HeadFinding::Rewritten => "does NOT agree: that line is another",
            HeadFinding::Truncated => "does NOT agree: that line is not there",
            HeadFinding::Before => "can't be compared: the log at hand begins after it",
            HeadFinding::Missing => "can't be compared: the line is among the missing",
            HeadFinding::SetAside => {
                "can't be compared: the line is in a file that was set aside; give that too"
            }
            HeadFinding::Vanished => {
                "can't be compared: files were removed meanwhile; verify again"
            }
            HeadFinding::NotThere => {
                "is about lines that a power loss took before they were synced"
            }
        })
    }
}

impl Display for Completeness {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let calls = of(self.calls, "call");
        writeln!(
            f,
            "  {calls}, {}",
            of(self.own_records, "record of the log's own")
        )?;
        for extent in &self.streams {
            writeln!(f, "  {extent} of stream {}", extent.stream)?;
        }
        let mut say = |count: u64, what: fmt::Arguments<'_>| match count {
            0 => Ok(()),
            _ => writeln!(f, "  {what}"),
        };
        let lost = of(self.lost, "event");
        say(self.lost, format_args!("{lost} lost"))?;
        let elsewhere = of(self.elsewhere, "event");
        say(
            self.elsewhere,
            format_args!("{elsewhere} handed to the fallback"),
        )?;
        let (lines, bytes) = (of(self.cut_lines, "event"), of(self.cut_bytes, "byte"));
        say(
            self.cut_lines,
            format_args!("{lines} cut to fit, by {bytes}"),
        )?;
        let (times, bytes) = (of(self.torn, "time"), of(self.torn_bytes, "byte"));
        say(
            self.torn,
            format_args!("{times}, {bytes} that were no record were set aside"),
        )?;
        let plain = of(self.plain_lines, "plain line");
        let untold = self.untold_plain_lines;
        say(
            self.plain_lines,
            format_args!("{plain}, {untold} of them protected by no line after them"),
        )?;
        let writers = of(self.not_closed, "writer");
        say(
            self.not_closed,
            format_args!("{writers} did not close the log: killed, or still running"),
        )?;
        let newer = of(self.newer, "line");
        say(self.newer, format_args!("{newer} of a later version"))?;
        let copies = of(self.overlap_lines, "line");
        say(
            self.overlap_lines,
            format_args!("{copies} twice at the seam of two files, counted once"),
        )?;
        if let Some(front) = self.front {
            writeln!(f, "  what came before line #{front} is not there")?;
        }
        for extent in &self.gone {
            writeln!(f, "  {extent} went in a power loss")?;
        }
        if let Some(extent) = &self.not_there {
            writeln!(
                f,
                "  {extent} went in a power loss, and no writer has come back yet"
            )?;
        }
        for aside in &self.set_aside {
            let file = Safe(&aside.file);
            writeln!(f, "  {} stand in {file}, which was set aside", aside.lines)?;
        }
        if self.unlisted > 0 {
            let more = self.unlisted;
            writeln!(
                f,
                "  and {more} more streams, ends of streams or power losses"
            )?;
        }
        for tail in &self.unfinished {
            let (bytes, file) = (of(tail.bytes, "byte"), tail.file.display().to_string());
            writeln!(
                f,
                "  {}:{}: {bytes} of an unfinished line",
                Safe(&file),
                tail.byte
            )?;
        }
        for vanished in &self.vanished {
            let file = vanished.file.display().to_string();
            writeln!(f, "  {} was removed meanwhile", Safe(&file))?;
        }
        Ok(())
    }
}

/// As `lines 0 to 20,000`.
impl Display for Extent {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        if self.first == self.last {
            return write!(f, "line #{}", self.first);
        }
        write!(f, "lines #{} to #{}", self.first, self.last)
    }
}

fn of(count: u64, what: &str) -> String {
    match count {
        1 => format!("1 {what}"),
        _ if what.starts_with("record") => format!("{count} records{}", &what["record".len()..]),
        _ => format!("{count} {what}s"),
    }
}

/// A name from the log or the file system, for a terminal.
pub(crate) struct Safe<'a>(pub(crate) &'a str);

impl Display for Safe<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        for char in self.0.chars() {
            let turns = matches!(char, '\u{200E}' | '\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}' | '\u{61C}');
            if char.is_control() || turns {
                write!(f, "{}", char.escape_unicode())?;
            } else {
                write!(f, "{char}")?;
            }
        }
        Ok(())
    }
}
