//! Files that something has compressed, as logrotate does: their bytes are no lines.

use std::fs::File;
use std::io::Read as _;
use std::path::Path;

use crate::exit::Failure;

/// How such files begin, and what gives their text.
const KINDS: &[(&[u8], &str)] = &[
    (b"\x1f\x8b", "zcat"),
    (b"\x28\xb5\x2f\xfd", "zstdcat"),
    (b"\xfd7zXZ\0", "xzcat"),
    (b"BZh", "bzcat"),
];

/// Refuses such a file. What can't be opened or read is for those to tell who want
/// to read it.
pub(crate) fn refuse(path: &Path) -> Result<(), Failure> {
    let mut begin = Vec::new();
    let read = File::open(path).and_then(|file| file.take(6).read_to_end(&mut begin));
    if read.is_err() {
        return Ok(());
    }
    match KINDS.iter().find(|(magic, _)| begin.starts_with(magic)) {
        None => Ok(()),
        Some((_, unpack)) => Err(Failure::could_not(format!(
            "{path}: it is compressed; unpack it, or have `{unpack} {path}` write to a pipe and give `-`",
            path = path.display()
        ))),
    }
}
