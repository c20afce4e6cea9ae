//! What `audit-schema` promises, one module a promise.

mod clock;
mod golden;
mod reading;
mod round_trip;
mod schema;
mod types;
mod wire;
