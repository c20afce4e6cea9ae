use std::time::{Instant, SystemTime};

/// Where a [`Recorder`](crate::Recorder) takes the time from: the system's clocks,
/// unless a test or a simulation puts its own in.
///
/// ```
/// use std::sync::Arc;
/// use std::time::{Duration, Instant, SystemTime};
/// use audit_sink::{Clock, MemorySink, Recorder, schema::Outcome};
///
/// /// Stands still.
/// #[derive(Debug)]
/// struct Noon(Instant);
///
/// impl Clock for Noon {
///     fn wall(&self) -> SystemTime {
///         SystemTime::UNIX_EPOCH + Duration::from_secs(12 * 3600)
///     }
///     fn monotonic(&self) -> Instant {
///         self.0
///     }
/// }
///
/// let memory = MemorySink::new();
/// let recorder = Recorder::new(memory.clone()).with_clock(Noon(Instant::now()));
/// recorder.start("echo").finish(Outcome::Success);
///
/// let event = &memory.recent(1)[0];
/// assert_eq!(event.ts, "1970-01-01T12:00:00.000000Z");
/// assert_eq!(event.duration_ms, 0);
/// ```
pub trait Clock: Send + Sync {
    /// The time of day, which may step back: [`ts`](audit_schema::CallEvent::ts)
    /// is this, at the call's start.
    fn wall(&self) -> SystemTime;

    /// A time that never steps back, to measure how long calls take.
    fn monotonic(&self) -> Instant;
}

/// The system's clocks.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn wall(&self) -> SystemTime {
        SystemTime::now()
    }

    fn monotonic(&self) -> Instant {
        Instant::now()
    }
}
