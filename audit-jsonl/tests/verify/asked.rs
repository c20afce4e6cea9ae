//! What the caller asks for: threads, limits, progress, an end.

use std::cell::RefCell;
use std::fs;
use std::num::NonZeroUsize;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use audit_jsonl::verify;
use audit_jsonl::verify::{Integrity, ProblemKind, VerifyError, VerifyOptions};
use audit_testkit::{DEADLINE, within};

use crate::made::Chain;
use crate::support::{Dir, flip};

/// A log of several blocks.
fn large() -> (Dir, PathBuf) {
    let (dir, path) = Dir::with_log();
    fs::write(&path, Chain::new().lines(9_000).concat()).unwrap();
    (dir, path)
}

#[test]
fn the_report_is_the_same_however_many_threads() {
    within(DEADLINE, || {
        let (_dir, path) = large();
        for at in [1_000, 1_100_000, 2_000_000] {
            flip(&path, at);
        }
        let head = format!("8999:{}", "ab".repeat(32)).parse().unwrap();
        let with = |threads: usize| {
            let options = VerifyOptions::new().heads([head]);
            let options = options.threads(NonZeroUsize::new(threads).unwrap());
            verify(&[&path], &options).unwrap()
        };
        let report = with(1);
        assert_eq!(report.integrity, Integrity::NotIntact);
        assert_eq!(report.logs[0].heads.len(), 1);
        for threads in [2, 3, 8, 64] {
            assert_eq!(with(threads), report);
        }
    });
}

#[test]
fn progress_goes_up_to_the_end() {
    within(DEADLINE, || {
        let (_dir, path) = large();
        let told = RefCell::new(Vec::new());
        let options = VerifyOptions::new().on_progress(|progress| {
            told.borrow_mut().push(progress);
            ControlFlow::Continue(())
        });
        verify(&[&path], &options).unwrap();
        drop(options);
        let told = told.into_inner();
        let size = fs::metadata(&path).unwrap().len();
        assert!(told.iter().all(|progress| progress.bytes_total == size));
        assert!(told.is_sorted_by_key(|progress| progress.bytes));
        assert_eq!(told.last().unwrap().bytes, size);
    });
}

#[test]
fn it_ends_when_it_is_told_to() {
    within(DEADLINE, || {
        let (_dir, path) = large();
        let options = VerifyOptions::new().on_progress(|_| ControlFlow::Break(()));
        let result = verify(&[&path], &options);
        assert!(matches!(result, Err(VerifyError::Cancelled)), "{result:?}");

        let cancel = AtomicBool::new(false);
        let options = VerifyOptions::new().cancel(&cancel);
        assert!(verify(&[&path], &options).is_ok());
        cancel.store(true, Ordering::Relaxed);
        let result = verify(&[&path], &options);
        assert!(matches!(result, Err(VerifyError::Cancelled)), "{result:?}");
    });
}

#[test]
fn the_list_of_problems_is_bounded_and_all_are_counted() {
    within(DEADLINE, || {
        let (_dir, path) = Dir::with_log();
        let mut chain = Chain::new();
        let lines = chain.lines(50).concat();
        fs::write(&path, lines + &"{}\n".repeat(500)).unwrap();
        let mut head = chain.head();
        head.seq += 9;
        let options = VerifyOptions::new().problem_limit(20).heads([head]);
        let report = verify(&[&path], &options).unwrap().logs.remove(0);
        assert_eq!(report.problem_counts[&ProblemKind::Garbled], 500);
        // What the head shows is never left out.
        assert_eq!(report.problems.len(), 21);
        assert_eq!(report.problems[20].kind, ProblemKind::Truncated);
        assert!(report.to_string().contains("and 480 problems more"));
    });
}

#[test]
fn what_cannot_be_read_is_an_error() {
    for path in ["/nowhere/audit.jsonl", "/dev/null"] {
        let error = verify(&[Path::new(path)], &VerifyOptions::new()).unwrap_err();
        assert!(error.to_string().starts_with(path), "{error}");
    }
    let dir = Dir::new();
    assert!(verify(&[dir.path("")], &VerifyOptions::new()).is_err());
}
