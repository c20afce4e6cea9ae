//! Our recorder beside those that others have, on the same bytes, and what the machine
//! allows at best. `cargo xtask bench` builds and runs it.

mod allocations;
mod case;
mod chain;
mod child;
mod commits;
mod contender;
mod contenders;
mod docs;
mod event;
mod floors;
mod limits;
mod load;
mod logs;
#[path = "../../audit-jsonl/benches/shared/machine.rs"]
mod machine;
mod memory;
mod options;
mod plot;
mod processes;
mod report;
mod results;
mod runner;
mod written;

pub use allocations::count_allocations;
pub use runner::run;
