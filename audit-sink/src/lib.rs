#![doc = include_str!("../README.md")]
#![warn(missing_docs)]

mod call;
mod clock;
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
mod sink;
mod size;
mod strategy;
mod tee;
mod time;
mod to_outcome;
mod ulid;

pub use crate::call::Call;
pub use crate::clock::{Clock, SystemClock};
pub use crate::filter::Filter;
pub use crate::health::Health;
pub use crate::memory::{MemorySink, Query};
pub use crate::queued::Queued;
pub use crate::recorder::Recorder;
pub use crate::sink::{AuditSink, FlushError};
pub use crate::strategy::BackpressureStrategy;
pub use crate::tee::{MemberReport, Tee};
pub use crate::to_outcome::ToOutcome;
pub use crate::ulid::Ulids;
pub use audit_schema as schema;
