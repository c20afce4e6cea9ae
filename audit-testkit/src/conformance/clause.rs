use std::any::Any;
use std::fmt;

/// A clause of the contract, as messages name it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Clause(&'static str);

pub(super) const THREADS: Clause = Clause("clause 1 (threads)");
pub(super) const NO_PANIC: Clause = Clause("clause 2 (no panic)");
pub(super) const NO_WAITING: Clause = Clause("clause 3 (no waiting)");
pub(super) const NO_SILENT_LOSS: Clause = Clause("clause 4 (no silent loss)");
pub(super) const ORDER: Clause = Clause("clause 5 (order)");
pub(super) const FIDELITY: Clause = Clause("clause 6 (fidelity)");
pub(super) const DROPS_ONLY_GROW: Clause = Clause("clause 7 (drops only grow)");
pub(super) const FLUSH_REACHES: Clause = Clause("clause 8 (flush reaches the destination)");
pub(super) const FLUSH_IS_BOUNDED: Clause = Clause("clause 9 (flush is bounded)");
pub(super) const HEALTH_IS_HONEST: Clause = Clause("clause 10 (health is honest)");
pub(super) const DROPPING_DELIVERS: Clause = Clause("clause 11 (dropping delivers)");
pub(super) const DYING_IS_SURVIVED: Clause = Clause("clause 12 (dying is survived)");

// Of clause 13, any caller.
pub(super) const ENDING_THREAD: Clause = Clause("clause 13 (any caller: a thread that is ending)");
pub(super) const PANIC_HOOK: Clause = Clause("clause 13 (any caller: a panic hook)");
pub(super) const UNWINDING: Clause = Clause("clause 13 (any caller: a thread that unwinds)");
pub(super) const DESTINATION: Clause = Clause("clause 13 (any caller: the destination)");

impl fmt::Display for Clause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl Clause {
    /// Fails the test.
    pub(super) fn broken(self, how: impl fmt::Display) -> ! {
        panic!("{self}: {how}")
    }

    /// Fails the test for a fault of the harness, which the sink can't help.
    pub(super) fn untested(self, why: impl fmt::Display) -> ! {
        panic!("{self}: can't be tested: {why}")
    }
}

/// What a panic said.
pub(super) fn said(payload: &(dyn Any + Send)) -> String {
    let text = payload.downcast_ref::<String>().map(String::as_str);
    let text = text.or_else(|| payload.downcast_ref::<&str>().copied());
    text.unwrap_or("something that is not text").into()
}
