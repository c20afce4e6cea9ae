use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Instant, SystemTime};

use audit_schema::{CallEvent, Outcome};

use crate::held::catching;
use crate::{AuditSink, Call, Clock, Ulids, time};

/// Makes the record of each call, and sees to it that there is exactly one: a sink,
/// with what is the same for many calls.
///
/// A runtime puts [`start`](Self::start) before it looks at a call and
/// [`finish`](Call::finish) where it knows how it ended. In between it may return
/// early, panic, or be cancelled: the [`Call`] records that when it is dropped.
///
/// Cheap to clone; clones share sink, clock and call ids. So each session has a
/// recorder of its own, that knows its caller.
///
/// Only what ends without dropping its values leaves no record: `abort`, `kill -9`,
/// `exit` while the call runs, `mem::forget`; and one that
/// [`finish_with`](Call::finish_with) gives to a closure that doesn't record it.
///
/// ```
/// use audit_sink::{MemorySink, Recorder, schema::Outcome};
///
/// let memory = MemorySink::new();
/// let recorder = Recorder::new(memory.clone()).with_tier("hot");
///
/// let session = recorder.clone().with_caller_id(Some("claude-desktop 1.4".into()));
/// let mut call = session.start("files:read");
/// call.set_granted_capabilities(vec!["fs.read".into()]);
/// call.finish(Outcome::Success);
///
/// // One that nobody finishes is recorded as well.
/// drop(session.start("files:list"));
///
/// let [last, first] = &memory.recent(10)[..] else { panic!("two calls") };
/// assert_eq!(first.caller_id.as_deref(), Some("claude-desktop 1.4"));
/// let unfinished = Outcome::ExecutionFailed { code: "unfinished".into(), retryable: false };
/// assert_eq!(last.outcome, unfinished);
/// ```
#[derive(Clone)]
pub struct Recorder {
    inner: Arc<Inner>,
}

/// What calls need of their recorder, too.
#[derive(Clone)]
pub(crate) struct Inner {
    sink: Arc<dyn AuditSink>,
    caller_id: Option<String>,
    tier: String,
    ids: Ids,
    /// `None` is the system's.
    clock: Option<Arc<dyn Clock>>,
    sink_panics: Arc<AtomicU64>,
}

#[derive(Clone)]
enum Ids {
    Ulids(Arc<Ulids>),
    Own(Arc<dyn Fn() -> String + Send + Sync>),
}

impl Recorder {
    /// A recorder to that sink: no caller, the tier `"default"`, [`Ulids`] as call
    /// ids, the system's clocks.
    #[must_use]
    pub fn new(sink: impl AuditSink + 'static) -> Self {
        Self::with_sink(Arc::new(sink))
    }

    /// As [`new`](Self::new), to a sink that is shared already.
    #[must_use]
    pub fn with_sink(sink: Arc<dyn AuditSink>) -> Self {
        Self {
            inner: Arc::new(Inner {
                sink,
                caller_id: None,
                tier: "default".into(),
                ids: Ids::Ulids(Arc::default()),
                clock: None,
                sink_panics: Arc::default(),
            }),
        }
    }

    /// Who calls, unless a call says otherwise:
    /// [`CallEvent::caller_id`].
    #[must_use]
    pub fn with_caller_id(mut self, caller_id: Option<String>) -> Self {
        Arc::make_mut(&mut self.inner).caller_id = caller_id;
        self
    }

    /// The tier of tools, unless a call says otherwise: [`CallEvent::tier`].
    #[must_use]
    pub fn with_tier(mut self, tier: impl Into<String>) -> Self {
        Arc::make_mut(&mut self.inner).tier = tier.into();
        self
    }

    /// Where call ids come from. They should be unique; by default they are
    /// [`Ulids`].
    #[must_use]
    pub fn with_call_ids(mut self, next: impl Fn() -> String + Send + Sync + 'static) -> Self {
        Arc::make_mut(&mut self.inner).ids = Ids::Own(Arc::new(next));
        self
    }

    /// Where the time comes from.
    #[must_use]
    pub fn with_clock(mut self, clock: impl Clock + 'static) -> Self {
        Arc::make_mut(&mut self.inner).clock = Some(Arc::new(clock));
        self
    }

    /// Begins a call. It should be the first thing that is done about it, so that
    /// its duration is all of it.
    ///
    /// # Panics
    ///
    /// When a clock or a source of call ids of your own does: no call has begun then,
    /// and none is recorded.
    pub fn start(&self, tool_id: impl Into<String>) -> Call {
        let inner = &self.inner;
        let wall = inner.wall();
        let call_id = match &inner.ids {
            Ids::Ulids(ulids) => ulids.generate_at(wall),
            Ids::Own(next) => next(),
        };
        let event = CallEvent::new(
            time::rfc3339(wall),
            call_id,
            tool_id,
            0,
            // Replaced at the end, whatever that is.
            Outcome::Success,
            inner.tier.as_str(),
        )
        .with_caller_id(inner.caller_id.clone());
        Call::new(Arc::clone(inner), event)
    }

    /// The sink that calls are recorded in.
    #[must_use]
    pub fn sink(&self) -> &Arc<dyn AuditSink> {
        &self.inner.sink
    }

    /// How often the sink has panicked when it was handed a call, against its
    /// contract. The calls are not known to be recorded. Over all clones.
    #[must_use]
    pub fn sink_panics(&self) -> u64 {
        self.inner.sink_panics.load(Ordering::Relaxed)
    }
}

impl Inner {
    fn wall(&self) -> SystemTime {
        match &self.clock {
            None => SystemTime::now(),
            Some(clock) => clock.wall(),
        }
    }

    pub(crate) fn monotonic(&self) -> Instant {
        match &self.clock {
            None => Instant::now(),
            Some(clock) => clock.monotonic(),
        }
    }

    /// Never panics: it is called while a thread unwinds.
    pub(crate) fn record(&self, event: &CallEvent) {
        if catching(|| self.sink.on_call(event)).is_none() {
            self.sink_panics.fetch_add(1, Ordering::Relaxed);
        }
    }
}

/// Prints the tier; who calls is for the record alone, where it may be redacted.
impl fmt::Debug for Recorder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Recorder")
            .field("tier", &self.inner.tier)
            .finish_non_exhaustive()
    }
}
