mod report;

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use audit_schema::CallEvent;

pub use self::report::MemberReport;
use crate::entrance::{Entrance, FROM_INSIDE};
use crate::held::Held;
use crate::{AuditSink, BackpressureStrategy, FlushError, Health};

/// A member that takes longer for one event is counted as slow, unless told otherwise.
const SLOW: Duration = Duration::from_millis(100);

/// Several sinks, each of which gets every event.
///
/// A member is **required** when losing its record is losing the record, as a log; or
/// **optional**, as the memory ring of a status page. Required ones get an event
/// first, then the optional ones, each in the order in which they were added.
///
/// - A member that panics hurts no other: it is counted, and gets the next event all
///   the same. (In a panic hook nothing can stop a panic. So there, and on a thread
///   that unwinds, a member that has panicked before is passed over, and that is
///   counted like a panic.)
/// - A member that is slow in `on_call`, as one without a queue, is counted. It holds
///   up the caller, and the members after it for this event. Behind a
///   [`Queued`](crate::Queued) it holds up nobody.
/// - A member that calls back into the tee is refused, and that is counted.
///
/// [`drops`](AuditSink::drops), [`health`](AuditSink::health) and
/// [`flush`](AuditSink::flush) are about all members; [`members`](Self::members) and
/// [`flush_members`](Self::flush_members) tell each by its name.
///
/// # What it changes of the contract
///
/// Clause 4 speaks of one record of each event, and a tee makes several. `drops` is
/// the sum over the required members: an event that two of them lose counts twice,
/// one that only one of them loses is counted and recorded. What optional members
/// lose is in [`members`](Self::members) alone, and doesn't make `flush` fail. With
/// one required member the clause holds to the letter.
///
/// ```
/// use audit_sink::{AuditSink, MemorySink, Tee, schema::{CallEvent, Outcome}};
///
/// let (log, memory) = (MemorySink::new(), MemorySink::new());
/// let tee = Tee::new().required("log", log).optional("memory", memory.clone());
/// tee.on_call(&CallEvent::new("2026-11-20T09:30:00Z", "1", "echo", 0, Outcome::Success, "hot"));
///
/// assert_eq!(memory.count(), 1);
/// let [log, memory] = &tee.members()[..] else { panic!("two members") };
/// assert_eq!((log.name.as_str(), log.drops), ("log", 0));
/// assert!(memory.health.is_healthy());
/// ```
pub struct Tee {
    entrance: Entrance,
    /// The required ones first.
    members: Vec<Member>,
    slow_after: Option<Duration>,
}

struct Member {
    name: String,
    required: bool,
    held: Held<Box<dyn AuditSink>>,
    slow_calls: AtomicU64,
}

impl Tee {
    /// Without members: it records nothing.
    #[must_use]
    pub fn new() -> Self {
        Self {
            entrance: Entrance::new(),
            members: Vec::new(),
            slow_after: Some(SLOW),
        }
    }

    /// Adds a member whose losses are the tee's. The name is for
    /// [`members`](Self::members) and for the reasons that
    /// [`health`](AuditSink::health) gives.
    #[must_use]
    pub fn required(mut self, name: impl Into<String>, sink: impl AuditSink + 'static) -> Self {
        let after = self.members.partition_point(|member| member.required);
        self.members.insert(after, Member::new(name, true, sink));
        self
    }

    /// Adds a member whose losses are its own.
    #[must_use]
    pub fn optional(mut self, name: impl Into<String>, sink: impl AuditSink + 'static) -> Self {
        self.members.push(Member::new(name, false, sink));
        self
    }

    /// When a member counts as slow: when it takes longer than that for an event. By
    /// default 100 ms. `None` doesn't look at the clock, which costs some 30 ns a
    /// member and event.
    #[must_use]
    pub fn slow_after(mut self, time: Option<Duration>) -> Self {
        self.slow_after = time;
        self
    }

    /// What is known of each member, the required ones first.
    #[must_use]
    pub fn members(&self) -> Vec<MemberReport> {
        self.members.iter().map(Member::report).collect()
    }

    /// Flushes each member, within `timeout` in all, and says how that ended for
    /// each.
    #[must_use]
    pub fn flush_members(&self, timeout: Duration) -> Vec<(String, Result<(), FlushError>)> {
        let results = self.flush_each(timeout);
        let names = self.members.iter().map(|member| member.name.clone());
        names.zip(results).collect()
    }

    fn flush_each(&self, timeout: Duration) -> Vec<Result<(), FlushError>> {
        let begun = Instant::now();
        let inside = self.entrance.enter();
        let flush = |member: &Member| match inside {
            None => Err(FlushError::unusable(FROM_INSIDE)),
            // The first gets the very timeout, which may be without a limit.
            Some(_) => member.held.flush(match timeout {
                Duration::MAX => timeout,
                _ => timeout.saturating_sub(begun.elapsed()),
            }),
        };
        self.members.iter().map(flush).collect()
    }
}

impl Default for Tee {
    fn default() -> Self {
        Self::new()
    }
}

impl AuditSink for Tee {
    fn on_call(&self, event: &CallEvent) {
        let Some(_inside) = self.entrance.enter_with_event() else {
            return;
        };
        match self.slow_after {
            None => {
                for member in &self.members {
                    member.held.on_call(event);
                }
            }
            Some(limit) => {
                let mut before = Instant::now();
                for member in &self.members {
                    member.held.on_call(event);
                    let after = Instant::now();
                    if after.duration_since(before) > limit {
                        member.slow_calls.fetch_add(1, Ordering::Relaxed);
                    }
                    before = after;
                }
            }
        }
    }

    fn drops(&self) -> u64 {
        let required = self.members.iter().filter(|member| member.required);
        let drops = required.map(|member| member.held.drops());
        drops.fold(self.entrance.refused(), u64::saturating_add)
    }

    /// [`Block`](BackpressureStrategy::Block) if a member's is, for then callers may
    /// wait; else that of the first member.
    fn backpressure_strategy(&self) -> BackpressureStrategy {
        let strategies = self.members.iter();
        let mut strategies = strategies.map(|member| member.held.backpressure_strategy());
        let first = strategies.next().unwrap_or_default();
        let blocks =
            |strategy: &BackpressureStrategy| matches!(strategy, BackpressureStrategy::Block);
        match blocks(&first) || strategies.any(|other| blocks(&other)) {
            true => BackpressureStrategy::Block,
            false => first,
        }
    }

    /// Flushes every member, the required ones first, within `timeout` in all. It
    /// fails if that of a required member does; see
    /// [`flush_members`](Tee::flush_members) for the others.
    fn flush(&self, timeout: Duration) -> Result<(), FlushError> {
        if self.members.is_empty() {
            return Ok(());
        }
        let results = self.flush_each(timeout).into_iter().zip(&self.members);
        let errors = results.filter_map(|(result, member)| {
            let counts = member.required || result == Err(FlushError::unusable(FROM_INSIDE));
            result.err().filter(|_| counts)
        });
        report::worst(errors, timeout).map_or(Ok(()), Err)
    }

    /// [`Failed`](Health::Failed) when each required member has (or each member, if
    /// none is required), [`Degraded`](Health::Degraded) when any member isn't
    /// healthy. The reason names those that are not.
    fn health(&self) -> Health {
        report::health(&self.members())
    }
}

impl Member {
    fn new(name: impl Into<String>, required: bool, sink: impl AuditSink + 'static) -> Self {
        Self {
            name: name.into(),
            required,
            held: Held::new(Box::new(sink)),
            slow_calls: AtomicU64::new(0),
        }
    }

    fn report(&self) -> MemberReport {
        MemberReport {
            name: self.name.clone(),
            required: self.required,
            drops: self.held.drops(),
            panics: self.held.panics(),
            slow_calls: self.slow_calls.load(Ordering::Relaxed),
            health: self.held.health(),
        }
    }
}

impl fmt::Debug for Tee {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = self.members.iter().map(|member| &member.name);
        f.debug_struct("Tee")
            .field("members", &names.collect::<Vec<_>>())
            .finish_non_exhaustive()
    }
}
