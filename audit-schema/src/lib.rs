#![doc = include_str!("../README.md")]
#![warn(missing_docs)]

#[cfg(feature = "clock")]
mod clock;
mod event;
mod outcome;
mod provenance;
mod reading;

#[cfg(feature = "clock")]
pub use crate::clock::now_rfc3339;
pub use crate::event::{CallEvent, SCHEMA_VERSION};
pub use crate::outcome::Outcome;
pub use crate::provenance::{CapProvenance, ProvSource};

/// The JSON Schema (draft 2020-12) of one record, for tools that are not
/// written in Rust.
///
/// It admits what this version reads: members that it doesn't know, and
/// outcome and provenance kinds of later versions.
///
/// ```
/// assert!(audit_schema::JSON_SCHEMA.contains("https://json-schema.org/draft/2020-12/schema"));
/// ```
pub const JSON_SCHEMA: &str = include_str!("../call-event.schema.json");
