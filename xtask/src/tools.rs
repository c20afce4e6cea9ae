//! Tools that are no part of a Rust toolchain. Each has its version here, and is
//! installed under `target/tools` by the first command that needs it, or by `tools`.
//! A step of CI that lacks one is skipped instead.

use std::ffi::OsStr;
use std::path::PathBuf;

use anyhow::{Context as _, Result};

use crate::Run;
use crate::common::{Cmd, Done, cargo, program, root};

pub(crate) const ABOUT: &str =
    "installs what other commands would install when they need it: all, or those named";

pub(crate) const COUNTS: Tool = Tool::new("gungraun-runner", "0.20.0");
pub(crate) const COVERAGE: Tool = Tool::new("cargo-llvm-cov", "0.9.1");
pub(crate) const DENY: Tool = Tool::new("cargo-deny", "0.20.2");
pub(crate) const FUZZ: Tool = Tool::new("cargo-fuzz", "0.13.2");
pub(crate) const MUTANTS: Tool = Tool::new("cargo-mutants", "27.1.0");
pub(crate) const SEMVER: Tool = Tool::new("cargo-semver-checks", "0.51.0");

const TOOLS: &[Tool] = &[COUNTS, COVERAGE, DENY, FUZZ, MUTANTS, SEMVER];

/// Stands for the nightly toolchain, among the names of tools.
const NIGHTLY: &str = "nightly";

/// What any command needs of it.
const COMPONENTS: &[&str] = &["rust-src", "miri"];

pub(crate) fn parse(args: &[String]) -> Result<Run, String> {
    let names = || TOOLS.iter().map(|tool| tool.name).chain([NIGHTLY]);
    if let Some(unknown) = args.iter().find(|arg| !names().any(|name| name == *arg)) {
        let names = names().collect::<Vec<_>>().join(", ");
        return Err(format!("`tools`: there is no `{unknown}` among {names}"));
    }
    let wanted = args.to_vec();
    Ok(Box::new(move || {
        let is_wanted = |name: &str| wanted.is_empty() || wanted.iter().any(|one| one == name);
        for tool in TOOLS.iter().filter(|tool| is_wanted(tool.name)) {
            tool.install()?;
        }
        if is_wanted(NIGHTLY) {
            nightly(COMPONENTS)?;
        }
        Ok(Done::Passed)
    }))
}

/// A command that cargo installs from the registry.
pub(crate) struct Tool {
    /// Of the package, and of the binary in it.
    name: &'static str,
    version: &'static str,
}

impl Tool {
    const fn new(name: &'static str, version: &'static str) -> Self {
        Self { name, version }
    }

    /// Where it is; installs it if it isn't there. For tools that others start.
    pub(crate) fn path(&self) -> Result<PathBuf> {
        self.install()?;
        Ok(self.binary())
    }

    /// Why a step that needs it is skipped.
    pub(crate) fn missing(&self) -> Option<String> {
        let name = self.name;
        let is_missing = !self.binary().is_file();
        is_missing.then(|| format!("{name} isn't installed; run `cargo xtask tools {name}`"))
    }

    /// The tool with these arguments; installs it if it isn't there.
    pub(crate) fn command<S: AsRef<OsStr>>(
        &self,
        args: impl IntoIterator<Item = S>,
    ) -> Result<Cmd> {
        self.install()?;
        Ok(Cmd::new(self.binary().as_os_str(), self.name, args))
    }

    /// Installs it, unless it is there. A directory for each version, so that a
    /// change of versions is noticed.
    fn install(&self) -> Result<()> {
        if self.binary().is_file() {
            return Ok(());
        }
        let package = format!("{}@{}", self.name, self.version);
        let place = self.place();
        // Not optimised: none of them takes long over its own work, and they are built
        // in less than half the time.
        let args = ["install", "--debug", "--locked", "--quiet", "--root"].map(OsStr::new);
        let args = args
            .into_iter()
            .chain([place.as_os_str(), package.as_ref()]);
        let install = cargo(args).env("CARGO_PROFILE_DEV_DEBUG", "0");
        install.run().with_context(|| {
            format!("{package} isn't there and can't be installed; is the registry in reach?")
        })
    }

    fn place(&self) -> PathBuf {
        let directory = format!("{}-{}", self.name, self.version);
        root().join("target").join("tools").join(directory)
    }

    /// Where it is once it is installed.
    fn binary(&self) -> PathBuf {
        let file = format!("{}{}", self.name, std::env::consts::EXE_SUFFIX);
        self.place().join("bin").join(file)
    }
}

/// Sees to it that there is a nightly toolchain with these components.
pub(crate) fn nightly(components: &[&str]) -> Result<()> {
    let hint = || {
        let components = components.join(" ");
        format!(
            "run `rustup toolchain install nightly`, then `rustup component add --toolchain nightly {components}`"
        )
    };
    let list = program("rustup", ["toolchain", "list"]).probe();
    let list =
        list.context("rustup isn't there to bring a nightly toolchain; see https://rustup.rs")?;
    if !list.lines().any(|line| line.starts_with("nightly")) {
        let install = ["toolchain", "install", "nightly", "--profile", "minimal"];
        program("rustup", install).run().with_context(hint)?;
    }
    let ask = ["component", "list", "--toolchain", "nightly", "--installed"];
    let there = program("rustup", ask).probe().unwrap_or_default();
    let is_there = |component: &&&str| there.lines().any(|line| line.starts_with(**component));
    let missing: Vec<&str> = components
        .iter()
        .filter(|name| !is_there(name))
        .copied()
        .collect();
    if missing.is_empty() {
        return Ok(());
    }
    let add = ["component", "add", "--toolchain", "nightly"];
    program("rustup", add.into_iter().chain(missing))
        .run()
        .with_context(hint)
}
