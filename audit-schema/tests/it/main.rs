//! What `audit-schema` promises, one module a promise.

mod golden;
mod reading;
mod round_trip;
mod wire;
