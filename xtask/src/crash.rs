//! `crash`: the tests of the chained log that kill processes and break what is
//! around them, with larger numbers than CI has time for.

use std::fmt;
use std::ops::AddAssign;
use std::time::{Duration, Instant};

use anyhow::bail;

use crate::Run;
use crate::common::{Done, StepResult, cargo};

pub(crate) const ABOUT: &str =
    "long runs of the tests that kill and break; --rounds N and --seed N, both 1 unless given";

/// The tests of one file, and how much they are to do in a round.
struct Campaign {
    about: &'static str,
    /// The test binary; `None` for the library's own tests.
    binary: Option<&'static str>,
    /// The module in it.
    module: &'static str,
    /// The variable that says how much, and the value for it.
    amount: (&'static str, u64),
    /// The value for CI, where it is to be more than `cargo test` does.
    in_ci: Option<u64>,
    /// The variable for the seed.
    seed: Option<&'static str>,
}

/// The variables are told at the top of the tests' files.
const CAMPAIGNS: &[Campaign] = &[
    Campaign {
        about: "states that a crash may leave",
        binary: None,
        module: "log::images",
        amount: ("AUDIT_IMAGES", 1_000_000),
        in_ci: None,
        seed: Some("AUDIT_IMAGES_SEED"),
    },
    Campaign {
        about: "writers that are killed",
        binary: Some("log"),
        module: "kills",
        amount: ("AUDIT_TEST_KILLS", 3_000),
        in_ci: Some(500),
        seed: Some("AUDIT_TEST_SEED"),
    },
    Campaign {
        about: "writers that are killed among others",
        binary: Some("log"),
        module: "writers",
        amount: ("AUDIT_TEST_WRITER_KILLS", 120),
        in_ci: None,
        seed: Some("AUDIT_TEST_SEED"),
    },
    Campaign {
        about: "faults in single system calls",
        binary: Some("faults"),
        module: "calls",
        amount: ("AUDIT_FAULTS_CALLS", 6_000),
        in_ci: Some(2_000),
        seed: Some("AUDIT_FAULTS_SEED"),
    },
    Campaign {
        about: "mixtures of such faults",
        binary: Some("faults"),
        module: "mixed",
        amount: ("AUDIT_FAULTS_MIXED", 600),
        in_ci: None,
        seed: Some("AUDIT_FAULTS_SEED"),
    },
    Campaign {
        about: "events for each kind of full disk",
        binary: Some("faults"),
        module: "full",
        amount: ("AUDIT_FAULTS_FULL_EVENTS", 2_000),
        in_ci: None,
        seed: None,
    },
    Campaign {
        about: "disks whose syncs fail",
        binary: Some("faults"),
        module: "syncs",
        amount: ("AUDIT_FAULTS_SYNCS", 60),
        in_ci: None,
        seed: Some("AUDIT_FAULTS_SEED"),
    },
    Campaign {
        about: "power cuts on ext4, as many on xfs",
        binary: Some("faults"),
        module: "power",
        amount: ("AUDIT_FAULTS_CUTS", 100),
        in_ci: None,
        seed: Some("AUDIT_FAULTS_SEED"),
    },
];

/// The variables for CI, which has time for more than whoever runs the tests meanwhile.
pub(crate) fn in_ci() -> impl Iterator<Item = (&'static str, u64)> {
    CAMPAIGNS.iter().filter_map(|campaign| {
        let (variable, _) = campaign.amount;
        Some((variable, campaign.in_ci?))
    })
}

#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Choice {
    pub(crate) rounds: u64,
    pub(crate) seed: u64,
}

impl Choice {
    /// Of the arguments of that command.
    pub(crate) fn parse(command: &str, args: &[String]) -> Result<Self, String> {
        let mut choice = Self { rounds: 1, seed: 1 };
        let mut args = args.iter();
        while let Some(option) = args.next() {
            let number = match option.as_str() {
                "--rounds" => &mut choice.rounds,
                "--seed" => &mut choice.seed,
                other => return Err(format!("`{command}` takes no `{other}`")),
            };
            let given = args.next().and_then(|given| given.parse().ok());
            *number = given.ok_or_else(|| format!("`{option}` needs a number"))?;
        }
        if choice.rounds == 0 {
            return Err("`--rounds` must be at least 1".into());
        }
        Ok(choice)
    }
}

pub(crate) fn parse(args: &[String]) -> Result<Run, String> {
    let choice = Choice::parse("crash", args)?;
    Ok(Box::new(move || run(&choice)))
}

/// Runs all campaigns in each round, each round with the next seed.
fn run(choice: &Choice) -> StepResult {
    let mut rows = Vec::new();
    let mut failed = 0;
    let mut total = Tally::default();
    for round in 0..choice.rounds {
        let seed = choice.seed.wrapping_add(round);
        for campaign in CAMPAIGNS {
            let (_, amount) = campaign.amount;
            println!("\n== seed {seed}: {amount} {} ==", campaign.about);
            let begun = Instant::now();
            let (result, tally) = campaign.run(seed);
            failed += usize::from(result == FAILED);
            total += tally;
            rows.push(campaign.row(seed, result, begun.elapsed(), &tally));
        }
    }
    println!("\n== summary ==\nseed    result   seconds    faults   promised  lost  alarms  what");
    for row in &rows {
        println!("{row}");
    }
    println!(
        "\n{} faults; of {} events that had been promised to be safe, {} are lost; {} false alarms",
        total.faults, total.promised, total.lost, total.alarms
    );
    match failed {
        0 => Ok(Done::Passed),
        failed => bail!("{failed} of {} campaigns; see the table above", rows.len()),
    }
}

const FAILED: &str = "failed";

/// What tests say of themselves on stderr: how many faults there were, how many
/// events had been promised to be safe, and what was wrong afterwards.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
struct Tally {
    faults: u64,
    promised: u64,
    lost: u64,
    alarms: u64,
}

impl Tally {
    /// Of a line as `tally: 5 faults, 40 promised, 0 lost, 0 false alarms`.
    fn parse(line: &str) -> Option<Self> {
        let (_, told) = line.split_once("tally: ")?;
        let mut numbers = told
            .split(", ")
            .zip(["faults", "promised", "lost", "false alarms"]);
        let mut next = || {
            let (part, word) = numbers.next()?;
            part.strip_suffix(word)?.trim_end().parse().ok()
        };
        Some(Self {
            faults: next()?,
            promised: next()?,
            lost: next()?,
            alarms: next()?,
        })
    }
}

impl AddAssign for Tally {
    fn add_assign(&mut self, other: Self) {
        self.faults += other.faults;
        self.promised += other.promised;
        self.lost += other.lost;
        self.alarms += other.alarms;
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            faults,
            promised,
            lost,
            alarms,
        } = self;
        write!(f, "{faults:>10}{promised:>11}{lost:>6}{alarms:>8}")
    }
}

impl Campaign {
    fn run(&self, seed: u64) -> (&'static str, Tally) {
        let module = format!("{}::", self.module);
        let test = "test --release --locked -p audit-jsonl";
        let binary = match self.binary {
            Some(binary) => vec!["--test", binary],
            None => vec!["--lib"],
        };
        let args = test.split(' ').chain(binary).chain([module.as_str()]);
        let (variable, amount) = self.amount;
        let mut command = cargo(args).env(variable, &amount.to_string());
        if let Some(variable) = self.seed {
            command = command.env(variable, &seed.to_string());
        }
        let (mut total, mut told, mut skipped) = (Tally::default(), false, false);
        let ended = command.run_listening(|line| {
            skipped |= line.contains("SKIPPED");
            if let Some(tally) = Tally::parse(line) {
                total += tally;
                told = true;
            }
        });
        let result = match ended {
            Ok(()) if skipped => "partly",
            Ok(()) if told => "passed",
            Ok(()) => {
                println!("no test said what it did");
                FAILED
            }
            Err(error) => {
                println!("{error:#}");
                FAILED
            }
        };
        (result, total)
    }

    fn row(&self, seed: u64, result: &str, took: Duration, tally: &Tally) -> String {
        let (_, amount) = self.amount;
        let seconds = took.as_secs_f64();
        format!(
            "{seed:<8}{result:<8}{seconds:>8.1}{tally}  {amount} {}",
            self.about
        )
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::common::root;

    #[test]
    fn choices_are_numbers() {
        let parse = |line: &str| {
            let args: Vec<String> = line.split_whitespace().map(String::from).collect();
            Choice::parse("crash", &args)
        };
        let both = parse("--rounds 3 --seed 40").unwrap();
        assert_eq!(
            both,
            Choice {
                rounds: 3,
                seed: 40
            }
        );
        assert_eq!(parse("").unwrap(), Choice { rounds: 1, seed: 1 });
        for wrong in ["--rounds", "--rounds 0", "--seed x", "3", "--round 3"] {
            assert!(parse(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn tallies_are_read_from_lines() {
        let tally = Tally::parse("faults: tally: 5 faults, 40 promised, 1 lost, 2 false alarms");
        let expected = Tally {
            faults: 5,
            promised: 40,
            lost: 1,
            alarms: 2,
        };
        assert_eq!(tally, Some(expected));
        assert_eq!(Tally::parse("tally: 5 faults, 40 promised"), None);
        assert_eq!(Tally::parse("5 faults, 40 promised, 1 lost"), None);
    }

    #[test]
    fn variables_are_those_of_the_tests() {
        for campaign in CAMPAIGNS {
            let module = campaign.module.replace("::", "/");
            let path = match campaign.binary {
                Some(binary) => format!("audit-jsonl/tests/{binary}/{module}.rs"),
                None => format!("audit-jsonl/src/{module}.rs"),
            };
            let text = fs::read_to_string(root().join(&path)).unwrap();
            let asked = |variable: &str| text.contains(&format!("\"{variable}\""));
            assert!(asked(campaign.amount.0), "{path}");
            assert!(campaign.seed.is_none_or(asked), "{path}");
        }
    }
}
