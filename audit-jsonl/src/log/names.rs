//! The names of a log's files, and what tells one file from another.

use std::ffi::{OsStr, OsString};
use std::fs::{self, File, Metadata};
use std::hash::{BuildHasher, Hasher, RandomState};
use std::io;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use sha2::{Digest, Sha256};

use crate::chain::StreamId;

/// The longest name of a log. File systems allow 255 bytes, and rotation adds 30
/// and a number.
const LONGEST_NAME: usize = 200;

/// `audit.jsonl` → `audit.jsonl.head`, and the like.
pub(crate) fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(suffix);
    PathBuf::from(name)
}

/// `audit.jsonl` → `audit-<first 8 of the stream>-<first seq, 20 digits>.jsonl`.
pub(crate) fn rotated(path: &Path, stream: &StreamId, first_seq: u64) -> PathBuf {
    let mut name = OsString::from(path.file_stem().unwrap_or_default());
    name.push(format!("-{}-{first_seq:020}", &stream.as_str()[..8]));
    if let Some(extension) = path.extension() {
        name.push(".");
        name.push(extension);
    }
    path.with_file_name(name)
}

/// The files beside the log whose names are those that [`rotated`] and
/// [`rename_aside`] give, in no order.
pub(crate) fn rotated_files(path: &Path, stream: &StreamId) -> io::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(directory(path))? {
        let name = entry?.file_name();
        if is_rotated(path, stream, &name) {
            files.push(path.with_file_name(name));
        }
    }
    Ok(files)
}

fn is_rotated(path: &Path, stream: &StreamId, name: &OsStr) -> bool {
    parse_rotated(path, name).is_some_and(|parsed| parsed.is_of(stream))
}

/// What the name of a rotated file says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct RotatedName {
    stream: [u8; 8],
    pub(crate) first_seq: u64,
}

impl RotatedName {
    pub(crate) fn is_of(&self, stream: &StreamId) -> bool {
        stream.as_str().as_bytes().starts_with(&self.stream)
    }
}

/// Whether `name` is one that rotation gives to files of the log at `path`, and
/// what it says then.
pub(crate) fn parse_rotated(path: &Path, name: &OsStr) -> Option<RotatedName> {
    let stem = path.file_stem()?.as_encoded_bytes();
    let rest = name.as_encoded_bytes().strip_prefix(stem)?;
    let (parsed, rest) = parse_rotation(rest)?;
    let rest = match path.extension() {
        Some(extension) => rest
            .strip_prefix(b".")?
            .strip_prefix(extension.as_encoded_bytes())?,
        None => rest,
    };
    (rest.is_empty() || is_number_of_copy(rest)).then_some(parsed)
}

/// `-<8 hex digits>-<20 digits>`, and what comes after it.
fn parse_rotation(text: &[u8]) -> Option<(RotatedName, &[u8])> {
    let (stream, rest) = text.strip_prefix(b"-")?.split_first_chunk::<8>()?;
    let (digits, rest) = rest.strip_prefix(b"-")?.split_at_checked(20)?;
    let is_hex = |byte: &u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
    if !stream.iter().all(is_hex) || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let parsed = RotatedName {
        stream: *stream,
        first_seq: std::str::from_utf8(digits).ok()?.parse().ok()?,
    };
    Some((parsed, rest))
}

/// `.1` and the like, at the end of a name that was taken.
fn is_number_of_copy(text: &[u8]) -> bool {
    text.strip_prefix(b".")
        .is_some_and(|digits| !digits.is_empty() && digits.iter().all(u8::is_ascii_digit))
}

/// The log whose rotated file has this name, by the name alone.
pub(crate) fn log_of_rotated(name: &OsStr) -> Option<String> {
    const ROTATION: usize = "-12345678-12345678901234567890".len();
    let name = name.to_str()?;
    let (at, rest) = name.match_indices('-').rev().find_map(|(at, _)| {
        let (_, rest) = parse_rotation(&name.as_bytes()[at..])?;
        (rest.is_empty() || rest[0] == b'.').then_some((at, &name[at + ROTATION..]))
    })?;
    let extension = match rest.rfind('.') {
        Some(dot) if is_number_of_copy(&rest.as_bytes()[dot..]) => &rest[..dot],
        _ => rest,
    };
    Some(format!("{}{extension}", &name[..at]))
}

/// An error of opening a file of the log, with what to do.
pub(crate) fn explain(path: &Path, error: io::Error) -> io::Error {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let what = match error.kind() {
        io::ErrorKind::NotFound => {
            "its directory does not exist; make it, or call `create_parents`".to_owned()
        }
        io::ErrorKind::PermissionDenied => {
            format!("{name} can't be read and written by this user; change its owner or mode")
        }
        io::ErrorKind::IsADirectory => {
            format!("{name} is a directory; a chained log needs a regular file")
        }
        _ if is_link(path) => {
            format!("{name} is a symbolic link, which is not followed; give the file's own path")
        }
        _ => return error,
    };
    io::Error::new(error.kind(), format!("{what} ({error})"))
}

/// An error when files can't be named after the log.
pub(crate) fn check_name(path: &Path) -> io::Result<()> {
    let name = path.file_name().unwrap_or_default();
    let message = if name.is_empty() {
        "the path of a log ends in a file's name".to_owned()
    } else if name.len() > LONGEST_NAME {
        format!(
            "the name has {} bytes; it may have {LONGEST_NAME}, for others are made of it",
            name.len()
        )
    } else if name.as_encoded_bytes().iter().any(u8::is_ascii_control) {
        "the name holds a control character".to_owned()
    } else {
        return Ok(());
    };
    Err(io::Error::new(io::ErrorKind::InvalidInput, message))
}

/// An error unless it is a regular file.
pub(crate) fn check_kind(path: &Path, metadata: &Metadata) -> io::Result<()> {
    if metadata.is_file() {
        return Ok(());
    }
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let message = if metadata.is_symlink() {
        format!("{name} is a symbolic link, which is not followed; give the file's own path")
    } else if metadata.is_dir() {
        format!("{name} is a directory; a chained log needs a regular file")
    } else {
        format!("{name} is no regular file; a chained log needs one")
    };
    Err(io::Error::new(io::ErrorKind::InvalidInput, message))
}

fn is_link(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok_and(|metadata| metadata.is_symlink())
}

/// Makes a directory and those above it that are missing, durably.
pub(crate) fn create_directories(directory: &Path) -> io::Result<()> {
    let missing: Vec<&Path> = directory
        .ancestors()
        .take_while(|directory| !directory.as_os_str().is_empty() && !directory.exists())
        .collect();
    fs::create_dir_all(directory)?;
    missing.into_iter().try_for_each(sync_directory)
}

pub(crate) fn directory(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}

/// Renames a file to `wanted`, or if that is taken to `wanted.1`, `wanted.2`, …;
/// the name that it has now. To be called under the log's lock, which keeps our
/// own from taking the name in between.
pub(crate) fn rename_aside(from: &Path, wanted: &Path) -> io::Result<PathBuf> {
    let to = free(wanted)?;
    fs::rename(from, &to)?;
    Ok(to)
}

/// `wanted`, or the first of `wanted.1`, `wanted.2`, … that isn't taken.
pub(crate) fn free(wanted: &Path) -> io::Result<PathBuf> {
    let mut name = wanted.to_owned();
    let mut number = 0_u64;
    loop {
        match fs::symlink_metadata(&name) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(name),
            Err(error) => return Err(error),
            Ok(_) => {
                number += 1;
                name = with_suffix(wanted, &format!(".{number}"));
            }
        }
    }
}

/// Makes the names in the directory in which `path` is durable.
pub(crate) fn sync_directory(path: &Path) -> io::Result<()> {
    // Windows can't open a directory so, and makes names durable by itself.
    if cfg!(unix) {
        File::open(directory(path))?.sync_all()?;
    }
    Ok(())
}

/// Which file it is, whatever its name: device and inode. Where the platform
/// doesn't tell, all are the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct FileId {
    pub(crate) device: u64,
    pub(crate) inode: u64,
}

impl FileId {
    #[cfg(unix)]
    pub(crate) fn of(metadata: &Metadata) -> Self {
        use std::os::unix::fs::MetadataExt;
        Self {
            device: metadata.dev(),
            inode: metadata.ino(),
        }
    }

    #[cfg(not(unix))]
    pub(crate) fn of(_: &Metadata) -> Self {
        Self {
            device: 0,
            inode: 0,
        }
    }
}

/// Changes with every start of the machine; empty where nothing tells.
pub(crate) fn boot_id() -> String {
    match fs::read_to_string("/proc/sys/kernel/random/boot_id") {
        Ok(id) => id.trim().to_owned(),
        Err(_) => String::new(),
    }
}

/// 16 bytes that nobody else has: from the seeds of the standard library's hash
/// maps, which the operating system gives, the time and the process.
pub(super) fn random() -> [u8; 16] {
    let mut hash = Sha256::new();
    for _ in 0..4 {
        hash.update(RandomState::new().build_hasher().finish().to_le_bytes());
    }
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    hash.update(now.unwrap_or_default().as_nanos().to_le_bytes());
    hash.update(std::process::id().to_le_bytes());
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&hash.finalize()[..16]);
    bytes
}
