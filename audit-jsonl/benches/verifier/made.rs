//! The log that is verified.

use std::error::Error;
use std::path::Path;
use std::time::Duration;

use audit_jsonl::{AuditSink, BackpressureStrategy, Durability, JsonLinesAuditSink};

use crate::event::event;

/// Writes so many lines, the closing record among them.
pub(crate) fn log(path: &Path, lines: u64) -> Result<(), Box<dyn Error>> {
    let sink = JsonLinesAuditSink::builder()
        .strategy(BackpressureStrategy::Block)
        .path(path)
        .durability(Durability::Written)
        .open()?;
    let event = event();
    for _ in 1..lines {
        sink.on_call(&event);
    }
    sink.close(Duration::from_secs(600))?;
    Ok(())
}
