//! What cargo-mutants says of the mutants that it tried.

use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result};
use serde::Deserialize;

use crate::common::root;
use crate::mutants::explained::Explained;

/// How a mutant ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub(super) enum Fate {
    #[serde(rename = "CaughtMutant")]
    Caught,
    /// A test that never ends is noticed, too.
    #[serde(rename = "Timeout")]
    TimedOut,
    /// It doesn't compile.
    Unviable,
    #[serde(rename = "MissedMutant")]
    Missed,
}

#[derive(Debug)]
pub(super) struct Mutant {
    /// With file, line and column.
    pub(super) name: String,
    pub(super) file: String,
    /// What was changed, in which function.
    pub(super) change: String,
    /// What stands there in the source, to the end of the line.
    pub(super) at: String,
    pub(super) fate: Fate,
}

impl Mutant {
    pub(super) fn is_among(&self, explained: &[Explained]) -> bool {
        explained.iter().any(|one| one.is_of(self))
    }
}

/// The members of `outcomes.json` that are of use here.
#[derive(Deserialize)]
struct Outcomes {
    outcomes: Vec<Outcome>,
}

#[derive(Deserialize)]
struct Outcome {
    scenario: Scenario,
    summary: serde_json::Value,
}

#[derive(Deserialize)]
enum Scenario {
    /// The sources as they are.
    Baseline,
    Mutant {
        name: String,
        file: String,
        span: Span,
    },
}

#[derive(Deserialize)]
struct Span {
    start: Place,
}

/// Both count from 1, columns in characters.
#[derive(Deserialize)]
struct Place {
    line: usize,
    column: usize,
}

/// The mutants of a run that has ended, in `directory`.
pub(super) fn read(directory: &Path) -> Result<Vec<Mutant>> {
    let path = directory.join("mutants.out").join("outcomes.json");
    let text = fs::read_to_string(&path).with_context(|| path.display().to_string())?;
    let source = |file: &str| Ok(fs::read_to_string(root().join(file))?);
    parse(&text, source).with_context(|| path.display().to_string())
}

fn parse(text: &str, source: impl Fn(&str) -> Result<String>) -> Result<Vec<Mutant>> {
    let Outcomes { outcomes } = serde_json::from_str(text)?;
    let mut mutants = Vec::new();
    for Outcome { scenario, summary } in outcomes {
        let Scenario::Mutant { name, file, span } = scenario else {
            continue;
        };
        let Place { line, column } = span.start;
        let change = name
            .strip_prefix(&format!("{file}:{line}:{column}: "))
            .with_context(|| format!("`{name}` doesn't begin with its place"))?;
        let source = source(&file).with_context(|| file.clone())?;
        mutants.push(Mutant {
            change: change.to_owned(),
            at: from(&source, line, column).with_context(|| format!("{name} isn't there"))?,
            fate: serde_json::from_value(summary)?,
            name,
            file,
        });
    }
    Ok(mutants)
}

/// What stands in a source from there to the end of the line.
fn from(source: &str, line: usize, column: usize) -> Option<String> {
    let line = source.lines().nth(line.checked_sub(1)?)?;
    Some(line.chars().skip(column.checked_sub(1)?).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn outcomes_are_read() {
        let text = r#"{"outcomes": [
            {"scenario": "Baseline", "summary": "Success", "phase_results": []},
            {"scenario": {"Mutant": {
                "name": "src/a.rs:2:8: replace < with == in less",
                "file": "src/a.rs",
                "span": {"start": {"line": 2, "column": 8}, "end": {"line": 2, "column": 9}},
                "genre": "BinaryOperator"
            }}, "summary": "MissedMutant"}
        ], "missed": 1}"#;
        let source = |_: &str| Ok("fn less() {\n    “” < b\n}\n".to_owned());
        let mutants = parse(text, source).unwrap();
        assert_eq!(mutants.len(), 1);
        assert_eq!(mutants[0].change, "replace < with == in less");
        assert_eq!(
            (mutants[0].at.as_str(), mutants[0].fate),
            ("< b", Fate::Missed)
        );
    }
}
