//! `coverage`: which lines of the crates no test runs, by cargo-llvm-cov.

mod lcov;
mod parts;

use std::fs;

use anyhow::{Context as _, Result, bail};

use crate::Run;
use crate::common::{Done, StepResult, program, root};
use crate::coverage::lcov::Source;
use crate::coverage::parts::{PARTS, Part};
use crate::tools::COVERAGE;

pub(crate) const ABOUT: &str = "how many lines of each crate and part the tests run; --missing lists the others, --again doesn't run";

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
struct Choice {
    /// List the lines that nothing runs.
    missing: bool,
    /// Tell once more what the last run found.
    again: bool,
}

pub(crate) fn parse(args: &[String]) -> Result<Run, String> {
    let mut choice = Choice::default();
    for arg in args {
        match arg.as_str() {
            "--missing" => choice.missing = true,
            "--again" => choice.again = true,
            other => return Err(format!("`coverage` takes no `{other}`")),
        }
    }
    Ok(Box::new(move || run(choice)))
}

fn run(choice: Choice) -> StepResult {
    let report = root().join("target").join("coverage.lcov");
    let tested = match choice.again {
        true => Ok(()),
        false => measure(&report.to_string_lossy())?,
    };
    let text = fs::read_to_string(&report)
        .context("there is no run yet to tell of; leave `--again` out")?;
    let sources = lcov::parse(&text, &root())?;
    let (table, missed) = table(&sources);
    if choice.missing {
        for source in sources.iter().filter(|source| source.is_ours()) {
            print!("{}", source.missing());
        }
    }
    print!("{table}");
    tested.context("what is told above is of tests that failed")?;
    match missed[..] {
        [] => Ok(Done::Passed),
        _ => bail!("less than its floor: {}", missed.join(", ")),
    }
}

/// Runs the tests and writes the report; how the tests ended.
fn measure(report: &str) -> Result<Result<()>> {
    llvm_tools()?;
    let llvm_cov = |args: &str| COVERAGE.command(args.split_whitespace());
    // What an earlier run left would be counted too.
    llvm_cov("llvm-cov clean --workspace")?.run()?;
    let tested = llvm_cov(
        "llvm-cov --no-report --no-fail-fast --workspace --exclude xtask --all-features \
         --locked --tests",
    )?
    .run();
    // A process that is killed while it ends may leave half a profile.
    let args = "llvm-cov report --failure-mode all --lcov --output-path";
    let args = args.split(' ').chain([report]);
    COVERAGE.command(args)?.run()?;
    Ok(tested)
}

/// What each part has, and which have less than they are to have.
fn table(sources: &[Source]) -> (String, Vec<&'static str>) {
    let mut table = format!(
        "\n{:<28}{:>8}{:>9}{:>9}{:>7}\n",
        "part", "lines", "covered", "per cent", "floor"
    );
    let mut missed = Vec::new();
    for Part { name, floor, .. } in PARTS {
        let of_part = sources.iter().filter(|source| source.part() == Some(name));
        let (mut lines, mut covered) = (0, 0);
        for source in of_part {
            lines += source.lines();
            covered += source.covered();
        }
        let per_cent = covered as f64 * 100.0 / lines.max(1) as f64;
        let is_low = per_cent < f64::from(*floor);
        let note = if is_low { "  LESS" } else { "" };
        table.push_str(&format!(
            "{name:<28}{lines:>8}{covered:>9}{per_cent:>9.1}{floor:>7}{note}\n"
        ));
        if is_low {
            missed.push(*name);
        }
    }
    (table, missed)
}

/// The component that reads what instrumented programs wrote.
fn llvm_tools() -> Result<()> {
    const HINT: &str = "run `rustup component add llvm-tools`";
    let list = program("rustup", ["component", "list", "--installed"]).probe();
    let list = list.context("rustup isn't there to bring llvm-tools; see https://rustup.rs")?;
    if list.lines().any(|line| line.starts_with("llvm-tools")) {
        return Ok(());
    }
    let add = ["component", "add", "llvm-tools"];
    program("rustup", add).run().context(HINT)
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    #[test]
    fn choices_are_two() {
        assert!(parse(&["--missing".into(), "--again".into()]).is_ok());
        assert!(parse(&["--lines".into()]).is_err());
    }

    #[test]
    fn a_part_below_its_floor_is_named() {
        let text = "SF:/r/audit-jsonl/src/queue/wait.rs\nDA:1,0\nDA:2,1\nend_of_record\n\
                    SF:/r/audit-jsonl/src/chain.rs\nDA:7,3\nend_of_record\n";
        let sources = lcov::parse(text, Path::new("/r")).unwrap();
        let (table, missed) = table(&sources);
        assert!(missed.contains(&"audit-jsonl: queue"), "{table}");
        assert!(!missed.contains(&"audit-jsonl: chain"), "{table}");
    }
}
