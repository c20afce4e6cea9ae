//! `tidy`: the docs agree with the tree, and the sources keep the house rules.
//!
//! What is written twice drifts apart, even where people care. So links, names
//! and numbers in the docs are compared with what they speak of.

mod commands;
mod history;
mod links;
mod markdown;
mod numbers;
mod places;
mod readmes;
mod sources;

use anyhow::Result;

use crate::common::{Problems, StepResult};
use crate::metadata::Metadata;
use crate::tidy::commands::Commands;
use crate::tidy::markdown::Markdown;
use crate::tidy::numbers::Numbers;
use crate::tree::Tree;
use crate::{COMMANDS, ci};

pub(crate) fn run() -> StepResult {
    let tree = Tree::read()?;
    let metadata = Metadata::read()?;
    let problems = problems(&tree, &metadata)?;
    problems.finish(&format!("{} files", tree.files.len()))
}

fn problems(tree: &Tree, metadata: &Metadata) -> Result<Problems> {
    let mut problems = Problems::default();
    let pages: Vec<Markdown> = tree.ending(".md").map(Markdown::parse).collect();
    links::check(&pages, tree, &mut problems);
    let commands = Commands {
        metadata,
        steps: ci::STEPS.iter().map(|step| step.name).collect(),
        others: COMMANDS.iter().map(|command| command.name).collect(),
    };
    for page in &pages {
        commands.check(page, &mut problems);
    }
    Numbers::of(tree, metadata)?.check(tree, &mut problems);
    history::check(tree, &mut problems);
    readmes::check(tree, metadata, &mut problems);
    for file in &tree.files {
        places::check(file, &mut problems);
    }
    for file in tree.ending(".rs") {
        sources::check(file, &mut problems);
    }
    Ok(problems)
}
