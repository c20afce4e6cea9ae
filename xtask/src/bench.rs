//! `bench`: the contenders of `benches/`, and what the machine allows at best.
//!
//! A workspace of its own, so that the crates of others never touch our lock file. All
//! options but one are for the program there, which has them explained.

use std::path::PathBuf;

use crate::Run;
use crate::common::{Cmd, Done, StepResult, cargo, program, root, run_all};

pub(crate) const ABOUT: &str =
    "our recorder beside those of others, and how it grows; --help tells the options";

/// Told without building anything.
const USAGE: &str = include_str!("../../benches/usage.txt");

const MANIFEST: &str = "--manifest-path benches/Cargo.toml --target-dir target/benches --locked";

/// Leaves out the crates of others, which take most of the time that building takes.
const OURS: &str = "--ours";

pub(crate) fn parse(args: &[String]) -> Result<Run, String> {
    if args.iter().any(|arg| arg == "--help") {
        return Ok(Box::new(|| {
            print!("{USAGE}");
            Ok(Done::Passed)
        }));
    }
    let ours = args.iter().any(|arg| arg == OURS);
    let args: Vec<String> = args.iter().filter(|arg| *arg != OURS).cloned().collect();
    Ok(Box::new(move || run(ours, &args)))
}

fn run(ours: bool, args: &[String]) -> StepResult {
    let features = if ours { " --no-default-features" } else { "" };
    cargo(format!("build --release {MANIFEST}{features}").split(' ')).run()?;
    let built = root().join("target/benches/release");
    let audit = "build --release --locked -p audit-cli --target-dir target/benches";
    cargo(audit.split(' ')).run()?;
    let command = built.join(with_suffix("audit-benches"));
    let audit = built.join(with_suffix("audit"));
    let places = ["--root".into(), ".".into(), "--audit".into(), audit.into()];
    let args = places.into_iter().chain(args.iter().map(Into::into));
    Cmd::new::<std::ffi::OsString>(command.as_os_str(), "audit-benches", args).run()?;
    Ok(Done::Passed)
}

/// The step of CI: what is ours in there keeps the rules and works. Nothing is measured,
/// and the crates of others aren't built.
pub(crate) fn check() -> StepResult {
    let on = |command: &str, rest: &str| {
        cargo(format!("{command} {MANIFEST} --no-default-features{rest}").split(' '))
    };
    let audit = format!("target/debug/{}", with_suffix("audit").display());
    run_all([
        cargo("fmt --manifest-path benches/Cargo.toml -- --check".split(' ')),
        on("clippy", " --all-targets -- -D warnings"),
        on("test", ""),
        cargo("build --locked -p audit-cli".split(' ')),
        on("build", ""),
        program(
            "target/benches/debug/audit-benches",
            ["--quick", "--audit", &audit],
        ),
    ])?;
    Ok(Done::Passed)
}

fn with_suffix(name: &str) -> PathBuf {
    format!("{name}{}", std::env::consts::EXE_SUFFIX).into()
}
