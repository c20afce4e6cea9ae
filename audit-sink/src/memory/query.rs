use std::time::SystemTime;

use audit_schema::CallEvent;

use crate::glob::Glob;
use crate::time;

/// Which events of a [`MemorySink`](crate::MemorySink) are asked for: those for which
/// all of this holds. By default all of them.
///
/// ```
/// use std::time::{Duration, SystemTime};
/// use audit_sink::Query;
///
/// let hour_ago = SystemTime::now() - Duration::from_secs(3600);
/// let denied = Query::new()
///     .tool("files:*")
///     .outcome("capability_denied")
///     .since(hour_ago)
///     .limit(50);
/// # let _ = denied;
/// ```
#[derive(Debug, Clone, Default)]
#[must_use = "a query does nothing until it is asked"]
pub struct Query {
    tool: Option<Glob>,
    caller: Option<Glob>,
    outcome: Option<String>,
    since: Option<SystemTime>,
    until: Option<SystemTime>,
    limit: Option<usize>,
}

impl Query {
    /// All events.
    pub fn new() -> Self {
        Self::default()
    }

    /// Of tools with such a name. `*` stands for any characters, `?` for one.
    pub fn tool(mut self, glob: impl Into<String>) -> Self {
        self.tool = Some(Glob::new(glob));
        self
    }

    /// Of callers with such a name, with `*` and `?` as in [`tool`](Self::tool). An
    /// event without a caller is of none.
    pub fn caller(mut self, glob: impl Into<String>) -> Self {
        self.caller = Some(Glob::new(glob));
        self
    }

    /// That ended so: an outcome's [kind](audit_schema::Outcome::kind), as
    /// `"rate_limited"`.
    pub fn outcome(mut self, kind: impl Into<String>) -> Self {
        self.outcome = Some(kind.into());
        self
    }

    /// That began at that time or later, by their [`ts`](CallEvent::ts). One whose
    /// `ts` is no time is not among them.
    pub fn since(mut self, time: SystemTime) -> Self {
        self.since = Some(time);
        self
    }

    /// That began before that time, by their [`ts`](CallEvent::ts). One whose `ts` is
    /// no time is not among them.
    pub fn until(mut self, time: SystemTime) -> Self {
        self.until = Some(time);
        self
    }

    /// At most that many.
    pub fn limit(mut self, events: usize) -> Self {
        self.limit = Some(events);
        self
    }

    pub(super) fn most(&self) -> usize {
        self.limit.unwrap_or(usize::MAX)
    }

    pub(super) fn admits(&self, event: &CallEvent) -> bool {
        let named = |glob: &Option<Glob>, name: Option<&str>| match glob {
            None => true,
            Some(glob) => name.is_some_and(|name| glob.matches(name)),
        };
        let ended = self.outcome.as_deref();
        named(&self.tool, Some(&event.tool_id))
            && named(&self.caller, event.caller_id.as_deref())
            && ended.is_none_or(|kind| kind == event.outcome.kind())
            && self.is_in_time(event)
    }

    fn is_in_time(&self, event: &CallEvent) -> bool {
        if self.since.is_none() && self.until.is_none() {
            return true;
        }
        // To the microsecond, as records have it.
        time::parse(&event.ts).is_some_and(|ts| {
            let from_here = self
                .since
                .is_none_or(|since| time::microseconds(since) <= ts);
            from_here
                && self
                    .until
                    .is_none_or(|until| ts < time::microseconds(until))
        })
    }
}
