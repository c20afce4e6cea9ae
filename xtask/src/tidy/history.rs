//! The changelog has a section for what comes next, before all others.

use crate::common::Problems;
use crate::tree::Tree;

const CHANGELOG: &str = "CHANGELOG.md";
const NEXT: &str = "## [Unreleased]";

pub(crate) fn check(tree: &Tree, problems: &mut Problems) {
    let Some(file) = tree.file(CHANGELOG) else {
        problems.push(CHANGELOG, format!("is missing; begin it with `{NEXT}`"));
        return;
    };
    match file.lines().find(|(_, line)| line.starts_with("## ")) {
        Some((_, line)) if line.trim_end() == NEXT => {}
        Some((number, line)) => problems.push(
            format!("{CHANGELOG}:{number}"),
            format!("the first section is `{line}`; put `{NEXT}` before it"),
        ),
        None => problems.push(
            format!("{CHANGELOG}:1"),
            format!("has no section; add `{NEXT}`"),
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problems(text: &str) -> String {
        let mut problems = Problems::default();
        check(&Tree::of(&[("CHANGELOG.md", text)]), &mut problems);
        problems.into_vec().join("; ")
    }

    #[test]
    fn the_next_release_comes_first() {
        assert_eq!(
            problems("# Changelog\n\n## [Unreleased]\n\n## [0.1.0]\n"),
            ""
        );
        assert!(problems("# Changelog\n\n## [0.1.0]\n").contains("CHANGELOG.md:3: the first"));
        assert!(problems("# Changelog\n").contains("has no section"));
        let mut none = Problems::default();
        check(&Tree::of(&[]), &mut none);
        assert!(none.into_vec()[0].contains("is missing"));
    }
}
