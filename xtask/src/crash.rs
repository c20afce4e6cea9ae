//! `crash`: the tests of the chained log that kill processes and break what is
//! around them, with larger numbers than CI has time for.

use std::time::{Duration, Instant};

use anyhow::bail;

use crate::common::{Done, StepResult, cargo};

pub(crate) const ABOUT: &str =
    "long runs of the tests that kill and break; --rounds N and --seed N, both 1 unless given";

/// The tests of one file, and how much they are to do in a round.
struct Campaign {
    about: &'static str,
    /// The test binary, and the module in it.
    binary: &'static str,
    module: &'static str,
    /// The variable that says how much, and the value for it.
    amount: (&'static str, u64),
    /// The variable for the seed.
    seed: Option<&'static str>,
}

/// The variables are told at the top of the tests' files.
const CAMPAIGNS: &[Campaign] = &[
    Campaign {
        about: "writers that are killed",
        binary: "log",
        module: "kills",
        amount: ("AUDIT_TEST_KILLS", 3_000),
        seed: Some("AUDIT_TEST_SEED"),
    },
    Campaign {
        about: "writers that are killed among others",
        binary: "log",
        module: "writers",
        // They have two minutes in all.
        amount: ("AUDIT_TEST_WRITER_KILLS", 60),
        seed: Some("AUDIT_TEST_SEED"),
    },
    Campaign {
        about: "system calls that fail",
        binary: "faults",
        module: "calls",
        amount: ("AUDIT_FAULTS_CALLS", 6_000),
        seed: Some("AUDIT_FAULTS_SEED"),
    },
    Campaign {
        about: "states that a crash may leave",
        binary: "faults",
        module: "images",
        amount: ("AUDIT_FAULTS_IMAGES", 60_000),
        seed: Some("AUDIT_FAULTS_SEED"),
    },
    Campaign {
        about: "events on disks that are full",
        binary: "faults",
        module: "full",
        amount: ("AUDIT_FAULTS_FULL_EVENTS", 2_000),
        seed: None,
    },
];

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

/// Runs all campaigns in each round, each round with the next seed.
pub(crate) fn run(choice: &Choice) -> StepResult {
    let mut rows = Vec::new();
    let mut failed = 0;
    for round in 0..choice.rounds {
        let seed = choice.seed.wrapping_add(round);
        for campaign in CAMPAIGNS {
            let (_, amount) = campaign.amount;
            println!("\n== seed {seed}: {amount} {} ==", campaign.about);
            let begun = Instant::now();
            let result = campaign.run(seed);
            failed += usize::from(result == FAILED);
            rows.push(campaign.row(seed, result, begun.elapsed()));
        }
    }
    println!("\n== summary ==\nseed    result   seconds  what");
    for row in &rows {
        println!("{row}");
    }
    match failed {
        0 => Ok(Done::Passed),
        failed => bail!("{failed} of {} campaigns; see the table above", rows.len()),
    }
}

const FAILED: &str = "failed";

impl Campaign {
    fn run(&self, seed: u64) -> &'static str {
        let module = format!("{}::", self.module);
        let test = "test --release --locked -p audit-jsonl --test";
        let args = test.split(' ').chain([self.binary, module.as_str()]);
        let (variable, amount) = self.amount;
        let mut command = cargo(args).env(variable, &amount.to_string());
        if let Some(variable) = self.seed {
            command = command.env(variable, &seed.to_string());
        }
        match command.run_looking_for("SKIPPED") {
            Ok(false) => "passed",
            // What is missing stands in the output.
            Ok(true) => "partly",
            Err(error) => {
                println!("{error:#}");
                FAILED
            }
        }
    }

    fn row(&self, seed: u64, result: &str, took: Duration) -> String {
        let (_, amount) = self.amount;
        let seconds = took.as_secs_f64();
        format!(
            "{seed:<8}{result:<8}{seconds:>8.1}  {amount} {}",
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
    fn variables_are_those_of_the_tests() {
        for campaign in CAMPAIGNS {
            let Campaign { binary, module, .. } = campaign;
            let path = format!("audit-jsonl/tests/{binary}/{module}.rs");
            let text = fs::read_to_string(root().join(&path)).unwrap();
            let asked = |variable: &str| text.contains(&format!("\"{variable}\""));
            assert!(asked(campaign.amount.0), "{path}");
            assert!(campaign.seed.is_none_or(asked), "{path}");
        }
    }
}
