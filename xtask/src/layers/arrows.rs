//! Which of our crates may depend on which: arrows point towards audit-schema.

use crate::common::Problems;
use crate::metadata::{Dependency, Metadata};

struct Row {
    krate: &'static str,
    /// Of our crates, those it may depend on.
    may: &'static [&'static str],
    /// Of our crates, those its tests may depend on as well.
    tests_may: &'static [&'static str],
}

const ROWS: &[Row] = &[
    Row {
        krate: "audit-schema",
        may: &[],
        tests_may: &["audit-testkit"],
    },
    Row {
        krate: "audit-sink",
        may: &["audit-schema"],
        tests_may: &["audit-testkit"],
    },
    Row {
        krate: "audit-jsonl",
        may: &["audit-schema", "audit-sink"],
        tests_may: &["audit-testkit"],
    },
    Row {
        krate: "audit-testkit",
        may: &["audit-schema", "audit-sink"],
        tests_may: &[],
    },
    // The command is nobody's dependency, and sees all that applications see.
    Row {
        krate: "audit-cli",
        may: &["audit-schema", "audit-sink", "audit-jsonl"],
        tests_may: &["audit-testkit"],
    },
    // The tools judge our crates, so they can't need them to build.
    Row {
        krate: "xtask",
        may: &[],
        tests_may: &[],
    },
];

pub(crate) fn check(metadata: &Metadata, problems: &mut Problems) {
    for package in &metadata.packages {
        let place = format!("{}/Cargo.toml", package.name);
        let Some(row) = ROWS.iter().find(|row| row.krate == package.name) else {
            problems.push(
                place,
                "nothing says which of our crates this one may depend on; add it to ROWS in \
                 xtask/src/layers/arrows.rs",
            );
            continue;
        };
        for dependency in &package.dependencies {
            let is_ours = metadata.package(&dependency.name).is_some();
            if is_ours && !row.admits(dependency) {
                problems.push(&place, row.complaint(dependency));
            }
        }
    }
}

impl Row {
    fn admits(&self, dependency: &Dependency) -> bool {
        let name = dependency.name.as_str();
        self.may.contains(&name) || dependency.is_dev() && self.tests_may.contains(&name)
    }

    fn complaint(&self, dependency: &Dependency) -> String {
        let may = if self.may.is_empty() {
            "none of our crates".into()
        } else {
            self.may.join(" and ")
        };
        let tests = match self.tests_may {
            [] => String::new(),
            tests => format!(", in tests on {} too", tests.join(" and ")),
        };
        format!(
            "depends on {}, but {} may depend on {may}{tests}; move what it needs towards \
             audit-schema, or take the dependency out",
            dependency.name, self.krate,
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problems(package: &str, dependency: &str, kind: &str) -> String {
        let metadata = Metadata::of(&[(package, &[(dependency, kind)]), (dependency, &[])]);
        let mut problems = Problems::default();
        check(&metadata, &mut problems);
        problems.into_vec().join("; ")
    }

    #[test]
    fn arrows_point_towards_the_schema() {
        assert_eq!(problems("audit-jsonl", "audit-sink", "normal"), "");
        assert_eq!(problems("audit-jsonl", "audit-testkit", "dev"), "");
        for (package, dependency, kind) in [
            ("audit-testkit", "audit-jsonl", "dev"),
            ("audit-jsonl", "audit-testkit", "normal"),
            ("audit-jsonl", "audit-testkit", "build"),
            ("xtask", "audit-schema", "normal"),
        ] {
            let wrong = problems(package, dependency, kind);
            assert!(
                wrong.contains(&format!("depends on {dependency}")),
                "{wrong}"
            );
        }
    }

    #[test]
    fn a_new_crate_needs_a_row() {
        let wrong = problems("audit-new", "audit-schema", "normal");
        assert!(wrong.contains("add it to ROWS"), "{wrong}");
    }
}
