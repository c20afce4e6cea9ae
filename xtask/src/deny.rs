//! `deny`: what `deny.toml` says, for whoever has cargo-deny.

use crate::common::{Done, StepResult};
use crate::tools::DENY;

pub(crate) fn run() -> StepResult {
    if let Some(why) = DENY.missing() {
        return Ok(Done::Skipped(why));
    }
    // Advisories are left out: their database changes under an unchanged tree.
    let args = "deny --locked check bans licenses sources";
    DENY.command(args.split(' '))?.run()?;
    Ok(Done::Passed)
}
