//! `examples`: the projects under `examples/`, each a workspace of its own, as
//! somebody else would have it.
//!
//! No step that is about our workspace sees them, so all that is checked of them is
//! checked here.

use std::fs;

use anyhow::{Context as _, Result};

use crate::common::{Cmd, Done, StepResult, cargo, root, run_all};

pub(crate) fn run() -> StepResult {
    let mut commands = Vec::new();
    for manifest in manifests()? {
        let format = format!("fmt --manifest-path {manifest} -- --check");
        commands.push(cargo(format.split(' ')));
        let clippy = on("clippy", &manifest, " --all-targets -- -D warnings");
        commands.push(clippy);
        commands.push(on("test", &manifest, ""));
    }
    run_all(commands)?;
    Ok(Done::Passed)
}

/// One target directory for all of them, apart from ours: their dependencies have
/// other features.
fn on(command: &str, manifest: &str, rest: &str) -> Cmd {
    let line =
        format!("{command} --locked --target-dir target/examples --manifest-path {manifest}");
    cargo(format!("{line}{rest}").split(' '))
}

fn manifests() -> Result<Vec<String>> {
    let directory = root().join("examples");
    let mut manifests = Vec::new();
    for entry in fs::read_dir(&directory).context("can't read examples/")? {
        let entry = entry?;
        if entry.path().join("Cargo.toml").is_file() {
            let name = entry.file_name();
            manifests.push(format!("examples/{}/Cargo.toml", name.to_string_lossy()));
        }
    }
    manifests.sort();
    Ok(manifests)
}

#[cfg(test)]
mod tests {
    use super::manifests;

    #[test]
    fn finds_what_is_there() {
        let found = manifests().unwrap();
        assert!(
            found.contains(&"examples/sqlite-sink/Cargo.toml".into()),
            "{found:?}"
        );
    }
}
