#![doc = include_str!("../README.md")]
#![warn(missing_docs)]

mod ahead;
mod appender;
mod builder;
mod chain;
mod chained;
mod counters;
mod cut;
mod destination;
mod direct;
mod direct_log;
mod durability;
mod encode;
mod error;
mod file;
pub mod form;
mod from_env;
mod leaf;
mod link;
mod log;
mod log_builder;
mod log_files;
#[cfg(all(test, any(audit_loom, audit_shuttle)))]
mod models;
mod patience;
mod plain;
mod queue;
mod read_error;
mod reader;
pub mod repair;
mod sink;
mod sync;
mod this_thread;
#[cfg(feature = "tokio")]
mod tokio;
mod trouble;
pub mod verify;
mod writer;

pub use crate::builder::Builder;
pub use crate::chain::StreamId;
pub use crate::counters::Counters;
pub use crate::direct::DirectJsonLinesSink;
pub use crate::direct_log::DirectLogSink;
pub use crate::durability::{CommitError, Durability, Receipt};
pub use crate::error::{BuildError, CloseError, OpenError, ParseHexError, WriteError};
pub use crate::from_env::EnvError;
pub use crate::leaf::LeafHash;
pub use crate::log_builder::LogBuilder;
pub use crate::log_files::{LogFile, LogFiles};
pub use crate::read_error::ReadError;
pub use crate::reader::{
    BackwardReader, Damage, DamageKind, Entry, LogFollower, LogLine, LogReader, Position,
    RecordError, Stopper,
};
pub use crate::sink::{DEFAULT_AUDIT_QUEUE_CAPACITY, JsonLinesAuditSink};
pub use crate::verify::verify;
pub use audit_schema::{
    CallEvent, CapProvenance, Outcome, ProvSource, SCHEMA_VERSION, now_rfc3339,
};
pub use audit_sink::{
    AuditSink, BackpressureStrategy, Call, Filter, FlushError, Health, MemorySink, Query, Queued,
    Recorder, Tee, ToOutcome, global,
};
