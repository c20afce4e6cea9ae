//! Callers whom nobody expects: clause 13.

use std::cell::RefCell;
use std::io::{self, Write};
use std::panic::{self, AssertUnwindSafe};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::sync::{Arc, Once};
use std::time::{Duration, Instant};
use std::{process, thread};

use audit_schema::CallEvent;
use audit_sink::AuditSink;
use parking_lot::Mutex;

use super::clause::{
    Clause, DESTINATION, ENDING_THREAD, NO_SILENT_LOSS, PANIC_HOOK, UNWINDING, said,
};
use super::events::numbered;
use super::subject::{Subject, check};
use super::{CallsBack, Harness, Reads};

/// A thread that is ending may call: from the destructor of a thread-local value,
/// when those of the sink are gone already, or were never there.
pub fn clause_13_any_caller_on_an_ending_thread<H: Harness>(harness: &H) {
    check(harness, ENDING_THREAD, |subject| {
        ending_thread(subject);
    });
}

/// A panic hook may call.
///
/// A sink that panics there aborts the process, as any panic in a hook does. One
/// that hangs there ends it, too: with a hook that doesn't return, no process
/// comes to its end by itself. The hook that the process has is kept, and called
/// for all other panics.
pub fn clause_13_any_caller_in_a_panic_hook<H: Harness>(harness: &H) {
    check(harness, PANIC_HOOK, |subject| {
        panic_hook(subject);
    });
}

/// A thread that unwinds may call, from the destructor of a local value.
pub fn clause_13_any_caller_while_unwinding<H: Harness>(harness: &H) {
    check(harness, UNWINDING, |subject| {
        unwinding(subject);
    });
}

/// Clause 4 with events of the callers of clause 13.
pub fn clause_04_no_silent_loss_from_any_caller<H: Reads>(harness: &H) {
    check(harness, NO_SILENT_LOSS, |subject| {
        let mut offered = ending_thread(subject);
        offered.extend(panic_hook(subject));
        offered.extend(unwinding(subject));
        subject.settle();
        subject.account(harness, &offered);
    });
}

/// The destination may call: on the sink's writer thread if it has one, and else
/// from within `on_call`. What it offers is accounted for.
pub fn clause_13_any_caller_inside_the_destination<H: CallsBack>(harness: &H) {
    check(harness, DESTINATION, |subject| {
        let (report, reports) = mpsc::channel();
        let report = Mutex::new(report);
        let calls = Arc::new(AtomicUsize::new(0));
        let (sink, next) = (subject.weak(), Arc::clone(&calls));
        harness.call_back(Arc::new(move || {
            // Each event is written, too, and so calls back: an end must be put to
            // that.
            let nth = next.fetch_add(1, Ordering::Relaxed);
            if nth < FROM_INSIDE
                && let Some(sink) = sink.upgrade()
            {
                let report = report.lock().clone();
                let event = numbered(1, nth);
                Call::new(sink, event, report).make();
            }
        }));

        let mut offered: Vec<_> = (0..10).map(|nth| numbered(0, nth)).collect();
        subject.offer_all(std::slice::from_ref(&offered));
        // Each flush waits for what the destination offered before it, and so for
        // the write that calls next.
        for _ in 0..=FROM_INSIDE {
            subject.settle();
        }
        // What is written from here on, as a last line, calls no more.
        calls.fetch_max(FROM_INSIDE, Ordering::Relaxed);
        let mut called = 0;
        for result in reports.try_iter() {
            if let Err(how) = result {
                DESTINATION.broken(how);
            }
            offered.push(numbered(1, called));
            called += 1;
        }
        if called == 0 {
            DESTINATION.untested("CallsBack::call_back was told to call, and never did");
        }
        subject.account(harness, &offered);
    });
}

/// How often the destination calls: a few times, to see that the sink goes on.
const FROM_INSIDE: usize = 3;

/// A call of every method, to be made from an odd place.
struct Call<S> {
    sink: Arc<S>,
    event: CallEvent,
    report: Sender<Result<(), String>>,
}

impl<S: AuditSink> Call<S> {
    fn new(sink: Arc<S>, event: CallEvent, report: Sender<Result<(), String>>) -> Self {
        Self {
            sink,
            event,
            report,
        }
    }

    fn make(self) {
        let Self {
            sink,
            event,
            report,
        } = self;
        // Caught here, for in these places a panic would abort the process.
        let result = panic::catch_unwind(AssertUnwindSafe(|| {
            sink.on_call(&event);
            sink.drops();
            drop(sink.backpressure_strategy());
            drop(sink.health());
            drop(sink.flush(Duration::from_millis(1)));
        }));
        // Before the report, after which the test may drop the sink.
        drop(sink);
        let result = result.map_err(|payload| {
            let said = said(&*payload);
            format!("a call panicked: {said}")
        });
        drop(report.send(result));
    }
}

/// Makes the call when it is dropped.
struct LastCall<S: AuditSink>(Option<Call<S>>);

impl<S: AuditSink> Drop for LastCall<S> {
    fn drop(&mut self) {
        if let Some(call) = self.0.take() {
            call.make();
        }
    }
}

thread_local! {
    /// Destroyed in some order, one of them after what the sink keeps for this
    /// thread, if it keeps something.
    static EARLY: RefCell<Option<Box<dyn Send>>> = const { RefCell::new(None) };
    static LATE: RefCell<Option<Box<dyn Send>>> = const { RefCell::new(None) };

    /// Called by our panic hook when this thread panics.
    static ON_PANIC: RefCell<Option<Box<dyn FnOnce()>>> = const { RefCell::new(None) };
}

fn ending_thread<S: AuditSink + 'static>(subject: &Subject<S>) -> Vec<CallEvent> {
    let offered: Vec<_> = (0..4).map(|nth| numbered(10, nth)).collect();
    let (report, reports) = mpsc::channel();
    let [first, early, late, only] = [0, 1, 2, 3].map(|nth: usize| {
        let event = offered[nth].clone();
        Call::new(subject.sink(), event, report.clone())
    });
    drop(report);
    thread::spawn(move || {
        EARLY.set(Some(Box::new(LastCall(Some(early)))));
        first.make();
        LATE.set(Some(Box::new(LastCall(Some(late)))));
    });
    thread::spawn(move || EARLY.set(Some(Box::new(LastCall(Some(only))))));
    let missing = "a thread ended without destroying its thread-local values";
    wait_for(subject, &reports, offered.len(), missing, fail);
    offered
}

fn panic_hook<S: AuditSink + 'static>(subject: &Subject<S>) -> Vec<CallEvent> {
    static INSTALLED: Once = Once::new();
    INSTALLED.call_once(|| {
        let before = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            match ON_PANIC.try_with(RefCell::take) {
                Ok(Some(call)) => call(),
                _ => before(info),
            }
        }));
    });

    let event = numbered(11, 0);
    let (report, reports) = mpsc::channel();
    let call = Call::new(subject.sink(), event.clone(), report);
    thread::spawn(move || {
        ON_PANIC.set(Some(Box::new(|| call.make())));
        drop(panic::catch_unwind(|| panic!("for the hook to be called")));
    });
    let missing = "something has set a panic hook that doesn't call the one before it";
    wait_for(subject, &reports, 1, missing, end_process);
    vec![event]
}

fn unwinding<S: AuditSink + 'static>(subject: &Subject<S>) -> Vec<CallEvent> {
    let event = numbered(12, 0);
    let (report, reports) = mpsc::channel();
    let call = Call::new(subject.sink(), event.clone(), report);
    thread::spawn(move || {
        let _call = LastCall(Some(call));
        // Unwinds as a panic does, and prints nothing.
        panic::resume_unwind(Box::new(()));
    });
    wait_for(subject, &reports, 1, "this build aborts on panics", fail);
    vec![event]
}

/// Waits for the reports of that many calls, which must be good. `missing` says
/// why one may not have been made; `hung` fails the test for one that hangs.
fn wait_for<S: AuditSink + 'static>(
    subject: &Subject<S>,
    reports: &Receiver<Result<(), String>>,
    calls: usize,
    missing: &str,
    hung: fn(Clause, String) -> !,
) {
    let (clause, limit) = (subject.clause(), subject.limit());
    let start = Instant::now();
    for _ in 0..calls {
        match reports.recv_timeout(limit.saturating_sub(start.elapsed())) {
            Ok(Ok(())) => {}
            Ok(Err(how)) => clause.broken(how),
            Err(RecvTimeoutError::Timeout) => {
                hung(clause, format!("a call didn't return within {limit:?}"));
            }
            Err(RecvTimeoutError::Disconnected) => clause.untested(missing),
        }
    }
}

fn fail(clause: Clause, how: String) -> ! {
    clause.broken(how)
}

/// Fails all tests of this process: as long as a hook hangs nobody can set
/// another, which the test harness of Rust does when all tests have ended.
fn end_process(clause: Clause, how: String) -> ! {
    let message = format!("{clause}: in a panic hook {how}, so the process can't go on\n");
    // Past what captures the output of tests, for nobody would print it any more.
    drop(io::stderr().write_all(message.as_bytes()));
    process::exit(101)
}
