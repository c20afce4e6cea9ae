//! `tsan`: tests with `ThreadSanitizer`, which sees two threads at the same memory with
//! nothing in between.

use std::env::consts::ARCH;

use anyhow::bail;

use crate::Run;
use crate::common::{Done, StepResult, program};
use crate::tools;

pub(crate) const ABOUT: &str =
    "audit-jsonl's tests of the queue and of its users, with ThreadSanitizer";

/// All of the queued sink.
const TESTS: &str = "-p audit-jsonl --test it --no-fail-fast";

/// But for what counts memory and threads, of which the sanitizer has its own, and for
/// what goes on in a fork, where it doesn't.
const LEFT_OUT: &[&str] = &[
    "memory::",
    "process::that_forks::",
    "health::a_sink_whose_thread_could_not_be_started",
];

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
        .chain(TESTS.split(' '))
        .chain(["--"])
        .chain(LEFT_OUT.iter().flat_map(|test| ["--skip", *test]));
    program("rustup", args)
        .without_own_cargo()
        // The standard library is built with it too, so that its locks are known.
        .env("RUSTFLAGS", "-Zsanitizer=thread")
        .run()?;
    Ok(Done::Passed)
}
