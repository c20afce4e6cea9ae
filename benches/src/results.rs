//! What the runs gave, kept in a file as it comes, and asked for medians and ratios.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::Path;
use std::process::Command;
use std::thread;

use serde_json::{Value, json};

use crate::case::{self, Case};
use crate::contender::CONTENDERS;
use crate::machine;

#[derive(Debug)]
pub(crate) struct Results {
    /// What is told of the machine and of the run as a whole.
    pub(crate) head: Value,
    runs: Vec<Value>,
    kept: Option<File>,
}

/// The median of the rounds' ratios, and their extremes. What one round measured
/// belongs together.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Ratio {
    pub(crate) middle: f64,
    pub(crate) least: f64,
    pub(crate) most: f64,
}

impl Results {
    /// Of a run that begins now.
    pub(crate) fn begin(file: &Path, rounds: usize, quick: bool) -> io::Result<Self> {
        let head = json!({
            "rounds": rounds,
            "quick": quick,
            "processors": thread::available_parallelism().map_or(0, usize::from),
            "processor": processor(),
            "kernel": kernel(),
            "load_average": machine::load_average(),
        });
        let mut kept = File::create(file)?;
        writeln!(kept, "{head}")?;
        Ok(Self {
            head,
            runs: Vec::new(),
            kept: Some(kept),
        })
    }

    /// Of a run that is over.
    pub(crate) fn read(file: &Path) -> io::Result<Self> {
        let text = fs::read_to_string(file)?;
        let mut lines = text.lines().map(serde_json::from_str);
        let head = lines.next().ok_or(io::ErrorKind::UnexpectedEof)??;
        Ok(Self {
            head,
            runs: lines.collect::<Result<_, _>>()?,
            kept: None,
        })
    }

    pub(crate) fn add(
        &mut self,
        case: &Case,
        contender: &str,
        round: usize,
        mut run: Value,
    ) -> io::Result<()> {
        run["case"] = json!(case.name);
        run["contender"] = json!(contender);
        run["round"] = json!(round);
        if let Some(kept) = &mut self.kept {
            writeln!(kept, "{run}")?;
        }
        self.runs.push(run);
        Ok(())
    }

    pub(crate) fn is_quick(&self) -> bool {
        self.head["quick"] == true
    }

    /// The runs of a case, in the order of the rounds.
    pub(crate) fn runs(&self, case: &str) -> impl Iterator<Item = &Value> {
        self.runs.iter().filter(move |run| run["case"] == case)
    }

    /// The names of the cases of which nothing is there.
    pub(crate) fn missing(&self) -> Vec<String> {
        let is_missing = |case: &Case| {
            let has = |contender| !self.all(&case.name, contender, "round").is_empty();
            match &case.contenders[..] {
                [] => !has("-"),
                several => !several.iter().all(|contender| has(contender)),
            }
        };
        let cases = case::all().into_iter().filter(is_missing);
        cases.map(|case| case.name).collect()
    }

    /// That number of every run, in the order of the rounds.
    pub(crate) fn all(&self, case: &str, contender: &str, key: &str) -> Vec<f64> {
        self.runs(case)
            .filter(|run| run["contender"] == contender)
            .filter_map(|run| run[key].as_f64())
            .collect()
    }

    pub(crate) fn median(&self, case: &str, contender: &str, key: &str) -> Option<f64> {
        median(self.all(case, contender, key))
    }

    /// What one is to the other, round by round.
    pub(crate) fn ratio(&self, of: (&str, &str), to: (&str, &str), key: &str) -> Option<Ratio> {
        let (of, to) = (self.all(of.0, of.1, key), self.all(to.0, to.1, key));
        let mut ratios: Vec<f64> = of.iter().zip(&to).map(|(a, b)| a / b).collect();
        ratios.sort_unstable_by(f64::total_cmp);
        Some(Ratio {
            least: *ratios.first()?,
            most: *ratios.last()?,
            middle: median(ratios)?,
        })
    }

    /// The crate of others with the best median, among those that lost nothing.
    pub(crate) fn best_peer(
        &self,
        case: &str,
        key: &str,
        is_more_better: bool,
    ) -> Option<&'static str> {
        let peers = CONTENDERS.iter().filter(|one| case::is_peer(one.name));
        let measured = peers.filter_map(|peer| {
            let lost: f64 = self.all(case, peer.name, "lost").iter().sum();
            let median = self.median(case, peer.name, key)?;
            (lost == 0.0).then_some((peer.name, if is_more_better { -median } else { median }))
        });
        let best = measured.min_by(|a, b| a.1.total_cmp(&b.1));
        best.map(|(name, _)| name)
    }

    /// The middle and the largest of the shares that others had of the machine, stolen
    /// time among it.
    pub(crate) fn others(&self) -> Option<(f64, f64)> {
        let share = |run: &Value| Some(run["others"].as_f64()? + run["stolen"].as_f64()?);
        let shares: Vec<f64> = self.runs.iter().filter_map(share).collect();
        let most = shares.iter().copied().max_by(f64::total_cmp)?;
        Some((median(shares)?, most))
    }
}

pub(crate) fn median(mut all: Vec<f64>) -> Option<f64> {
    all.sort_unstable_by(f64::total_cmp);
    all.get(all.len() / 2).copied()
}

fn processor() -> Option<String> {
    let text = fs::read_to_string("/proc/cpuinfo").ok()?;
    let line = text.lines().find(|line| line.starts_with("model name"))?;
    Some(line.split_once(':')?.1.trim().to_owned())
}

fn kernel() -> Option<String> {
    let output = Command::new("uname").arg("-sr").output().ok()?;
    Some(String::from_utf8(output.stdout).ok()?.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ratios_are_those_of_the_rounds() {
        let run =
            |contender: &str, value: f64| json!({"case": "x", "contender": contender, "n": value});
        let results = Results {
            head: json!({}),
            runs: vec![
                run("a", 2.0),
                run("b", 1.0),
                run("a", 9.0),
                run("b", 3.0),
                run("a", 4.0),
                run("b", 1.0),
            ],
            kept: None,
        };
        let ratio = results.ratio(("x", "a"), ("x", "b"), "n").unwrap();
        assert_eq!((ratio.least, ratio.middle, ratio.most), (2.0, 3.0, 4.0));
        assert_eq!(results.median("x", "a", "n"), Some(4.0));
        assert!(results.ratio(("x", "a"), ("x", "c"), "n").is_none());
    }
}
