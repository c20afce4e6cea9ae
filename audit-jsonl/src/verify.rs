//! Whether a log is unaltered, and whether it is whole.
//!
//! [`verify`](crate::verify()) reads every line of a log, with all its files, and gives
//! two verdicts, which are never mixed: **integrity**, whether the lines are those
//! that writers left, and **completeness**, whether anything is told to be lacking.
//! `docs/log-format.md` says under "What a verifier says" how each is decided.
//!
//! A chain without a signature shows accidents and careless edits. Whoever can
//! rewrite the file can rewrite chain and head file: a verdict is worth as much as
//! the [`Head`] that somebody keeps elsewhere.

mod block;
mod compare;
mod completeness;
mod conclude;
mod display;
mod found;
mod head;
mod index;
mod judge;
mod pipeline;
mod plain;
mod reader;
mod report;

use std::fmt;
use std::io;
use std::num::NonZeroUsize;
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use thiserror::Error;

pub use self::completeness::{Completeness, Extent, SetAside, Unfinished, Vanished};
pub(crate) use self::display::Safe;
pub use self::head::{Head, HeadError};
pub use self::report::{
    HeadFile, HeadFinding, HeadReport, HeadSource, Integrity, Last, LogReport, Problem,
    ProblemKind, Report,
};
use crate::log_files::LogFiles;
use crate::read_error::ReadError;
use crate::verify::conclude::conclude;
use crate::verify::judge::Judge;
use crate::verify::pipeline::Ticker;

/// So many problems are listed unless told otherwise.
const LISTED: usize = 1_000;

/// How to verify.
///
/// ```
/// use std::num::NonZeroUsize;
/// use std::ops::ControlFlow;
/// use audit_jsonl::verify::VerifyOptions;
///
/// let options = VerifyOptions::new()
///     .threads(NonZeroUsize::MIN)
///     .on_progress(|progress| {
///         eprint!("\r{} of {} bytes", progress.bytes, progress.bytes_total);
///         ControlFlow::Continue(())
///     });
/// ```
pub struct VerifyOptions<'a> {
    heads: Vec<Head>,
    threads: Option<NonZeroUsize>,
    problem_limit: usize,
    progress: Option<Box<dyn Fn(Progress) -> ControlFlow<()> + 'a>>,
    cancel: Option<&'a AtomicBool>,
}

/// How far verifying has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Progress {
    /// So many bytes of the logs' files are verified.
    pub bytes: u64,
    /// So many there were at the beginning.
    pub bytes_total: u64,
}

/// Why a log could not be verified. It says nothing about the log.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum VerifyError {
    /// Its files can't be found or read.
    #[error(transparent)]
    Read(#[from] ReadError),

    /// Nobody could tell which log the heads are of.
    #[error("heads were given for {logs} logs: give the path of one")]
    #[non_exhaustive]
    HeadsForSeveral {
        /// How many logs there are.
        logs: usize,
    },

    /// The operating system refused to start a thread. Why is its
    /// [`source`](std::error::Error::source).
    #[error("a thread for verifying could not be started")]
    #[non_exhaustive]
    Thread {
        /// Its reason.
        source: io::Error,
    },

    /// It was told to stop.
    #[error("verifying was cancelled")]
    Cancelled,
}

/// Verifies logs.
///
/// A path is that of a log, which stands for its rotated files and its head file
/// too; that of a directory, for every log in it; or that of a rotated file, a copy
/// or a file that was set aside, which joins the log among those given that it
/// belongs to. Memory is bounded, whatever the size of the log: some 30 MiB, and more
/// where lines are megabytes long, as no chained line is. The log may be written to
/// meanwhile; it is verified as far as it reached at the beginning.
///
/// ```
/// use audit_jsonl::verify::{Head, Integrity, VerifyOptions};
/// use audit_jsonl::{AuditSink, CallEvent, JsonLinesAuditSink, Outcome, now_rfc3339, verify};
/// # use std::time::Duration;
/// # let directory = std::env::temp_dir().join(format!("audit-verify-{}", std::process::id()));
/// # std::fs::create_dir_all(&directory)?;
/// # let path = directory.join("audit.jsonl");
///
/// let sink = JsonLinesAuditSink::builder().path(&path).open()?;
/// let event = CallEvent::new(now_rfc3339(), "1", "files:read", 3, Outcome::Success, "hot");
/// let receipt = sink.commit(&event, Duration::from_secs(5))?;
/// sink.close(Duration::from_secs(10))?;
///
/// let options = VerifyOptions::new().heads([Head::from(&receipt)]);
/// let report = verify(&[&path], &options)?;
/// assert_eq!(report.integrity, Integrity::Intact);
/// assert!(report.complete);
///
/// // Somebody shortens the log.
/// std::fs::write(&path, "")?;
/// let report = verify(&[&path], &options)?;
/// assert_eq!(report.integrity, Integrity::NotIntact);
/// assert_eq!(report.logs[0].problems[0].kind.name(), "truncated");
/// # std::fs::remove_dir_all(&directory)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
///
/// When files can't be found or read, when heads are given and there are several
/// logs, or when it is told to stop. What is wrong in a log is no error but part of
/// the report.
pub fn verify(
    paths: &[impl AsRef<Path>],
    options: &VerifyOptions<'_>,
) -> Result<Report, VerifyError> {
    let logs = LogFiles::find(paths)?;
    if logs.len() != 1 && !options.heads.is_empty() {
        return Err(VerifyError::HeadsForSeveral { logs: logs.len() });
    }
    let total = logs.iter().map(LogFiles::total_len).sum();
    let mut progress = Ticker::new(options, total);
    let reports = logs.iter().map(|log| {
        let heads = conclude::heads_at_hand(log, &options.heads);
        let mut judge = Judge::new(log.files(), heads, options.problem_limit, options.cancel);
        pipeline::run(log, &mut judge, options, &mut progress)?;
        Ok(conclude(log, judge))
    });
    let logs: Vec<LogReport> = reports.collect::<Result<_, VerifyError>>()?;
    progress.finish()?;
    Ok(Report {
        integrity: logs
            .iter()
            .map(|log| log.integrity)
            .max()
            .unwrap_or(Integrity::Unchecked),
        complete: logs.iter().all(|log| log.complete),
        logs,
    })
}

impl<'a> VerifyOptions<'a> {
    /// No heads but those of head files, a thread for each core, and a list of 1,000
    /// problems at most.
    #[must_use]
    pub fn new() -> Self {
        Self {
            heads: Vec::new(),
            threads: None,
            problem_limit: LISTED,
            progress: None,
            cancel: None,
        }
    }

    /// Heads that somebody has kept, to compare the log with. A log that lacks the
    /// line of one, or has another in its place, is not intact, whatever it says of
    /// itself.
    #[must_use]
    pub fn heads(mut self, heads: impl IntoIterator<Item = Head>) -> Self {
        self.heads.extend(heads);
        self
    }

    /// How many threads look at lines, besides one that reads and the caller's.
    #[must_use]
    pub fn threads(mut self, threads: NonZeroUsize) -> Self {
        self.threads = Some(threads);
        self
    }

    /// How many problems of a log are listed. All are counted, and those that
    /// heads show are always listed.
    #[must_use]
    pub fn problem_limit(mut self, problems: usize) -> Self {
        self.problem_limit = problems;
        self
    }

    /// Is called with the progress, on the caller's thread, at most some 17 times a
    /// second and once at the end. `Break` cancels.
    #[must_use]
    pub fn on_progress(mut self, tell: impl Fn(Progress) -> ControlFlow<()> + 'a) -> Self {
        self.progress = Some(Box::new(tell));
        self
    }

    /// Cancels once this is true, mostly within a tenth of a second.
    #[must_use]
    pub fn cancel(mut self, cancel: &'a AtomicBool) -> Self {
        self.cancel = Some(cancel);
        self
    }

    fn is_cancelled(&self) -> bool {
        self.cancel
            .is_some_and(|cancel| cancel.load(Ordering::Relaxed))
    }

    fn tell(&self, progress: Progress) -> ControlFlow<()> {
        match &self.progress {
            Some(tell) => tell(progress),
            None => ControlFlow::Continue(()),
        }
    }
}

impl Default for VerifyOptions<'_> {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for VerifyOptions<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("VerifyOptions")
            .field("heads", &self.heads)
            .field("threads", &self.threads)
            .field("problem_limit", &self.problem_limit)
            .finish_non_exhaustive()
    }
}
