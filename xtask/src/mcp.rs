//! `mcp`: real clients call real servers by way of `audit wrap`.
//!
//! Pinned releases from the registries of npm and Python are installed under
//! `target/mcp`, once; then `audit-cli/tests/mcp/drive.py` has each client call each
//! server.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};

use crate::common::{Done, StepResult, cargo, program, root};

/// What is installed where: line 1 and line 2 of the Python SDK can't share a place.
const PYTHON: &[(&str, &[&str])] = &[
    ("py1", &["mcp==1.30.0"]),
    (
        "py2",
        &[
            "mcp==2.3.0",
            "fastmcp==4.1.2",
            "mcp-server-time==2026.10.19",
        ],
    ),
];

const NODE: &[&str] = &[
    "@modelcontextprotocol/sdk@1.32.2",
    "@modelcontextprotocol/server@2.4.0",
    "@modelcontextprotocol/client@2.4.0",
    "@modelcontextprotocol/inspector@2.12.0",
    "@modelcontextprotocol/server-everything@2026.8.31",
    "@modelcontextprotocol/server-filesystem@2026.8.31",
];

pub(crate) fn run() -> StepResult {
    for needed in ["python3", "npm"] {
        if program(needed, ["--version"]).probe().is_none() {
            return Ok(Done::Skipped(format!("there is no {needed}; install it")));
        }
    }
    let directory = root().join("target").join("mcp");
    if let Err(error) = install(&directory) {
        return Ok(Done::Skipped(format!(
            "clients and servers can't be installed, is a registry in reach? {error:#}"
        )));
    }
    cargo("build --locked -p audit-cli --bin audit".split(' ')).run()?;
    let audit = target().join("debug").join("audit");
    let drive = root()
        .join("audit-cli")
        .join("tests")
        .join("mcp")
        .join("drive.py");
    program("python3", [&drive, &audit, &directory]).run()?;
    Ok(Done::Passed)
}

/// Where cargo builds.
fn target() -> PathBuf {
    std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), PathBuf::from)
}

fn install(directory: &Path) -> Result<()> {
    for (venv, packages) in PYTHON {
        let venv = directory.join(venv);
        once(&venv, packages, || {
            program("python3", [Path::new("-m"), Path::new("venv"), &venv]).run()?;
            let pip = venv.join("bin").join("pip");
            let install = ["install", "--quiet", "--disable-pip-version-check"];
            program(&pip.to_string_lossy(), install.iter().chain(*packages)).run()
        })?;
    }
    let node = directory.join("node");
    once(&node, NODE, || {
        fs::create_dir_all(&node)?;
        // A package of its own, or npm would install into one above it.
        fs::write(node.join("package.json"), "{\"private\":true}\n")?;
        let install = ["install", "--no-audit", "--no-fund", "--loglevel=error"];
        let place = ["--prefix".into(), node.to_string_lossy().into_owned()];
        let args = install.iter().chain(NODE).map(|word| (*word).to_owned());
        program("npm", place.into_iter().chain(args)).run()
    })
}

/// Installs anew what isn't what was asked for, as a note in its place says.
fn once(place: &Path, packages: &[&str], install: impl FnOnce() -> Result<()>) -> Result<()> {
    let note = place.join("installed");
    let wanted = packages.join("\n");
    if fs::read_to_string(&note).is_ok_and(|installed| installed == wanted) {
        return Ok(());
    }
    if place.exists() {
        fs::remove_dir_all(place)?;
    }
    install()?;
    fs::write(&note, wanted).with_context(|| format!("can't write {}", note.display()))
}
