//! What `cargo metadata` says about the members of the workspace.

use std::collections::BTreeMap;
use std::path::PathBuf;

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
    pub(crate) manifest_path: PathBuf,
    /// The registries it may go to; `None` is any, an empty list is none.
    publish: Option<Vec<String>>,
    pub(crate) rust_version: Option<String>,
    pub(crate) features: BTreeMap<String, Vec<String>>,
}

impl Metadata {
    pub(crate) fn read() -> Result<Self> {
        let text = cargo("metadata --format-version 1 --no-deps --locked".split(' ')).output()?;
        let mut metadata: Self =
            serde_json::from_str(&text).context("`cargo metadata` wrote an unknown form")?;
        metadata.packages.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(metadata)
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
            .context("Cargo.toml: no `rust-version` in [workspace.package]; say there which Rust is the oldest supported")
    }
}

impl Package {
    pub(crate) fn is_published(&self) -> bool {
        self.publish.as_ref().is_none_or(|to| !to.is_empty())
    }
}
