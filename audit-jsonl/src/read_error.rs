use std::io;
use std::path::PathBuf;

use thiserror::Error;

/// Why a log can't be read. What is wrong *in* a log is no such error: that is
/// told entry by entry.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ReadError {
    /// Nothing has that name, and no log's files tell of it.
    #[error("{}: there is no such file, and no head file or rotated file of such a log; give the path of a log or of a directory", path.display())]
    #[non_exhaustive]
    NotFound {
        /// What was given.
        path: PathBuf,
    },

    /// A pipe, a device or the like, which has no end to begin from and can't be
    /// opened twice.
    #[error("{}: it is no regular file; read it as a stream", path.display())]
    #[non_exhaustive]
    NotAFile {
        /// What was given.
        path: PathBuf,
    },

    /// A directory without a log.
    #[error("{}: there is no log in this directory; a file that isn't called `.jsonl` must be given by its name", path.display())]
    #[non_exhaustive]
    NoLog {
        /// The directory.
        path: PathBuf,
    },

    /// A file or a directory can't be read. Why is its
    /// [`source`](std::error::Error::source).
    #[error("{} can't be read{}", path.display(), advice(source))]
    #[non_exhaustive]
    Io {
        /// Which one.
        path: PathBuf,
        /// The operating system's reason.
        source: io::Error,
    },
}

fn advice(error: &io::Error) -> &'static str {
    match error.kind() {
        io::ErrorKind::PermissionDenied => {
            " by this user; read it as its owner, or change its mode"
        }
        _ => "",
    }
}

impl ReadError {
    pub(crate) fn io(path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> Self {
        |source| Self::Io {
            path: path.into(),
            source,
        }
    }
}
