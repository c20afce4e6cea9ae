//! Numbers in the docs are those of the manifests and the sources.

use anyhow::Result;

use crate::common::Problems;
use crate::metadata::Metadata;
use crate::tree::{File, Tree};

/// Constants whose value the docs repeat.
const CONSTANTS: [&str; 2] = ["SCHEMA_VERSION", "DEFAULT_AUDIT_QUEUE_CAPACITY"];

/// Words before the number of a Rust release.
const RUST: [&str; 8] = [
    "Rust ",
    "rustc ",
    "rustc-",
    "MSRV ",
    "MSRV: ",
    "MSRV-",
    "MSRV is ",
    "rust-version = \"",
];

pub(crate) struct Numbers {
    rust_version: String,
    /// Our crates and their versions.
    crates: Vec<(String, String)>,
    /// What the sources say of [`CONSTANTS`].
    constants: Vec<(&'static str, Option<String>)>,
}

impl Numbers {
    pub(crate) fn of(tree: &Tree, metadata: &Metadata) -> Result<Self> {
        let crates = metadata.packages.iter();
        Ok(Self {
            rust_version: metadata.rust_version()?.to_owned(),
            crates: crates
                .map(|of| (of.name.clone(), of.version.clone()))
                .collect(),
            constants: CONSTANTS.map(|name| (name, constant(tree, name))).to_vec(),
        })
    }

    pub(crate) fn check(&self, tree: &Tree, problems: &mut Problems) {
        for file in tree.ending(".md") {
            for (number, line) in file.lines() {
                // What was true when a release was made stays as it was.
                if file.path.ends_with("CHANGELOG.md") && is_release(line) {
                    break;
                }
                self.line(file, number, line, problems);
            }
        }
        for file in tree.ending(".rs") {
            let is_doc = |line: &str| line.starts_with("///") || line.starts_with("//!");
            for (number, line) in file.lines().filter(|(_, line)| is_doc(line.trim_start())) {
                self.line(file, number, line, problems);
            }
        }
    }

    fn line(&self, file: &File, number: usize, line: &str, problems: &mut Problems) {
        let mut tell = |problem: String| {
            problems.push(format!("{}:{number}", file.path), problem);
        };
        for found in rust_versions(line) {
            let same = found == self.rust_version || found == format!("{}.0", self.rust_version);
            if !same {
                let ours = &self.rust_version;
                tell(format!(
                    "says Rust {found}, but `rust-version` is {ours}; write {ours}"
                ));
            }
        }
        for (name, version) in &self.crates {
            for found in crate_versions(line, name) {
                if !is_met(found, version) {
                    tell(format!(
                        "asks for {name} {found}, but it is {version}; write that"
                    ));
                }
            }
        }
        for (name, value) in &self.constants {
            for found in values(line, name) {
                match value {
                    Some(value) if *value == found => {}
                    Some(value) => {
                        tell(format!(
                            "says {name} is {found}, but the source says {value}; write that"
                        ));
                    }
                    None => tell(format!(
                        "says {name} is {found}, but no source defines it; take it out"
                    )),
                }
            }
        }
    }
}

/// A heading of the changelog that begins a release that has been made.
fn is_release(line: &str) -> bool {
    line.starts_with("## ") && !line.contains("Unreleased")
}

/// The numbers of Rust releases in a line.
fn rust_versions(line: &str) -> impl Iterator<Item = &str> {
    let after = RUST.iter().flat_map(move |word| after(line, word));
    after.filter_map(|rest| {
        let rest = rest.trim_start_matches(['*', '`']);
        let end = rest.find(|letter: char| !letter.is_ascii_digit() && letter != '.');
        let number = rest[..end.unwrap_or(rest.len())].trim_end_matches('.');
        number.starts_with("1.").then_some(number)
    })
}

/// The versions that a line asks for of one crate: `name = "0.1"`,
/// `name = { version = "0.1" }`, `name@0.1`.
fn crate_versions<'a>(line: &'a str, name: &str) -> Vec<&'a str> {
    let mut found = Vec::new();
    for rest in after(line, name) {
        if let Some(version) = rest.strip_prefix('@') {
            let end = version.find(|letter: char| !letter.is_ascii_digit() && letter != '.');
            found.push(version[..end.unwrap_or(version.len())].trim_end_matches('.'));
        }
        let Some(value) = rest.trim_start().strip_prefix('=').map(str::trim_start) else {
            continue;
        };
        let quoted = match value.strip_prefix('{') {
            Some(table) => after(table, "version")
                .next()
                .and_then(|rest| rest.trim_start().strip_prefix('=').map(str::trim_start)),
            None => Some(value),
        };
        let version = quoted.and_then(|quoted| quoted.strip_prefix('"')?.split('"').next());
        found.extend(version);
    }
    found
}

/// Whether a version is the one asked for, as far as that goes.
fn is_met(asked: &str, version: &str) -> bool {
    let asked = asked.trim_start_matches(['^', '=', '~']);
    let rest = version.strip_prefix(asked);
    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('.') && asked.contains('.'))
}

/// The values that a line gives a constant: `NAME = 3`, `NAME: u32 = 3`,
/// `NAME (3)`, `NAME is 3`, with or without ticks.
fn values(line: &str, name: &str) -> Vec<String> {
    let value = |rest: &str| {
        let rest = rest.trim_start_matches('`').trim_start();
        let rest = match rest.strip_prefix(':') {
            Some(typed) => typed.trim_start().trim_start_matches(char::is_alphanumeric),
            None => rest,
        };
        let rest = rest.trim_start();
        let rest = ["=", "(", "is ", "→ "]
            .iter()
            .find_map(|mark| rest.strip_prefix(mark))?;
        number(rest.trim_start().trim_start_matches('`'))
    };
    after(line, name).filter_map(value).collect()
}

/// The number at the beginning, without what groups its digits.
fn number(text: &str) -> Option<String> {
    let mut digits = String::new();
    for (at, letter) in text.char_indices() {
        // A comma groups digits only by three; elsewhere it ends the number.
        let three = || {
            text[at + 1..]
                .bytes()
                .take_while(u8::is_ascii_digit)
                .count()
                == 3
        };
        match letter {
            '0'..='9' => digits.push(letter),
            '_' => {}
            ',' if three() => {}
            _ => break,
        }
    }
    (!digits.is_empty()).then_some(digits)
}

/// The value that the sources give a constant.
fn constant(tree: &Tree, name: &str) -> Option<String> {
    let defines = format!("pub const {name}:");
    let line = tree
        .ending(".rs")
        .flat_map(File::lines)
        .find_map(|(_, line)| line.trim_start().strip_prefix(&defines))?;
    number(line.split_once('=')?.1.trim_start())
}

/// What follows each place where a word stands by itself.
fn after<'a>(line: &'a str, word: &str) -> impl Iterator<Item = &'a str> {
    let of_a_word = |letter: char| letter.is_alphanumeric() || matches!(letter, '-' | '_');
    line.match_indices(word).filter_map(move |(at, found)| {
        let alone = !line[..at].ends_with(of_a_word);
        alone.then(|| &line[at + found.len()..])
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problems(path: &str, text: &str) -> String {
        let source = "/// Doc.\npub const SCHEMA_VERSION: u32 = 3;\n\
                      pub const DEFAULT_AUDIT_QUEUE_CAPACITY: usize = 1_024;\n";
        let tree = Tree::of(&[("audit-schema/src/event.rs", source), (path, text)]);
        let metadata = Metadata::of(&[("audit-schema", &[]), ("audit-jsonl", &[])]);
        let mut problems = Problems::default();
        Numbers::of(&tree, &metadata)
            .unwrap()
            .check(&tree, &mut problems);
        problems.into_vec().join("; ")
    }

    #[test]
    fn numbers_that_agree_pass() {
        for text in [
            "Needs Rust 1.88. Or **Rust 1.88.0**, `rust-version = \"1.88\"`.",
            "Trust 1.2, Rust 2024",
            "audit-jsonl = \"0.1\"",
            "audit-schema = { path = \"x\" } audit-jsonl = { version = \"0.1.0\", features = [] }",
            "`cargo add audit-jsonl@0.1`.",
            "`SCHEMA_VERSION` = 3,4, SCHEMA_VERSION (3), see SCHEMA_VERSION. It is 4",
            "`DEFAULT_AUDIT_QUEUE_CAPACITY` (1,024 events), DEFAULT_AUDIT_QUEUE_CAPACITY = 1024",
        ] {
            assert_eq!(problems("README.md", text), "", "{text}");
        }
    }

    #[test]
    fn numbers_that_disagree_are_told() {
        for (text, told) in [
            (
                "a\nRust 1.85 or later",
                "README.md:2: says Rust 1.85, but `rust-version` is 1.88",
            ),
            ("MSRV: 1.8", "says Rust 1.8,"),
            (
                "audit-jsonl = \"0.2\"",
                "asks for audit-jsonl 0.2, but it is 0.1.0",
            ),
            (
                "audit-jsonl = { version = \"0.10\" }",
                "asks for audit-jsonl 0.10",
            ),
            ("`cargo add audit-jsonl@1`", "asks for audit-jsonl 1,"),
            (
                "`SCHEMA_VERSION` = 2",
                "SCHEMA_VERSION is 2, but the source says 3",
            ),
            ("`SCHEMA_VERSION` (`4`)", "SCHEMA_VERSION is 4"),
            ("`SCHEMA_VERSION: u32 = 30`", "SCHEMA_VERSION is 30"),
            (
                "DEFAULT_AUDIT_QUEUE_CAPACITY is 1,025 events",
                "is 1025, but the source says 1024",
            ),
        ] {
            let problems = problems("README.md", text);
            assert!(problems.contains(told), "{text}: {problems}");
        }
    }

    #[test]
    fn docs_in_sources_count_and_code_does_not() {
        assert!(problems("a.rs", "/// Since Rust 1.70.\n").contains("a.rs:1: says Rust 1.70"));
        assert_eq!(problems("a.rs", "let old = \"Rust 1.70\";\n"), "");
    }

    #[test]
    fn releases_that_were_made_stay_as_they_were() {
        let log = "# Changelog\n\n## [Unreleased]\n\n- {}\n\n## [0.0.1]\n\n- Rust 1.60\n";
        assert_eq!(problems("CHANGELOG.md", log), "");
        let log = log.replace("{}", "Rust 1.70");
        assert!(problems("CHANGELOG.md", &log).contains("CHANGELOG.md:5: says Rust 1.70"));
    }
}
