use thiserror::Error;

use super::LOG;
use crate::OpenError;

/// Why [`from_env`](crate::JsonLinesAuditSink::from_env) gives no sink. Nothing was
/// started.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum EnvError {
    /// It isn't said where to record.
    #[error("{variable} is not set: it must be a path, stdout, stderr or off")]
    #[non_exhaustive]
    Missing {
        /// `AUDIT_LOG`.
        variable: &'static str,
    },

    /// A value that the variable can't have.
    #[error("{variable} is {value}: it must be {allowed}")]
    #[non_exhaustive]
    Wrong {
        /// The variable.
        variable: String,
        /// Its value, in quotes.
        value: String,
        /// What it may be.
        allowed: &'static str,
    },

    /// A value that would have no effect.
    #[error("{variable} is {value}, which has no effect: {reason}; unset it")]
    #[non_exhaustive]
    Pointless {
        /// The variable.
        variable: String,
        /// Its value, in quotes.
        value: String,
        /// Why not.
        reason: &'static str,
    },

    /// Each value is right, and the sink can't be opened.
    #[error("{LOG} asks for a sink that can't be opened")]
    #[non_exhaustive]
    Open {
        /// Why.
        source: OpenError,
    },
}
