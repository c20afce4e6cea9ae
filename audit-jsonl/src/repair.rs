//! Putting the end of a log right: what its next writer would do anyway, planned
//! first and then done on request.
//!
//! A log may end otherwise than its head file says: a writer was killed, the machine
//! lost power, somebody cut, moved or wrote to the file. Whoever opens the log puts
//! that right with its first batch, by the table in `docs/log-format.md`. [`plan`]
//! says beforehand what that will be, and [`apply`] has it done now.
//!
//! Nothing is ever deleted: what is no part of the chain is set aside, and a record
//! of the log's own tells of it in the chain. What stands *before* the end is neither
//! looked at nor changed: a line that was edited stays, and [`verify`](crate::verify())
//! names it.
//!
//! ```
//! use std::fs::OpenOptions;
//! use std::io::Write;
//! use std::time::Duration;
//!
//! use audit_jsonl::{CallEvent, JsonLinesAuditSink, Outcome, now_rfc3339, repair};
//!
//! # let directory = std::env::temp_dir().join(format!("audit-repair-{}", std::process::id()));
//! # std::fs::create_dir_all(&directory)?;
//! # std::env::set_current_dir(&directory)?;
//! let sink = JsonLinesAuditSink::builder().path("audit.jsonl").open()?;
//! let event = CallEvent::new(now_rfc3339(), "1", "files:read", 3, Outcome::Success, "hot");
//! sink.commit(&event, Duration::from_secs(5))?;
//! sink.close(Duration::from_secs(10))?;
//! assert!(repair::plan("audit.jsonl")?.is_empty());
//!
//! // Somebody begins a line, and never ends it.
//! OpenOptions::new().append(true).open("audit.jsonl")?.write_all(b"{\"ts\":")?;
//!
//! let plan = repair::plan("audit.jsonl")?;
//! println!("{plan}");
//! let repaired = plan.apply()?;
//! assert_eq!(repaired.steps, plan.steps);
//! assert!(repair::plan("audit.jsonl")?.is_empty());
//! # std::fs::remove_dir_all(&directory)?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod display;
mod error;
mod step;

use std::path::{Path, PathBuf};

use audit_schema::now_rfc3339;
use serde::Serialize;

pub use self::error::RepairError;
pub use self::step::{Action, Step};
use crate::appender::closing_record;
use crate::chain::LONGEST_EVENT;
use crate::encode::encode;
use crate::log::{Fault, Log, Seen, log_of_stream, names};
use crate::verify::Head;

/// What there is to do about the end of a log. Prints as text, one paragraph a step,
/// and serialises.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Plan {
    /// The log's path, as it was given.
    #[serde(serialize_with = "step::text_of")]
    pub path: PathBuf,
    /// In the order in which they are done; none when the log is as its head file
    /// says.
    pub steps: Vec<Step>,
}

impl Plan {
    /// Whether there is nothing to do.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.steps.is_empty()
    }

    /// Does what [`apply`] does for the plan's log.
    ///
    /// # Errors
    ///
    /// Those of [`apply`].
    pub fn apply(&self) -> Result<Repaired, RepairError> {
        apply(&self.path)
    }
}

/// What was done about the end of a log. Prints as text, and serialises.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Repaired {
    /// The log's path, as it was given.
    #[serde(serialize_with = "step::text_of")]
    pub path: PathBuf,
    /// In the order in which they were done; none when there was nothing to do.
    pub steps: Vec<Step>,
    /// The line that tells of it, which is synced; `None` when there was nothing to
    /// do.
    pub head: Option<Head>,
}

/// Says what [`apply`] would do, and changes nothing: it opens files to read them
/// alone, and makes none. It holds a shared lock meanwhile, so that no writer is in
/// the midst of a batch.
///
/// # Errors
///
/// [`RepairError`]: there is no such log, the path is that of a part of a log, or a
/// file can't be read.
pub fn plan(path: impl AsRef<Path>) -> Result<Plan, RepairError> {
    let path = path.as_ref();
    if let Some(log) = log_by_name(path) {
        return Err(RepairError::part_of(path, log));
    }
    let seen = Log::see(path).map_err(|fault| RepairError::of(path, fault))?;
    let steps = match seen {
        Seen::Nothing => return Err(RepairError::NotFound { path: path.into() }),
        Seen::Unchained => return Err(RepairError::NotChained { path: path.into() }),
        Seen::Chained(steps) => steps,
        Seen::Headless(stream, steps) => {
            let log = log_of_stream(path, &stream);
            if let Some(log) = log.map_err(|error| RepairError::of(path, error.into()))? {
                return Err(RepairError::part_of(path, log));
            }
            steps
        }
    };
    Ok(Plan {
        path: path.into(),
        steps,
    })
}

/// Puts the end of the log right, under its lock: does what a writer does when it
/// opens the log, and appends and syncs one record of the log's own, which tells of
/// it. Writers may go on meanwhile. Where there is nothing to do, nothing is changed.
///
/// The log is looked at anew: when it has changed since a plan was made, what was done
/// differs from what was planned. The name of a damaged file that is moved aside holds
/// the time at which that is done.
///
/// To be run as the user who writes the log, for files that are made are his then.
///
/// # Errors
///
/// [`RepairError`]: as for [`plan`], or a file can't be written or synced. What was set
/// aside until then stays so; the next writer, or another call, goes on from there.
pub fn apply(path: impl AsRef<Path>) -> Result<Repaired, RepairError> {
    let path = path.as_ref();
    let mut repaired = Repaired {
        path: path.into(),
        steps: Vec::new(),
        head: None,
    };
    if plan(path)?.is_empty() {
        return Ok(repaired);
    }
    let of = |fault: Fault| RepairError::of(path, fault);
    let mut buffer = Vec::new();
    let line = encode(&closing_record(), &mut buffer, LONGEST_EVENT)
        .map_err(|_| of(std::io::Error::other("the record can't be encoded").into()))?;
    let (steps, head) = Log::put_right(path, line, &now_rfc3339()).map_err(of)?;
    repaired.steps = steps;
    repaired.head = head.map(|head| Head {
        seq: head.seq,
        hash: head.hash,
    });
    Ok(repaired)
}

/// The log that a file belongs to by its name.
fn log_by_name(path: &Path) -> Option<PathBuf> {
    let name = path.file_name()?;
    if let Some(log) = names::log_of_rotated(name) {
        return Some(path.with_file_name(log));
    }
    let name = name.to_str()?;
    let aside = [".head", ".torn-", ".damaged-", ".spoilt"];
    let end = aside.iter().filter_map(|suffix| name.rfind(suffix)).max()?;
    let log = path.with_file_name(&name[..end]);
    names::with_suffix(&log, ".head").exists().then_some(log)
}
