//! Opening, reading and writing files, with bounded patience.

use std::fs::{File, Metadata, OpenOptions};
use std::io::{self, ErrorKind, Read, Write};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use sha2::Sha256;

use crate::log::names;

/// A call may be interrupted so often in a row: less often than a user's `Write`, which
/// may be a pipe, for a file on a disk hardly ever is.
const INTERRUPTIONS: u32 = 100;

/// Where bytes go that are no records, until a line tells of them all.
#[derive(Debug)]
pub(super) struct Aside {
    pub(super) file: File,
    pub(super) path: PathBuf,
    pub(super) hash: Sha256,
    pub(super) count: u64,
}

/// As `write_all`, which is interrupted without end if need be.
pub(super) fn write_whole(file: &mut File, bytes: &[u8]) -> io::Result<()> {
    write_counting(file, bytes, &mut 0)
}

/// As [`write_whole`]; so many were taken when it fails.
pub(super) fn write_counting(file: &mut File, bytes: &[u8], taken: &mut usize) -> io::Result<()> {
    while *taken < bytes.len() {
        match interrupted(|| file.write(&bytes[*taken..]))? {
            0 => return Err(ErrorKind::WriteZero.into()),
            more => *taken += more,
        }
    }
    Ok(())
}

/// Cuts a file off at `end`, unless it is longer than `known`: what somebody else
/// has appended is not ours to remove.
pub(super) fn cut(file: &File, end: u64, known: u64) -> io::Result<()> {
    if file.metadata()?.len() > known {
        return Err(io::Error::other("somebody else has appended to it"));
    }
    file.set_len(end)
}

/// Calls again while it is interrupted, a bounded number of times.
fn interrupted<T>(mut call: impl FnMut() -> io::Result<T>) -> io::Result<T> {
    for _ in 0..INTERRUPTIONS {
        match call() {
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            result => return result,
        }
    }
    Err(io::Error::other("it was interrupted without end"))
}

/// A file to be read by functions that try again whenever they are interrupted.
pub(crate) struct Reading<'a>(pub(crate) &'a File);

impl Read for Reading<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        interrupted(|| self.0.read(buffer))
    }
}

/// Opens a file of the log, made if it isn't there: mode 0600, and no link is
/// followed.
pub(super) fn open(path: &Path, append: bool) -> io::Result<File> {
    let file = options(append).create(true).open(path);
    let file = file.map_err(|error| names::explain(path, error))?;
    names::check_kind(path, &file.metadata()?)?;
    Ok(file)
}

pub(super) fn options(append: bool) -> OpenOptions {
    let mut options = reading();
    if append {
        options.append(true);
    } else {
        options.write(true);
    }
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        options.mode(0o600);
    }
    options
}

/// Opens a file of the log as it is, without following a link.
pub(super) fn open_to_read(path: &Path) -> io::Result<File> {
    reading().open(path)
}

fn reading() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.read(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        options.custom_flags(rustix::fs::OFlags::NOFOLLOW.bits().cast_signed());
    }
    options
}

/// When a file was made, as far as its file system tells.
pub(super) fn made(metadata: &Metadata) -> SystemTime {
    let told = metadata.created().or_else(|_| metadata.modified());
    told.unwrap_or_else(|_| SystemTime::now())
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn what_somebody_else_has_appended_is_not_cut_off() {
        let name = format!("audit-cut-{}", std::process::id());
        let path = std::env::temp_dir().join(name);
        fs::write(&path, "ours and theirs").unwrap();
        let file = options(false).open(&path).unwrap();
        cut(&file, 4, 8).unwrap_err();
        assert_eq!(fs::read(&path).unwrap(), b"ours and theirs");
        cut(&file, 4, 15).unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"ours");
        fs::remove_file(&path).unwrap();
    }
}
