//! `counts`: how many instructions the hot paths take, by valgrind's callgrind, held
//! to the limits in `benches/counts/limits.toml`. Unlike times, counts don't wobble on
//! a busy machine.

mod limits;

use std::collections::BTreeMap;
use std::fs;

use anyhow::{Context as _, Result, bail};
use serde_json::Value;

use crate::Run;
use crate::common::{Done, StepResult, cargo, program, root};
use crate::counts::limits::{Limits, Measured};
use crate::tools::COUNTS;

pub(crate) const ABOUT: &str = "the hot paths take no more instructions than benches/counts/limits.toml says; --bless writes it";

/// The portable hash: valgrind doesn't know the instructions that most processors have
/// for it. And no flags from elsewhere, such as for this machine's processor.
const RUST_FLAGS: &str = "--cfg=sha2_backend=\"soft\"";

pub(crate) fn parse(args: &[String]) -> Result<Run, String> {
    let bless = match args {
        [] => false,
        [option] if option == "--bless" => true,
        others => return Err(format!("`counts` takes no `{}`", others.join(" "))),
    };
    Ok(Box::new(move || run(&equip()?, bless)))
}

/// As CI has it: without what it needs there is nothing to say.
pub(crate) fn check() -> StepResult {
    match equip() {
        Ok(tools) => run(&tools, false),
        Err(why) => Ok(Done::Skipped(format!("{why:#}"))),
    }
}

/// What counting needs.
struct Tools {
    valgrind: String,
    runner: String,
}

fn equip() -> Result<Tools> {
    let valgrind = match valgrind() {
        Some(version) => version,
        None => {
            install_valgrind()?;
            valgrind().context("valgrind is installed and doesn't start")?
        }
    };
    let runner = COUNTS.path()?.to_string_lossy().into_owned();
    Ok(Tools { valgrind, runner })
}

/// Its version.
fn valgrind() -> Option<String> {
    let told = program("valgrind", ["--version"]).probe()?;
    let version = told.trim().strip_prefix("valgrind-")?;
    Some(version.to_owned())
}

fn install_valgrind() -> Result<()> {
    const HINT: &str = "valgrind isn't there; on Debian, `apt-get install valgrind` as root";
    let is_root = program("id", ["-u"]).probe().as_deref().map(str::trim) == Some("0");
    if !is_root || program("apt-get", ["--version"]).probe().is_none() {
        bail!(HINT);
    }
    let install = || {
        let args = ["install", "--yes", "--no-install-recommends", "valgrind"];
        program("apt-get", args).env("DEBIAN_FRONTEND", "noninteractive")
    };
    // The list of packages may be old, or not there at all.
    if install().run().is_err() {
        program("apt-get", ["update"]).run().context(HINT)?;
        install().run().context(HINT)?;
    }
    Ok(())
}

fn run(tools: &Tools, bless: bool) -> StepResult {
    let measured = Measured::here(&tools.valgrind)?;
    let counts = count(&tools.runner)?;
    let path = root().join("benches").join("counts").join("limits.toml");
    if bless {
        let text = Limits::new(measured, counts).to_text();
        fs::write(&path, text).with_context(|| format!("can't write {}", path.display()))?;
        println!("benches/counts/limits.toml is written");
        return Ok(Done::Passed);
    }
    let text = fs::read_to_string(&path)
        .context("can't read benches/counts/limits.toml; --bless writes it")?;
    let limits = Limits::parse(&text)?;
    let verdict = limits.judge(&measured, &counts);
    print!("{}", verdict.table);
    match verdict.failed {
        0 => Ok(Done::Passed),
        failed => bail!(
            "{failed} counts, told above; if that is what a change is worth, `cargo xtask counts \
             --bless` writes new limits"
        ),
    }
}

/// The instructions of each case.
fn count(runner: &str) -> Result<BTreeMap<String, u64>> {
    let target = root().join("target").join("counts");
    // Or it would be told how the counts changed since the last run.
    let earlier = target.join("gungraun");
    if earlier.exists() {
        fs::remove_dir_all(&earlier).context("can't remove the counts of the last run")?;
    }
    let bench = "bench --locked --manifest-path benches/counts/Cargo.toml -- \
                 --output-format=json --callgrind-args=--cache-sim=no";
    let told = cargo(bench.split_whitespace())
        .env("CARGO_TARGET_DIR", &target.to_string_lossy())
        .env("CARGO_ENCODED_RUSTFLAGS", RUST_FLAGS)
        .env("GUNGRAUN_RUNNER", runner)
        .output()?;
    let counts: BTreeMap<_, _> = told
        .lines()
        .map(|line| case(line).with_context(|| format!("no count in what it says: {line}")))
        .collect::<Result<_>>()?;
    if let Some((case, _)) = counts.iter().find(|(_, count)| **count == 0) {
        bail!("{case}: nothing was counted; is its function's name another one now?");
    }
    Ok(counts)
}

/// The case that a summary is of, and its count.
fn case(summary: &str) -> Option<(String, u64)> {
    let summary: Value = serde_json::from_str(summary).ok()?;
    let text = |name: &str| summary.get(name)?.as_str();
    let name = format!("{}.{}", text("function_name")?, text("id")?);
    let total = summary.pointer("/profiles/0/data/total/metrics")?;
    let count = total.pointer("/Ir/values/new")?.as_u64()?;
    Some((name, count))
}

#[cfg(test)]
mod tests {
    use super::case;

    #[test]
    fn a_summary_is_a_case_and_its_count() {
        let summary = r#"{"function_name":"encode","id":"usual","profiles":[{"data":{"total":
            {"metrics":{"Ir":{"values":{"new":1663159}}}}}}]}"#;
        assert_eq!(case(summary), Some(("encode.usual".into(), 1_663_159)));
        assert_eq!(case(&summary.replace("Ir", "Dr")), None);
        assert_eq!(case("warning"), None);
    }
}
