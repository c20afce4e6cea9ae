#![doc = include_str!("../README.md")]
#![warn(missing_docs)]

mod call;
mod clock;
mod forward;
mod glob;
mod health;
mod held;
mod memory;
mod recorder;
mod sink;
mod size;
mod strategy;
mod time;
mod to_outcome;
mod ulid;

pub use crate::call::Call;
pub use crate::clock::{Clock, SystemClock};
pub use crate::health::Health;
pub use crate::memory::{MemorySink, Query};
pub use crate::recorder::Recorder;
pub use crate::sink::{AuditSink, FlushError};
pub use crate::strategy::BackpressureStrategy;
pub use crate::to_outcome::ToOutcome;
pub use crate::ulid::Ulids;
pub use audit_schema as schema;
