//! The contenders, a file each.

#[cfg(feature = "peers")]
mod audit_trail;
#[cfg(feature = "peers")]
mod fast_log;
#[cfg(feature = "peers")]
mod ftlog;
#[cfg(feature = "peers")]
mod logforth;
mod ours;
mod seed;
#[cfg(feature = "peers")]
mod slog;
#[cfg(feature = "peers")]
mod spdlog;
#[cfg(feature = "peers")]
mod text;
#[cfg(feature = "peers")]
mod tokio;
#[cfg(feature = "peers")]
mod tracing;

#[cfg(feature = "peers")]
pub(crate) use audit_trail::AUDIT_TRAIL;
#[cfg(feature = "peers")]
pub(crate) use fast_log::FAST_LOG;
#[cfg(feature = "peers")]
pub(crate) use ftlog::FTLOG;
#[cfg(feature = "peers")]
pub(crate) use logforth::LOGFORTH;
pub(crate) use ours::{CHAINED, PLAIN, open_chained};
pub(crate) use seed::SEED;
#[cfg(feature = "peers")]
pub(crate) use slog::SLOG_ASYNC;
#[cfg(feature = "peers")]
pub(crate) use spdlog::SPDLOG_RS;
#[cfg(feature = "peers")]
pub(crate) use tokio::TOKIO;
#[cfg(feature = "peers")]
pub(crate) use tracing::{TRACING, TRACING_APPENDER};
