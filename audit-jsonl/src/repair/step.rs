//! One step of a repair.

use std::path::{Path, PathBuf};

use serde::{Serialize, Serializer};

/// What is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Action {
    /// Bytes at the end of the log that are no part of it go to a file of their own.
    /// The next line tells of them, as `torn`.
    SetAside,
    /// The file gets another name, and the log goes on in a new one: with the chain, or
    /// when the chain's end was damaged with a new stream, whose first line tells of
    /// the old one, as `after`.
    MoveAside,
    /// Lines that link are part of the log, though the head file doesn't know them.
    TakeUp,
    /// The next line tells of plain lines, as `plain`.
    TellPlain,
    /// The next line tells of bytes that were set aside before, as `torn`.
    TellTorn,
    /// The next line tells of lines that a power loss took, as `gone`.
    TellGone,
    /// The next line follows that of the head file, which isn't there.
    GoOnFromHead,
    /// The head file is written anew.
    RebuildHead,
}

/// One thing that a repair does, and why. Prints as a sentence.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Step {
    /// What is done.
    pub action: Action,
    /// The file that it is about, beside the log's path as that was given.
    #[serde(serialize_with = "text_of")]
    pub file: PathBuf,
    /// Which bytes of that file: where they begin, and where they end.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bytes: Option<(u64, u64)>,
    /// The numbers of the lines of the chain that are taken up, gone, missing or in
    /// the head file: the first and the last.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lines: Option<(u64, u64)>,
    /// How many plain lines are told of.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub plain_lines: Option<u64>,
    /// The file that the bytes go to, or the name that the file gets.
    #[serde(
        skip_serializing_if = "Option::is_none",
        serialize_with = "text_of_some"
    )]
    pub aside: Option<PathBuf>,
    /// Why.
    pub reason: String,
}

/// A path as text, whatever its bytes.
pub(super) fn text_of<S: Serializer>(path: &Path, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(&path.display())
}

fn text_of_some<S: Serializer>(path: &Option<PathBuf>, serializer: S) -> Result<S::Ok, S::Error> {
    match path {
        Some(path) => text_of(path, serializer),
        None => serializer.serialize_none(),
    }
}
