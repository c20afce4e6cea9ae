//! What a thread leaves where another can take it up, while it does something that may
//! never come to an end.

use std::time::Instant;

use parking_lot::Mutex;

#[derive(Debug)]
pub(crate) struct Baton<T> {
    slot: Mutex<Slot<T>>,
}

#[derive(Debug)]
struct Slot<T> {
    /// Of what lies there, or lay there last.
    number: u64,
    left: Option<(Box<T>, Instant)>,
}

/// What lies there, and since when.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Left {
    number: u64,
    pub(crate) since: Instant,
}

impl<T> Baton<T> {
    pub(crate) fn new() -> Self {
        let slot = Slot {
            number: 0,
            left: None,
        };
        Self {
            slot: Mutex::new(slot),
        }
    }

    /// Does some work, and leaves the thing meanwhile. `None` when somebody has taken
    /// it: then it is not for this thread to go on.
    pub(crate) fn leave_during(&self, thing: Box<T>, work: impl FnOnce()) -> Option<Box<T>> {
        let number = {
            let mut slot = self.slot.lock();
            slot.number += 1;
            slot.left = Some((thing, Instant::now()));
            slot.number
        };
        work();
        self.take_number(number)
    }

    pub(crate) fn left(&self) -> Option<Left> {
        let slot = self.slot.lock();
        let (_, since) = slot.left.as_ref()?;
        Some(Left {
            number: slot.number,
            since: *since,
        })
    }

    /// Takes what lay there, unless it was taken back meanwhile.
    pub(crate) fn take(&self, left: Left) -> Option<Box<T>> {
        self.take_number(left.number)
    }

    fn take_number(&self, number: u64) -> Option<Box<T>> {
        let mut slot = self.slot.lock();
        if slot.number != number {
            return None;
        }
        slot.left.take().map(|(thing, _)| thing)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_nobody_took_is_there_afterwards() {
        let baton = Baton::new();
        for round in 1..=3 {
            let back = baton.leave_during(Box::new(round), || assert!(baton.left().is_some()));
            assert_eq!(back, Some(Box::new(round)));
            assert!(baton.left().is_none());
        }
    }

    #[test]
    fn one_thread_goes_on_and_no_other() {
        let baton = Baton::new();
        let mut taken = None;
        let back = baton.leave_during(Box::new(1), || {
            let left = baton.left().unwrap_or_else(|| panic!("it lies there"));
            taken = baton.take(left);
            assert_eq!(baton.take(left), None, "it is taken once");
            // Whoever has it now leaves it in turn, and that is another matter.
            let again = baton.leave_during(Box::new(2), || {
                assert_eq!(baton.take(left), None, "it lay there before");
            });
            assert_eq!(again, Some(Box::new(2)));
        });
        assert_eq!((taken, back), (Some(Box::new(1)), None));
    }

    #[test]
    fn who_comes_back_late_takes_nothing_of_others() {
        let baton = Baton::new();
        let back = baton.leave_during(Box::new(1), || {
            let left = baton.left().unwrap_or_else(|| panic!("it lies there"));
            assert_eq!(baton.take(left), Some(Box::new(1)));
            // Another's lies there when the first comes back.
            let mut slot = baton.slot.lock();
            slot.number += 1;
            slot.left = Some((Box::new(2), Instant::now()));
        });
        assert_eq!(back, None);
        assert!(baton.left().is_some());
    }
}
