#![doc = include_str!("../README.md")]
#![warn(missing_docs)]
#![forbid(unsafe_code)]

mod queue;
mod row;
mod sink;
mod writer;

pub use crate::sink::SqliteSink;
