//! `features`: every publishable crate with every set of its features.
//!
//! Alone, as a user has it: in a build of the workspace each crate gets the
//! features that any other one asks for.

use anyhow::bail;

use crate::common::{Done, StepResult, cargo, run_all};
use crate::metadata::Metadata;

/// Beyond this many features, all sets are too many to try.
const MOST: usize = 5;

pub(crate) fn run() -> StepResult {
    let metadata = Metadata::read()?;
    let mut commands = Vec::new();
    for package in metadata.publishable() {
        let features: Vec<&str> = package
            .features
            .keys()
            .map(String::as_str)
            .filter(|feature| *feature != "default")
            .collect();
        if features.len() > MOST {
            bail!(
                "{}: {} features make too many sets; choose in xtask/src/features.rs which to try",
                package.manifest_path.display(),
                features.len()
            );
        }
        for set in sets(&features) {
            let mut args = vec!["clippy", "--locked", "-p", &package.name];
            args.push("--no-default-features");
            let set = set.join(",");
            if !set.is_empty() {
                args.extend(["--features", &set]);
            }
            // Clippy checks what `cargo check` does, and can refuse warnings
            // without building the dependencies again.
            args.extend(["--", "-D", "warnings"]);
            commands.push(cargo(args));
        }
    }
    run_all(commands)?;
    Ok(Done::Passed)
}

/// Every set of these, the empty one first.
fn sets<'a>(features: &[&'a str]) -> Vec<Vec<&'a str>> {
    (0..1_usize << features.len())
        .map(|chosen| {
            let is_chosen = |at: &usize| chosen >> at & 1 == 1;
            (0..features.len())
                .filter(is_chosen)
                .map(|at| features[at])
                .collect()
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::sets;

    #[test]
    fn all_sets_once() {
        assert_eq!(sets(&[]), [Vec::<&str>::new()]);
        assert_eq!(
            sets(&["a", "b"]),
            [vec![], vec!["a"], vec!["b"], vec!["a", "b"]]
        );
    }
}
