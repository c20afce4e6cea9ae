//! Looking for the files of a log at the places where they may be.

use std::collections::{BTreeSet, HashSet};
use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{self, ErrorKind, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::thread;

use crate::file::MIDST_OF_A_LINE;
use crate::log::files::Reading;
use crate::log::head_file::Record;
use crate::log::names::{self, FileId};
use crate::log_files::{HeadRead, LogFile, LogFiles, first_of, first_ts};
use crate::read_error::ReadError;

/// How often to look whether an unfinished line grows.
const MOST_LOOKS: u32 = 10;

/// What a path that was given turns out to be.
pub(super) enum Given {
    /// A log, with what stands beside it; in no order yet.
    Log(LogFiles),
    /// A file by itself.
    Loose(LogFile),
}

/// What a path is about.
pub(super) fn look_at(path: &Path) -> Result<Vec<Given>, ReadError> {
    let path = &resolved(path)?;
    let metadata = match fs::metadata(path) {
        Ok(metadata) => Some(metadata),
        Err(error) if error.kind() == ErrorKind::NotFound => None,
        Err(error) => return Err(ReadError::io(path)(error)),
    };
    if let Some(metadata) = metadata {
        if metadata.is_dir() {
            return all_in(path);
        }
        if !metadata.is_file() {
            return Err(ReadError::NotAFile { path: path.clone() });
        }
    }
    if let Some(log) = log_at(path, &HashSet::new())? {
        return Ok(vec![Given::Log(log)]);
    }
    match look_into(path)? {
        Some(file) => Ok(vec![Given::Loose(file)]),
        None => Err(ReadError::NotFound { path: path.clone() }),
    }
}

/// The files of the log at `path` that have come since its rotated files had the
/// known names, in no order: those with other names, and the active one.
pub(super) fn newer(path: &Path, known: &HashSet<OsString>) -> Result<LogFiles, ReadError> {
    if let Some(log) = log_at(path, known)? {
        return Ok(log);
    }
    let active = look_into(path)?.map(|file| LogFile {
        is_active: true,
        ..file
    });
    Ok(LogFiles {
        path: path.to_owned(),
        head_path: Some(names::with_suffix(path, ".head")),
        head: HeadRead::Absent,
        files: active.into_iter().collect(),
    })
}

/// Where a symbolic link leads to: what belongs to a log stands beside its file.
fn resolved(path: &Path) -> Result<PathBuf, ReadError> {
    match fs::symlink_metadata(path) {
        Ok(metadata) if metadata.is_symlink() => {
            fs::canonicalize(path).map_err(ReadError::io(path))
        }
        _ => Ok(path.to_owned()),
    }
}

/// The log of that path, if there is anything that shows it to be one: a head file
/// or rotated files.
/// Rotated files of known names are passed over.
fn log_at(path: &Path, known: &HashSet<OsString>) -> Result<Option<LogFiles>, ReadError> {
    let head_path = names::with_suffix(path, ".head");
    // Before any file, and the active file before it can be renamed.
    let head = read_head(&head_path);
    let active = look_into(path)?;
    let mut files = Vec::new();
    for name in list(names::directory(path))? {
        if let Some(rotated) = names::parse_rotated(path, &name)
            && !known.contains(&name)
            && let Some(file) = look_into(&path.with_file_name(name))?
        {
            let rotated = Some(rotated);
            files.push(LogFile { rotated, ..file });
        }
    }
    if files.is_empty() && head == HeadRead::Absent {
        return Ok(None);
    }
    // Unless it was renamed since: then it has the name that it has kept, by which
    // it is known from now on.
    if let Some(active) = active
        && !files.iter().any(|file| is_same(file, &active))
    {
        let is_active = true;
        files.push(LogFile {
            is_active,
            ..active
        });
    }
    Ok(Some(LogFiles {
        path: path.to_owned(),
        head_path: Some(head_path),
        head,
        files,
    }))
}

/// Every log in a directory.
fn all_in(directory: &Path) -> Result<Vec<Given>, ReadError> {
    let names: BTreeSet<OsString> = list(directory)?.into_iter().collect();
    let mut logs = BTreeSet::new();
    for name in &names {
        let path = Path::new(name);
        let ends_with = |end| path.extension().is_some_and(|extension| extension == end);
        if let Some(log) = names::log_of_rotated(name) {
            logs.insert(OsString::from(log));
        } else if ends_with("jsonl") {
            logs.insert(name.clone());
        } else if ends_with("head")
            && let Some(log) = path.file_stem()
        {
            let is_head = || matches!(read_head(&directory.join(name)), HeadRead::Found(_));
            if names.contains(log) || is_head() {
                logs.insert(log.to_owned());
            }
        }
    }
    let mut given = Vec::new();
    for name in logs {
        let path = directory.join(name);
        if let Some(log) = log_at(&path, &HashSet::new())? {
            given.push(Given::Log(log));
        } else if let Some(file) = look_into(&path)? {
            given.push(Given::Loose(file));
        }
    }
    if given.is_empty() {
        return Err(ReadError::NoLog {
            path: directory.to_owned(),
        });
    }
    Ok(given)
}

fn list(directory: &Path) -> Result<Vec<OsString>, ReadError> {
    let failed = || ReadError::io(directory);
    let entries = match fs::read_dir(directory) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries.map_err(failed())?,
    };
    entries
        .map(|entry| Ok(entry.map_err(failed())?.file_name()))
        .collect()
}

fn read_head(path: &Path) -> HeadRead {
    match fs::metadata(path) {
        // To open something else might hang.
        Ok(metadata) if !metadata.is_file() => {
            return HeadRead::Unreadable("it is no regular file".to_owned());
        }
        Ok(metadata) if metadata.len() == 0 => return HeadRead::Empty,
        _ => {}
    }
    match File::open(path).and_then(|mut file| Record::read(&mut file)) {
        Ok(Some(record)) => HeadRead::Found(record),
        Ok(None) => HeadRead::Damaged,
        Err(error) if error.kind() == ErrorKind::NotFound => HeadRead::Absent,
        Err(error) => HeadRead::Unreadable(error.to_string()),
    }
}

/// What a file is and how it begins; `None` when there is none, or no regular
/// file.
fn look_into(path: &Path) -> Result<Option<LogFile>, ReadError> {
    let failed = || ReadError::io(path);
    match fs::symlink_metadata(path) {
        // To open something else might hang.
        Ok(metadata) if !metadata.is_file() => return Ok(None),
        Ok(_) => {}
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(failed()(error)),
    }
    let mut file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(failed()(error)),
    };
    let metadata = file.metadata().map_err(failed())?;
    let rotated = path.file_name().and_then(|name| {
        let log = names::log_of_rotated(name)?;
        names::parse_rotated(Path::new(&log), name)
    });
    let len = match rotated {
        Some(_) => metadata.len(),
        None => settled_len(&mut file, metadata.len()).map_err(failed())?,
    };
    let first = first_of(&mut file).map_err(failed())?;
    let first_ts = match first {
        Some(_) => None,
        None => first_ts(&mut file).map_err(failed())?,
    };
    Ok(Some(LogFile {
        path: path.to_owned(),
        len,
        id: FileId::of(&metadata),
        is_active: false,
        first,
        first_ts,
        rotated,
    }))
}

/// The length of a file that somebody may be in the midst of writing a line to.
fn settled_len(file: &mut File, len: u64) -> io::Result<u64> {
    let mut len = len;
    for _ in 0..MOST_LOOKS {
        if len == 0 {
            break;
        }
        let mut last = [0];
        file.seek(SeekFrom::Start(len - 1))?;
        if Reading(file).read(&mut last)? == 0 || last == *b"\n" {
            break;
        }
        // Who writes doesn't tell when the line is whole.
        thread::sleep(MIDST_OF_A_LINE);
        let now = file.metadata()?.len();
        if now == len {
            break;
        }
        len = now;
    }
    Ok(len)
}

fn is_same(one: &LogFile, other: &LogFile) -> bool {
    // Where the platform doesn't tell files apart, their names do.
    if cfg!(unix) {
        one.id == other.id
    } else {
        one.path == other.path
    }
}
