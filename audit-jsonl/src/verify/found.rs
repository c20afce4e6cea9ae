//! Problems, as they are found.

use std::collections::BTreeMap;
use std::path::Path;

use crate::log_files::LogFile;
use crate::verify::{Problem, ProblemKind};

/// Where a line stands.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place {
    pub(super) file: usize,
    /// Counted from 1.
    pub(super) line: u64,
    pub(super) byte: u64,
}

#[derive(Debug)]
pub(super) struct Problems<'a> {
    files: &'a [LogFile],
    limit: usize,
    pub(super) list: Vec<Problem>,
    pub(super) counts: BTreeMap<ProblemKind, u64>,
}

impl<'a> Problems<'a> {
    pub(super) fn new(files: &'a [LogFile], limit: usize) -> Self {
        Self {
            files,
            limit,
            list: Vec::new(),
            counts: BTreeMap::new(),
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.counts.is_empty()
    }

    /// A problem of a line; its place in the list, if it is listed.
    pub(super) fn add(
        &mut self,
        kind: ProblemKind,
        place: Place,
        seq: Option<u64>,
        message: String,
    ) -> Option<usize> {
        *self.counts.entry(kind).or_default() += 1;
        if self.list.len() >= self.limit {
            return None;
        }
        self.list.push(Problem {
            kind,
            file: self.path(place.file).to_owned(),
            line: Some(place.line),
            byte: Some(place.byte),
            byte_in_line: None,
            seq,
            message,
        });
        Some(self.list.len() - 1)
    }

    /// A problem that a head shows; listed always.
    pub(super) fn add_of_head(
        &mut self,
        kind: ProblemKind,
        place: Option<Place>,
        seq: u64,
        message: String,
        log: &Path,
    ) {
        *self.counts.entry(kind).or_default() += 1;
        let file = match place {
            Some(place) => self.path(place.file),
            None => self.files.last().map_or(log, LogFile::path),
        };
        self.list.push(Problem {
            kind,
            file: file.to_owned(),
            line: place.map(|place| place.line),
            byte: place.map(|place| place.byte),
            byte_in_line: None,
            seq: Some(seq),
            message,
        });
    }

    pub(super) fn path(&self, file: usize) -> &'a Path {
        self.files.get(file).map_or(Path::new(""), LogFile::path)
    }
}
