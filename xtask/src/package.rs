//! `package`: what would be published can be built by whoever downloads it.

use std::env;

use crate::common::{Done, StepResult, cargo};
use crate::metadata::Metadata;

pub(crate) fn run() -> StepResult {
    let metadata = Metadata::read()?;
    let mut args = vec!["package", "--locked"];
    // At a desk one packages before committing; CI must see what is committed.
    if env::var_os("CI").is_none() {
        args.push("--allow-dirty");
    }
    for package in metadata.publishable() {
        args.extend(["-p", &package.name]);
    }
    // Without `--no-verify`: cargo unpacks each package and builds it against the
    // other packages, not against the tree.
    cargo(args).run()?;
    Ok(Done::Passed)
}
