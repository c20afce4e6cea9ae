#![doc = include_str!("../README.md")]
#![warn(missing_docs)]

mod builder;
mod counters;
mod destination;
mod direct;
mod encode;
mod error;
mod file;
mod queue;
mod sink;
mod this_thread;
mod trouble;
mod writer;

pub use crate::builder::Builder;
pub use crate::counters::Counters;
pub use crate::direct::DirectJsonLinesSink;
pub use crate::error::{BuildError, CloseError};
pub use crate::sink::{DEFAULT_AUDIT_QUEUE_CAPACITY, JsonLinesAuditSink};
pub use audit_schema::{
    CallEvent, CapProvenance, Outcome, ProvSource, SCHEMA_VERSION, now_rfc3339,
};
pub use audit_sink::{AuditSink, BackpressureStrategy, FlushError, Health};
