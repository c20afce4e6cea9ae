//! `tsan`: tests with ThreadSanitizer, which sees two threads at the same memory with
//! nothing in between.

use std::env::consts::ARCH;

use anyhow::bail;

use crate::Run;
use crate::common::{Done, StepResult, program};
use crate::tools;

pub(crate) const ABOUT: &str =
    "audit-jsonl's tests of the queue and of its users, with ThreadSanitizer";

/// All of the queued sink; what starts processes of its own, forks or counts what the
/// machine does is left out below.
const TESTS: &str = "-p audit-jsonl --test it --no-fail-fast";

pub(crate) fn parse(args: &[String]) -> Result<Run, String> {
    if let Some(unknown) = args.first() {
        return Err(format!("`tsan` takes no `{unknown}`"));
    }
    Ok(Box::new(run))
}

fn run() -> StepResult {
    if !cfg!(target_os = "linux") {
        bail!("it is set up for Linux alone");
    }
    tools::nightly(&["rust-src"])?;
    let target = format!("{ARCH}-unknown-linux-gnu");
    let args = [
        "run",
        "nightly",
        "cargo",
        "test",
        "-Zbuild-std",
        "--locked",
        "--target",
    ];
    let args = args
        .into_iter()
        .chain([target.as_str(), "--target-dir", "target/tsan"])
        .chain(TESTS.split(' '));
    program("rustup", args)
        .without_own_cargo()
        // The standard library is built with it too, so that its locks are known.
        .env("RUSTFLAGS", "-Zsanitizer=thread")
        .run()?;
    Ok(Done::Passed)
}
