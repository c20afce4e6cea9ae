#![doc = include_str!("../README.md")]
#![warn(missing_docs)]

mod forward;
mod health;
mod sink;
mod strategy;

pub use crate::health::Health;
pub use crate::sink::{AuditSink, FlushError};
pub use crate::strategy::BackpressureStrategy;
pub use audit_schema as schema;
