//! Plans, and what became of them, for people.

use std::fmt::{self, Display, Formatter};
use std::path::Path;

use crate::repair::{Action, Plan, Repaired, Step};
use crate::verify::Safe;

/// What is not repaired, and who tells of it.
const ELSEWHERE: &str = "Only the end of the log is looked at. Lines before it that were changed or \
                         are missing are not\nrepaired, nor cut off; `verify` names them.";

impl Display for Plan {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let path = self.path.display().to_string();
        let what = if self.is_empty() {
            "nothing to do"
        } else {
            "to do"
        };
        writeln!(f, "{}: {what}", Safe(&path))?;
        steps(&self.steps, f)?;
        if !self.is_empty() {
            writeln!(
                f,
                "  then append a record of the log's own that tells of it"
            )?;
        }
        writeln!(f, "{ELSEWHERE}")
    }
}

impl Display for Repaired {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let path = self.path.display().to_string();
        let Some(head) = &self.head else {
            return writeln!(f, "{}: nothing to do, nothing was changed", Safe(&path));
        };
        writeln!(f, "{}: done", Safe(&path))?;
        steps(&self.steps, f)?;
        writeln!(f, "  line #{} tells of it: {head}", head.seq)
    }
}

fn steps(steps: &[Step], f: &mut Formatter<'_>) -> fmt::Result {
    for (nth, step) in steps.iter().enumerate() {
        writeln!(f, "  {}. {step}", nth + 1)?;
    }
    Ok(())
}

impl Display for Step {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let file = name(&self.file);
        let file = Safe(&file);
        let aside = self.aside.as_deref().map(name).unwrap_or_default();
        let aside = Safe(&aside);
        let (from, to) = self.bytes.unwrap_or_default();
        let bytes = format!("bytes {from} to {to} of {file}");
        match self.action {
            Action::SetAside => write!(f, "set aside {bytes} as {aside}")?,
            Action::MoveAside => write!(f, "rename {file} to {aside}, and go on in a new file")?,
            Action::TakeUp => {
                f.write_str("take up ")?;
                lines(self.lines, f)?;
                write!(f, ", {bytes}")?;
            }
            Action::TellPlain => {
                let count = self.plain_lines.unwrap_or_default();
                let lines = if count == 1 { "line" } else { "lines" };
                write!(f, "tell of {count} plain {lines}, {bytes}")?;
            }
            Action::TellTorn => write!(f, "tell of {file}, {to} bytes")?,
            Action::TellGone => {
                f.write_str("tell that ")?;
                lines(self.lines, f)?;
                let are = if matches!(self.lines, Some((first, last)) if first == last) {
                    "is"
                } else {
                    "are"
                };
                write!(f, " {are} gone")?;
            }
            Action::GoOnFromHead => {
                write!(f, "go on in {file} after the line of the head file")?;
                if self.lines.is_some() {
                    f.write_str(", without ")?;
                    lines(self.lines, f)?;
                }
            }
            Action::RebuildHead => {
                write!(f, "write {file} anew, from ")?;
                lines(self.lines, f)?;
            }
        }
        write!(f, ": {}", self.reason)
    }
}

fn lines(lines: Option<(u64, u64)>, f: &mut Formatter<'_>) -> fmt::Result {
    match lines {
        Some((first, last)) if first == last => write!(f, "line #{first}"),
        Some((first, last)) => write!(f, "lines #{first} to #{last}"),
        None => f.write_str("lines"),
    }
}

fn name(path: &Path) -> String {
    path.file_name()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned()
}
