//! Staying awake for a moment. To be woken costs more than the whole rest of what is
//! done with an answer, so while answers come quickly, the next is watched for.

use std::thread;
use std::time::{Duration, Instant};

/// So long at most, each time. Where answers come more slowly than this, to be woken
/// is no great part of what they take.
const MOMENT: Duration = Duration::from_micros(300);

#[derive(Debug)]
pub(crate) struct Watch {
    /// There is another core for whoever is to answer.
    has_company: bool,
    /// The last that was waited for came within a moment.
    was_quick: bool,
}

impl Watch {
    pub(crate) fn new() -> Self {
        Self::beside(thread::available_parallelism().map_or(1, usize::from))
    }

    fn beside(cores: usize) -> Self {
        Self {
            has_company: cores > 1,
            was_quick: false,
        }
    }

    /// If the last came quickly, looks for the next, for a moment at most.
    pub(crate) fn look_out(&self, mut is_there: impl FnMut() -> bool) {
        if !(self.has_company && self.was_quick) {
            return;
        }
        let began = Instant::now();
        while began.elapsed() < MOMENT && !is_there() {
            // Whoever could run does, be that somebody else's program.
            thread::yield_now();
        }
    }

    /// So long it took until something came.
    pub(crate) fn note(&mut self, took: Duration) {
        self.was_quick = took < MOMENT;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How often it looks before something is there.
    fn looks(watch: &Watch, is_there_at: usize) -> usize {
        let mut looks = 0;
        watch.look_out(|| {
            looks += 1;
            looks == is_there_at
        });
        looks
    }

    #[test]
    fn it_looks_out_while_answers_come_quickly() {
        let mut watch = Watch::beside(2);
        assert_eq!(looks(&watch, 1), 0, "nothing has come yet");
        watch.note(MOMENT / 2);
        assert_eq!(looks(&watch, 1), 1, "the last one was quick");
        watch.note(MOMENT);
        assert_eq!(looks(&watch, 1), 0, "the last one was slow");
    }

    #[test]
    fn with_one_core_it_leaves_that_to_others() {
        let mut watch = Watch::beside(1);
        watch.note(Duration::ZERO);
        assert_eq!(looks(&watch, 1), 0);
    }

    #[test]
    fn it_looks_for_a_moment_alone() {
        let mut watch = Watch::beside(2);
        watch.note(Duration::ZERO);
        let began = Instant::now();
        // It never is there, and this ends.
        assert!(looks(&watch, 0) > 0);
        assert!(began.elapsed() >= MOMENT);
    }
}
