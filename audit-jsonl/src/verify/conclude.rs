//! The end: what the heads at hand say of the log, and the verdicts.

use crate::log::head_file::Record;
use crate::log::names;
use crate::log_files::{HeadRead, LogFile, LogFiles};
use crate::verify::compare::{Compared, Heads, Sighting};
use crate::verify::completeness::Extent;
use crate::verify::judge::Judge;
use crate::verify::{
    Head, HeadFile, HeadFinding, HeadReport, HeadSource, Integrity, Last, LogReport, ProblemKind,
};

pub(super) fn heads_at_hand(log: &LogFiles, given: &[Head]) -> Heads {
    let mut heads = Heads::default();
    for head in given {
        heads.add(*head, HeadSource::Given, None);
    }
    if let HeadRead::Found(record) = log.head() {
        let head = Head {
            seq: record.head.seq,
            hash: record.head.hash,
        };
        heads.add(head, HeadSource::HeadFile, Some(record.head.stream));
    }
    heads
}

/// All lines were judged: the report.
pub(super) fn conclude(log: &LogFiles, mut judge: Judge<'_>) -> LogReport {
    judge.end();
    let compared = std::mem::take(&mut judge.heads);
    let heads = compared.0.iter().map(|compared| HeadReport {
        head: compared.head,
        source: compared.source,
        finding: judge.find(log, compared),
    });
    let heads = heads.collect();
    let integrity = if !judge.problems.is_empty() {
        Integrity::NotIntact
    } else if judge.tip.is_none() {
        Integrity::Unchecked
    } else {
        Integrity::Intact
    };
    let complete = judge.completeness.is_complete() && judge.problems.is_empty();
    LogReport {
        path: log.path().to_owned(),
        integrity,
        complete,
        problems: judge.problems.list,
        problem_counts: judge.problems.counts,
        last: judge.tip.map(|tip| Last {
            stream: tip.stream,
            seq: tip.seq,
            hash: tip.hash,
        }),
        heads,
        head_file: match log.head() {
            HeadRead::Absent => HeadFile::Absent,
            HeadRead::Unreadable(_) => HeadFile::Unreadable,
            HeadRead::Empty => HeadFile::Empty,
            HeadRead::Damaged => HeadFile::Damaged,
            HeadRead::Found(_) => HeadFile::Read,
        },
        completeness: judge.completeness,
        files: log.files().len() as u64,
        lines: judge.lines,
        bytes: log.total_len(),
    }
}

impl Judge<'_> {
    /// What a head says; a problem is added to the list.
    fn find(&mut self, log: &LogFiles, compared: &Compared) -> HeadFinding {
        let seq = compared.head.seq;
        match compared.seen {
            Sighting::Agrees => return HeadFinding::Agrees,
            Sighting::SetAside => return HeadFinding::SetAside,
            Sighting::Missing => return HeadFinding::Missing,
            Sighting::Vanished => return HeadFinding::Vanished,
            Sighting::Other(place) => {
                let message = format!("line #{seq} is another than {} says", of(compared));
                self.problems.add_of_head(
                    ProblemKind::Rewritten,
                    Some(place),
                    seq,
                    message,
                    log.path(),
                );
                return HeadFinding::Rewritten;
            }
            Sighting::None => {}
        }
        let first = self.completeness.streams.first();
        let of_stream = |extent: &&Extent| compared.stream.is_none_or(|its| its == extent.stream);
        if self.completeness.front.is_some()
            && first
                .filter(of_stream)
                .is_some_and(|first| seq < first.first)
        {
            return HeadFinding::Before;
        }
        if compared.source == HeadSource::HeadFile
            && let HeadRead::Found(record) = log.head()
            && is_power_loss(record, log)
        {
            let last = self.completeness.streams.iter().rev().find(of_stream);
            self.completeness.not_there = Some(Extent {
                stream: record.head.stream,
                first: last.map_or(0, |extent| extent.last.saturating_add(1)),
                last: seq,
            });
            return HeadFinding::NotThere;
        }
        let message = match self.tip {
            Some(tip) if tip.seq >= seq => format!(
                "line #{seq}, which {} is about, is not in the log",
                of(compared)
            ),
            Some(tip) => format!(
                "the log ends with line #{}, and {} is about line #{seq}",
                tip.seq,
                of(compared)
            ),
            None => format!(
                "the log has no chained line, and {} is about line #{seq}",
                of(compared)
            ),
        };
        self.problems
            .add_of_head(ProblemKind::Truncated, None, seq, message, log.path());
        HeadFinding::Truncated
    }
}

fn of(compared: &Compared) -> &'static str {
    match compared.source {
        HeadSource::Given => "the head that was given",
        HeadSource::HeadFile => "the head file",
    }
}

/// Whether lines after the last may have gone with the machine, and no writer has
/// come back since to tell of it.
fn is_power_loss(record: &Record, log: &LogFiles) -> bool {
    let active = log.files().iter().find(|file| file.is_active());
    active.map(LogFile::id) == Some(record.file) && record.boot != names::boot_id()
}
