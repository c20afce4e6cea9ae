//! `cross`: the code for platforms that CI doesn't run on compiles.

use std::path::Path;

use anyhow::Result;

use crate::common::{Done, StepResult, cargo, program, run_all};

const TARGETS: &[&str] = &["x86_64-pc-windows-gnu", "aarch64-apple-darwin"];

pub(crate) fn run() -> StepResult {
    let (there, missing): (Vec<&str>, Vec<&str>) = TARGETS
        .iter()
        .partition(|target| is_there(target) || add(target).is_ok());
    // Libraries and commands only: what tests and benches depend on may want a C
    // compiler for the target.
    let check = "check --workspace --all-features --locked --target";
    run_all(
        there
            .iter()
            .map(|target| cargo(check.split(' ').chain([*target]))),
    )?;
    if missing.is_empty() {
        return Ok(Done::Passed);
    }
    let missing = missing.join(" ");
    Ok(Done::Skipped(format!(
        "not installed: {missing}; run `rustup target add {missing}`"
    )))
}

fn add(target: &str) -> Result<()> {
    program("rustup", ["target", "add", target]).run()
}

/// Whether the compiler has the target's standard library. It is asked itself,
/// for not every Rust comes from rustup.
fn is_there(target: &str) -> bool {
    let ask = ["--print", "target-libdir", "--target", target];
    program("rustc", ask)
        .probe()
        .is_some_and(|dir| Path::new(dir.trim()).is_dir())
}
