//! The lock on the head file.

use std::fs::{self, File};
use std::io::{self, ErrorKind};
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use crate::log::Fault;
use crate::log::names::FileId;

/// Between two tries at the lock: at first, and at most. A batch holds it for
/// less than a millisecond.
pub(super) const FIRST_PAUSE: Duration = Duration::from_micros(50);
pub(super) const LAST_PAUSE: Duration = Duration::from_millis(2);

/// Whoever holds the lock for longer than this is told of.
const LOCK_PATIENCE: Duration = Duration::from_secs(5);

/// Takes the lock on a head file, with pauses.
pub(super) fn lock(
    head_file: &File,
    head_path: &Path,
    pause: &mut dyn FnMut(Duration) -> bool,
) -> Result<(), Fault> {
    try_again(head_path, pause, || fs4::FileExt::try_lock(head_file))
}

/// As [`lock`], beside others who only look.
pub(super) fn lock_shared(
    head_file: &File,
    head_path: &Path,
    pause: &mut dyn FnMut(Duration) -> bool,
) -> Result<(), Fault> {
    try_again(head_path, pause, || {
        fs4::FileExt::try_lock_shared(head_file)
    })
}

fn try_again(
    head_path: &Path,
    pause: &mut dyn FnMut(Duration) -> bool,
    mut lock: impl FnMut() -> Result<(), fs4::TryLockError>,
) -> Result<(), Fault> {
    let begun = Instant::now();
    let mut next = FIRST_PAUSE;
    loop {
        match lock() {
            Ok(()) => return Ok(()),
            Err(fs4::TryLockError::Error(error)) => return Err(error.into()),
            Err(fs4::TryLockError::WouldBlock) => {}
        }
        if begun.elapsed() >= LOCK_PATIENCE {
            let message = format!("another process holds the lock on {}", head_path.display());
            return Err(io::Error::new(ErrorKind::WouldBlock, message).into());
        }
        if !pause(next) {
            return Err(Fault::Abandoned);
        }
        next = (next * 2).min(LAST_PAUSE);
    }
}

/// Whether a file still bears the name.
pub(super) fn has_the_name(file: &File, path: &Path) -> io::Result<bool> {
    match fs::symlink_metadata(path) {
        Ok(metadata) => Ok(FileId::of(&metadata) == FileId::of(&file.metadata()?)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

/// A pause for when there is nobody who could end it.
pub(crate) fn sleeping(pause: Duration) -> bool {
    thread::sleep(pause);
    true
}
