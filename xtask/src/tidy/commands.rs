//! Commands in the docs name things that exist.

use crate::common::Problems;
use crate::metadata::{Metadata, Package};
use crate::tidy::markdown::Markdown;

pub(crate) struct Commands<'a> {
    pub(crate) metadata: &'a Metadata,
    pub(crate) steps: Vec<&'a str>,
    /// The commands of `cargo xtask` that are no steps.
    pub(crate) others: Vec<&'a str>,
}

/// Options that name a target, and the target's kind.
const TARGETS: [(&str, &str); 4] = [
    ("--example", "example"),
    ("--bench", "bench"),
    ("--test", "test"),
    ("--bin", "bin"),
];

impl Commands<'_> {
    pub(crate) fn check(&self, page: &Markdown<'_>, problems: &mut Problems) {
        for code in &page.code {
            for words in calls(&code.text) {
                if let Err(problem) = self.call(&words) {
                    let place = format!("{}:{}", page.path, code.line);
                    let call = words.join(" ");
                    problems.push(place, format!("`cargo {call}`: {problem}"));
                }
            }
        }
    }

    /// The words after `cargo`.
    fn call(&self, words: &[&str]) -> Result<(), String> {
        let toolchain = words.iter().take_while(|word| word.starts_with('+'));
        match words[toolchain.count()..].split_first() {
            Some((&"xtask", rest)) => self.xtask(rest),
            Some((
                &("run" | "bench" | "test" | "build" | "check" | "clippy" | "doc" | "package"),
                rest,
            )) => self.targets(rest),
            _ => Ok(()),
        }
    }

    fn xtask(&self, words: &[&str]) -> Result<(), String> {
        let Some((name, options)) = words.split_first() else {
            return Ok(());
        };
        let unknown = |name: &&str| !is_example(name) && !self.steps.contains(name);
        if *name != "ci" && !self.others.contains(name) && unknown(name) {
            return Err(format!(
                "there is no such command; there are ci, {}, {}",
                self.others.join(", "),
                self.steps.join(", ")
            ));
        }
        let named = value(options, "--only").or(value(options, "--skip"));
        match named
            .into_iter()
            .flat_map(|names| names.split(','))
            .find(unknown)
        {
            Some(step) => Err(format!(
                "there is no step `{step}`; there are {}",
                self.steps.join(", ")
            )),
            None => Ok(()),
        }
    }

    fn targets(&self, words: &[&str]) -> Result<(), String> {
        // What follows is for the program that is run.
        let words = words.split(|word| *word == "--").next().unwrap_or_default();
        let mut among: Vec<&Package> = self.metadata.packages.iter().collect();
        if let Some(name) = value(words, "-p").or(value(words, "--package"))
            && !is_example(name)
        {
            among.retain(|package| package.name == name);
            if among.is_empty() {
                return Err(format!("there is no crate `{name}` in the workspace"));
            }
        }
        for (option, kind) in TARGETS {
            let Some(name) = value(words, option).filter(|name| !is_example(name)) else {
                continue;
            };
            if !among.iter().any(|package| package.has_target(kind, name)) {
                let crates: Vec<_> = among.iter().map(|package| package.name.as_str()).collect();
                return Err(format!(
                    "there is no {kind} `{name}` in {}",
                    crates.join(", ")
                ));
            }
        }
        Ok(())
    }
}

/// The words after each `cargo` in a piece of code.
fn calls(code: &str) -> Vec<Vec<&str>> {
    let mut calls = Vec::new();
    let mut words = code.split_whitespace();
    while let Some(word) = words.next() {
        if word.trim_start_matches(['$', '(', '"', '\'', '`']) != "cargo" {
            continue;
        }
        let ends =
            |word: &&str| matches!(*word, "&&" | "||" | "|" | ";" | "&") || word.starts_with('#');
        let mut call = Vec::new();
        for word in words.by_ref().take_while(|word| !ends(word)) {
            let bare = word.trim_end_matches([';', ')', '"', '\'', '`', ',', '.', ':']);
            call.push(bare);
            if bare.len() < word.len() && !word.ends_with(['"', '\'']) {
                break;
            }
        }
        calls.push(call);
    }
    calls
}

/// What stands after an option, or after it and `=`.
fn value<'a>(words: &[&'a str], option: &str) -> Option<&'a str> {
    let mut words = words.iter();
    while let Some(word) = words.next() {
        if *word == option {
            return words.next().copied();
        }
        if let Some(value) = word
            .strip_prefix(option)
            .and_then(|rest| rest.strip_prefix('='))
        {
            return Some(value);
        }
    }
    None
}

/// A word that stands for others, as `NAME`, `<step>` or `…`.
fn is_example(word: &str) -> bool {
    let is_name =
        |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '-' | '_' | ',');
    !word.chars().all(is_name) || word.chars().all(|letter| !letter.is_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metadata::Target;
    use crate::tree::Tree;

    fn problems(text: &str) -> String {
        let mut metadata = Metadata::of(&[("audit-jsonl", &[]), ("audit-sink", &[])]);
        metadata.packages[0].targets = vec![Target {
            name: "quickstart".into(),
            kind: vec!["example".into()],
            src_path: "audit-jsonl/examples/quickstart.rs".into(),
        }];
        let commands = Commands {
            metadata: &metadata,
            steps: vec!["fmt", "tidy"],
            others: vec!["crash"],
        };
        let tree = Tree::of(&[("README.md", text)]);
        let mut problems = Problems::default();
        commands.check(&Markdown::parse(&tree.files[0]), &mut problems);
        problems.into_vec().join("; ")
    }

    #[test]
    fn what_exists_passes() {
        for text in [
            "Run `cargo xtask ci`, or `cargo xtask tidy`, or `cargo xtask crash --seed 2`.",
            "`cargo xtask ci --only fmt,tidy`, `cargo xtask`, `cargo xtask NAME`, `cargo xtask <step>`",
            "```sh\ncargo run -p audit-jsonl --example quickstart -- --bin x # say --test y\n```",
            "`cargo +nightly test -p audit-sink && cargo bench -p audit-jsonl`",
            "In prose, cargo xtask goes on.",
            "`cargo tree -p serde`, `cargo install audit-other`",
        ] {
            assert_eq!(problems(text), "", "{text}");
        }
    }

    #[test]
    fn what_does_not_exist_is_told() {
        for (text, told) in [
            (
                "a\n`cargo xtask tydi`",
                "README.md:2: `cargo xtask tydi`: there is no such command",
            ),
            ("`cargo xtask ci --skip fmt,typo`", "no step `typo`"),
            ("```sh\n$ cargo xtask lint\n```", "no such command"),
            (
                "`cargo run -p audit-sink --example quickstart`",
                "no example `quickstart` in audit-sink",
            ),
            (
                "`cargo run --example slow`",
                "no example `slow` in audit-jsonl, audit-sink",
            ),
            ("`cargo bench -p audit-json`", "no crate `audit-json`"),
            ("`cargo bench --bench=latency`", "no bench `latency`"),
            (
                "`true && cargo test --package audit-kit`",
                "no crate `audit-kit`",
            ),
            (
                "`cargo test -p audit-sink --test it; cargo fmt`",
                "no test `it`",
            ),
            (
                "```sh\ncargo test \\\n  -p audit-kit\n```",
                "no crate `audit-kit`",
            ),
        ] {
            let problems = problems(text);
            assert!(problems.contains(told), "{text}: {problems}");
        }
    }
}
