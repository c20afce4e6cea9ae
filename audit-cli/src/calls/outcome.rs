//! How calls end, in the words that people read.

use clap::ValueEnum;

/// The kind of an outcome. Its names are those of the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, ValueEnum)]
#[value(rename_all = "snake_case")]
pub(crate) enum Kind {
    /// The tool ran and gave a result
    Success,
    /// The tool ran and failed
    #[value(alias = "failed")]
    ExecutionFailed,
    /// Not run: the arguments were wrong
    #[value(alias = "invalid")]
    InvalidArgs,
    /// Not run: the caller lacked a right
    #[value(alias = "denied")]
    CapabilityDenied,
    /// Not run: the caller had called too often
    #[value(alias = "limited")]
    RateLimited,
    /// There is no such tool
    #[value(alias = "not_found")]
    ToolNotFound,
    /// A kind of a later version
    Unknown,
}

/// What sort of end it is, for whoever looks over many calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sort {
    Good,
    /// The call came to nothing, by the tool's fault or the caller's.
    Failed,
    Denied,
    Limited,
    /// Nobody here knows.
    Other,
}

impl Kind {
    pub(crate) fn sort(self) -> Sort {
        match self {
            Self::Success => Sort::Good,
            Self::ExecutionFailed | Self::InvalidArgs | Self::ToolNotFound => Sort::Failed,
            Self::CapabilityDenied => Sort::Denied,
            Self::RateLimited => Sort::Limited,
            Self::Unknown => Sort::Other,
        }
    }

    /// A short word for it, of at most nine letters.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Success => "success",
            Self::ExecutionFailed => "failed",
            Self::InvalidArgs => "invalid",
            Self::CapabilityDenied => "denied",
            Self::RateLimited => "limited",
            Self::ToolNotFound => "not found",
            Self::Unknown => "unknown",
        }
    }
}
