//! Files of plain lines.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::Path;

/// Opens a file to append lines to. A last line that lacks its line feed is ended.
pub(crate) fn open_lines(path: &Path) -> io::Result<File> {
    open(path).map_err(|error| {
        let message = format!("{}: {error}", path.display());
        io::Error::new(error.kind(), message)
    })
}

/// As [`open_lines`], with an error that doesn't name the path.
pub(crate) fn open(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.create(true).append(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        options.mode(0o600);
    }
    let mut file = options.open(path)?;
    if ends_inside_a_line(&file, path)? {
        file.write_all(b"\n")?;
    }
    Ok(file)
}

/// Whether the last byte is something else than a line feed. Pipes, terminals
/// and other devices have no last byte.
fn ends_inside_a_line(file: &File, path: &Path) -> io::Result<bool> {
    let metadata = file.metadata()?;
    if !metadata.is_file() || metadata.len() == 0 {
        return Ok(false);
    }
    let mut last = [0];
    let mut reader = File::open(path)?;
    reader.seek(SeekFrom::End(-1))?;
    reader.read_exact(&mut last)?;
    Ok(last != *b"\n")
}
