//! Which files belong together, and how many of their lines are to be run.

/// Files that are counted together.
pub(crate) struct Part {
    pub(crate) name: &'static str,
    /// So many per cent of the lines at least.
    pub(crate) floor: u32,
    /// How their paths begin.
    paths: &'static [&'static str],
}

/// A file belongs to the first part that names it.
pub(crate) const PARTS: &[Part] = &[
    Part {
        name: "audit-schema",
        floor: 90,
        paths: &["audit-schema/src/"],
    },
    Part {
        name: "audit-sink",
        floor: 90,
        paths: &["audit-sink/src/"],
    },
    Part {
        name: "audit-jsonl: queue",
        floor: 95,
        paths: &[
            "audit-jsonl/src/queue",
            "audit-jsonl/src/sink",
            "audit-jsonl/src/writer.rs",
        ],
    },
    // Before the log, for what begins with its name.
    Part {
        name: "audit-jsonl: reader",
        floor: 90,
        paths: &["audit-jsonl/src/reader", "audit-jsonl/src/log_files"],
    },
    Part {
        name: "audit-jsonl: log",
        floor: 95,
        paths: &[
            "audit-jsonl/src/log/",
            "audit-jsonl/src/log.rs",
            "audit-jsonl/src/chained.rs",
            "audit-jsonl/src/repair",
        ],
    },
    Part {
        name: "audit-jsonl: chain",
        floor: 95,
        paths: &[
            "audit-jsonl/src/chain.rs",
            "audit-jsonl/src/cut.rs",
            "audit-jsonl/src/encode.rs",
        ],
    },
    Part {
        name: "audit-jsonl: verifier",
        floor: 95,
        paths: &["audit-jsonl/src/verify", "audit-jsonl/src/form"],
    },
    Part {
        name: "audit-jsonl: the rest",
        floor: 90,
        paths: &["audit-jsonl/src/"],
    },
    Part {
        name: "audit-testkit",
        floor: 90,
        paths: &["audit-testkit/src/"],
    },
    Part {
        name: "audit-cli",
        floor: 90,
        paths: &["audit-cli/src/"],
    },
];

/// What only tests use, beside their names: cargo-llvm-cov leaves out what is called
/// `tests`.
const TESTS: &[&str] = &["audit-jsonl/src/log/images"];

/// The part of a file, by its path from the root.
pub(crate) fn of(path: &str) -> Option<&'static str> {
    if TESTS.iter().any(|tests| path.starts_with(tests)) {
        return None;
    }
    let is_its = |part: &&Part| part.paths.iter().any(|begin| path.starts_with(begin));
    PARTS.iter().find(is_its).map(|part| part.name)
}

#[cfg(test)]
mod tests {
    use super::of;

    #[test]
    fn a_file_is_of_one_part() {
        assert_eq!(
            of("audit-jsonl/src/log_files/find.rs"),
            Some("audit-jsonl: reader")
        );
        assert_eq!(of("audit-jsonl/src/log/tail.rs"), Some("audit-jsonl: log"));
        assert_eq!(
            of("audit-jsonl/src/log_builder.rs"),
            Some("audit-jsonl: the rest")
        );
        assert_eq!(of("audit-jsonl/src/log/images/disk.rs"), None);
        assert_eq!(of("xtask/src/main.rs"), None);
    }
}
