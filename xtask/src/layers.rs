//! `layers`: each crate holds only what it may, our own crates depend on each
//! other only as drawn in ARCHITECTURE.md, and the manifests keep the rules.

mod allowed;
mod arrows;
mod manifests;

use std::collections::BTreeSet;
use std::fs;

use anyhow::{Context as _, Result};
use toml::Table;

use crate::common::{Problems, StepResult, cargo, root};
use crate::layers::allowed::{LAYERS, Layer};
use crate::metadata::Metadata;

pub(crate) fn run() -> StepResult {
    let metadata = Metadata::read()?;
    let mut problems = Problems::default();
    for package in &metadata.packages {
        let without_row = !LAYERS.iter().any(|layer| layer.krate == package.name);
        if package.is_published() && without_row {
            problems.push(
                format!("{}/Cargo.toml", package.name),
                "nothing says what this crate may hold; add it to LAYERS in \
                 xtask/src/layers/allowed.rs",
            );
        }
    }
    for layer in LAYERS {
        if metadata.package(layer.krate).is_none() {
            problems.push(
                "xtask/src/layers/allowed.rs",
                format!("there is no crate `{}`; take it out of LAYERS", layer.krate),
            );
            continue;
        }
        layer.compare(&cargo(layer.tree()).output()?, &mut problems);
    }
    arrows::check(&metadata, &mut problems);
    check_manifests(&metadata, &mut problems)?;
    problems.finish("what the crates hold, their arrows and their manifests")
}

fn check_manifests(metadata: &Metadata, problems: &mut Problems) -> Result<()> {
    manifests::check_root(&read("Cargo.toml")?, metadata, problems);
    for package in &metadata.packages {
        let path = package.manifest_path.strip_prefix(root());
        let path = path.unwrap_or(&package.manifest_path).to_string_lossy();
        let manifest = read(&path)?;
        manifests::check_member(&path, &manifest, metadata, problems);
        if package.is_published() {
            let has = |file: &str| package.dir().join(file).is_file();
            manifests::check_published(&path, &manifest, has, problems);
        }
    }
    Ok(())
}

fn read(path: &str) -> Result<Table> {
    let text =
        fs::read_to_string(root().join(path)).with_context(|| format!("can't read {path}"))?;
    text.parse()
        .with_context(|| format!("{path} isn't valid TOML"))
}

impl Layer {
    /// The arguments of the `cargo tree` that lists what the crate holds. On all
    /// platforms, or the list would depend on who asks; without procedural
    /// macros, which are not in what is built.
    fn tree(&self) -> Vec<&'static str> {
        let tree = "tree --locked --target all -e normal,no-proc-macro --prefix none -p";
        let mut args: Vec<&str> = tree.split(' ').collect();
        args.push(self.krate);
        args.extend(self.features);
        args
    }

    fn compare(&self, tree: &str, problems: &mut Problems) {
        let held: BTreeSet<&str> = tree
            .lines()
            .filter_map(|line| line.split_whitespace().next())
            .filter(|name| *name != self.krate)
            .collect();
        let wrong: Vec<&str> = held
            .into_iter()
            .filter(|name| !self.may_hold(name))
            .collect();
        // One dependency brings others; told together, they read as one problem.
        if let [first, ..] = wrong[..] {
            let krate = self.krate;
            let with = match self.features {
                [] => "the default features".into(),
                features => features.join(" "),
            };
            problems.push(
                format!("{krate}/Cargo.toml"),
                format!(
                    "with {with}, brings in {}, which {krate} may not hold; `cargo tree --target all \
                     -e normal -p {krate} -i {first}` shows the way. Drop the dependency, or add \
                     the names to xtask/src/layers/allowed.rs and say why",
                    wrong.join(", "),
                ),
            );
        }
    }

    fn may_hold(&self, name: &str) -> bool {
        self.holds.iter().any(|group| group.contains(&name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_what_a_crate_may_not_hold() {
        let layer = Layer {
            krate: "audit-schema",
            features: &["--no-default-features"],
            holds: &[&["serde", "serde_core"]],
        };
        let mut problems = Problems::default();
        layer.compare(
            "audit-schema v0.1.0 (/src/audit-schema)\nserde v1.0.0\nserde_core v1.0.0\n\
             libc v0.2.0\nlibc v0.2.0 (*)\nlog v0.4.0\n",
            &mut problems,
        );
        let problems = problems.into_vec();
        assert_eq!(problems.len(), 1, "{problems:?}");
        let told = "with --no-default-features, brings in libc, log, which";
        assert!(problems[0].contains(told), "{problems:?}");
    }
}
