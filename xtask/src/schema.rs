//! `schema`: the JSON Schema of a record, made from the source of audit-schema.
//!
//! From the source and not from the types, for xtask depends on none of our
//! crates. What it doesn't understand it refuses, with the place; it never
//! guesses.

mod attrs;
mod docs;
mod generate;
mod json;
mod source;

use std::fs;

use anyhow::{Context as _, Result, bail};

use crate::common::{Done, StepResult, root};
use crate::schema::source::Source;
use crate::tree::Tree;

const SOURCE: &str = "audit-schema/src/";
const SCHEMA: &str = "audit-schema/call-event.schema.json";

/// Writes the schema.
pub(crate) fn write() -> StepResult {
    let schema = generate()?;
    fs::write(root().join(SCHEMA), &schema).with_context(|| format!("can't write {SCHEMA}"))?;
    println!("{SCHEMA}: {} lines written", schema.lines().count());
    Ok(Done::Passed)
}

/// Compares the schema that is there with what would be written.
pub(crate) fn check() -> StepResult {
    let schema = generate()?;
    let found =
        fs::read_to_string(root().join(SCHEMA)).with_context(|| format!("can't read {SCHEMA}"))?;
    if let Some(line) = first_difference(&found, &schema) {
        bail!(
            "{SCHEMA}:{line}: not what the source in {SOURCE} says; run `cargo xtask schema` and \
             commit what it writes"
        );
    }
    println!("{SCHEMA} says what the source says");
    Ok(Done::Passed)
}

fn generate() -> Result<String> {
    let tree = Tree::read()?;
    let files = tree.ending(".rs");
    let source = Source::parse(files.filter(|file| file.path.starts_with(SOURCE)))?;
    let schema = generate::schema(&source)?;
    let text = serde_json::to_string_pretty(&schema).context("the schema can't be written")?;
    Ok(text + "\n")
}

/// The first line in which they differ, counted from 1.
fn first_difference(found: &str, expected: &str) -> Option<usize> {
    if found == expected {
        return None;
    }
    let same = found
        .split('\n')
        .zip(expected.split('\n'))
        .take_while(|(found, expected)| found == expected);
    Some(same.count() + 1)
}

#[cfg(test)]
mod tests;
