//! What a reader reads: files, or parts of them.

use std::ops::Range;
use std::sync::Arc;

use crate::log_files::{LogFile, LogFiles};
use crate::read_error::ReadError;
use crate::reader::lines::{Lines, Section};
use crate::reader::overlap;

/// Part of a file, from the beginning of a line to the end of one.
#[derive(Debug, Clone)]
pub(super) struct Part {
    files: Arc<LogFiles>,
    nth: usize,
    from: u64,
    to: u64,
    /// Known already, for the file was cut into several.
    copies: Option<Arc<[Range<u64>]>>,
}

impl Part {
    pub(super) fn new(files: &Arc<LogFiles>, nth: usize, from: u64, to: u64) -> Self {
        Self {
            files: Arc::clone(files),
            nth,
            from,
            to,
            copies: None,
        }
    }

    /// With what is known of it.
    pub(super) fn with_copies(self, copies: Vec<Range<u64>>) -> Self {
        Self {
            copies: Some(copies.into()),
            ..self
        }
    }

    pub(super) fn file(&self) -> &LogFile {
        &self.files.files()[self.nth]
    }

    pub(super) fn from(&self) -> u64 {
        self.from
    }

    pub(super) fn to(&self) -> u64 {
        self.to
    }

    /// The parts of the file that the one before it holds.
    pub(super) fn copies(&self) -> Result<Vec<Range<u64>>, ReadError> {
        match &self.copies {
            Some(copies) => Ok(copies.to_vec()),
            None => overlap::copies_in(self.files.files(), self.nth),
        }
    }
}

/// All files of a log.
pub(super) fn whole(files: &LogFiles) -> impl Iterator<Item = Part> + use<> {
    let files = Arc::new(files.clone());
    let count = files.files().len();
    (0..count).map(move |nth| {
        let len = files.files()[nth].len();
        Part::new(&files, nth, 0, len)
    })
}

/// The files of a log in so many groups of about the same size.
pub(super) fn split(files: &LogFiles, groups: usize) -> Result<Vec<Vec<Part>>, ReadError> {
    let total = u128::from(files.total_len());
    let groups = groups.max(1) as u128;
    let bounds = (1..groups).map(|nth| (total * nth / groups) as u64);
    let mut bounds = bounds.peekable();
    let mut result = Vec::new();
    let mut group: Vec<Part> = Vec::new();
    let mut before = 0;
    for whole in whole(files) {
        let len = whole.to;
        let mut from = 0;
        let mut copies = None;
        while let Some(bound) = bounds.next_if(|bound| *bound < before + len) {
            let cut = line_start(whole.file(), bound - before)?;
            if cut > from {
                if cut < len && copies.is_none() {
                    copies = Some(whole.copies()?.into());
                }
                group.push(Part {
                    from,
                    to: cut,
                    copies: copies.clone(),
                    ..whole.clone()
                });
                from = cut;
            }
            if !group.is_empty() {
                result.push(std::mem::take(&mut group));
            }
        }
        if from < len {
            group.push(Part {
                from,
                copies,
                ..whole
            });
        }
        before += len;
    }
    if !group.is_empty() {
        result.push(group);
    }
    Ok(result)
}

/// Where the first line begins that begins at `at` or after it.
fn line_start(file: &LogFile, at: u64) -> Result<u64, ReadError> {
    let Some(before) = at.checked_sub(1) else {
        return Ok(0);
    };
    let Some(opened) = file.open()? else {
        // To be told of when it is read.
        return Ok(0);
    };
    let mut lines = Lines::new(Section::new(opened, before, file.len()), before);
    let line = lines.next_line().map_err(ReadError::io(file.path()))?;
    Ok(match line {
        Some(_) => lines.at(),
        None => file.len(),
    })
}
