//! Test kit.

pub mod strategies;
