//! `loom`: every execution of the queue's models, up to a number of preemptions.

use crate::Run;
use crate::common::StepResult;
use crate::models::{Checker, settings};

pub(crate) const ABOUT: &str = "goes through every execution of the queue's models; \
     --bound N: with N preemptions at most, for all; --seconds N: for N s each at most";

/// Each with the variable that it sets.
pub(crate) const OPTIONS: &[(&str, &str)] = &[
    ("--bound", "AUDIT_LOOM_BOUND"),
    ("--seconds", "AUDIT_LOOM_SECONDS"),
];

const LOOM: Checker = Checker {
    name: "loom",
    cfg: "audit_loom",
};

pub(crate) fn parse(args: &[String]) -> Result<Run, String> {
    let settings = settings("loom", OPTIONS, args)?;
    Ok(Box::new(move || LOOM.run(&settings)))
}

/// Each model with as many preemptions as it says itself.
pub(crate) fn run() -> StepResult {
    LOOM.run(&[])
}
