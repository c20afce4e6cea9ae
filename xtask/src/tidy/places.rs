//! Nothing in the tree speaks of the machine that it was written on.

use crate::common::Problems;
use crate::tree::File;

/// Directories of a machine; put together here, or this file would be found.
const DIRECTORIES: [&str; 5] = [
    concat!("/", "work"),
    concat!("/", "root"),
    concat!("/", "home/"),
    concat!("/", "Users/"),
    concat!("C:\\", "Users\\"),
];

/// What configures another registry than crates.io, or shows one's address.
const REGISTRIES: [&str; 6] = [
    concat!("arti", "factory"),
    concat!("sparse", "+http"),
    concat!("replace", "-with"),
    concat!("[regis", "tries"),
    concat!("[sour", "ce."),
    concat!("regis", "try+"),
];

/// crates.io, as a lock file names it.
const CRATES_IO: &str = "registry+https://github.com/rust-lang/crates.io-index";

pub(crate) fn check(file: &File, problems: &mut Problems) {
    for (number, line) in file.lines() {
        let place = || format!("{}:{number}", file.path);
        for directory in DIRECTORIES {
            if is_named(line, directory) {
                let problem = "is a place on one machine; write a relative path or an example";
                problems.push(place(), format!("`{directory}` {problem}"));
            }
        }
        let line = line.replace(CRATES_IO, "");
        for mark in REGISTRIES {
            if line.contains(mark) {
                problems.push(
                    place(),
                    format!(
                        "`{mark}` speaks of one machine's registry; only crates.io stands here"
                    ),
                );
            }
        }
    }
}

/// Whether a path begins with that directory: not where it is the middle of one,
/// or the beginning of a longer name.
fn is_named(line: &str, directory: &str) -> bool {
    line.match_indices(directory).any(|(at, found)| {
        let before = line[..at].chars().next_back();
        let after = line[at + found.len()..].chars().next();
        let of_a_path = |letter: char| letter.is_alphanumeric() || "-_./~*}>".contains(letter);
        let of_a_name = |letter: char| letter.is_alphanumeric() || "-_".contains(letter);
        let begins = !before.is_some_and(of_a_path);
        let goes_on = after.is_some_and(of_a_name);
        begins && goes_on == directory.ends_with(['/', '\\'])
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problems(text: &str) -> String {
        let file = File {
            path: "a.md".into(),
            text: text.into(),
        };
        let mut problems = Problems::default();
        check(&file, &mut problems);
        problems.into_vec().join("; ")
    }

    #[test]
    fn places_on_a_machine_are_told() {
        for directory in DIRECTORIES {
            let separator = if directory.ends_with(['/', '\\']) {
                ""
            } else {
                "/"
            };
            let told = problems(&format!("x\nin `{directory}{separator}ann`"));
            assert!(
                told.starts_with(&format!("a.md:2: `{directory}`")),
                "{told}"
            );
        }
        assert!(!problems(concat!("cd /", "work")).is_empty());
        assert!(!problems(concat!("path=/", "root/x")).is_empty());
    }

    #[test]
    fn other_paths_pass() {
        for text in [
            "the frame/work",
            "a network/root.",
            "/workspace/x",
            "/homepage",
            "~/root",
            "docs/work/x",
        ] {
            assert_eq!(problems(text), "", "{text}");
        }
    }

    #[test]
    fn other_registries_are_told() {
        for mark in REGISTRIES {
            assert!(problems(mark).contains("registry"), "{mark}");
        }
        assert_eq!(problems(&format!("source = \"{CRATES_IO}\"")), "");
    }
}
