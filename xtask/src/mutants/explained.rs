//! Mutants that survive, and why that is right.

use anyhow::{Context as _, Result};
use serde::Deserialize;

use crate::mutants::outcomes::Mutant;

/// A mutant is known by what it changes and where: lines move.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Explained {
    pub(super) file: String,
    /// As cargo-mutants names it, without the place.
    pub(super) change: String,
    /// What stands in the source there, to the end of the line.
    pub(super) at: String,
    /// For whoever reads the file.
    #[allow(dead_code, reason = "tests see that it is there")]
    pub(super) reason: String,
}

impl Explained {
    pub(super) fn is_of(&self, mutant: &Mutant) -> bool {
        self.file == mutant.file && self.change == mutant.change && self.at == mutant.at
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    mutant: Vec<Explained>,
}

/// All of them, in the order of the file.
pub(super) fn all() -> Result<Vec<Explained>> {
    let name = "explained.toml";
    let file: File = toml::from_str(include_str!("explained.toml")).context(name)?;
    Ok(file.mutant)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::common::root;
    use crate::mutants::parts::PARTS;

    #[test]
    fn each_is_in_the_sources_of_a_part_and_has_a_reason() {
        for Explained {
            file,
            change,
            at,
            reason,
        } in all().unwrap()
        {
            assert!(PARTS.iter().any(|part| part.has(&file)), "{file}");
            let text = fs::read_to_string(root().join(&file)).unwrap();
            assert!(
                text.lines().any(|line| line.ends_with(&at)),
                "{file}: {change}: {at}"
            );
            assert!(reason.len() > 20, "{file}: {change}");
        }
    }
}
