//! What is known of the destination's failures.

use std::time::Duration;

use audit_sink::Health;

/// Reported as healthy again after so many successes in a row.
const GOOD_WRITES: u32 = 3;

#[derive(Debug, Default)]
pub(crate) struct Trouble {
    in_a_row: u64,
    total: u64,
    /// Successes since the last failure.
    good: u32,
    last: Option<String>,
    fatal: Option<String>,
    /// Something that is no failure, and not as it should be.
    warning: Option<String>,
    closed: bool,
}

impl Trouble {
    pub(crate) fn success(&mut self) {
        self.in_a_row = 0;
        if self.last.is_some() {
            self.good += 1;
            if self.good == GOOD_WRITES {
                self.last = None;
            }
        }
    }

    pub(crate) fn failure(&mut self, reason: String) {
        self.in_a_row += 1;
        self.total += 1;
        self.good = 0;
        self.last = Some(reason);
    }

    /// Nothing will be recorded any more. The first reason stays.
    pub(crate) fn fatal(&mut self, reason: &str) {
        self.fatal.get_or_insert_with(|| reason.to_owned());
    }

    pub(crate) fn warn(&mut self, warning: Option<String>) {
        self.warning = warning;
    }

    /// As [`fatal`](Self::fatal), unless there is another reason, be it a later
    /// one.
    pub(crate) fn closed(&mut self) {
        self.closed = true;
    }

    /// `stalled`: the destination is at one piece of work for that long.
    pub(crate) fn health(&self, stalled: Option<Duration>) -> Health {
        let fatal = self.fatal.as_deref().or(self.closed.then_some("closed"));
        match (fatal, &self.last, stalled) {
            (Some(reason), ..) => Health::failed(self.in_a_row, self.total, reason),
            (None, Some(reason), _) => Health::degraded(self.in_a_row, self.total, reason),
            (None, None, Some(time)) => {
                let reason = format!("the destination hangs for {} s", time.as_secs());
                Health::degraded(self.in_a_row, self.total, reason)
            }
            (None, None, None) => match &self.warning {
                Some(warning) => Health::degraded(0, self.total, warning),
                None => Health::Healthy,
            },
        }
    }
}
