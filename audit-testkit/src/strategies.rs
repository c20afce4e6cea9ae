//! Strategies for the [`proptest`] crate: values of every type of the schema,
//! with the ones that break code weighted up.
//!
//! Each strategy says which edge cases it favours and why. Values shrink
//! towards the dull ones: a short ASCII word, `0`, `None`, an empty list.
//!
//! ```
//! use audit_testkit::strategies::call_event;
//! use proptest::prelude::*;
//!
//! proptest!(ProptestConfig::with_cases(8), |(event in call_event())| {
//!     prop_assert!(event.with_dry_run(true).dry_run);
//! });
//! ```

mod broken;
mod event;
mod json;
mod number;
mod text;
mod wire;

#[cfg(test)]
mod tests;

pub use self::broken::{BrokenLine, CONTENTS, broken_wire_line, lone_surrogate_line};
pub use self::event::{call_event, cap_provenance, outcome, prov_source, unknown_kind};
pub use self::number::{edge_u8, edge_u32, edge_u64};
pub use self::text::{call_id, escapes_at_every_position, huge_string, nasty_string, timestamp};
pub use self::wire::{WireLine, wire_line};
