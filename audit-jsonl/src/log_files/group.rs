//! Which of the files that were given belong together.

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};

use crate::chain::StreamId;
use crate::log::names::{self, FileId};
use crate::log_files::find::{Given, look_at};
use crate::log_files::{HeadRead, LogFile, LogFiles, order};
use crate::read_error::ReadError;

pub(super) fn group<'a>(paths: impl Iterator<Item = &'a Path>) -> Result<Vec<LogFiles>, ReadError> {
    let mut found = Vec::new();
    for path in paths {
        found.extend(look_at(path)?);
    }
    let mut seen = Seen::default();
    // With the place at which each was given.
    let mut logs: Vec<(usize, LogFiles)> = Vec::new();
    let mut loose: Vec<(usize, LogFile)> = Vec::new();
    for (place, given) in found.into_iter().enumerate() {
        match given {
            Given::Log(log) => {
                let is_new = log.files.iter().map(|file| seen.is_new(file));
                // Not `any`: each is to be remembered.
                let is_new = is_new.fold(log.files.is_empty(), |any, new| any | new);
                if is_new && logs.iter().all(|(_, other)| other.path != log.path) {
                    logs.push((place, log));
                }
            }
            Given::Loose(file) => loose.push((place, file)),
        }
    }
    loose.retain(|(_, file)| seen.is_new(file));
    let (linked, unlinked): (Vec<_>, Vec<_>) = loose
        .into_iter()
        .partition(|(_, file)| file.first.is_some());
    by_stream(&mut logs, linked);
    by_name(&mut logs, unlinked);
    logs.sort_by_key(|(place, _)| *place);
    let logs = logs.into_iter().map(|(_, mut log)| {
        order::put_in_order(&mut log)?;
        Ok(log)
    });
    logs.collect()
}

/// The files that are in some log already.
#[derive(Default)]
struct Seen {
    ids: HashSet<FileId>,
    paths: HashSet<PathBuf>,
}

impl Seen {
    fn is_new(&mut self, file: &LogFile) -> bool {
        // As in `find::is_same`.
        if cfg!(unix) {
            self.ids.insert(file.id)
        } else {
            self.paths.insert(file.path.clone())
        }
    }
}

/// Streams that belong together, for one replaces the other.
#[derive(Default)]
struct Families(HashMap<StreamId, StreamId>);

impl Families {
    /// The one that stands for its family.
    fn of(&self, stream: StreamId) -> StreamId {
        let mut stream = stream;
        while let Some(&parent) = self.0.get(&stream) {
            stream = parent;
        }
        stream
    }

    fn join(&mut self, one: StreamId, other: StreamId) {
        let (one, other) = (self.of(one), self.of(other));
        if one != other {
            self.0.insert(one, other);
        }
    }
}

/// Files with links go to the log of their streams.
fn by_stream(logs: &mut Vec<(usize, LogFiles)>, files: Vec<(usize, LogFile)>) {
    let mut families = Families::default();
    let all = logs.iter().flat_map(|(_, log)| &log.files);
    for file in all.chain(files.iter().map(|(_, file)| file)) {
        if let Some(first) = &file.first
            && let Some(after) = first.after
        {
            families.join(first.head.stream, after);
        }
    }
    let mut log_of: HashMap<StreamId, usize> = HashMap::new();
    for (nth, (_, log)) in logs.iter().enumerate() {
        let mut streams: Vec<StreamId> = log.files.iter().filter_map(stream_of).collect();
        if let HeadRead::Found(record) = &log.head {
            streams.push(record.head.stream);
        }
        for stream in streams {
            log_of.entry(families.of(stream)).or_insert(nth);
        }
    }
    for (place, file) in files {
        let Some(stream) = stream_of(&file) else {
            continue;
        };
        let nth = *log_of.entry(families.of(stream)).or_insert_with(|| {
            logs.push((place, without_name(&file)));
            logs.len() - 1
        });
        logs[nth].1.files.push(file);
    }
}

fn stream_of(file: &LogFile) -> Option<StreamId> {
    file.first.as_ref().map(|first| first.head.stream)
}

/// Files without links go to the log whose name theirs begins with, as
/// `audit.jsonl.1` with `audit.jsonl`, or which gave them the name of a rotated
/// file.
fn by_name(logs: &mut Vec<(usize, LogFiles)>, mut files: Vec<(usize, LogFile)>) {
    // A name before those that begin with it.
    files.sort_by_key(|(place, file)| (name_of(&file.path).len(), *place));
    for (place, file) in files {
        let name = file.path.file_name().unwrap_or_default();
        let log_name = names::log_of_rotated(name);
        let fits = |log: &LogFiles| {
            let paths = log.files.iter().map(|file| file.path.as_path());
            let mut paths = paths.chain([log.path.as_path()]);
            paths.any(|path| {
                let is_of_same_log = || {
                    let other = path.file_name().unwrap_or_default();
                    log_name.is_some() && names::log_of_rotated(other) == log_name
                };
                name_of(&file.path).starts_with(name_of(path)) || is_of_same_log()
            }) || names::parse_rotated(&log.path, name).is_some()
        };
        let mut fitting = logs.iter_mut().map(|(_, log)| log).filter(|log| fits(log));
        if let Some(log) = fitting.next() {
            log.files.push(file);
        } else {
            let mut log = without_name(&file);
            log.files.push(file);
            logs.push((place, log));
        }
    }
}

fn name_of(path: &Path) -> &[u8] {
    path.file_name().unwrap_or_default().as_encoded_bytes()
}

/// A log of files that were given without it.
fn without_name(file: &LogFile) -> LogFiles {
    LogFiles {
        path: file.path.clone(),
        head_path: None,
        head: HeadRead::Absent,
        files: Vec::new(),
    }
}
