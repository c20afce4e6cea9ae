#![doc = include_str!("../README.md")]
#![warn(missing_docs)]

mod call;
mod clock;
#[cfg(feature = "counts")]
pub mod counts;
mod entrance;
mod filter;
mod forward;
mod glob;
pub mod global;
mod health;
mod held;
mod memory;
mod queued;
mod recorder;
#[cfg(feature = "redact")]
pub mod redact;
mod sink;
mod size;
mod strategy;
mod tee;
mod time;
mod to_outcome;
#[cfg(feature = "tracing")]
mod tracing_sink;
mod ulid;

pub use crate::call::Call;
pub use crate::clock::{Clock, SystemClock};
#[cfg(feature = "counts")]
pub use crate::counts::Counts;
pub use crate::filter::Filter;
pub use crate::health::Health;
pub use crate::memory::{MemorySink, Query};
pub use crate::queued::Queued;
pub use crate::recorder::Recorder;
#[cfg(feature = "redact")]
pub use crate::redact::Redact;
pub use crate::sink::{AuditSink, FlushError};
pub use crate::strategy::BackpressureStrategy;
pub use crate::tee::{MemberReport, Tee};
pub use crate::to_outcome::ToOutcome;
#[cfg(feature = "tracing")]
pub use crate::tracing_sink::TracingSink;
pub use crate::ulid::Ulids;
pub use audit_schema as schema;
