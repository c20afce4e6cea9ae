//! The verifier of this crate, on files in memory.

use std::collections::BTreeMap;
use std::fs;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

use audit_jsonl::verify;
use audit_jsonl::verify::{Head, Integrity, VerifyOptions};

use crate::judge::{Judge, Problem, Report};
use crate::logs::{ACTIVE, Part};

/// A directory that is in memory where there is one, with the files of the log that
/// was judged last.
pub(crate) struct Ours {
    dir: PathBuf,
    files: Vec<Part>,
}

impl Ours {
    pub(crate) fn new() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let memory = Path::new("/dev/shm");
        let parent = if memory.is_dir() {
            memory
        } else {
            Path::new(env!("CARGO_TARGET_TMPDIR"))
        };
        let nth = NEXT.fetch_add(1, Ordering::Relaxed);
        let dir = parent.join(format!("audit-tamper-{}-{nth}", std::process::id()));
        fs::create_dir_all(&dir).unwrap();
        Self {
            dir,
            files: Vec::new(),
        }
    }

    /// Makes the directory hold these files.
    fn lay(&mut self, files: &[Part]) {
        for part in files {
            if !self.files.contains(part) {
                fs::write(self.dir.join(&part.name), &part.bytes).unwrap();
            }
        }
        for old in &self.files {
            if !files.iter().any(|part| part.name == old.name) {
                fs::remove_file(self.dir.join(&old.name)).unwrap();
            }
        }
        self.files.clear();
        self.files.extend_from_slice(files);
    }
}

impl Judge for Ours {
    fn judge(&mut self, files: &[Part], heads: &[&str]) -> Report {
        self.lay(files);
        let heads = heads.iter().map(|head| head.parse::<Head>().unwrap());
        let options = VerifyOptions::new().threads(NonZeroUsize::MIN).heads(heads);
        let report = verify(&[self.dir.join(ACTIVE)], &options).unwrap();
        assert_eq!(report.logs.len(), 1);
        let log = &report.logs[0];
        let problems = log.problems.iter().map(|problem| Problem {
            kind: problem.kind.name().into(),
            file: problem.file.file_name().unwrap().to_str().unwrap().into(),
            line: problem.line,
            seq: problem.seq,
        });
        let told = &log.completeness;
        let mut facts: BTreeMap<String, u64> = [
            ("records", told.calls),
            ("own", told.own_records),
            ("lost", told.lost),
            ("elsewhere", told.elsewhere),
            ("cut", told.cut_bytes),
            ("torn", told.torn),
            ("plain", told.plain_lines),
            ("untold", told.untold_plain_lines),
            ("opened", told.opened),
            ("closed", told.closed),
            ("front", told.front.is_some().into()),
            ("set_aside", told.set_aside.len() as u64),
            (
                "unfinished",
                told.unfinished.iter().map(|end| end.bytes).sum(),
            ),
            ("newer", told.newer),
            ("overlap", told.overlap_lines),
        ]
        .into_iter()
        .map(|(name, number)| (name.to_owned(), number))
        .collect();
        facts.retain(|_, number| *number > 0);
        Report {
            verdict: match log.integrity {
                Integrity::Intact => "intact",
                Integrity::Unchecked => "unchecked",
                Integrity::NotIntact => "not_intact",
            }
            .into(),
            complete: log.complete,
            problems: problems.collect(),
            facts,
        }
    }
}

impl Drop for Ours {
    fn drop(&mut self) {
        fs::remove_dir_all(&self.dir).ok();
    }
}
