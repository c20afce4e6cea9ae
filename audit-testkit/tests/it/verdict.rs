//! Which clauses find fault with a sink, and that these are the right ones.

use std::collections::BTreeMap;
use std::panic::{self, AssertUnwindSafe};
use std::thread;
use std::time::Duration;

use audit_sink::AuditSink;
use audit_testkit::conformance;

use crate::bench::Bench;

/// Every clause, by the name of its function.
macro_rules! clauses {
    ($($name:ident)+) => {
        pub(crate) const ALL: &[&str] = &[$(stringify!($name)),+];

        fn function<S: AuditSink + 'static>(name: &str) -> fn(&Bench<S>) {
            match name {
                $(stringify!($name) => conformance::$name,)+
                _ => panic!("there is no clause `{name}`"),
            }
        }
    };
}

clauses! {
    clause_01_threads
    clause_02_no_panic
    clause_03_no_waiting
    clause_03_no_waiting_when_full
    clause_04_no_silent_loss
    clause_04_no_silent_loss_from_any_caller
    clause_04_no_silent_loss_when_full
    clause_04_no_silent_loss_when_refused
    clause_05_order
    clause_05_order_when_full
    clause_06_fidelity
    clause_07_drops_only_grow
    clause_07_drops_only_grow_when_full
    clause_08_flush_reaches_the_destination
    clause_08_flush_is_honest_while_stalled
    clause_09_flush_is_bounded
    clause_10_health_is_honest
    clause_11_dropping_delivers
    clause_12_dying_is_survived
    clause_13_any_caller_on_an_ending_thread
    clause_13_any_caller_in_a_panic_hook
    clause_13_any_caller_while_unwinding
    clause_13_any_caller_inside_the_destination
}

/// These take long, so that they are asked only where they must find fault.
const LONG: [&str; 2] = ["clause_02_no_panic", "clause_06_fidelity"];

/// What is wrong with a sink that hangs shows after this time. One that doesn't
/// hang must do everything within it, on a busy machine, too.
const SOON: Duration = Duration::from_secs(3);

/// A broken sink, and who must catch it.
pub(crate) struct Broken<S> {
    open: Box<dyn Fn() -> Bench<S> + Sync>,
    perhaps: Vec<&'static str>,
    hangs: bool,
}

impl<S: AuditSink + 'static> Broken<S> {
    pub(crate) fn new(open: impl Fn() -> Bench<S> + Sync + 'static) -> Self {
        Self {
            open: Box::new(open),
            perhaps: Vec::new(),
            hangs: false,
        }
    }

    /// A clause that waits for something finds fault when it has waited long
    /// enough.
    pub(crate) fn hangs(mut self) -> Self {
        self.hangs = true;
        self
    }

    /// These may find fault or not, as the threads happen to run.
    pub(crate) fn perhaps_by(mut self, names: &[&'static str]) -> Self {
        self.perhaps.extend(names);
        self
    }

    /// These and no others must find fault. Returns what they say, by their names.
    pub(crate) fn caught_by(self, names: &[&'static str]) -> BTreeMap<&'static str, String> {
        let asked = ALL
            .iter()
            .filter(|name| !LONG.contains(name) || names.contains(name));
        let messages = self.ask(asked);
        for (name, message) in &messages {
            let may = names.contains(name) || self.perhaps.contains(name);
            assert!(may, "{name} found fault, and should not: {message}");
        }
        must_be_among(names, &messages);
        messages
    }

    /// These must find fault, and no others are asked: where too many would, or
    /// where that hangs on how fast the machine is.
    pub(crate) fn caught_by_alone(self, names: &[&'static str]) -> BTreeMap<&'static str, String> {
        let messages = self.ask(names.iter());
        must_be_among(names, &messages);
        messages
    }

    /// What the clauses say that find fault, of those that are asked.
    fn ask<'n>(
        &self,
        asked: impl Iterator<Item = &'n &'static str>,
    ) -> BTreeMap<&'static str, String> {
        thread::scope(|scope| {
            // Side by side, for some do nothing but wait.
            let asking: Vec<_> = asked
                .map(|name| (*name, scope.spawn(move || self.ask_one(name))))
                .collect();
            asking
                .into_iter()
                .filter_map(|(name, asked)| Some((name, asked.join().expect("caught")?)))
                .collect()
        })
    }

    /// What one clause says if it finds fault.
    fn ask_one(&self, name: &str) -> Option<String> {
        let mut bench = (self.open)();
        if self.hangs {
            bench.deadline = SOON;
        }
        let clause = function::<S>(name);
        let found = panic::catch_unwind(AssertUnwindSafe(|| clause(&bench))).err()?;
        Some(*found.downcast::<String>().expect("a message"))
    }
}

fn must_be_among(names: &[&'static str], messages: &BTreeMap<&'static str, String>) {
    for name in names {
        let Some(message) = messages.get(name) else {
            panic!("{name} found no fault; others did: {messages:#?}");
        };
        // `clause_04_…` is "clause 4 (…)".
        let number = name["clause_".len()..][..2].trim_start_matches('0');
        let begin = format!("clause {number} (");
        assert!(message.starts_with(&begin), "{name} says: {message}");
    }
}
