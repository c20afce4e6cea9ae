//! `deny`: what `deny.toml` says, for whoever has cargo-deny.

use crate::common::{Done, StepResult, cargo};

pub(crate) fn run() -> StepResult {
    if cargo(["deny", "--version"]).probe().is_none() {
        return Ok(Done::Skipped(
            "cargo-deny isn't installed; run `cargo install --locked cargo-deny`".into(),
        ));
    }
    // Advisories are left out: their database changes under an unchanged tree.
    cargo("deny --locked check bans licenses sources".split(' ')).run()?;
    Ok(Done::Passed)
}
