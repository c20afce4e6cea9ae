//! `semver`: what would break whoever uses an earlier state of the libraries, by
//! cargo-semver-checks.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};

use crate::Run;
use crate::common::{Done, StepResult, program, root};
use crate::metadata::Metadata;
use crate::tools::SEMVER;

pub(crate) const ABOUT: &str =
    "whether the libraries break users of the last release, or of --baseline REV|DIR";

pub(crate) fn parse(args: &[String]) -> Result<Run, String> {
    let baseline = match args {
        [] => None,
        [option, baseline] if option == "--baseline" => Some(baseline.clone()),
        [option] if option == "--baseline" => {
            return Err("`--baseline` needs a commit, a tag, a branch or a directory".into());
        }
        others => return Err(format!("`semver` takes no `{}`", others.join(" "))),
    };
    Ok(Box::new(move || run(baseline.as_deref())))
}

fn run(baseline: Option<&str>) -> StepResult {
    let last_release = || program("git", ["describe", "--tags", "--abbrev=0"]).probe();
    let baseline = match baseline {
        Some(given) => given.to_owned(),
        None => match last_release() {
            Some(tag) => tag.trim().to_owned(),
            None => {
                return Ok(Done::Skipped(
                    "there is no release yet, as no tag leads here; compare with another state \
                     by `cargo xtask semver --baseline REV|DIR`"
                        .into(),
                ));
            }
        },
    };
    let directory = match Path::new(&baseline) {
        directory if directory.is_dir() => directory.to_owned(),
        _ => checked_out(&baseline)?,
    };
    let directory = directory.to_string_lossy();
    let metadata = Metadata::read()?;
    let mut args = vec!["semver-checks", "--all-features"];
    args.extend(["--baseline-root", &directory]);
    for package in metadata.publishable() {
        // A command has no users that compile.
        if package.lib().is_some() {
            args.extend(["-p", &package.name]);
        }
    }
    SEMVER.command(args)?.run()?;
    Ok(Done::Passed)
}

/// That state of the repository, in a clone of its own.
fn checked_out(rev: &str) -> Result<PathBuf> {
    let name = format!("{rev}^{{commit}}");
    let commit = program("git", ["rev-parse", "--quiet", "--verify", &name]).probe();
    let commit = commit.with_context(|| {
        format!("`{rev}` is neither a directory nor known to git; give a commit or a directory")
    })?;
    let place = root().join("target").join("semver").join(commit.trim());
    let path = place.to_string_lossy();
    let at = program("git", ["-C", &path, "rev-parse", "HEAD"]).probe();
    if at.as_deref() == Some(&commit) && place.join("Cargo.toml").is_file() {
        return Ok(place);
    }
    if place.exists() {
        fs::remove_dir_all(&place).with_context(|| format!("can't remove {path}"))?;
    }
    program(
        "git",
        ["clone", "--quiet", "--shared", "--no-checkout", ".", &path],
    )
    .run()?;
    let checkout = [
        "-C",
        &path,
        "checkout",
        "--quiet",
        "--detach",
        commit.trim(),
    ];
    program("git", checkout).run()?;
    Ok(place)
}
