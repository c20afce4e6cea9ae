//! Test kit.

pub mod properties;
pub mod strategies;
