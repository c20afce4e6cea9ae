use std::env;
use std::path::PathBuf;

pub(crate) const USAGE: &str = include_str!("../usage.txt");

#[derive(Debug)]
pub(crate) enum Task {
    Help,
    List,
    /// Run cases, or take what a run has left, and report.
    Report(Report),
    /// Run one case in this process.
    Child(Child),
    /// Be one of several writers: how, how many events, where to.
    Writer(String, u64, PathBuf),
}

#[derive(Debug)]
pub(crate) struct Report {
    pub(crate) only: Option<Vec<String>>,
    pub(crate) rounds: usize,
    pub(crate) quick: bool,
    pub(crate) from: Option<PathBuf>,
    pub(crate) write_docs: bool,
    pub(crate) places: Places,
}

/// What `cargo xtask bench` knows and this program doesn't.
#[derive(Debug, Clone)]
pub(crate) struct Places {
    /// Of the repository.
    pub(crate) root: PathBuf,
    /// The command `audit`.
    pub(crate) audit: PathBuf,
}

#[derive(Debug)]
pub(crate) struct Child {
    pub(crate) case: String,
    /// `-` where the case isn't about contenders.
    pub(crate) contender: String,
    /// Where to write.
    pub(crate) path: PathBuf,
    pub(crate) audit: PathBuf,
    pub(crate) quick: bool,
}

impl Task {
    pub(crate) fn from_arguments() -> Result<Self, String> {
        Self::parse(env::args().skip(1))
    }

    fn parse(mut arguments: impl Iterator<Item = String>) -> Result<Self, String> {
        let (mut only, mut rounds, mut quick) = (None, 3, false);
        let (mut from, mut write_docs) = (None, false);
        let mut places = Places {
            root: ".".into(),
            audit: "target/benches/release/audit".into(),
        };
        while let Some(argument) = arguments.next() {
            let mut value = || {
                let missing = format!("{argument} lacks its value\n\n{USAGE}");
                arguments.next().ok_or(missing)
            };
            match argument.as_str() {
                "--help" | "-h" => return Ok(Self::Help),
                "--list" => return Ok(Self::List),
                "--only" => only = Some(value()?.split(',').map(String::from).collect()),
                "--rounds" => rounds = number(&argument, &value()?)?,
                "--quick" => quick = true,
                "--from" => from = Some(value()?.into()),
                "--write-docs" => write_docs = true,
                "--root" => places.root = value()?.into(),
                "--audit" => places.audit = value()?.into(),
                "--child" => {
                    return Ok(Self::Child(Child {
                        case: value()?,
                        contender: value()?,
                        path: value()?.into(),
                        audit: value()?.into(),
                        quick: value()? == "quick",
                    }));
                }
                "--writer" => {
                    let (how, events) = (value()?, value()?);
                    let events = number(&argument, &events)?;
                    return Ok(Self::Writer(how, events, value()?.into()));
                }
                other => return Err(format!("unknown option {other}\n\n{USAGE}")),
            }
        }
        if write_docs && (quick || only.is_some()) {
            return Err(format!(
                "--write-docs takes a whole run: neither --quick nor --only\n\n{USAGE}"
            ));
        }
        Ok(Self::Report(Report {
            only,
            rounds: if quick { 1 } else { rounds },
            quick,
            from,
            write_docs,
            places,
        }))
    }
}

fn number<N: TryFrom<u64>>(option: &str, text: &str) -> Result<N, String> {
    let number = text.parse().ok().filter(|number: &u64| *number > 0);
    number
        .and_then(|number| N::try_from(number).ok())
        .ok_or_else(|| format!("{option} takes a number above 0\n\n{USAGE}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Result<Task, String> {
        Task::parse(line.split_whitespace().map(String::from))
    }

    #[test]
    fn docs_are_written_of_whole_runs_alone() {
        assert!(
            matches!(parse("--write-docs --rounds 5"), Ok(Task::Report(report)) if report.rounds == 5)
        );
        for wrong in [
            "--write-docs --quick",
            "--only paced --write-docs",
            "--rounds 0",
            "--rounds",
            "--fast",
        ] {
            assert!(parse(wrong).is_err(), "{wrong}");
        }
    }
}
