//! What `cargo metadata` says about the members of the workspace.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use serde::Deserialize;

use crate::common::cargo;

#[derive(Debug, Deserialize)]
pub(crate) struct Metadata {
    /// The members, by name.
    pub(crate) packages: Vec<Package>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Package {
    pub(crate) name: String,
    pub(crate) version: String,
    pub(crate) manifest_path: PathBuf,
    /// The registries it may go to; `None` is any, an empty list is none.
    publish: Option<Vec<String>>,
    pub(crate) rust_version: Option<String>,
    pub(crate) features: BTreeMap<String, Vec<String>>,
    pub(crate) dependencies: Vec<Dependency>,
    pub(crate) targets: Vec<Target>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Dependency {
    pub(crate) name: String,
    /// `None`, `dev` or `build`.
    kind: Option<String>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Target {
    pub(crate) name: String,
    pub(crate) kind: Vec<String>,
    pub(crate) src_path: PathBuf,
}

impl Metadata {
    pub(crate) fn read() -> Result<Self> {
        let text = cargo("metadata --format-version 1 --no-deps --locked".split(' ')).output()?;
        let mut metadata: Self =
            serde_json::from_str(&text).context("`cargo metadata` wrote an unknown form")?;
        metadata.packages.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(metadata)
    }

    pub(crate) fn package(&self, name: &str) -> Option<&Package> {
        self.packages.iter().find(|package| package.name == name)
    }

    pub(crate) fn publishable(&self) -> impl Iterator<Item = &Package> {
        self.packages
            .iter()
            .filter(|package| package.is_published())
    }

    /// The oldest Rust that is supported, as the workspace says.
    pub(crate) fn rust_version(&self) -> Result<&str> {
        self.packages
            .iter()
            .find_map(|package| package.rust_version.as_deref())
            .context(
                "Cargo.toml: no `rust-version` in [workspace.package]; say there which Rust is \
                 the oldest supported",
            )
    }
}

impl Dependency {
    /// Whether only tests, examples and benches need it.
    pub(crate) fn is_dev(&self) -> bool {
        self.kind.as_deref() == Some("dev")
    }
}

impl Package {
    pub(crate) fn is_published(&self) -> bool {
        self.publish.as_ref().is_none_or(|to| !to.is_empty())
    }

    pub(crate) fn dir(&self) -> &Path {
        self.manifest_path.parent().unwrap_or(Path::new("."))
    }

    pub(crate) fn has_target(&self, kind: &str, name: &str) -> bool {
        self.targets
            .iter()
            .any(|target| target.name == name && target.kind.iter().any(|is| is == kind))
    }

    pub(crate) fn lib(&self) -> Option<&Target> {
        let lib = |target: &&Target| target.kind.iter().any(|is| is == "lib");
        self.targets.iter().find(lib)
    }
}

#[cfg(test)]
impl Metadata {
    /// Published crates of version 0.1.0, each with its dependencies and their
    /// kinds.
    pub(crate) fn of(packages: &[(&str, &[(&str, &str)])]) -> Self {
        let package = |(name, dependencies): &(&str, &[(&str, &str)])| Package {
            name: (*name).into(),
            version: "0.1.0".into(),
            manifest_path: format!("{name}/Cargo.toml").into(),
            publish: None,
            rust_version: Some("1.88".into()),
            features: BTreeMap::new(),
            dependencies: dependencies
                .iter()
                .map(|(name, kind)| Dependency {
                    name: (*name).into(),
                    kind: (*kind != "normal").then(|| (*kind).into()),
                })
                .collect(),
            targets: Vec::new(),
        };
        Self {
            packages: packages.iter().map(package).collect(),
        }
    }
}
