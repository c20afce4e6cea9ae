//! `mutants`: changes the sources in one place at a time, and looks whether a test
//! notices.

mod explained;
mod outcomes;
mod parts;

use std::time::Instant;

use anyhow::bail;

use crate::Run;
use crate::common::{Done, StepResult};
use crate::mutants::explained::Explained;
use crate::mutants::outcomes::{Fate, Mutant};
use crate::mutants::parts::{PARTS, Part};

pub(crate) const ABOUT: &str = "changes the code in one place at a time, and looks whether tests notice; \
     parts by name, --shard K/N and --jobs N";

struct Choice {
    parts: Vec<&'static Part>,
    shard: Option<String>,
    jobs: u64,
}

impl Choice {
    fn parse(args: &[String]) -> Result<Self, String> {
        let mut choice = Self {
            parts: Vec::new(),
            shard: None,
            jobs: 1,
        };
        let mut args = args.iter();
        while let Some(arg) = args.next() {
            match arg.as_str() {
                "--shard" => {
                    let shard = args.next().filter(|shard| is_shard(shard));
                    let shard = shard.ok_or("`--shard` needs K/N, from 0/N to N-1/N")?;
                    choice.shard = Some(shard.clone());
                }
                "--jobs" => {
                    let jobs = args.next().and_then(|jobs| jobs.parse().ok());
                    let jobs = jobs.filter(|jobs| *jobs > 0);
                    choice.jobs = jobs.ok_or("`--jobs` needs a number, at least 1")?;
                }
                name => {
                    let part = PARTS.iter().find(|part| part.name == name);
                    choice.parts.push(part.ok_or_else(|| {
                        let names = PARTS.iter().map(|part| part.name).collect::<Vec<_>>();
                        let names = names.join(", ");
                        format!("`mutants`: there is no part `{name}` among {names}")
                    })?);
                }
            }
        }
        if choice.parts.is_empty() {
            choice.parts = PARTS.iter().collect();
        }
        Ok(choice)
    }
}

fn is_shard(text: &str) -> bool {
    let number = |text: &str| text.parse::<usize>().ok();
    text.split_once('/')
        .and_then(|(k, n)| Some((number(k)?, number(n)?)))
        .is_some_and(|(k, n)| k < n)
}

pub(crate) fn parse(args: &[String]) -> Result<Run, String> {
    let choice = Choice::parse(args)?;
    Ok(Box::new(move || run(&choice)))
}

fn run(choice: &Choice) -> StepResult {
    let explained = explained::all()?;
    let mut rows = Vec::new();
    let mut problems = Vec::new();
    for part in &choice.parts {
        println!("\n== {} ==", part.name);
        let begun = Instant::now();
        let mutants = part.run(&explained, choice.shard.as_deref(), choice.jobs)?;
        let tally = Tally::of(&mutants, &explained);
        rows.push(tally.row(part.name, begun.elapsed().as_secs()));
        let mine = explained.iter().filter(|one| part.has(&one.file));
        problems.extend(wrong(&mutants, &explained, mine, choice.shard.is_none()));
    }
    println!("\n== summary ==\n{HEADINGS}");
    for row in &rows {
        println!("{row}");
    }
    if let Some(shard) = &choice.shard {
        println!("\nof each part, shard {shard} alone");
    }
    println!();
    for problem in &problems {
        println!("{problem}");
    }
    match problems.len() {
        0 => Ok(Done::Passed),
        several => bail!("{several} to look at, listed above"),
    }
}

/// What is to be looked at: mutants that no test notices and nobody has explained, and
/// explanations of `mine` for what isn't there or is noticed.
fn wrong<'a>(
    mutants: &[Mutant],
    explained: &[Explained],
    mine: impl Iterator<Item = &'a Explained>,
    is_whole: bool,
) -> Vec<String> {
    let survived = mutants
        .iter()
        .filter(|mutant| mutant.fate == Fate::Missed && !mutant.is_among(explained))
        .map(|mutant| format!("survived: {}\n    at: {}", mutant.name, mutant.at));
    let mut wrong: Vec<String> = survived.collect();
    for one in mine {
        let fates = mutants.iter().filter(|mutant| one.is_of(mutant));
        let fates: Vec<Fate> = fates.map(|mutant| mutant.fate).collect();
        let Explained { file, change, .. } = one;
        if fates.is_empty() && is_whole {
            wrong.push(format!("explained, but no mutant: {file}: {change}"));
        } else if !fates.is_empty() && !fates.contains(&Fate::Missed) {
            wrong.push(format!(
                "explained, but it survives no more: {file}: {change}"
            ));
        }
    }
    wrong
}

const HEADINGS: &str =
    "part       mutants  caught  timeouts  unviable  survived  explained  seconds";

/// How many mutants ended how.
#[derive(Debug, Default, PartialEq, Eq)]
struct Tally {
    caught: usize,
    timeouts: usize,
    unviable: usize,
    survived: usize,
    explained: usize,
}

impl Tally {
    fn of(mutants: &[Mutant], explained: &[Explained]) -> Self {
        let mut tally = Self::default();
        for mutant in mutants {
            let count = match mutant.fate {
                Fate::Caught => &mut tally.caught,
                Fate::TimedOut => &mut tally.timeouts,
                Fate::Unviable => &mut tally.unviable,
                Fate::Missed if mutant.is_among(explained) => &mut tally.explained,
                Fate::Missed => &mut tally.survived,
            };
            *count += 1;
        }
        tally
    }

    fn row(&self, part: &str, seconds: u64) -> String {
        let Self {
            caught,
            timeouts,
            unviable,
            survived,
            explained,
        } = self;
        let mutants = caught + timeouts + unviable + survived + explained;
        format!(
            "{part:<11}{mutants:>7}{caught:>8}{timeouts:>10}{unviable:>10}{survived:>10}\
             {explained:>11}{seconds:>9}"
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Result<Choice, String> {
        Choice::parse(
            &line
                .split_whitespace()
                .map(String::from)
                .collect::<Vec<_>>(),
        )
    }

    fn mutant(change: &str, fate: Fate) -> Mutant {
        Mutant {
            name: format!("src/lib.rs:1:1: {change}"),
            file: "src/lib.rs".into(),
            change: change.into(),
            at: "< b".into(),
            fate,
        }
    }

    fn explanation(change: &str) -> Explained {
        Explained {
            file: "src/lib.rs".into(),
            change: change.into(),
            at: "< b".into(),
            reason: "both are right".into(),
        }
    }

    #[test]
    fn choices_name_parts() {
        let choice = parse("queue --shard 1/4 --jobs 2 chain").unwrap();
        let names: Vec<&str> = choice.parts.iter().map(|part| part.name).collect();
        assert_eq!(names, ["queue", "chain"]);
        assert_eq!((choice.shard.as_deref(), choice.jobs), (Some("1/4"), 2));
        assert_eq!(parse("").unwrap().parts.len(), PARTS.len());
        for wrong in ["tail", "--shard", "--shard 4/4", "--shard 1", "--jobs 0"] {
            assert!(parse(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn what_survives_is_explained_or_wrong() {
        let mutants = [
            mutant("a", Fate::Caught),
            mutant("b", Fate::Missed),
            mutant("c", Fate::Missed),
            mutant("d", Fate::TimedOut),
            mutant("e", Fate::Unviable),
        ];
        let explained = ["b", "d", "f"].map(explanation);
        let tally = Tally::of(&mutants, &explained);
        assert_eq!(
            tally.row("queue", 70),
            "queue            5       1         1         1         1          1       70"
        );
        assert_eq!(tally.row("queue", 70).len(), HEADINGS.len());

        let is_said = |wrong: &[String], words: &str| wrong.iter().any(|one| one.contains(words));
        let whole = wrong(&mutants, &explained, explained.iter(), true);
        assert_eq!(whole.len(), 3, "{whole:?}");
        assert!(is_said(&whole, "survived: src/lib.rs:1:1: c"), "{whole:?}");
        assert!(
            is_said(&whole, "survives no more: src/lib.rs: d"),
            "{whole:?}"
        );
        assert!(is_said(&whole, "no mutant: src/lib.rs: f"), "{whole:?}");
        let shard = wrong(&mutants, &explained, explained.iter(), false);
        assert!(!is_said(&shard, "no mutant"), "{shard:?}");
    }
}
