//! Runs the targets on every input that is kept: `corpus/`, which reaches what is
//! known to be reachable, `regressions/`, on which something was wrong once, and what
//! libFuzzer has left in `artifacts/`.

use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

use audit_fuzz::{differential, encoder, reader, recovery, verifier, wrap_target};

/// Panics with the names of the inputs on which the target does.
fn replay(target: &str, run: fn(&[u8])) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let corpus = inputs(&root.join("corpus").join(target));
    assert!(!corpus.is_empty(), "there is no corpus for {target}");
    let others = ["regressions", "artifacts"];
    let others = others.map(|kept| inputs(&root.join(kept).join(target)));
    let mut failed = Vec::new();
    for path in corpus.into_iter().chain(others.into_iter().flatten()) {
        let bytes = fs::read(&path).expect("an input can be read");
        if catch_unwind(AssertUnwindSafe(|| run(&bytes))).is_err() {
            failed.push(path);
        }
    }
    assert!(failed.is_empty(), "{target} fails on {failed:#?}");
}

/// The files of a directory, which need not be there.
fn inputs(directory: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(directory) else {
        return Vec::new();
    };
    let mut paths: Vec<PathBuf> = entries
        .map(|entry| entry.expect("a directory can be read").path())
        .collect();
    paths.sort();
    paths
}

#[test]
fn reader() {
    replay("reader", reader::run);
}

#[test]
fn verifier() {
    replay("verifier", verifier::run);
}

#[test]
fn encoder() {
    replay("encoder", encoder::run);
}

#[test]
fn recovery() {
    replay("recovery", recovery::run);
}

#[test]
fn wrap() {
    replay("wrap", wrap_target::run);
}

#[test]
fn differential() {
    if !differential::is_possible() {
        eprintln!("SKIPPED: there is no python3");
        return;
    }
    replay("differential", differential::run);
}
