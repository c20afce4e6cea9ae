use std::io;
use std::path::{Path, PathBuf};

use thiserror::Error;

use crate::log::Fault;

/// Why a log can't be repaired. Nothing that was recorded is lost.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum RepairError {
    /// There is neither such a file nor a head file beside it.
    #[error("{}: there is no such log, and no head file of one", path.display())]
    #[non_exhaustive]
    NotFound {
        /// What was given.
        path: PathBuf,
    },

    /// There is no head file, and no line that is part of a chain: nothing says how
    /// the log should end.
    #[error("{}: no line is part of a chain, and there is no head file, so nothing says how it should end", path.display())]
    #[non_exhaustive]
    NotChained {
        /// What was given.
        path: PathBuf,
    },

    /// A rotated file, a copy, or something that was set aside.
    #[error("{}: it is part of the log {}; give that path", path.display(), log.display())]
    #[non_exhaustive]
    PartOfLog {
        /// What was given.
        path: PathBuf,
        /// The log.
        log: PathBuf,
    },

    /// A file of the log can't be read, written or synced, or somebody holds the
    /// lock. Which it is, is its [`source`](std::error::Error::source).
    #[error("{} can't be repaired", path.display())]
    #[non_exhaustive]
    Io {
        /// The log.
        path: PathBuf,
        /// The reason.
        source: io::Error,
    },
}

impl RepairError {
    pub(super) fn of(path: &Path, fault: Fault) -> Self {
        let source = match fault {
            Fault::Io(error)
            | Fault::Spoilt(error)
            | Fault::Unsynced(error)
            | Fault::Failed(error) => error,
            Fault::Abandoned => io::ErrorKind::Interrupted.into(),
        };
        Self::Io {
            path: path.into(),
            source,
        }
    }

    pub(super) fn part_of(path: &Path, log: PathBuf) -> Self {
        Self::PartOfLog {
            path: path.into(),
            log,
        }
    }
}
