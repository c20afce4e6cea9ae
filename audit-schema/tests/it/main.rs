//! What `audit-schema` promises, one module a promise.

mod wire;
