//! `tamper`: changes of larger logs by the million, each of which the verifier must
//! find.

use std::time::Instant;

use crate::Run;
use crate::common::{Done, StepResult, cargo};
use crate::crash::Choice;

pub(crate) const ABOUT: &str =
    "changes a log a million times, and looks whether each is found; --rounds N and --seed N";

/// The variables are told at the top of the test's file.
const CHANGES: (&str, u64) = ("AUDIT_TAMPER_CHANGES", 1_000_000);
const SEED: &str = "AUDIT_TAMPER_SEED";

pub(crate) fn parse(args: &[String]) -> Result<Run, String> {
    let choice = Choice::parse("tamper", args)?;
    Ok(Box::new(move || run(&choice)))
}

/// A million changes in each round, each round with the next seed.
fn run(choice: &Choice) -> StepResult {
    let (variable, changes) = CHANGES;
    for round in 0..choice.rounds {
        let seed = choice.seed.wrapping_add(round);
        println!("\n== seed {seed}: {changes} changes ==");
        let begun = Instant::now();
        let args = "test --release --locked -p audit-jsonl --test tamper larger:: -- --nocapture";
        // The test prints a table of what was changed and how it was found.
        cargo(args.split(' '))
            .env(variable, &changes.to_string())
            .env(SEED, &seed.to_string())
            .run()?;
        println!("seed {seed}: {:.1} s", begun.elapsed().as_secs_f64());
    }
    Ok(Done::Passed)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::common::root;

    #[test]
    fn variables_are_those_of_the_test() {
        let path = root().join("audit-jsonl/tests/tamper/larger.rs");
        let text = fs::read_to_string(path).unwrap();
        for variable in [CHANGES.0, SEED] {
            assert!(text.contains(&format!("\"{variable}\"")), "{variable}");
        }
    }
}
