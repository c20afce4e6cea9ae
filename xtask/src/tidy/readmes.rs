//! The readme of each library is the front page of its docs, so that its
//! examples are compiled.

use crate::common::{Problems, root};
use crate::metadata::Metadata;
use crate::tree::Tree;

const INCLUDE: &str = "#![doc = include_str!(\"../README.md\")]";

pub(crate) fn check(tree: &Tree, metadata: &Metadata, problems: &mut Problems) {
    for package in &metadata.packages {
        let Some(lib) = package.lib() else { continue };
        let lib = lib.src_path.strip_prefix(root()).unwrap_or(&lib.src_path);
        let lib = lib.to_string_lossy().replace('\\', "/");
        let Some(file) = tree.file(&lib) else {
            problems.push(lib, "is not in git; add it");
            continue;
        };
        if !file.text.lines().any(|line| line.trim() == INCLUDE) {
            problems.push(
                format!("{lib}:1"),
                format!("doesn't show the crate's readme; write `{INCLUDE}`"),
            );
        }
        let readme = lib.replace("src/lib.rs", "README.md");
        if tree.file(&readme).is_none() {
            problems.push(
                readme,
                "is missing; say what the crate is, what it isn't, and show it",
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metadata::Target;

    fn problems(files: &[(&str, &str)]) -> String {
        let mut metadata = Metadata::of(&[("audit-x", &[])]);
        metadata.packages[0].targets = vec![Target {
            name: "audit_x".into(),
            kind: vec!["lib".into()],
            src_path: root().join("audit-x/src/lib.rs"),
        }];
        let mut problems = Problems::default();
        check(&Tree::of(files), &metadata, &mut problems);
        problems.into_vec().join("; ")
    }

    #[test]
    fn the_readme_is_there_and_shown() {
        let (lib, readme) = ("audit-x/src/lib.rs", ("audit-x/README.md", "# x\n"));
        assert_eq!(problems(&[(lib, INCLUDE), readme]), "");
        assert!(problems(&[(lib, "//! X.\n"), readme]).contains("lib.rs:1: doesn't show"));
        assert!(problems(&[(lib, INCLUDE)]).contains("audit-x/README.md: is missing"));
        assert!(problems(&[readme]).contains("is not in git"));
    }
}
