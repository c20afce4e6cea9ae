//! The steps that are one or two calls of cargo.

use std::thread;

use crate::common::{Done, StepResult, cargo};
use crate::crash;

pub(crate) fn fmt() -> StepResult {
    cargo(["fmt", "--all", "--", "--check"]).run()?;
    Ok(Done::Passed)
}

pub(crate) fn clippy() -> StepResult {
    // Not by RUSTFLAGS: that would build every dependency once more.
    cargo("clippy --workspace --all-targets --all-features --locked -- -D warnings".split(' '))
        .run()?;
    Ok(Done::Passed)
}

pub(crate) fn build() -> StepResult {
    cargo("build --workspace --all-targets --all-features --locked".split(' ')).run()?;
    Ok(Done::Passed)
}

pub(crate) fn test() -> StepResult {
    // `--all-targets` would run the benches too. So they and the examples are
    // built first, and then only what is a test is run.
    build()?;
    // Half of them wait most of the time, for a process, a disk or a deadline.
    let cores = thread::available_parallelism().map_or(1, usize::from);
    let tests = cargo("test --workspace --tests --all-features --locked".split(' '))
        .env("RUST_TEST_THREADS", &(2 * cores).to_string());
    crash::in_ci()
        .fold(tests, |tests, (variable, amount)| {
            tests.env(variable, &amount.to_string())
        })
        .run()?;
    Ok(Done::Passed)
}

pub(crate) fn doctest() -> StepResult {
    cargo("test --workspace --doc --all-features --locked".split(' ')).run()?;
    Ok(Done::Passed)
}

pub(crate) fn doc() -> StepResult {
    cargo("doc --workspace --no-deps --all-features --locked".split(' '))
        .env("RUSTDOCFLAGS", "-D warnings")
        .run()?;
    Ok(Done::Passed)
}
