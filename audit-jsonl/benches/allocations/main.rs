//! How often a call allocates. Apart from the bench `recorder`, whose times an
//! allocator that counts would spoil.

#![allow(clippy::print_stdout, reason = "it prints a report")]

#[path = "../recorder/event.rs"]
mod event;
#[path = "../recorder/seed.rs"]
mod seed;

use std::io;
use std::process::ExitCode;
use std::time::Duration;

use allocation_counter::measure;
use audit_jsonl::{AuditSink, JsonLinesAuditSink};

use crate::seed::SeedSink;

/// Enough calls that each buffer of the queue has come round.
const WARM_UP: u64 = 100_000;
const CALLS: u64 = 10_000;
const CAPACITY: usize = 8_192;

fn main() -> ExitCode {
    // Arguments are for the bench `recorder`, which `cargo bench` starts with the
    // same ones.
    assert_eq!(event::line().len(), event::LINE_BYTES);

    let ours = JsonLinesAuditSink::new_with_capacity(Box::new(io::sink()), CAPACITY);
    let ours_each = allocations(&ours, || {
        ours.flush(Duration::from_secs(10)).expect("the sink works");
    });
    let seed = SeedSink::new(Box::new(io::sink()), CAPACITY, true);
    let seed_each = allocations(&seed, || {});
    seed.close();

    println!("allocations per warm on_call, on the caller's thread\n");
    println!("ours {ours_each:>8.4}");
    println!("seed {seed_each:>8.4}");
    if ours_each > 0.0 {
        println!("\nfloor: 0, MISSED");
        return ExitCode::FAILURE;
    }
    println!("\nfloor: 0, met");
    ExitCode::SUCCESS
}

/// Allocations per call, once warm. `rest` runs now and then, so that the queue
/// never fills.
fn allocations(sink: &dyn AuditSink, mut rest: impl FnMut()) -> f64 {
    let event = event::event();
    let mut calls = |calls: u64| {
        let mut allocations = 0;
        for call in 0..calls {
            allocations += measure(|| sink.on_call(&event)).count_total;
            if call % (CAPACITY as u64 / 4) == 0 {
                rest();
            }
        }
        allocations
    };
    calls(WARM_UP);
    calls(CALLS) as f64 / CALLS as f64
}
