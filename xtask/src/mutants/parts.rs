//! What is changed, and which tests are to notice.

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;

use anyhow::{Result, bail};

use crate::common::{cargo, root};
use crate::mutants::explained::Explained;
use crate::mutants::outcomes::{self, Fate, Mutant};
use crate::tools::MUTANTS;

/// Files of a package, and the tests that are tried first.
pub(super) struct Part {
    pub(super) name: &'static str,
    package: &'static str,
    /// Under the package's `src`; a directory ends in `/`, and stands for all below it.
    sources: &'static [&'static str],
    /// The test binaries that notice nearly all of it, beside the library's own tests.
    /// What they leave is tried against all tests of the package.
    first: &'static [&'static str],
}

pub(super) const PARTS: &[Part] = &[
    Part {
        name: "schema",
        package: "audit-schema",
        sources: &["/"],
        first: &["it"],
    },
    Part {
        name: "sink",
        package: "audit-sink",
        sources: &["/"],
        first: &["it"],
    },
    Part {
        name: "queue",
        package: "audit-jsonl",
        sources: &["queue.rs", "queue/", "writer.rs"],
        first: &["it"],
    },
    Part {
        name: "chain",
        package: "audit-jsonl",
        sources: &[
            "chain.rs",
            "leaf.rs",
            "link.rs",
            "ahead.rs",
            "chained.rs",
            "appender.rs",
        ],
        first: &["log", "vectors"],
    },
    Part {
        name: "direct",
        package: "audit-jsonl",
        sources: &["direct_log.rs", "direct_log/"],
        first: &["log"],
    },
    Part {
        name: "recovery",
        package: "audit-jsonl",
        sources: &["log.rs", "log/"],
        first: &["log", "vectors"],
    },
    Part {
        name: "verifier",
        package: "audit-jsonl",
        sources: &["verify.rs", "verify/", "form.rs", "form/"],
        first: &["verify", "tamper", "vectors"],
    },
];

/// How much tests do that can do any number: little, for they run once for each mutant.
/// Those that aren't here fail with less than they do by default.
const AMOUNTS: &[(&str, &str)] = &[
    ("AUDIT_IMAGES", "2000"),
    ("AUDIT_TEST_KILLS", "10"),
    ("AUDIT_TEST_FOLLOWED", "3"),
    ("AUDIT_TAMPER_CHANGES", "300"),
    ("AUDIT_TAMPER_COMPARED", "200"),
    ("AUDIT_FAULTS_CALLS", "100"),
    ("AUDIT_FAULTS_MIXED", "10"),
    ("AUDIT_FAULTS_SYNCS", "4"),
    ("AUDIT_FAULTS_CUTS", "4"),
];

/// The tests of a mutant are given up after so long, or five times what they take
/// without a change.
const AT_LEAST_SECONDS: &str = "60";

impl Part {
    /// Whether that file, by its path from the root, is one of its sources.
    pub(super) fn has(&self, file: &str) -> bool {
        let file = file.strip_prefix(self.package);
        file.and_then(|file| file.strip_prefix("/src/"))
            .is_some_and(|file| {
                self.sources.iter().any(|source| match *source {
                    "/" => true,
                    source if source.ends_with('/') => file.starts_with(source),
                    source => file == source,
                })
            })
    }

    /// All mutants, or those of a shard, and how each ended.
    pub(super) fn run(
        &self,
        explained: &[Explained],
        shard: Option<&str>,
        jobs: u64,
    ) -> Result<Vec<Mutant>> {
        let mut options: Vec<String> = Vec::new();
        for source in self.sources {
            let pattern = match *source {
                "/" => "**".to_owned(),
                source if source.ends_with('/') => format!("{source}**"),
                source => source.to_owned(),
            };
            options.push(format!("--file={}/src/{pattern}", self.package));
        }
        options.push("--cargo-arg=--lib".into());
        options.extend(
            self.first
                .iter()
                .map(|test| format!("--cargo-arg=--test={test}")),
        );
        if cargo(["nextest", "--version"]).probe().is_some() {
            // It stops at the first test that fails. It knows no examples in
            // documentation, so what is left is tried without it.
            options.push("--test-tool=nextest".into());
        }
        options.extend(shard.map(|shard| format!("--shard={shard}")));
        let mut mutants = self.mutate(self.name, &options, jobs)?;

        let left =
            |mutant: &&mut Mutant| mutant.fate == Fate::Missed && !mutant.is_among(explained);
        let mut left: Vec<&mut Mutant> = mutants.iter_mut().filter(left).collect();
        if left.is_empty() {
            return Ok(mutants);
        }
        println!(
            "\n{} are left for all tests of {}",
            left.len(),
            self.package
        );
        let names = left
            .iter()
            .map(|mutant| format!("--re=^{}$", literally(&mutant.name)));
        // cargo-mutants tries the fields of structs whatever the names say: those of
        // these files at most.
        let files: BTreeSet<&str> = left.iter().map(|mutant| mutant.file.as_str()).collect();
        let files = files.into_iter().map(|file| format!("--file={file}"));
        let options: Vec<String> = names.chain(files).collect();
        let again = self.mutate(&format!("{}-again", self.name), &options, jobs)?;
        for mutant in &mut left {
            let Some(tried) = again.iter().find(|tried| tried.name == mutant.name) else {
                bail!("{} was not tried again", mutant.name);
            };
            mutant.fate = tried.fate;
        }
        Ok(mutants)
    }

    /// Runs cargo-mutants, whose files go to `target/mutants/NAME`.
    fn mutate(&self, name: &str, options: &[String], jobs: u64) -> Result<Vec<Mutant>> {
        let directory = root().join("target").join("mutants").join(name);
        fs::create_dir_all(&directory)?;
        let output = format!(
            "--output={}",
            PathBuf::from("target/mutants").join(name).display()
        );
        let jobs = format!("--jobs={jobs}");
        let at_least = format!("--minimum-test-timeout={AT_LEAST_SECONDS}");
        let package = format!("--package={}", self.package);
        let args = [
            "mutants",
            "--no-config",
            "--all-features",
            "--cargo-arg=--locked",
            &package,
            &output,
            &jobs,
            &at_least,
        ];
        let args = args.into_iter().chain(options.iter().map(String::as_str));
        // Nobody looks at where a mutant failed, and without it they build and fail
        // faster.
        let mut command = MUTANTS.command(args)?;
        command = command.env("CARGO_PROFILE_DEV_DEBUG", "0");
        command = command.env("RUST_BACKTRACE", "0");
        for (variable, amount) in AMOUNTS {
            command = command.env(variable, amount);
        }
        match command.code()? {
            // All were caught; some were missed; some never ended.
            0 | 2 | 3 => outcomes::read(&directory),
            4 => bail!("the tests fail without a change; see above"),
            code => bail!("cargo-mutants ended with {code}; see above"),
        }
    }
}

/// A regular expression for that text alone.
fn literally(text: &str) -> String {
    let mut pattern = String::new();
    for character in text.chars() {
        if r"\.+*?()|[]{}^$#&-~".contains(character) {
            pattern.push('\\');
        }
        pattern.push(character);
    }
    pattern
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sources_and_tests_are_there() {
        for part in PARTS {
            let package = root().join(part.package);
            for source in part.sources {
                assert!(
                    package
                        .join("src")
                        .join(source.trim_start_matches('/'))
                        .exists(),
                    "{source}"
                );
            }
            for test in part.first {
                let main = package.join("tests").join(test).join("main.rs");
                assert!(main.is_file(), "{}: {test}", part.name);
            }
        }
    }

    #[test]
    fn a_part_has_what_its_sources_name() {
        let of = |file: &str| {
            let having = PARTS.iter().filter(|part| part.has(file));
            having.map(|part| part.name).collect::<Vec<_>>()
        };
        assert_eq!(of("audit-jsonl/src/queue.rs"), ["queue"]);
        assert_eq!(of("audit-jsonl/src/queue/work.rs"), ["queue"]);
        assert_eq!(of("audit-jsonl/src/form/text.rs"), ["verifier"]);
        assert_eq!(of("audit-sink/src/memory/query.rs"), ["sink"]);
        assert!(of("audit-jsonl/src/log_files.rs").is_empty());
    }

    #[test]
    fn patterns_are_of_one_text() {
        assert_eq!(
            literally("a.rs:1:2: replace < with +="),
            r"a\.rs:1:2: replace < with \+="
        );
    }
}
