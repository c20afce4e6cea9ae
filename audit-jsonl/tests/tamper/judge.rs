//! What a verifier says of a log.

use std::collections::BTreeMap;

use crate::expect::{Change, Expect};
use crate::logs::{self, Part};

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Problem {
    pub(crate) kind: String,
    pub(crate) file: String,
    pub(crate) line: Option<u64>,
    pub(crate) seq: Option<u64>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Report {
    /// `intact`, `broken` or `unchecked`.
    pub(crate) verdict: String,
    pub(crate) complete: bool,
    pub(crate) problems: Vec<Problem>,
    pub(crate) facts: BTreeMap<String, u64>,
}

/// A verifier, of logs in memory.
pub(crate) trait Judge {
    fn judge(&mut self, files: &[Part], heads: &[&str]) -> Report;
}

/// How changes were found.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    /// For each way to change a log and each kind that it was found by, how often.
    pub(crate) found: BTreeMap<(&'static str, String), u64>,
    pub(crate) wrong: Vec<String>,
    pub(crate) checked: u64,
}

impl Tally {
    /// Judges a change, with the head and where that alone tells of it, without.
    pub(crate) fn see(&mut self, log: &str, judge: &mut dyn Judge, head: &str, change: &Change) {
        self.checked += 1;
        let report = judge.judge(&change.files, &[head]);
        let first = report.problems.first();
        let right = match (&change.expect, first) {
            (Expect::First(kind, file, line), Some(first)) => {
                (*kind, file, Some(*line as u64)) == (&first.kind, &first.file, first.line)
            }
            (Expect::Any | Expect::Either(_), Some(_)) => true,
            (Expect::ByHead(kinds), Some(first)) => kinds.contains(&first.kind.as_str()),
            (Expect::Nothing(_) | Expect::Either(_), None) => report.verdict == "intact",
            _ => false,
        };
        if !right {
            self.wrong.push(format!(
                "{log}: {}: {:?}, but {report:?}",
                change.what, change.expect
            ));
            if self.wrong.len() == 1 {
                logs::keep(&change.files);
            }
        }
        if matches!(change.expect, Expect::ByHead(_)) {
            let report = judge.judge(&change.files, &[]);
            if report.verdict == "not_intact" || !report.problems.is_empty() {
                self.wrong.push(format!(
                    "{log}: {}: without a head: {report:?}",
                    change.what
                ));
            }
        }
        let kind = match (&change.expect, first) {
            (Expect::Nothing(why) | Expect::Either(why), None) => format!("not found: {why}"),
            (_, None) => "MISSED".to_owned(),
            (_, Some(first)) => first.kind.clone(),
        };
        *self.found.entry((change.what, kind)).or_default() += 1;
    }

    pub(crate) fn add(&mut self, other: Self) {
        for (key, count) in other.found {
            *self.found.entry(key).or_default() += count;
        }
        self.wrong.extend(other.wrong);
        self.checked += other.checked;
    }

    pub(crate) fn table(&self) -> String {
        let rows = self
            .found
            .iter()
            .map(|((what, kind), count)| format!("{count:>9}  {what:<45}{kind}\n"));
        rows.collect()
    }

    #[track_caller]
    pub(crate) fn assert_right(&self) {
        let some: Vec<&String> = self.wrong.iter().take(10).collect();
        assert!(
            self.wrong.is_empty(),
            "{} of {} are wrong:\n{some:#?}",
            self.wrong.len(),
            self.checked
        );
    }
}
