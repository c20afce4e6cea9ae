//! A state of files, laid down in a directory.

use std::fs;
use std::path::Path;

use super::history::Line;
use crate::head::{Head, path_of};

/// Which file a head is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// The one that has the log's name.
    Log,
    /// The first of the others.
    Other,
}

#[derive(Debug, Clone)]
pub(super) enum Shown {
    Nothing,
    Bytes(Vec<u8>),
    Head(Head, Place),
}

#[derive(Debug, Clone)]
pub(super) struct Image {
    pub(super) log: Option<Vec<u8>>,
    pub(super) others: Vec<(String, Vec<u8>)>,
    pub(super) head: Shown,
    /// What must not be lost.
    pub(super) must: Vec<Line>,
    /// Whether the log must tell that lines are gone, where that is certain.
    pub(super) gone: Option<bool>,
}

impl Image {
    pub(super) fn lay(&self, directory: &Path) {
        for entry in fs::read_dir(directory).expect("the directory") {
            fs::remove_file(entry.expect("an entry").path()).expect("it goes");
        }
        let log = directory.join("audit.jsonl");
        if let Some(bytes) = &self.log {
            fs::write(&log, bytes).expect("a log");
        }
        for (name, bytes) in &self.others {
            fs::write(directory.join(name), bytes).expect("a file");
        }
        match &self.head {
            Shown::Nothing => {}
            Shown::Bytes(bytes) => fs::write(path_of(&log), bytes).expect("a head file"),
            Shown::Head(head, Place::Log) if self.log.is_some() => head.about(&log).write(&log),
            Shown::Head(head, Place::Log) => head.write(&log),
            Shown::Head(head, Place::Other) => {
                head.about(&directory.join(&self.others[0].0)).write(&log);
            }
        }
    }
}
