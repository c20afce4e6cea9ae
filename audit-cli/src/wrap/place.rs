//! Where the log is, unless one is named.

use std::env;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// The log in the directory that the platform has for what programs keep between
/// runs; `None` if the environment doesn't say where the user's files are.
pub(crate) fn default_log() -> Option<PathBuf> {
    Some(state_directory()?.join("audit").join("audit.jsonl"))
}

#[cfg(not(any(windows, target_os = "macos")))]
fn state_directory() -> Option<PathBuf> {
    // As the XDG specification says, a path that isn't absolute is as good as none.
    let named = env::var_os("XDG_STATE_HOME").map(PathBuf::from);
    named
        .filter(|path| path.is_absolute())
        .or_else(|| Some(env::home_dir()?.join(".local/state")))
        .filter(|path| path.is_absolute())
}

#[cfg(target_os = "macos")]
fn state_directory() -> Option<PathBuf> {
    let home = env::home_dir()?.join("Library/Application Support");
    Some(home).filter(|path| path.is_absolute())
}

#[cfg(windows)]
fn state_directory() -> Option<PathBuf> {
    env::var_os("LOCALAPPDATA")
        .map(PathBuf::from)
        .filter(|path| path.is_absolute())
}

/// Makes the directory of a log and those above it, if they aren't there, for
/// nobody else to look into.
pub(crate) fn create_directory_of(log: &Path) -> io::Result<()> {
    let Some(directory) = log.parent().filter(|path| !path.as_os_str().is_empty()) else {
        return Ok(());
    };
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::DirBuilderExt as _;
        builder.mode(0o700);
    }
    builder.create(directory)
}
