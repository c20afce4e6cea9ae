//! `miri`: tests in an interpreter that finds undefined behaviour, leaks and data races
//! in all that they call, other people's unsafe code included.

use crate::Run;
use crate::common::{Done, program};
use crate::tools;

pub(crate) const ABOUT: &str = "unit tests, and the promises of a sink, in Miri";

/// Some tests, and why not others of the same place.
struct Part {
    about: &'static str,
    /// What `cargo miri test` is told.
    args: &'static str,
}

const PARTS: &[Part] = &[
    Part {
        about: "the record: all tests but the golden files' and the schema's, which read the tree",
        args: "-p audit-schema --lib",
    },
    Part {
        about: "what sinks are made of",
        args: "-p audit-sink --lib",
    },
];

pub(crate) fn parse(args: &[String]) -> Result<Run, String> {
    if let Some(unknown) = args.first() {
        return Err(format!("`miri` takes no `{unknown}`"));
    }
    Ok(Box::new(run))
}

fn run() -> crate::common::StepResult {
    tools::nightly(&["miri", "rust-src"])?;
    for part in PARTS {
        println!("\n== {} ==", part.about);
        let args = [
            "run",
            "nightly",
            "cargo",
            "miri",
            "test",
            "--locked",
            "--target-dir",
        ];
        let args = args
            .into_iter()
            .chain(["target/miri"])
            .chain(part.args.split(' '));
        program("rustup", args)
            .without_own_cargo()
            // Time, directories and the seeds of maps are the machine's.
            .env("MIRIFLAGS", "-Zmiri-disable-isolation")
            // A case takes a thousand times as long.
            .env("PROPTEST_CASES", "4")
            .run()?;
    }
    Ok(Done::Passed)
}
