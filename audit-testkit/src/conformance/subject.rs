//! The sink under test, held so that whatever it does wrong ends as a message.

use std::collections::HashMap;
use std::panic::{self, AssertUnwindSafe};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::sync::{Arc, Barrier, Weak};
use std::thread;
use std::time::{Duration, Instant};

use audit_schema::CallEvent;
use audit_sink::{AuditSink, BackpressureStrategy, FlushError};

use super::clause::{Clause, said};
use super::{Harness, Reads};
use crate::within::try_within;

/// Opens a sink, tests it, and drops it.
pub(super) fn check<H: Harness>(harness: &H, clause: Clause, test: impl FnOnce(&Subject<H::Sink>)) {
    let subject = Subject {
        clause,
        limit: harness.deadline(),
        sink: Some(Arc::new(harness.open())),
    };
    test(&subject);
    subject.close();
}

/// A sink under test. Its methods are called on other threads, so that the test
/// outlives a call that hangs.
pub(super) struct Subject<S: AuditSink + 'static> {
    clause: Clause,
    limit: Duration,
    /// `None` once closed.
    sink: Option<Arc<S>>,
}

impl<S: AuditSink + 'static> Subject<S> {
    pub(super) fn clause(&self) -> Clause {
        self.clause
    }

    /// How long a call may take.
    pub(super) fn limit(&self) -> Duration {
        self.limit
    }

    /// How long to let the sink wait: its own timeout passes before the test's.
    pub(super) fn patience(&self) -> Duration {
        self.limit / 2
    }

    pub(super) fn sink(&self) -> Arc<S> {
        Arc::clone(self.sink.as_ref().expect("close takes the subject"))
    }

    pub(super) fn weak(&self) -> Weak<S> {
        Arc::downgrade(&self.sink())
    }

    /// Does something with the sink, within the limit.
    pub(super) fn run<R: Send + 'static>(
        &self,
        what: &str,
        work: impl FnOnce(&S) -> R + Send + 'static,
    ) -> R {
        run(self.clause, self.limit, what, self.sink(), |sink| {
            work(&sink)
        })
    }

    /// Does something with the sink on that many threads, all beginning at once.
    pub(super) fn at_once(
        &self,
        what: &str,
        threads: usize,
        work: impl Fn(usize, &S) + Send + Sync + 'static,
    ) {
        self.run(what, move |sink| {
            let barrier = Barrier::new(threads);
            let panics: Vec<_> = thread::scope(|scope| {
                let (barrier, work) = (&barrier, &work);
                let one = |nth| {
                    scope.spawn(move || {
                        barrier.wait();
                        work(nth, sink);
                    })
                };
                let running: Vec<_> = (0..threads).map(one).collect();
                let ended = running.into_iter().map(thread::ScopedJoinHandle::join);
                ended.filter_map(Result::err).collect()
            });
            if let Some(first) = panics.into_iter().next() {
                panic::resume_unwind(first);
            }
        });
    }

    /// Offers one event.
    pub(super) fn offer(&self, event: &CallEvent) {
        let event = event.clone();
        self.run("on_call", move |sink| sink.on_call(&event));
    }

    /// Offers each batch from a thread of its own, and waits for all of them.
    pub(super) fn offer_all(&self, batches: &[Vec<CallEvent>]) {
        self.start_offering(batches).finish("on_call didn't return");
    }

    /// Offers each batch from a thread of its own, and doesn't wait.
    pub(super) fn start_offering(&self, batches: &[Vec<CallEvent>]) -> Pending {
        let (report, reports) = mpsc::channel();
        for batch in batches {
            let (sink, batch, report) = (self.sink(), batch.clone(), report.clone());
            thread::spawn(move || {
                for event in &batch {
                    let result = panic::catch_unwind(AssertUnwindSafe(|| sink.on_call(event)));
                    let result = result.map_err(|payload| {
                        let said = said(&*payload);
                        format!("on_call panicked: {said}")
                    });
                    // Nobody listens any more when the test has failed.
                    drop(report.send(result));
                }
                // Before the report ends, which says that this thread has let go.
                drop(sink);
                drop(report);
            });
        }
        Pending {
            clause: self.clause,
            limit: self.limit,
            reports,
        }
    }

    /// Flushes without a limit, on a thread of its own, and doesn't wait.
    pub(super) fn start_flushing(&self) -> Pending {
        let (report, reports) = mpsc::channel();
        let sink = self.sink();
        thread::spawn(move || {
            let flush = AssertUnwindSafe(|| sink.flush(Duration::MAX));
            let result = match panic::catch_unwind(flush) {
                Ok(Err(error @ FlushError::Timeout { .. })) => {
                    Err(format!("flush without a limit gave up: {error}"))
                }
                Ok(_) => Ok(()),
                Err(payload) => Err(format!("flush panicked: {}", said(&*payload))),
            };
            drop(sink);
            drop(report.send(result));
        });
        Pending {
            clause: self.clause,
            limit: self.limit,
            reports,
        }
    }

    pub(super) fn drops(&self) -> u64 {
        self.run("drops", AuditSink::drops)
    }

    pub(super) fn strategy(&self) -> BackpressureStrategy {
        self.run("backpressure_strategy", AuditSink::backpressure_strategy)
    }

    pub(super) fn blocks(&self) -> bool {
        matches!(self.strategy(), BackpressureStrategy::Block)
    }

    pub(super) fn flush(&self, timeout: Duration) -> Result<(), FlushError> {
        let what = format!("flush({timeout:?})");
        self.run(&what, move |sink| sink.flush(timeout))
    }

    /// Flushes until that is `Ok`, which it must be while the destination works.
    pub(super) fn settle(&self) {
        let timeout = self.patience();
        let mut result = Ok(());
        // Each loss is told once, so only the first few can be of earlier events.
        for _ in 0..10 {
            result = self.flush(timeout);
            if !matches!(result, Err(FlushError::Lost { .. })) {
                break;
            }
        }
        if let Err(error) = result {
            self.clause.broken(format_args!(
                "flush({timeout:?}) failed while the destination worked: {error}"
            ));
        }
    }

    /// Each event that was offered must be recorded, handed to the fallback or
    /// counted, and in one of these ways only.
    pub(super) fn account<'e, H: Reads>(
        &self,
        harness: &H,
        offered: impl IntoIterator<Item = &'e CallEvent>,
    ) {
        let drops = self.drops();
        let (recorded, fallen_back) = (harness.recorded(), harness.fallen_back());
        let mut left: HashMap<&str, usize> = HashMap::new();
        for event in offered {
            *left.entry(&event.call_id).or_default() += 1;
        }
        let offered: usize = left.values().sum();
        let found = (recorded.len() + fallen_back.len()) as u64 + drops;
        if found != offered as u64 {
            let no_fallback = fallen_back.is_empty()
                && matches!(self.strategy(), BackpressureStrategy::FallbackSink(_));
            let hint = if no_fallback {
                "; the sink has a fallback, of which Harness::fallen_back should tell"
            } else {
                ""
            };
            self.clause.broken(format_args!(
                "offered {offered}, recorded {}, drops {drops}, fallback {}{hint}",
                recorded.len(),
                fallen_back.len(),
            ));
        }
        // The sum alone would let one that came twice stand for one that is lost.
        for event in recorded.iter().chain(&fallen_back) {
            match left.get_mut(event.call_id.as_str()) {
                Some(left) if *left > 0 => *left -= 1,
                Some(_) => self.clause.broken(format_args!(
                    "the event {:?} came more often than it was offered",
                    event.call_id
                )),
                None => self.clause.broken(format_args!(
                    "the event {:?} came and was never offered",
                    event.call_id
                )),
            }
        }
    }

    /// Watches `drops` on a thread of its own.
    pub(super) fn watch_drops(&self) -> Watch {
        let stop = Arc::new(AtomicBool::new(false));
        let (report, verdict) = mpsc::channel();
        let (sink, stopped) = (self.sink(), Arc::clone(&stop));
        thread::spawn(move || {
            let watched = panic::catch_unwind(AssertUnwindSafe(|| {
                let mut last = sink.drops();
                // A few more looks at the end, for a watch that has had no turn before.
                let mut more = 3;
                while more > 0 {
                    if stopped.load(Ordering::Acquire) {
                        more -= 1;
                    }
                    let now = sink.drops();
                    if now < last {
                        return Err(format!("drops went from {last} down to {now}"));
                    }
                    last = now;
                    thread::yield_now();
                }
                Ok(())
            }));
            drop(sink);
            let panicked = |payload: Box<_>| Err(format!("drops panicked: {}", said(&*payload)));
            drop(report.send(watched.unwrap_or_else(panicked)));
        });
        Watch {
            clause: self.clause,
            limit: self.limit,
            stop,
            verdict,
        }
    }

    /// Drops the sink, within the limit. The test must hold it nowhere else.
    pub(super) fn close(mut self) {
        if let Some(sink) = self.sink.take() {
            run(self.clause, self.limit, "dropping the sink", sink, drop);
        }
    }
}

impl<S: AuditSink + 'static> Drop for Subject<S> {
    fn drop(&mut self) {
        // Only a failed test comes here with a sink, which may well hang when it
        // is dropped: that must not hide why the test failed.
        if let Some(sink) = self.sink.take() {
            thread::spawn(move || drop(sink));
        }
    }
}

fn run<S: Send + 'static, R: Send + 'static>(
    clause: Clause,
    limit: Duration,
    what: &str,
    sink: S,
    work: impl FnOnce(S) -> R + Send + 'static,
) -> R {
    let guarded = move || panic::catch_unwind(AssertUnwindSafe(move || work(sink)));
    match try_within(limit, guarded) {
        Some(Ok(result)) => result,
        Some(Err(payload)) => {
            clause.broken(format_args!("{what} panicked: {}", said(&*payload)));
        }
        None => clause.broken(format_args!("{what} didn't return within {limit:?}")),
    }
}

/// Calls under way on other threads.
pub(super) struct Pending {
    clause: Clause,
    limit: Duration,
    /// One for each call that has returned, until all threads have ended.
    reports: Receiver<Result<(), String>>,
}

/// Callers who make no progress for that long are taken to be waiting. When they
/// are not, a test is weaker than meant, but never wrong.
const STILL: Duration = Duration::from_millis(100);

impl Pending {
    /// Waits until all calls have returned, which is `true`, or the callers wait for
    /// something.
    pub(super) fn until_done_or_stuck(&self) -> bool {
        loop {
            match self.reports.recv_timeout(STILL) {
                Ok(report) => self.look_at(report),
                Err(RecvTimeoutError::Disconnected) => return true,
                Err(RecvTimeoutError::Timeout) => return false,
            }
        }
    }

    /// Waits until all calls have returned. `late` says what is wrong if that
    /// takes too long.
    pub(super) fn finish(self, late: &str) {
        let start = Instant::now();
        loop {
            let left = self.limit.saturating_sub(start.elapsed());
            match self.reports.recv_timeout(left) {
                Ok(report) => self.look_at(report),
                Err(RecvTimeoutError::Disconnected) => return,
                Err(RecvTimeoutError::Timeout) => self
                    .clause
                    .broken(format_args!("{late} within {:?}", self.limit)),
            }
        }
    }

    fn look_at(&self, report: Result<(), String>) {
        if let Err(how) = report {
            self.clause.broken(how);
        }
    }
}

/// A thread that watches the drops of a sink.
pub(super) struct Watch {
    clause: Clause,
    limit: Duration,
    stop: Arc<AtomicBool>,
    verdict: Receiver<Result<(), String>>,
}

impl Watch {
    /// Ends the watch. The drops must have gone up only.
    pub(super) fn finish(self) {
        self.stop.store(true, Ordering::Release);
        match self.verdict.recv_timeout(self.limit) {
            Ok(Ok(())) => {}
            Ok(Err(how)) => self.clause.broken(how),
            Err(_) => self
                .clause
                .broken(format_args!("drops didn't return within {:?}", self.limit)),
        }
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        // So that a test which fails before the end leaves no thread spinning.
        self.stop.store(true, Ordering::Release);
    }
}
