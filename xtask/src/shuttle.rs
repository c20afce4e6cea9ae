//! `shuttle`: random executions of the queue's models, and of such as are too large for
//! `loom`.

use crate::Run;
use crate::models::{Checker, settings};

pub(crate) const ABOUT: &str = "random executions of the queue's models and of larger ones; \
     --iterations N, 1000 each unless given, and --seed N";

/// Each with the variable that it sets.
pub(crate) const OPTIONS: &[(&str, &str)] = &[
    ("--iterations", "AUDIT_SHUTTLE_ITERATIONS"),
    ("--seed", "AUDIT_SHUTTLE_SEED"),
];

const SHUTTLE: Checker = Checker {
    name: "shuttle",
    cfg: "audit_shuttle",
};

pub(crate) fn parse(args: &[String]) -> Result<Run, String> {
    let settings = settings("shuttle", OPTIONS, args)?;
    Ok(Box::new(move || SHUTTLE.run(&settings)))
}
