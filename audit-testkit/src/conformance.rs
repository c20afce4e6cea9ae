//! Whether a sink keeps the contract of [`AuditSink`](audit_sink::AuditSink),
//! clause by clause.
//!
//! Each clause is a public function over a [`Harness`], which opens the sink and
//! commands its destination; it panics when the sink breaks the clause, and its
//! message begins with the clause: `clause 4 (no silent loss): offered 100,
//! recorded 97, drops 2, fallback 0`.
//! [`conformance_suite!`](crate::conformance_suite) makes a `#[test]` of each,
//! three times: for the sink itself, in a `Box<dyn AuditSink>`, in an
//! `Arc<dyn AuditSink>`.
//!
//! # Abilities
//!
//! What a harness can do decides which functions apply. An ability is a trait,
//! and a word in the macro's list.
//!
//! | word | trait | the harness can | clauses |
//! |---|---|---|---|
//! | – | [`Harness`] | open the sink | 1, 2, 7, 13 |
//! | `reads` | [`Reads`] | read what is recorded | 4, 5, 6, 8, 11 |
//! | `stalls` | [`Stalls`] | make the destination wait; for sinks with a queue | 3, 8, 9 |
//! | `overflows` | [`Overflows`] | say how many events are too many for the queue | 3, 4, 5, 7 |
//! | `refuses` | [`Refuses`] | make the destination fail | 4, 10 |
//! | `dies` | [`Dies`] | make the destination panic | 12 |
//! | `calls_back` | [`CallsBack`] | call the sink from inside the destination | 13 |
//!
//! # A harness
//!
//! For a sink that takes a `Write`, [`Destination`](crate::Destination) has all
//! of it ready:
//!
//! ```
//! use std::io::Write;
//! use audit_schema::CallEvent;
//! use audit_sink::{AuditSink, Health};
//! use audit_testkit::conformance::{self, Harness, Reads, Refuses};
//! use audit_testkit::{Destination, conformance_suite};
//! use parking_lot::Mutex;
//!
//! /// Writes each event at once.
//! struct Direct(Mutex<State>);
//!
//! struct State {
//!     writer: Box<dyn Write + Send>,
//!     drops: u64,
//!     failures: u64,
//! }
//!
//! impl AuditSink for Direct {
//!     fn on_call(&self, event: &CallEvent) {
//!         let line = serde_json::to_string(event).expect("an event is plain data") + "\n";
//!         let mut state = self.0.lock();
//!         match state.writer.write_all(line.as_bytes()) {
//!             Ok(()) => state.failures = 0,
//!             Err(_) => {
//!                 state.drops += 1;
//!                 state.failures += 1;
//!             }
//!         }
//!     }
//!
//!     fn drops(&self) -> u64 {
//!         self.0.lock().drops
//!     }
//!
//!     fn health(&self) -> Health {
//!         match &*self.0.lock() {
//!             State { failures: 0, .. } => Health::Healthy,
//!             State { failures, drops, .. } => Health::degraded(*failures, *drops, "can't write"),
//!         }
//!     }
//! }
//!
//! struct DirectHarness(Destination);
//!
//! impl Harness for DirectHarness {
//!     type Sink = Direct;
//!     fn open(&self) -> Direct {
//!         Direct(Mutex::new(State { writer: self.0.writer(), drops: 0, failures: 0 }))
//!     }
//! }
//!
//! impl Reads for DirectHarness {
//!     fn recorded(&self) -> Vec<CallEvent> {
//!         let lines = self.0.buf().lines();
//!         lines.iter().map(|line| serde_json::from_str(line).expect("a record")).collect()
//!     }
//! }
//!
//! impl Refuses for DirectHarness {
//!     fn refuse(&self) {
//!         self.0.refuse();
//!     }
//!     fn heal(&self) {
//!         self.0.heal();
//!     }
//! }
//!
//! conformance_suite!(direct, DirectHarness(Destination::new()), [reads, refuses]);
//!
//! fn main() {
//!     // What one of those tests does.
//!     conformance::clause_10_health_is_honest(&DirectHarness(Destination::new()));
//! }
//! ```

mod callers;
mod clause;
mod events;
mod failing;
mod forms;
mod harness;
mod reading;
mod stalling;
mod subject;
mod suite;
mod threads;

pub use self::callers::{
    clause_04_no_silent_loss_from_any_caller, clause_13_any_caller_in_a_panic_hook,
    clause_13_any_caller_inside_the_destination, clause_13_any_caller_on_an_ending_thread,
    clause_13_any_caller_while_unwinding,
};
pub use self::events::hostile_events;
pub use self::failing::{
    clause_04_no_silent_loss_when_refused, clause_10_health_is_honest, clause_12_dying_is_survived,
};
pub use self::forms::{Boxed, Shared};
pub use self::harness::{CallsBack, Dies, Harness, Overflows, Reads, Refuses, Stalls};
pub use self::reading::{
    clause_04_no_silent_loss, clause_05_order, clause_06_fidelity,
    clause_08_flush_reaches_the_destination, clause_11_dropping_delivers,
};
pub use self::stalling::{
    clause_03_no_waiting, clause_03_no_waiting_when_full, clause_04_no_silent_loss_when_full,
    clause_05_order_when_full, clause_07_drops_only_grow_when_full,
    clause_08_flush_is_honest_while_stalled, clause_09_flush_is_bounded,
};
pub use self::threads::{clause_01_threads, clause_02_no_panic, clause_07_drops_only_grow};
