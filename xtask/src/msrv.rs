//! `msrv`: everything compiles with the oldest Rust that the manifests promise.

use crate::common::{Done, StepResult, program};
use crate::metadata::Metadata;

pub(crate) fn run() -> StepResult {
    let metadata = Metadata::read()?;
    let msrv = metadata.rust_version()?;
    let full = match msrv.split('.').count() {
        2 => format!("{msrv}.0"),
        _ => msrv.to_owned(),
    };
    let Some(installed) = program("rustup", ["toolchain", "list"]).probe() else {
        return Ok(Done::Skipped(format!(
            "rustup isn't there to bring Rust {msrv}; see https://rustup.rs"
        )));
    };
    if !is_installed(&installed, &full) {
        let install = ["toolchain", "install", &full, "--profile", "minimal"];
        if let Err(error) = program("rustup", install).run() {
            return Ok(Done::Skipped(format!(
                "Rust {full} isn't installed and could not be: {error:#}"
            )));
        }
    }
    // A directory of its own: two compilers in one would throw out each other's
    // work.
    let check = "check --workspace --all-targets --all-features --locked --target-dir target/msrv";
    let args = ["run", &full, "cargo"].into_iter().chain(check.split(' '));
    program("rustup", args).without_own_cargo().run()?;
    Ok(Done::Passed)
}

/// Whether `rustup toolchain list` names that version.
fn is_installed(list: &str, version: &str) -> bool {
    list.lines().any(|line| {
        line.strip_prefix(version)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with(['-', ' ']))
    })
}

#[cfg(test)]
mod tests {
    use super::is_installed;

    #[test]
    fn only_that_very_version() {
        let list = "stable-x86_64-unknown-linux-gnu (active, default)\n\
                    1.88.0-x86_64-unknown-linux-gnu\n";
        assert!(is_installed(list, "1.88.0"));
        assert!(!is_installed(list, "1.88.01"));
        assert!(!is_installed(list, "1.8"));
        assert!(!is_installed(list, "1.95.0"));
    }
}
