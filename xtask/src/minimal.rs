//! `minimal`: the crates compile with the oldest dependencies that the root manifest
//! allows, as somebody may have them who holds others back.

use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result};

use crate::Run;
use crate::common::{Done, StepResult, cargo, program, root};
use crate::metadata::Metadata;
use crate::tools;
use crate::tree::Tree;

pub(crate) const ABOUT: &str =
    "the crates compile with the oldest dependencies that Cargo.toml allows";

pub(crate) fn parse(args: &[String]) -> Result<Run, String> {
    match args {
        [] => Ok(Box::new(run)),
        others => Err(format!("`minimal` takes no `{}`", others.join(" "))),
    }
}

fn run() -> StepResult {
    tools::nightly(&[])?;
    let metadata = Metadata::read()?;
    let copy = root().join("target").join("minimal").join("tree");
    copy_tree(&copy)?;
    let manifest = copy.join("Cargo.toml").to_string_lossy().into_owned();
    // Only nightly can choose so; what is chosen, any toolchain can build.
    let update = "run nightly cargo update -Z direct-minimal-versions --manifest-path";
    let update = update.split(' ').chain([manifest.as_str()]);
    program("rustup", update)
        .without_own_cargo()
        .run()
        .context(
            "where a dependency needs a newer one than Cargo.toml asks for, raise that in Cargo.toml",
        )?;
    let check = "check --locked --all-features --target-dir target/minimal/build --manifest-path";
    let mut check: Vec<&str> = check.split(' ').chain([manifest.as_str()]).collect();
    for package in metadata.publishable() {
        check.extend(["-p", &package.name]);
    }
    cargo(check)
        .run()
        .context("raise the version in Cargo.toml to one that has what is used")?;
    Ok(Done::Passed)
}

/// The tree with its own lock file, so that ours isn't touched.
fn copy_tree(to: &Path) -> Result<()> {
    if to.exists() {
        fs::remove_dir_all(to).with_context(|| format!("can't remove {}", to.display()))?;
    }
    for path in &Tree::read()?.paths {
        let from = root().join(path);
        let to = to.join(path);
        let copied = if from.is_dir() {
            fs::create_dir_all(&to)
        } else {
            fs::copy(&from, &to).map(drop)
        };
        copied.with_context(|| format!("can't copy {path}"))?;
    }
    Ok(())
}
