//! Sinks that break the contract, at least one for each clause: each is caught by
//! the clauses that it breaks, and by no others.

mod failing;
mod odd;
mod recording;
mod waiting;

use std::thread;

const THREADS: &str = "clause_01_threads";
const NO_PANIC: &str = "clause_02_no_panic";
const NO_WAITING: &str = "clause_03_no_waiting";
const NO_WAITING_FULL: &str = "clause_03_no_waiting_when_full";
const LOSS: &str = "clause_04_no_silent_loss";
const LOSS_ODD: &str = "clause_04_no_silent_loss_from_any_caller";
const LOSS_FULL: &str = "clause_04_no_silent_loss_when_full";
const LOSS_REFUSED: &str = "clause_04_no_silent_loss_when_refused";
const ORDER: &str = "clause_05_order";
const ORDER_FULL: &str = "clause_05_order_when_full";
const FIDELITY: &str = "clause_06_fidelity";
const DROPS: &str = "clause_07_drops_only_grow";
const DROPS_FULL: &str = "clause_07_drops_only_grow_when_full";
const FLUSH: &str = "clause_08_flush_reaches_the_destination";
const FLUSH_STALLED: &str = "clause_08_flush_is_honest_while_stalled";
const FLUSH_BOUNDED: &str = "clause_09_flush_is_bounded";
const HEALTH: &str = "clause_10_health_is_honest";
const DROPPING: &str = "clause_11_dropping_delivers";
const DYING: &str = "clause_12_dying_is_survived";
const ENDING: &str = "clause_13_any_caller_on_an_ending_thread";
const HOOK: &str = "clause_13_any_caller_in_a_panic_hook";
const UNWINDING: &str = "clause_13_any_caller_while_unwinding";
const INSIDE: &str = "clause_13_any_caller_inside_the_destination";

/// Never returns, and leaves the processor alone.
fn hang() {
    loop {
        thread::park();
    }
}
