//! Files of plain lines.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::Path;
use std::thread;
use std::time::Duration;

/// An unfinished line that doesn't grow for so long is not being written.
pub(crate) const MIDST_OF_A_LINE: Duration = Duration::from_millis(1);

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
    if !metadata.is_file() {
        return Ok(false);
    }
    let mut reader = File::open(path)?;
    let mut length = metadata.len();
    while length > 0 {
        let mut last = [0];
        reader.seek(SeekFrom::Start(length - 1))?;
        if reader.read(&mut last)? == 1 && last == *b"\n" {
            return Ok(false);
        }
        // Another writer may be in the midst of a line.
        thread::sleep(MIDST_OF_A_LINE);
        let now = file.metadata()?.len();
        if now == length {
            return Ok(true);
        }
        length = now;
    }
    Ok(false)
}
