//! Counts allocations, by an allocator of its own. `cargo xtask bench` calls it.

use std::process::ExitCode;

fn main() -> ExitCode {
    audit_benches::count_allocations(|work| allocation_counter::measure(work).count_total)
}
