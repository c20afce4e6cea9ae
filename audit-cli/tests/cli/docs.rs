use std::fs;

use crate::support::run;

/// The verbs that `docs/cli.md` has a section about.
const VERBS: &[&str] = &[
    "record",
    "verify",
    "repair",
    "head",
    "hash",
    "query",
    "stats",
    "tail",
    "schema",
    "completions",
    "man",
];

#[test]
fn the_docs_name_every_verb_and_option() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/cli.md");
    let docs = fs::read_to_string(path).unwrap();
    for verb in VERBS {
        let section = docs.split(&format!("\n## audit {verb}\n")).nth(1);
        let section = section.unwrap_or_else(|| panic!("no section about {verb}"));
        let section = section.split("\n## ").next().unwrap();
        let (_, help) = run(&[*verb, "--help"]).quiet();
        let lines = help.lines().map(str::trim_start);
        let options = lines
            .filter(|line| line.starts_with('-'))
            .filter_map(|line| {
                let word = line.split_whitespace().find(|word| word.starts_with("--"));
                word.map(|word| word.trim_end_matches(','))
            });
        for option in options {
            let is_everywhere = ["--help", "--version", "--color"].contains(&option);
            assert!(
                is_everywhere || section.contains(option),
                "{option} of {verb} is not in docs/cli.md"
            );
        }
    }
    for option in ["--help", "--version", "--color"] {
        assert!(docs.contains(option), "{option}");
    }
}
