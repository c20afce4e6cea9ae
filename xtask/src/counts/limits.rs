//! The limits, and what is said of counts by them.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context as _, Result};
use serde::Deserialize;

use crate::common::program;

/// So many per cent more than its limit, and a count has failed; so many less, and the
/// limit is to be lowered. Threads that wait for one another make a count differ by a
/// few per mille.
const TOLERANCE_PERCENT: u64 = 3;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Limits {
    measured: Measured,
    instructions: BTreeMap<String, u64>,
}

/// What counts depend on, beside the sources.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Measured {
    rustc: String,
    target: String,
    /// It decides what processor the code believes to be on.
    valgrind: String,
    /// Whether valgrind can pass the real one's AVX2 on, by which libraries choose.
    avx2: bool,
}

#[derive(Debug)]
pub(crate) struct Verdict {
    pub(crate) table: String,
    pub(crate) failed: usize,
}

impl Measured {
    pub(crate) fn here(valgrind: &str) -> Result<Self> {
        let told = program("rustc", ["-vV"]).output()?;
        let line = |key: &str| told.lines().find_map(|line| line.strip_prefix(key));
        let (rustc, target) = line("release: ")
            .zip(line("host: "))
            .context("`rustc -vV` doesn't say its release and host")?;
        Ok(Self {
            rustc: rustc.into(),
            target: target.into(),
            valgrind: valgrind.into(),
            avx2: has_avx2(),
        })
    }

    fn to_text(&self) -> String {
        let Self {
            rustc,
            target,
            valgrind,
            avx2,
        } = self;
        format!(
            "rustc = \"{rustc}\"\ntarget = \"{target}\"\nvalgrind = \"{valgrind}\"\navx2 = {avx2}\n"
        )
    }
}

#[cfg(target_arch = "x86_64")]
fn has_avx2() -> bool {
    std::arch::is_x86_feature_detected!("avx2")
}

#[cfg(not(target_arch = "x86_64"))]
fn has_avx2() -> bool {
    false
}

impl Limits {
    pub(crate) fn new(measured: Measured, instructions: BTreeMap<String, u64>) -> Self {
        Self {
            measured,
            instructions,
        }
    }

    pub(crate) fn parse(text: &str) -> Result<Self> {
        toml::from_str(text).context("benches/counts/limits.toml isn't in form")
    }

    pub(crate) fn to_text(&self) -> String {
        let mut text = format!(
            "# How many instructions each case of benches/counts/src/main.rs takes for 1,000\n\
             # events. `cargo xtask counts` fails beyond {TOLERANCE_PERCENT} % more; with --bless it writes\n\
             # this file.\n\n\
             # With anything else than this, counts are told and not judged.\n\
             [measured]\n{}\n[instructions]\n",
            self.measured.to_text()
        );
        for (case, count) in &self.instructions {
            text.push_str(&format!("\"{case}\" = {count}\n"));
        }
        text
    }

    pub(crate) fn judge(&self, measured: &Measured, counts: &BTreeMap<String, u64>) -> Verdict {
        let judged = self.measured == *measured;
        let mut table = format!(
            "\n{:<24}{:>14}{:>14}{:>9}\n",
            "case", "instructions", "limit", "change"
        );
        let mut failed = 0;
        let cases: BTreeSet<&String> = self.instructions.keys().chain(counts.keys()).collect();
        for case in cases {
            let (row, is_wrong) = row(self.instructions.get(case), counts.get(case));
            table.push_str(format!("{case:<24}{row}").trim_end());
            table.push('\n');
            failed += usize::from(is_wrong && judged);
        }
        if !judged {
            table.push_str(&format!(
                "\nnot judged: the limits are those of\n{}and this is\n{}",
                self.measured.to_text(),
                measured.to_text()
            ));
        }
        Verdict { table, failed }
    }
}

/// What is said of a case, and whether it has failed.
fn row(limit: Option<&u64>, count: Option<&u64>) -> (String, bool) {
    let (limit, count) = match (limit, count) {
        (Some(limit), Some(count)) => (*limit, *count),
        (None, Some(count)) => return (format!("{count:>14}  has no limit"), true),
        (Some(limit), None) => return (format!("{limit:>28}  isn't counted any more"), true),
        (None, None) => return (String::new(), false),
    };
    let more = count > limit + limit * TOLERANCE_PERCENT / 100;
    let less = count < limit - limit * TOLERANCE_PERCENT / 100;
    let change = (count as f64 / limit.max(1) as f64 - 1.0) * 100.0;
    let said = if more {
        "MORE than its limit"
    } else if less {
        "well below its limit: lower that by --bless"
    } else {
        ""
    };
    let row = format!("{count:>14}{limit:>14}{change:>+8.2}%  {said}");
    (row, more)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn measured(rustc: &str) -> Measured {
        Measured {
            rustc: rustc.into(),
            target: "x86_64-unknown-linux-gnu".into(),
            valgrind: "3.19.0".into(),
            avx2: true,
        }
    }

    fn counts(cases: &[(&str, u64)]) -> BTreeMap<String, u64> {
        let case = |(name, count): &(&str, u64)| ((*name).to_owned(), *count);
        cases.iter().map(case).collect()
    }

    #[test]
    fn what_is_written_is_read_again() {
        let limits = Limits::new(measured("1.95.0"), counts(&[("encode.usual", 1_000)]));
        let again = Limits::parse(&limits.to_text()).unwrap();
        assert_eq!(again.measured, limits.measured);
        assert_eq!(again.instructions, limits.instructions);
    }

    #[test]
    fn only_what_is_beyond_the_tolerance_fails() {
        let limits = Limits::new(measured("1.95.0"), counts(&[("a", 1_000)]));
        let judge = |count| limits.judge(&measured("1.95.0"), &counts(&[("a", count)]));
        for within in [1_030, 1_000, 970] {
            assert_eq!(judge(within).failed, 0);
            assert!(judge(within).table.trim_end().ends_with('%'));
        }
        assert_eq!(judge(1_031).failed, 1);
        assert_eq!(judge(969).failed, 0);
        assert!(judge(969).table.contains("lower that"));
    }

    #[test]
    fn cases_come_and_go_by_name() {
        let limits = Limits::new(measured("1.95.0"), counts(&[("gone", 1)]));
        let verdict = limits.judge(&measured("1.95.0"), &counts(&[("new", 1)]));
        assert_eq!(verdict.failed, 2, "{}", verdict.table);
    }

    #[test]
    fn another_compiler_is_told_of_and_fails_nothing() {
        let limits = Limits::new(measured("1.95.0"), counts(&[("a", 1_000)]));
        let verdict = limits.judge(&measured("1.96.0"), &counts(&[("a", 2_000)]));
        assert_eq!(verdict.failed, 0);
        assert!(verdict.table.contains("MORE"), "{}", verdict.table);
        assert!(verdict.table.contains("1.96.0"), "{}", verdict.table);
    }
}
